/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VG_(memset) and VG_(memcpy) in larger pieces than the core's (coregrind/m_libcbase.c, 3.19 to 3.27: four bytes, and
   single ones if they are not aligned). The linker leads all calls from other files here (--wrap): most
   are the core's, and each free by the program is one (pm_allocator.c).

   VG_(arena_free) fills with JUNK what it frees, to catch who reads it later (coregrind/m_mallocfree.c), and
   unmaps it then if it is large; some of it was never touched before. No one else fills with it. That
   is left out, but for --sanity-level=2. */
#include "pub_tool_basics.h"

#include "base/pm_bytes.h"
#include "tool/core/pm_core.h"

extern void *__wrap_vgPlain_memset(void *to, Int value, SizeT bytes);
extern void *__wrap_vgPlain_memcpy(void *to, const void *from, SizeT bytes);

enum { JUNK = 0xdd };

void *__wrap_vgPlain_memset(void *to, Int value, SizeT bytes)
{
    if (value != JUNK || VG_(clo_sanity_level) > 1)
        pm_bytes_fill(to, (u8)value, bytes);
    return to;
}

void *__wrap_vgPlain_memcpy(void *to, const void *from, SizeT bytes)
{
    pm_bytes_copy(to, from, bytes);
    return to;
}
