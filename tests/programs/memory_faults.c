/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is mapped, writable, and cannot be read. It lies among pointers that can be: argv[1] says what it is made by.
   A block of 1,000 bytes is held from the page behind it, and one of 500 is lost. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <valgrind/valgrind.h>

enum { PAGE = 4096, PAGES = 40, MADV_GUARD = 102 };

static void fail(const char *what)
{
    perror(what);
    exit(77);
}

static char *map(int flags, int file)
{
    char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags, file, 0);
    if (memory == MAP_FAILED)
        fail("mmap");
    return memory;
}

static void hold(char *memory)
{
    *(void **)memory = malloc(1000);
    if (malloc(500) == NULL)
        fail("malloc");
}

/* A page that gives SIGSEGV, from Linux 6.13 on. */
static void guard(void)
{
    char *memory = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
    hold(memory + 2 * PAGE);
    if (madvise(memory + PAGE, PAGE, MADV_GUARD) != 0)
        fail("guard");
}

/* Pages behind the end of what they map give SIGBUS. */
static void truncated(void)
{
    char name[] = "/tmp/memory_faults.XXXXXX";
    int file = mkstemp(name);
    if (file < 0 || unlink(name) != 0 || ftruncate(file, PAGES * PAGE) != 0)
        fail("file");
    char *memory = map(MAP_SHARED, file);
    memset(memory, 1, PAGES * PAGE);
    hold(memory);
    if (ftruncate(file, PAGE) != 0)
        fail("ftruncate");
}

static void longer(void)
{
    char *memory = map(MAP_SHARED | MAP_ANONYMOUS, -1);
    memory = mremap(memory, PAGES * PAGE, 3 * PAGES * PAGE, MREMAP_MAYMOVE);
    if (memory == MAP_FAILED)
        fail("mremap");
    hold(memory);
}

static void longer_shm(void)
{
    int id = shmget(IPC_PRIVATE, PAGES * PAGE, IPC_CREAT | 0600);
    char *memory = id < 0 ? (char *)-1 : shmat(id, NULL, 0);
    if (memory == (char *)-1)
        fail("shm");
    shmctl(id, IPC_RMID, NULL);
    memory = mremap(memory, PAGES * PAGE, 4 * PAGES * PAGE, MREMAP_MAYMOVE);
    if (memory == MAP_FAILED)
        fail("mremap");
    hold(memory);
}

static long protect_unseen(long tid, char *memory, long bytes)
{
    long result;

    (void)tid;
    __asm__ volatile("syscall" : "=a"(result)
                     : "a"((long)SYS_mprotect), "D"(memory), "S"(bytes), "d"((long)PROT_NONE)
                     : "rcx", "r11", "memory");
    return result;
}

/* Protected by a call that Valgrind does not see. */
static void unseen(void)
{
    char *memory = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
    memset(memory, 1, PAGES * PAGE);
    hold(memory + 3 * PAGE);
    if (VALGRIND_NON_SIMD_CALL2(protect_unseen, memory + PAGE, PAGE) != 0)
        fail("mprotect");
}

/* In a block of malloc's. */
static void unseen_block(void)
{
    static char *memory;

    memory = aligned_alloc(PAGE, PAGES * PAGE);
    memset(memory, 1, PAGES * PAGE);
    hold(memory + 3 * PAGE);
    if (VALGRIND_NON_SIMD_CALL2(protect_unseen, memory + PAGE, PAGE) != 0)
        fail("mprotect");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*make)(void);
    } ways[] = {
        { "guard", guard }, { "truncated", truncated }, { "longer", longer }, { "longer_shm", longer_shm },
        { "unseen", unseen }, { "unseen_block", unseen_block },
    };

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (argc > 1 && strcmp(argv[1], ways[i].name) == 0)
            ways[i].make();
    return 4;
}
