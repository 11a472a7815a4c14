/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core calls the tool's fini at exit, after os._exit and after a fatal
   signal, but not before exec: so the report is written when the execve
   system call is about to be made and its file is there. A fork child that
   goes straight on to exec (subprocess, os.system) is only a stepping stone and
   reports nothing. */
#include "pub_tool_basics.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_tooliface.h"
#include "pub_tool_vki.h"
#include "pub_tool_vkiscnums.h"

#include "tool/pm_process.h"

#include "base/pm_platform.h"
#include "tool/pm_executable.h"
#include "tool/pm_memory_limit.h"
#include "tool/pm_output.h"
#include "tool/pm_run.h"

enum { MAX_PATH_BYTES = 4096, MAX_FILE_SEGMENTS = 4096 };
enum { MOST_STATIC_BIRTHS = 500, PROC_TEXT_BYTES = 1024 };

static struct pm_run *the_run;

static void in_fork_child(ThreadId tid)
{
    the_run->forked = true;
    /* A block that an object uses again has the newest number: the next one is the child's. */
    the_run->fork_serial = the_run->serial++;
    pm_python_forked(&the_run->python, tid);
}

/* Whether execve of path can be expected to succeed. */
static bool is_program(struct pm_run *run, u64 path_address)
{
    char path[MAX_PATH_BYTES];

    return pm_reader_read_text(&run->reader, path_address, path, sizeof path)
        && pm_executable_error(path) == 0;
}

void pm_process_exec_begins(struct pm_run *run, char *profile)
{
    VG_(free)(run->exec_profile);
    run->exec_profile = profile;
}

static void exec_failed(struct pm_run *run)
{
    if (pm_options_trace_children())
        VG_(unlink)(run->exec_profile);
    VG_(free)(run->exec_profile);
    run->exec_profile = NULL;
    VG_(umsg)("pymemcheck: the exec failed and the program goes on;"
              " a whole report follows at its end.\n");
}

static void before_syscall(ThreadId tid, UInt number, UWord *args, UInt count)
{
    struct pm_run *run = the_run;

    (void)tid;
    (void)count;
    switch (number) {
    case __NR_execve:
        if (!run->forked && is_program(run, args[0]))
            pm_output_write(run, PM_END_EXEC, 0);
        break;
    case __NR_exit_group:
        run->exiting = true;
        run->exit_status = (int)(args[0] & 0xff);
        break;
    default:
        break;
    }
}

/* Calls after which a page of a mapping that stays can be gone: behind the end of a file or of shared memory, or
   a guard page. The core tells tools of none. */
static bool changes_what_is_readable(UInt number)
{
    return number == __NR_madvise || number == __NR_ftruncate || number == __NR_truncate
        || number == __NR_fallocate;
}

static void after_syscall(ThreadId tid, UInt number, UWord *args, UInt count, SysRes result)
{
    (void)tid;
    (void)args;
    (void)count;
    if (changes_what_is_readable(number))
        pm_reader_forget(&the_run->reader);
    if (number == __NR_setrlimit || number == __NR_prlimit64)
        pm_memory_limit_note(the_run);
    if (number == __NR_execve && sr_isError(result) && the_run->exec_profile != NULL)
        exec_failed(the_run);
}

void pm_process_register(struct pm_run *run)
{
    the_run = run;
    VG_(atfork)(NULL, NULL, in_fork_child);
    VG_(needs_syscall_wrapper)(before_syscall, after_syscall);
}

/* The text of a small file in /proc; false if it cannot be read. */
static bool read_proc_file(const char *path, HChar text[PROC_TEXT_BYTES])
{
    const Int fd = VG_(fd_open)(path, VKI_O_RDONLY, 0);
    Int length = 0;

    if (fd >= 0) {
        length = VG_(read)(fd, text, PROC_TEXT_BYTES - 1);
        VG_(close)(fd);
    }
    text[length > 0 ? length : 0] = '\0';
    return length > 0;
}

/* In hundredths of a second after the system began (man proc, /proc/pid/stat, field 22). The
   second field is in parentheses, and may have some of its own. */
static u64 start_ticks(const HChar *stat)
{
    enum { FIELDS_BETWEEN = 20 };
    const HChar *at = VG_(strrchr)(stat, ')');

    for (int i = 0; at != NULL && i < FIELDS_BETWEEN; i++)
        at = VG_(strchr)(at + 1, ' ');
    return at == NULL ? 0 : (u64)VG_(strtoll10)(at + 1, NULL);
}

u64 pm_process_start_seconds(void)
{
    enum { TICKS_IN_SECOND = 100, ROUNDING_SECONDS = 2 };
    HChar stat[PROC_TEXT_BYTES], uptime[PROC_TEXT_BYTES];
    struct vki_timeval now;

    if (!read_proc_file("/proc/self/stat", stat) || !read_proc_file("/proc/uptime", uptime)
            || VG_(gettimeofday)(&now, NULL) != 0)
        return 0;
    const u64 age = (u64)VG_(strtoll10)(uptime, NULL) - start_ticks(stat) / TICKS_IN_SECOND;
    return (u64)now.tv_sec - age - ROUNDING_SECONDS;
}

static bool is_shell(const char *path)
{
    static const char *const shells[] = {
        "sh", "bash", "dash", "zsh", "ksh", "mksh", "busybox", "env", "fish", "csh", "tcsh",
    };
    const HChar *name = VG_(basename)(path);

    for (size_t i = 0; i < PM_ARRAY_LENGTH(shells); i++)
        if (pm_text_equal(name, shells[i]))
            return true;
    return false;
}

/* The ELF file that runs; for a script, its interpreter. NULL if unknown. The
   core maps it, at its own address or at 0x108000 (m_ume/elf.c), below all that
   is mapped later. */
static const char *program_path(void)
{
    Addr starts[MAX_FILE_SEGMENTS];
    Int count = VG_(am_get_segment_starts)(SkFileC, starts, MAX_FILE_SEGMENTS);

    return count > 0 ? VG_(am_get_filename)(VG_(am_find_nsegment)(starts[0])) : NULL;
}

const char *pm_process_hint(const struct pm_run *run)
{
    /* Thousands while the interpreter starts, if small objects, all or the first, are in no block of malloc's;
       fewer than a hundred otherwise, as in a build without an allocator of its own. */
    if (run->may_hide_objects && run->births_in_no_block > MOST_STATIC_BIRTHS)
        return "small objects are not all seen, since -X dev was given together with -E or -I: leave out one of these";
    const char *path = run->python.state == PM_PYTHON_NONE ? program_path() : NULL;
    if (path == NULL || !is_shell(path) || pm_options_trace_children())
        return NULL;
    return "a shell was run, not Python: use --trace-children=yes, or name the real interpreter"
           " (for pyenv: `pyenv which python`)";
}
