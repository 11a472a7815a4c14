/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Six threads that allocate, reallocate and pass blocks to each other. The
   totals do not depend on how they interleave. */
#include <pthread.h>
#include <stdlib.h>

#define THREADS 6
#define ROUNDS 400

static void *handed[THREADS][ROUNDS];

static void *work(void *argument)
{
    void **mine = argument;
    for (int i = 0; i < ROUNDS; i++) {
        mine[i] = malloc(1 + (size_t)i * 3);
        if (i % 3 == 0)
            mine[i] = realloc(mine[i], 2 + (size_t)i * 5);
        if (i % 5 == 0) {
            free(mine[i]);
            mine[i] = calloc(3, 1 + (size_t)i);
        }
    }
    return NULL;
}

static void *release(void *argument)
{
    void **other = argument;
    for (int i = 0; i < ROUNDS; i++)
        if (i % 7 != 0)
            free(other[i]);
    return NULL;
}

static void run(void *(*body)(void *), int shift)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, body, handed[(i + shift) % THREADS]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    run(work, 0);
    run(release, 1);
    return 0;
}
