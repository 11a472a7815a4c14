/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays of a class with a destructor: their pointer is behind the count. The pointer to an
   empty array is past the end of the block.
   Expected: definitely 32:2, possibly 56:1 */
#include "native.h"

struct Item {
    long a, b;
    Item() : a(1), b(2) {}
    ~Item() { a = 0; }
};
static Item *kept, *none_left;

static NOINLINE void run()
{
    kept = new Item[3];
    new Item[1];
    none_left = new Item[0];
}

RUN_AND_SCRUB
