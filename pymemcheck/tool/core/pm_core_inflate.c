/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compressed sections, by the libraries that the core contains for its own reading of them. */
#include "tool/core/pm_core_symbols.h"

#include "tool/core/pm_core.h"

bool pm_core_inflate(void *to, u64 to_bytes, const void *from, u64 from_bytes)
{
#if PM_CORE_LINES
    /* Of coregrind/m_debuginfo/tinfl.c. */
    enum { PARSE_ZLIB_HEADER = 1, USING_NON_WRAPPING_OUTPUT_BUF = 4 };

    return tinfl_decompress_mem_to_mem(to, to_bytes, from, from_bytes,
                                       PARSE_ZLIB_HEADER | USING_NON_WRAPPING_OUTPUT_BUF)
        == to_bytes;
#else
    (void)to;
    (void)to_bytes;
    (void)from;
    (void)from_bytes;
    return false;
#endif
}

bool pm_core_inflate_zstd(void *to, u64 to_bytes, const void *from, u64 from_bytes)
{
#if PM_CORE_ZSTD
    return ZSTD_decompress(to, to_bytes, from, from_bytes) == to_bytes;
#else
    (void)to;
    (void)to_bytes;
    (void)from;
    (void)from_bytes;
    return false;
#endif
}
