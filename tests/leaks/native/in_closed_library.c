/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A variable of a library that was closed again holds nothing.
   Expected: definitely 96:1 */
#include "native.h"

#include <dlfcn.h>

static NOINLINE void run(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW);
    void (*hold)(void *);

    if (library == NULL)
        abort();
    hold = (void (*)(void *))dlsym(library, "hold");
    hold(make(96));
    dlclose(library);
}

RUN_AND_SCRUB
