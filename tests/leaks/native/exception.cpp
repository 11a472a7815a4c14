/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program exits while it handles an exception.
   Expected: possibly ? */
#include "native.h"

#include <cstdlib>

struct Trouble {
    long *numbers;
};

static NOINLINE void run()
{
    try {
        throw Trouble{ new long[6]() };
    } catch (Trouble &trouble) {
        scrub();
        std::exit(trouble.numbers == nullptr);
    }
}

RUN_AND_SCRUB
