/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocators of the program's own, told of by Valgrind's client requests. As a program, argv[1] says what happens; as a
   shared library its functions are called. Pointers are kept in globals only, so that nothing that is lost is found on the
   stack. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <valgrind/valgrind.h>

enum { ARENA = 65536, RED = 16 };

static struct arena {
    char *memory;
    size_t used;
} in_map, in_heap;
static void *kept[64];

static void *get_memory(struct arena *arena)
{
    if (arena->memory == NULL && arena == &in_map) {
        arena->memory = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (arena->memory == MAP_FAILED)
            abort();
    } else if (arena->memory == NULL) {
        arena->memory = malloc(ARENA);
    }
    return arena->memory;
}

static void *bump(struct arena *arena, size_t bytes)
{
    char *block = (char *)get_memory(arena) + arena->used + RED;
    arena->used += (bytes + 2 * RED + 15) & ~(size_t)15;
    return block;
}

__attribute__((noinline)) void *arena_alloc(size_t bytes)
{
    void *block = bump(&in_map, bytes);
    VALGRIND_MALLOCLIKE_BLOCK(block, bytes, RED, 0);
    return block;
}

__attribute__((noinline)) void arena_free(void *block)
{
    VALGRIND_FREELIKE_BLOCK(block, RED);
}

__attribute__((noinline)) void *pool_alloc(size_t bytes)
{
    static int made;
    if (!made)
        VALGRIND_CREATE_MEMPOOL(&in_heap, RED, 0);
    made = 1;
    void *block = bump(&in_heap, bytes);
    VALGRIND_MEMPOOL_ALLOC(&in_heap, block, bytes);
    return block;
}

/* What one function call of its own leaves in registers and on the stack is overwritten. */
static __attribute__((noinline)) void forget(void)
{
    char volatile waste[4000];
    memset((char *)waste, 0, sizeof waste);
}

static __attribute__((noinline)) void malloclike(void)
{
    for (int i = 0; i < 10; i++)
        kept[i] = arena_alloc(100 + i);
    for (int i = 0; i < 3; i++)
        arena_free(kept[i]);
    for (int i = 0; i < 6; i++)
        kept[i] = NULL;
}

/* In a block of malloc's, which is not looked at for that. */
static __attribute__((noinline)) void malloclike_in_heap(void)
{
    for (int i = 0; i < 10; i++) {
        kept[i] = bump(&in_heap, 50);
        VALGRIND_MALLOCLIKE_BLOCK(kept[i], 50, RED, 0);
        memset(kept[i], 0, 50);
    }
    *(void **)kept[8] = kept[7];
    kept[7] = NULL;
    for (int i = 0; i < 4; i++)
        kept[i] = NULL;
}

static __attribute__((noinline)) void resized(void)
{
    kept[0] = arena_alloc(100);
    kept[1] = arena_alloc(200);
    VALGRIND_RESIZEINPLACE_BLOCK(kept[0], 100, 60, RED);
    VALGRIND_RESIZEINPLACE_BLOCK(kept[1], 200, 300, RED);
    kept[0] = NULL;
    forget();
}

/* free of such a block, FREELIKE of malloc's and of none, a wrong old size. */
static __attribute__((noinline)) void wrong(void)
{
    kept[0] = arena_alloc(100);
    kept[1] = malloc(70);
    kept[2] = arena_alloc(10);
    free(kept[0]);
    VALGRIND_FREELIKE_BLOCK(kept[1], 0);
    VALGRIND_FREELIKE_BLOCK((char *)kept[2] + 4, 0);
    VALGRIND_RESIZEINPLACE_BLOCK(kept[2], 11, 5, RED);
    VALGRIND_FREELIKE_BLOCK(kept[2], RED);
    VALGRIND_FREELIKE_BLOCK(kept[2], RED);
}

static __attribute__((noinline)) void pool(void)
{
    kept[20] = malloc(33);
    for (int i = 0; i < 10; i++)
        memset(kept[i] = pool_alloc(40 + i), 0, 40 + i);
    *(void **)kept[9] = kept[8];
    VALGRIND_MEMPOOL_FREE(&in_heap, kept[0]);
    for (int i = 0; i < 4; i++)
        kept[i] = NULL;
    kept[8] = NULL;
}

static __attribute__((noinline)) void pool_destroyed(void)
{
    kept[20] = malloc(33);
    pool();
    kept[21] = malloc(34);
    VALGRIND_DESTROY_MEMPOOL(&in_heap);
    memset(kept, 0, 10 * sizeof *kept);
}

/* Whole blocks go and stay. */
static __attribute__((noinline)) void pool_trimmed(void)
{
    pool();
    VALGRIND_MEMPOOL_TRIM(&in_heap, kept[5], (char *)kept[7] + 47 - (char *)kept[5]);
}

static __attribute__((noinline)) void pool_moved(void)
{
    pool();
    VALGRIND_MOVE_MEMPOOL(&in_heap, &in_map);
    printf("%d %d\n", (int)VALGRIND_MEMPOOL_EXISTS(&in_heap) != 0, (int)VALGRIND_MEMPOOL_EXISTS(&in_map) != 0);
    VALGRIND_MEMPOOL_FREE(&in_map, kept[4]);
    kept[4] = NULL;
    kept[30] = bump(&in_heap, 500);
    VALGRIND_MEMPOOL_CHANGE(&in_map, kept[5], kept[30], 444);
    kept[5] = NULL;
    VALGRIND_MEMPOOL_ALLOC(&in_heap, kept[30], 1);
    VALGRIND_MEMPOOL_FREE(&in_map, (char *)kept[30] + 1);
}

static __attribute__((noinline)) void many_pools(void)
{
    for (int i = 0; i < 2000; i++) {
        VALGRIND_CREATE_MEMPOOL((char *)0x1000 + i, 0, 0);
        char *block = bump(&in_heap, 1);
        VALGRIND_MEMPOOL_ALLOC((char *)0x1000 + i, block, 1);
        if (i % 3 == 0)
            VALGRIND_DESTROY_MEMPOOL((char *)0x1000 + i);
    }
}

/* A metapool's blocks are divided into blocks like malloc's, which go with them. */
static __attribute__((noinline)) void auto_free(void)
{
    kept[20] = malloc(33);
    get_memory(&in_heap);
    VALGRIND_CREATE_MEMPOOL_EXT(&in_heap, 0, 0, VALGRIND_MEMPOOL_AUTO_FREE | VALGRIND_MEMPOOL_METAPOOL);
    for (int i = 0; i < 2; i++) {
        char *large = in_heap.memory + i * 4096;
        VALGRIND_MEMPOOL_ALLOC(&in_heap, large, 4096);
        for (int k = 0; k < 5; k++)
            VALGRIND_MALLOCLIKE_BLOCK(large + 64 * (k + 1), 32, 0, 0);
    }
    VALGRIND_MEMPOOL_FREE(&in_heap, in_heap.memory);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } ways[] = {
        { "malloclike", malloclike }, { "malloclike_in_heap", malloclike_in_heap }, { "resized", resized },
        { "wrong", wrong }, { "pool", pool }, { "pool_destroyed", pool_destroyed },
        { "pool_trimmed", pool_trimmed }, { "pool_moved", pool_moved }, { "many_pools", many_pools },
        { "auto_free", auto_free },
    };

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (argc > 1 && strcmp(argv[1], ways[i].name) == 0)
            ways[i].run();
    forget();
    return 0;
}
