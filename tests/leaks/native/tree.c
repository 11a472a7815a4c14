/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lost binary tree.
   Expected: definitely 32:1, indirectly 192:6 */
#include "native.h"

struct tree {
    struct tree *left, *right;
    uint64_t value[2];
};

static struct tree *grow(int depth)
{
    struct tree *tree = (struct tree *)make(sizeof *tree);

    if (depth > 1) {
        tree->left = grow(depth - 1);
        tree->right = grow(depth - 1);
    }
    return tree;
}

static NOINLINE void run(void)
{
    grow(3);
}

RUN_AND_SCRUB
