/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A heap for tests/bench/leaks: BLOCKS blocks of 16 to 184 bytes, 100 on average. 30 % of
   their words point to one of the blocks, the others are small numbers. A static array holds
   a hundred of the blocks.

       leak_heap BLOCKS */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t *held[100];

/* A linear congruential generator (Knuth's MMIX); it leaves out the low bits. */
static uint64_t below(uint64_t *state, uint64_t end)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (*state >> 33) % end;
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000, state = 1, bytes = 0;
    uint64_t **blocks = malloc(count * sizeof *blocks);
    unsigned char *words = malloc(count);

    if (blocks == NULL || words == NULL || count == 0)
        return 1;
    for (uint64_t i = 0; i < count; i++) {
        words[i] = (unsigned char)(2 + below(&state, 22));
        blocks[i] = malloc(words[i] * sizeof **blocks);
        bytes += words[i] * sizeof **blocks;
    }
    for (uint64_t i = 0; i < count; i++)
        for (unsigned k = 0; k < words[i]; k++)
            blocks[i][k] = below(&state, 100) < 30 ? (uint64_t)blocks[below(&state, count)]
                                                   : below(&state, 1000);
    for (int i = 0; i < 100; i++)
        held[i] = blocks[below(&state, count)];
    free(words);
    free(blocks);
    printf("%llu blocks, %llu bytes\n", (unsigned long long)count, (unsigned long long)bytes);
    return 0;
}
