/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pointer with a bit set in it points to the inside.
   Expected: possibly 34:1 */
#include "native.h"

uintptr_t kept;

static NOINLINE void run(void)
{
    kept = (uintptr_t)make(34) | 1;
}

RUN_AND_SCRUB
