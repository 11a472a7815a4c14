/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address space that is kept for the tool. The core ends the process when the system gives it no more
   (VG_(out_of_memory_NORETURN), coregrind/m_mallocfree.c, 3.19 to 3.27). Its allocator asks
   VG_(am_mmap_anon_float_valgrind) for all memory that is not the program's; the linker leads these
   calls here (--wrap). */
#include "tool/core/pm_core_symbols.h"

#include "tool/core/pm_core.h"

#if PM_CORE_RESERVE

static struct {
    Addr start;
    SizeT bytes;                /* 0: there is none */
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
        vgPlain_am_munmap_valgrind(reserve.start, reserve.bytes);
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

#else

bool pm_core_reserve_take(u64 bytes)
{
    (void)bytes;
    return false;
}

void pm_core_reserve_let_go(void)
{
}

#endif
