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
#include "pub_tool_tooliface.h"
#include "pub_tool_vki.h"
#include "pub_tool_vkiscnums.h"

#include "tool/pm_process.h"

#include "base/pm_platform.h"
#include "tool/pm_children.h"
#include "tool/pm_executable.h"
#include "tool/pm_memory_limit.h"
#include "tool/leaks/pm_leak_report.h"
#include "tool/pm_report.h"
#include "tool/pm_run.h"
#include "tool/requests/pm_client_requests.h"

enum { MAX_PATH_BYTES = 4096 };

static struct pm_run *the_run;

static void before_fork(ThreadId tid)
{
    the_run->forks++;
    pm_roots_forks(&the_run->roots, &the_run->python, tid);
    pm_event_log_forks(&the_run->log);
}

static void in_fork_child(ThreadId tid)
{
    the_run->forked = true;
    the_run->threads_alive = 1;
    the_run->output.wrote_snapshot = false;     /* that file is the parent's */
    the_run->timeline.write_again_ms = 0;
    the_run->fork_serial = the_run->serial;
    /* A reused block gets the newest number, which must be the child's. */
    the_run->serial += the_run->serial < PM_BLOCK_MAX_SERIAL;
    pm_roots_forked(&the_run->roots);
    pm_leak_report_forked(the_run);
    pm_errors_forked(the_run);
    pm_python_forked(&the_run->python, tid);
    pm_client_requests_forked(the_run, tid);
    pm_event_log_forked(&the_run->log);
}

/* Nothing happens if execve of the path cannot be expected to succeed. */
static void before_exec(struct pm_run *run, u64 path_address)
{
    char path[MAX_PATH_BYTES];

    if (!pm_reader_read_text(&run->reader, path_address, path, sizeof path) || pm_executable_error(path) != 0)
        return;
    if (run->forked) {
        pm_children_exec(run, path);
        pm_output_remove_snapshots(run);
    } else {
        pm_report_write(run, PM_END_EXEC, 0);
    }
    pm_event_log_before_exec(&run->log);
}

static void exec_failed(struct pm_run *run)
{
    if (pm_output_exec_failed(run))
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
        before_exec(run, args[0]);
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
    (void)count;
    if (!sr_isError(result))
        pm_children_after_wait(the_run, number, args, sr_Res(result));
    if (changes_what_is_readable(number))
        pm_reader_forget(&the_run->reader);
    if (number == __NR_setrlimit || number == __NR_prlimit64)
        pm_memory_limit_note(the_run);
    if (number == __NR_execve && sr_isError(result)) {
        exec_failed(the_run);
        pm_event_log_exec_failed(&the_run->log);
    }
}

void pm_process_register(struct pm_run *run)
{
    the_run = run;
    VG_(atfork)(before_fork, NULL, in_fork_child);
    VG_(needs_syscall_wrapper)(before_syscall, after_syscall);
}
