/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pointers to the second base class of objects that nothing else points to.
   Expected: possibly 56:2 */
#include "native.h"

struct Left {
    long left;
    Left() : left(1) {}
    virtual ~Left() {}
    virtual long get_left() { return left; }
};
struct Right {
    virtual ~Right() {}
    virtual long get_right() { return 2; }
};
struct Both : Left, Right {
    long both;
    Both() : both(3) {}
    long get_right() override { return both; }
};
/* Its pointer to the second base does not start with a table. */
struct Plain {
    long plain;
};
struct Mixed : Left, Plain {
    long get_left() override { return plain; }
};
static Right *right;
static Plain *plain;

static NOINLINE void run()
{
    right = new Both;
    Mixed *mixed = new Mixed;
    mixed->plain = 4;
    plain = mixed;
}

RUN_AND_SCRUB
