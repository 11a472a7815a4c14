/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pointer that is stored with all bits inverted does not count.
   Expected: definitely 35:1 */
#include "native.h"

uintptr_t kept;

static NOINLINE void run(void)
{
    kept = ~(uintptr_t)make(35);
}

RUN_AND_SCRUB
