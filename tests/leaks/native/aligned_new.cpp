/* SPDX-License-Identifier: GPL-2.0-or-later */
/* new of over-aligned classes.
   Expected: definitely 256:1, reachable 128:1 */
#include "native.h"

struct alignas(64) Line {
    char bytes[128];
};
static Line *kept;

static NOINLINE void run()
{
    kept = new Line();
    new Line[2]();
}

RUN_AND_SCRUB
