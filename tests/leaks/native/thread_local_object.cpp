/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread-local object with a destructor; a static one that lives to the end.
   Expected: reachable 68:2 */
#include "native.h"

struct Holder {
    char *block = nullptr;
    ~Holder() { delete[] block; }
};
static thread_local Holder holder;
static Holder *kept;

static NOINLINE void run()
{
    holder.block = new char[50]();
    kept = new Holder;
    kept->block = new char[60]();
}

RUN_AND_SCRUB
