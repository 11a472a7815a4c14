/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocates through argv[1] functions with the name of CPython's debug hook, each of which would add its padding. */
#include <stdlib.h>

static __attribute__((noinline)) void *_PyMem_DebugRawAlloc(int hooks, size_t bytes)
{
    void *volatile block = hooks > 1 ? _PyMem_DebugRawAlloc(hooks - 1, bytes) : malloc(bytes);
    return block;
}

static __attribute__((noinline)) void *work(int hooks)
{
    void *volatile block = _PyMem_DebugRawAlloc(hooks, 1000);
    return block;
}

int main(int argc, char **argv)
{
    for (int i = 0; argc > 1 && i < 100; i++)
        free(work(atoi(argv[1])));
    return 3;
}
