/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_vki.h"

#include "tool/pm_memory_limit.h"

#include "base/pm_reader.h"
#include "tool/core/pm_core.h"
#include "tool/pm_run.h"

/* include/uapi/asm-generic/resource.h; Valgrind's headers do not have it. */
enum { RLIMIT_AS_ON_LINUX = 9 };

enum {
    RESERVE_BYTES = 64 << 20,
    HEADROOM_BYTES = 24 << 20,          /* for tables that grow: they are copied into larger ones */
    HEADROOM_BYTES_A_BLOCK = 40,        /* a record, and what is counted of its stack */
    SEARCH_BYTES = 8 << 20,
    SEARCH_BYTES_A_BLOCK = 200,         /* heap/pm_leaks.h, if all are lost, and copies of the records */
};

void pm_memory_limit_note(struct pm_run *run)
{
    struct vki_rlimit limit;

    pm_core_reserve_take(RESERVE_BYTES);
    run->address_space_limit = VG_(getrlimit)(RLIMIT_AS_ON_LINUX, &limit) == 0 && limit.rlim_cur < (1ull << 62)
        ? limit.rlim_cur : 0;
}

/* How much address space the process can still get. */
static u64 bytes_left(const struct pm_run *run)
{
    const Int fd = VG_(fd_open)("/proc/self/statm", VKI_O_RDONLY, 0);
    HChar text[80];
    Int length = 0;

    if (fd >= 0) {
        length = VG_(read)(fd, text, sizeof text - 1);
        VG_(close)(fd);
    }
    if (length <= 0)
        return ~0ull;
    text[length] = '\0';
    const u64 used = (u64)VG_(strtoll10)(text, NULL) << PM_READER_PAGE_BITS;
    return used < run->address_space_limit ? run->address_space_limit - used : 0;
}

bool pm_memory_limit_allows(const struct pm_run *run, u64 bytes)
{
    return __builtin_expect(run->address_space_limit == 0, 1)
        || bytes_left(run) >= bytes + HEADROOM_BYTES + run->blocks.count * HEADROOM_BYTES_A_BLOCK;
}

bool pm_memory_limit_allows_search(const struct pm_run *run)
{
    pm_core_reserve_let_go();
    if (run->address_space_limit == 0
            || bytes_left(run) >= SEARCH_BYTES + run->blocks.count * SEARCH_BYTES_A_BLOCK)
        return true;
    VG_(umsg)("pymemcheck: warning: leaks are not searched for: the limit of the address space (RLIMIT_AS) leaves too"
              " little memory for %llu blocks.\n", run->blocks.count + 0ull);
    return false;
}

void pm_memory_limit_report_begins(void)
{
    pm_core_reserve_let_go();
}
