/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_clientstate.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_vki.h"
#include "pub_tool_vkiscnums.h"
#include "pub_tool_xarray.h"

#include "tool/pm_children.h"

#include "base/pm_platform.h"
#include "report/pm_utf8.h"
#include "tool/errors/pm_errors.h"
#include "tool/pm_run.h"

/* A pool of workers starts many. */
enum { MOST_SAID = 3 };

static bool is_python(const char *path)
{
    const HChar *name = VG_(basename)(path);

    return VG_(strncmp)(name, "python", 6) == 0;
}

void pm_children_exec(struct pm_run *run, const char *path)
{
    struct pm_buffer shown;

    if (run->forks > MOST_SAID || pm_options_trace_children() || !is_python(path))
        return;
    pm_buffer_init(&shown);
    pm_utf8_add_harmless(&shown, path, pm_length(path));
    VG_(umsg)("hint: this process now runs %s, which is not watched: --trace-children=yes watches it\n", shown.bytes);
    pm_buffer_release(&shown);
}

/* --error-exitcode=, which the core does not show to tools; 0: not given. */
static Long error_exit_code(void)
{
    static const char option[] = "--error-exitcode=";
    Long code = 0;

    for (Word i = 0; i < VG_(sizeXA)(VG_(args_for_valgrind)); i++) {
        const HChar *arg = *(HChar **)VG_(indexXA)(VG_(args_for_valgrind), i);
        if (VG_(strncmp)(arg, option, sizeof option - 1) == 0)
            code = VG_(strtoll10)(arg + sizeof option - 1, NULL);
    }
    return code;
}

/* The code with which a child exited, by what the kernel stored for wait4 and waitid; -1: none exited. */
static int exit_code_of_child(struct pm_run *run, u32 number, const u64 *args)
{
    enum { INFO_CODE = 8, INFO_STATUS = 24, EXITED = 1 };   /* siginfo_t, <asm-generic/siginfo.h>: CLD_EXITED */
    u32 status, code;

    if (number == __NR_wait4)
        return args[1] != 0 && pm_reader_read_u32(&run->reader, args[1], &status) && (status & 0x7f) == 0
            ? (int)(status >> 8 & 0xff) : -1;
    return args[2] != 0 && pm_reader_read_u32(&run->reader, args[2] + INFO_CODE, &code) && code == EXITED
            && pm_reader_read_u32(&run->reader, args[2] + INFO_STATUS, &status)
        ? (int)(status & 0xff) : -1;
}

void pm_children_after_wait(struct pm_run *run, u32 number, const u64 *args, u64 result)
{
    enum { WAIT_KEEPS = 0x01000000 };       /* WNOWAIT, <linux/wait.h>: the child is waited for again */

    if (!run->options.child_errors || (number != __NR_wait4 && number != __NR_waitid)
            || (number == __NR_wait4 && result == 0) || (number == __NR_waitid && (args[3] & WAIT_KEEPS) != 0))
        return;
    pm_reader_forget(&run->reader);
    const int code = exit_code_of_child(run, number, args);
    if (code <= 0 || code != (error_exit_code() & 0xff))
        return;
    VG_(umsg)("A child process ended with the code of --error-exitcode: that counts as an error (--child-errors=yes)\n");
    pm_errors_count_child(run);
}
