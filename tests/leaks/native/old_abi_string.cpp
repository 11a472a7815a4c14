/* SPDX-License-Identifier: GPL-2.0-or-later */
/* std::string in the layout before C++11, kept by its first character.
   Expected: definitely 8:1, indirectly 84:1, possibly 79:1, reachable 8:1 */
#define _GLIBCXX_USE_CXX11_ABI 0
#include "native.h"

#include <string>

static std::string *kept;

static NOINLINE void run()
{
    kept = new std::string("a string that is long enough to need memory of its own");
    new std::string("and another one, longer than any small buffer, that is lost");
}

RUN_AND_SCRUB
