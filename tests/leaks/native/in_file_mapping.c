/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mapped file holds a block; the mapping goes on behind the file's end,
   where it cannot be read. A mapping that is gone holds nothing.
   Expected: definitely 93:1, reachable 92:1 */
#include "native.h"

#include <sys/mman.h>
#include <unistd.h>

static void **map(FILE *file, size_t bytes)
{
    return (void **)mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(file), 0);
}

static NOINLINE void run(void)
{
    FILE *file = tmpfile();
    void **gone;

    if (file == NULL || ftruncate(fileno(file), 4096) != 0)
        abort();
    map(file, 3 * 4096)[8] = make(92);
    gone = map(file, 4096);
    gone[8] = make(93);
    munmap(gone, 4096);
    fclose(file);
}

RUN_AND_SCRUB
