/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A full vector has pointers to the end of its memory. They are no pointers to the block that comes next.
   Expected: definitely 320:10, reachable ? */
#include "native.h"

#include <vector>

static std::vector<std::vector<long>> *kept;

static NOINLINE void run()
{
    kept = new std::vector<std::vector<long>>;
    kept->reserve(10);
    for (long i = 0; i < 10; i++) {
        kept->emplace_back(4, i);       /* 32 bytes */
        ::operator new(32);             /* lost */
    }
}

RUN_AND_SCRUB
