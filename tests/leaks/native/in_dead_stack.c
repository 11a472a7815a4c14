/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pointers in frames that have returned hold nothing, even when nothing
   overwrote them.
   Expected: definitely 78:1 */
#include "native.h"

static NOINLINE void deep(void)
{
    void *volatile block[8000];

    for (size_t i = 0; i < 8000; i++)
        block[i] = NULL;
    block[4000] = make(78);
    if (block[3999] != NULL)
        abort();
}

int main(void)
{
    deep();
    return 0;
}
