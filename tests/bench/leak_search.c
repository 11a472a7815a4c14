/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times the leak search outside the tool, on a heap of blocks of random sizes
   (16 to 184 bytes, 100 on average) that point to each other at random. Prints what the search
   found, and the best of five CPU times. tests/bench/leaks builds and runs this program.

       leak_search BLOCKS PERCENT

   PERCENT of all words are pointers to a block, the others are small numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "heap/pm_leaks.h"
#include "pm_random.h"

static const u8 *same_address(void *context, u64 address)
{
    (void)context;
    return (const u8 *)address;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    u32 count = argc > 1 ? (u32)atol(argv[1]) : 1000000;
    u64 percent = argc > 2 ? (u64)atol(argv[2]) : 30, used = 0, kinds[4] = { 0 };
    struct pm_random random = pm_random_start();
    struct pm_leak_block *blocks = calloc(count, sizeof *blocks);
    u8 *heap = aligned_alloc(4096, ((u64)count * 208 + 8192) & ~(u64)4095);
    u64 *data = calloc(1000, sizeof *data);
    struct pm_leak_root root = { .kind = PM_LEAK_ROOT_DATA, .start = (u64)data, .bytes = 8000 };
    struct pm_reader *reader = malloc(sizeof *reader);
    struct pm_leaks leaks;
    double best = 1e9;

    for (u32 i = 0; i < count; i++) {
        u64 bytes = 16 + 8 * pm_random_below(&random, 22);
        blocks[i].address = (u64)heap + used;
        blocks[i].bytes = bytes;
        blocks[i].flags = PM_LEAK_OBJECT;
        /* As Valgrind's allocator places blocks: multiples of 16 bytes, with 16 bytes between. */
        used += (bytes + 16 + 15) / 16 * 16;
    }
    for (u32 i = 0; i < count; i++)
        for (u64 k = 0; k < blocks[i].bytes; k += 8)
            *(u64 *)(blocks[i].address + k) = pm_random_below(&random, 100) < percent
                ? blocks[pm_random_below(&random, count)].address
                : pm_random_below(&random, 1000);
    for (u32 i = 0; i < 100; i++)
        data[i] = blocks[pm_random_below(&random, count)].address;
    for (int i = 0; i < 5; i++) {
        double start = now(), took;
        pm_reader_init(reader, same_address, NULL);
        pm_leaks_init(&leaks, reader);
        leaks.blocks = blocks;
        leaks.block_count = count;
        leaks.roots = &root;
        leaks.root_count = 1;
        pm_leaks_search(&leaks);
        took = now() - start;
        best = took < best ? took : best;
        pm_leaks_release(&leaks);
    }
    for (u32 i = 0; i < count; i++)
        kinds[blocks[i].kind]++;
    printf("%u blocks, %.1f MB, %llu%% pointers: reachable %llu, indirectly lost %llu, definitely %llu; "
           "%.0f ms, %.2f ns a word, %.0f ns a block\n",
           count, (double)leaks.scanned_bytes / 1e6, (unsigned long long)percent,
           (unsigned long long)kinds[PM_LEAK_REACHABLE], (unsigned long long)kinds[PM_LEAK_INDIRECT],
           (unsigned long long)kinds[PM_LEAK_DEFINITE], best * 1e3,
           best * 1e9 / ((double)leaks.scanned_bytes / 8), best * 1e9 / count);
    return 0;
}
