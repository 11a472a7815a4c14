/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two objects hold each other by shared_ptr.
   Expected: definitely 56:1, indirectly 56:1 */
#include "native.h"

#include <memory>

struct Node {
    std::shared_ptr<Node> other;
    long value[3] = { 1, 2, 3 };
};

static NOINLINE void run()
{
    auto a = std::make_shared<Node>(), b = std::make_shared<Node>();

    a->other = b;
    b->other = a;
}

RUN_AND_SCRUB
