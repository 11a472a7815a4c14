/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pointer to a virtual base class.
   Expected: possibly 32:1 */
#include "native.h"

struct Base {
    long base;
    Base() : base(1) {}
    virtual ~Base() {}
    virtual long get() { return base; }
};
struct Derived : virtual Base {
    long derived;
    Derived() : derived(2) {}
    virtual long other() { return derived; }
};
static Base *kept;

static NOINLINE void run()
{
    kept = new Derived;
}

RUN_AND_SCRUB
