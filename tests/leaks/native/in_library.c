/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A variable of a library that was opened while the program ran holds a block.
   Expected: reachable ? */
#include "native.h"

#include <dlfcn.h>

static NOINLINE void run(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW);
    void (*hold)(void *);

    if (library == NULL)
        abort();
    hold = (void (*)(void *))dlsym(library, "hold");
    hold(make(95));
}

RUN_AND_SCRUB
