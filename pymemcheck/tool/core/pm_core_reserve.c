/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core's allocator asks VG_(am_mmap_anon_float_valgrind) for all memory that is not the program's. The linker leads its
   calls from other files here (--wrap). */
#include "pub_tool_basics.h"

#include "tool/core/pm_core_reserve.h"

extern SysRes VG_(am_mmap_anon_float_valgrind)(SizeT bytes);
extern SysRes VG_(am_munmap_valgrind)(Addr start, SizeT bytes);
extern SysRes __real_vgPlain_am_mmap_anon_float_valgrind(SizeT bytes);
extern SysRes __wrap_vgPlain_am_mmap_anon_float_valgrind(SizeT bytes);

static struct {
    Addr start;
    SizeT bytes;    /* 0: there is none */
} reserve;

bool pm_core_reserve_take(u64 bytes)
{
    if (reserve.bytes > 0)
        return true;
    const SysRes mapped = __real_vgPlain_am_mmap_anon_float_valgrind(bytes);
    if (sr_isError(mapped))
        return false;
    reserve.start = sr_Res(mapped);
    reserve.bytes = bytes;
    return true;
}

void pm_core_reserve_let_go(void)
{
    if (reserve.bytes > 0)
        VG_(am_munmap_valgrind)(reserve.start, reserve.bytes);
    reserve.bytes = 0;
}

SysRes __wrap_vgPlain_am_mmap_anon_float_valgrind(SizeT bytes)
{
    const SysRes mapped = __real_vgPlain_am_mmap_anon_float_valgrind(bytes);

    if (!sr_isError(mapped) || reserve.bytes == 0)
        return mapped;
    pm_core_reserve_let_go();
    return __real_vgPlain_am_mmap_anon_float_valgrind(bytes);
}
