/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers of the standard library that are kept, and one that is lost.
   Expected: definitely 24:1, indirectly 120:5, reachable ? */
#include "native.h"

#include <list>
#include <map>
#include <vector>

static std::vector<long> *numbers;
static std::map<long, std::vector<long>> *table;

static NOINLINE void run()
{
    numbers = new std::vector<long>(100, 1);
    table = new std::map<long, std::vector<long>>;
    for (long i = 0; i < 20; i++)
        (*table)[i].assign(10, i);
    std::list<long> *lost = new std::list<long>;
    for (long i = 0; i < 5; i++)
        lost->push_back(i);
}

RUN_AND_SCRUB
