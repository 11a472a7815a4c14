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
#include "tool/leaks/pm_leak_report.h"
#include "tool/pm_report.h"
#include "tool/pm_run.h"

enum { MAX_PATH_BYTES = 4096 };

static struct pm_run *the_run;

static void before_fork(ThreadId tid)
{
    pm_roots_forks(&the_run->roots, &the_run->python, tid);
}

static void in_fork_child(ThreadId tid)
{
    the_run->forked = true;
    the_run->fork_serial = the_run->serial;
    pm_roots_forked(&the_run->roots);
    pm_leak_report_forked(the_run);
    pm_python_forked(&the_run->python, tid);
}

/* Whether execve of path can be expected to succeed. */
static bool is_program(struct pm_run *run, u64 path_address)
{
    char path[MAX_PATH_BYTES];
    struct vg_stat status;

    return pm_reader_read_text(&run->reader, path_address, path, sizeof path)
        && !sr_isError(VG_(stat)(path, &status)) && VKI_S_ISREG(status.mode)
        && (status.mode & (VKI_S_IXUSR | VKI_S_IXGRP | VKI_S_IXOTH)) != 0;
}

static void before_syscall(ThreadId tid, UInt number, UWord *args, UInt count)
{
    struct pm_run *run = the_run;

    (void)tid;
    (void)count;
    switch (number) {
    case __NR_execve:
        if (!run->forked && is_program(run, args[0]))
            pm_report_write(run, PM_END_EXEC, 0);
        break;
    case __NR_exit_group:
        run->exiting = true;
        run->exit_status = (int)(args[0] & 0xff);
        break;
    default:
        break;
    }
}

static void after_syscall(ThreadId tid, UInt number, UWord *args, UInt count, SysRes result)
{
    (void)tid;
    (void)args;
    (void)count;
    if (number == __NR_execve && sr_isError(result) && !the_run->forked
            && is_program(the_run, args[0]))
        VG_(umsg)("pymemcheck: the exec failed and the program goes on;"
                  " a whole report follows at its end.\n");
}

void pm_process_register(struct pm_run *run)
{
    the_run = run;
    VG_(atfork)(before_fork, NULL, in_fork_child);
    VG_(needs_syscall_wrapper)(before_syscall, after_syscall);
}
