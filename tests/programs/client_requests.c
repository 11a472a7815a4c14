/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the requests of pymemcheck.h, in the way that its first argument names, and prints the answers. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PM_HEADER
#define PM_HEADER <valgrind/pymemcheck.h>
#endif
#include PM_HEADER

static char buffer[1 << 16];
static void *volatile kept[1000];

static __attribute__((noinline)) void leak(int blocks, size_t bytes)
{
    for (int i = 0; i < blocks; i++) {
        char *volatile block = malloc(bytes);
        block[0] = 1;
        block = NULL;
    }
}

/* Overwrites dead frames. */
static __attribute__((noinline)) void wipe(void)
{
    volatile char dead[8192];
    memset((char *)dead, 0, sizeof dead);
}

static long search(struct pymemcheck_search *asked, unsigned long long flags, unsigned long long since)
{
    memset(asked, 0, sizeof *asked);
    asked->size = sizeof *asked;
    asked->flags = flags;
    asked->since = since;
    asked->buffer = buffer;
    asked->buffer_size = sizeof buffer;
    wipe();
    return PYMEMCHECK_LEAK_SEARCH(asked);
}

static void print_search(const char *name, long answer, const struct pymemcheck_search *asked)
{
    printf("%s %ld %llu %llu %llu\n", name, answer, asked->records, asked->kinds[PYMEMCHECK_DEFINITE].bytes,
           asked->kinds[PYMEMCHECK_DEFINITE].blocks);
}

/* Without what needs other members than the first ones. */
static void counters(void)
{
    struct pymemcheck_counters before = { 0 }, after = { 0 };

    printf("version %ld\n", PYMEMCHECK_VERSION());
    printf("counters %ld\n", PYMEMCHECK_COUNTERS(&before, sizeof before));
    for (int i = 0; i < 10; i++)
        kept[i] = malloc(1000);
    for (int i = 0; i < 5; i++)
        free(kept[i]);
    PYMEMCHECK_COUNTERS(&after, sizeof after);
    printf("differences %llu %llu %llu %llu %llu\n", after.live_bytes - before.live_bytes,
           after.live_blocks - before.live_blocks, after.allocs - before.allocs, after.frees - before.frees,
           after.total_bytes - before.total_bytes);
    printf("peak %d\n", after.peak_bytes >= before.live_bytes + 10000);
    printf("reset %ld\n", PYMEMCHECK_RESET_PEAK());
    PYMEMCHECK_COUNTERS(&after, sizeof after);
    printf("peak is live %d %d\n", after.peak_bytes == after.live_bytes, after.peak_blocks == after.live_blocks);
    printf("tool %d\n", after.tool_bytes > 0);
    memset(&after, 0xff, sizeof after);
    printf("short %ld %d\n", PYMEMCHECK_COUNTERS(&after, 12), after.live_blocks == ~0ull);
}

static void phases(void)
{
    printf("%ld ", PYMEMCHECK_PHASE_BEGIN("outer"));
    kept[0] = malloc(100);
    printf("%ld ", PYMEMCHECK_PHASE_BEGIN("inner"));
    kept[1] = malloc(200);
    kept[2] = malloc(200);
    free(kept[2]);
    printf("%ld ", PYMEMCHECK_PHASE_END("outer"));
    printf("%ld ", PYMEMCHECK_PHASE_END("inner"));
    printf("%ld ", PYMEMCHECK_PHASE_END("inner"));
    printf("%ld ", PYMEMCHECK_PHASE_END("outer"));
    printf("%ld ", PYMEMCHECK_PHASE_END("outer"));
    printf("%ld ", PYMEMCHECK_PHASE_BEGIN(NULL));
    printf("%ld ", PYMEMCHECK_PHASE_BEGIN(""));
    printf("%ld\n", PYMEMCHECK_PHASE_BEGIN("never ended"));
    kept[3] = malloc(50);
}

static void searches(void)
{
    struct pymemcheck_search asked;

    leak(3, 100);
    const long mark = PYMEMCHECK_MARK();
    leak(2, 1000);
    print_search("all", search(&asked, PYMEMCHECK_SEARCH_SILENT, 0), &asked);
    printf("json %llu %s\n", asked.needed, buffer[asked.needed - 1] == '\0' ? "ended" : "not ended");
    puts(buffer);
    print_search("since mark", search(&asked, PYMEMCHECK_SEARCH_SILENT, mark), &asked);
    leak(7, 10);
    print_search("since last", search(&asked, PYMEMCHECK_SEARCH_SILENT | PYMEMCHECK_SEARCH_SINCE_LAST, 0), &asked);
    print_search("nothing new", search(&asked, PYMEMCHECK_SEARCH_SILENT | PYMEMCHECK_SEARCH_SINCE_LAST, 0), &asked);
    print_search("in the log", search(&asked, 0, 0), &asked);
}

static void one_search(void)
{
    struct pymemcheck_search asked;

    leak(3, 100);
    search(&asked, PYMEMCHECK_SEARCH_SILENT, 0);
    puts(buffer);
}

static void small_buffer(void)
{
    struct pymemcheck_search asked = { .size = sizeof asked, .flags = PYMEMCHECK_SEARCH_SILENT,
                                       .buffer = buffer, .buffer_size = 10 };

    leak(3, 100);
    wipe();
    memset(buffer, 'x', 20);
    printf("%ld ", PYMEMCHECK_LEAK_SEARCH(&asked));
    printf("%d %.12s ", asked.needed > 10, buffer);
    leak(3, 100);
    asked.flags = PYMEMCHECK_SEARCH_REPEAT;
    asked.buffer_size = sizeof buffer;
    printf("%ld ", PYMEMCHECK_LEAK_SEARCH(&asked));
    printf("%llu %d\n", asked.kinds[PYMEMCHECK_DEFINITE].blocks, strlen(buffer) + 1 == asked.needed);
}

static void bad_arguments(void)
{
    struct pymemcheck_search asked = { .size = 8 };
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *end = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *block = kept[0] = malloc(100);

    munmap(end + 4096, 4096);
    printf("%ld ", PYMEMCHECK_COUNTERS(NULL, 64));
    printf("%ld ", PYMEMCHECK_COUNTERS(page, 64));
    printf("%ld ", PYMEMCHECK_COUNTERS(end + 4090, 64));
    printf("%ld ", PYMEMCHECK_COUNTERS(&asked, 0));
    printf("%ld ", PYMEMCHECK_LEAK_SEARCH(NULL));
    printf("%ld ", PYMEMCHECK_LEAK_SEARCH(&asked));
    asked.size = sizeof asked;
    asked.flags = 1u << 30;
    printf("%ld ", PYMEMCHECK_LEAK_SEARCH(&asked));
    asked.flags = PYMEMCHECK_SEARCH_SILENT;
    asked.buffer = page;
    asked.buffer_size = 4096;
    printf("%ld ", PYMEMCHECK_LEAK_SEARCH(&asked));
    asked.buffer = NULL;
    asked.buffer_size = 0;
    printf("%ld ", PYMEMCHECK_LEAK_SEARCH(&asked));
    asked.flags = PYMEMCHECK_SEARCH_REPEAT;
    printf("%ld\n", PYMEMCHECK_LEAK_SEARCH(&asked));
    printf("%ld ", PYMEMCHECK_BLOCK_INFO(NULL, buffer, sizeof buffer));
    printf("%ld ", PYMEMCHECK_BLOCK_INFO(page, buffer, sizeof buffer));
    printf("%ld ", PYMEMCHECK_BLOCK_INFO(&page, buffer, sizeof buffer));
    printf("%ld ", PYMEMCHECK_BLOCK_INFO(block, page, 4096));
    printf("%d ", PYMEMCHECK_BLOCK_INFO(block, NULL, 0) > 0);
    printf("%ld ", PYMEMCHECK_WHO_POINTS_AT(NULL, buffer, sizeof buffer));
    printf("%d ", PYMEMCHECK_WHO_POINTS_AT(-1, buffer, sizeof buffer) > 0);
    printf("%ld ", PYMEMCHECK_RECORDING(1));
    printf("%ld ", PYMEMCHECK_RECORDING(7));
    printf("%ld ", PYMEMCHECK_SNAPSHOT(NULL));
    printf("%ld ", PYMEMCHECK_EVENT_LOG(7));
    printf("%ld ", PYMEMCHECK_WRITE_PROFILE("/no/such/folder/profile"));
    printf("%ld ", PYMEMCHECK_WRITE_PROFILE(""));
    printf("%ld ", PYMEMCHECK_REQUEST(4711, 1, 2, 3, 4));
    printf("%ld\n", PYMEMCHECK_REQUEST(0xffff, 1, 2, 3, 4));
}

static void blocks(void)
{
    char *small = kept[0] = malloc(100), *large = kept[1] = malloc(100000);

    PYMEMCHECK_BLOCK_INFO(small + 5, buffer, sizeof buffer);
    puts(buffer);
    PYMEMCHECK_BLOCK_INFO(large + 99999, buffer, sizeof buffer);
    puts(buffer);
    printf("%ld\n", PYMEMCHECK_BLOCK_INFO(large + 100000, buffer, sizeof buffer));
    PYMEMCHECK_WHO_POINTS_AT(large, buffer, sizeof buffer);
    puts(buffer);
}

static void *in_thread(void *unused)
{
    struct pymemcheck_search asked;

    (void)unused;
    printf("%ld ", PYMEMCHECK_RECORDING(0));
    kept[10] = malloc(111);
    printf("%ld ", PYMEMCHECK_PHASE_BEGIN("of a thread"));
    print_search("thread", search(&asked, PYMEMCHECK_SEARCH_SILENT, 0), &asked);
    return NULL;
}

static void threads(void)
{
    pthread_t thread;

    leak(3, 100);
    printf("%ld\n", PYMEMCHECK_PHASE_BEGIN("of main"));
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
    printf("%ld ", PYMEMCHECK_PHASE_END("of a thread"));
    printf("%ld ", PYMEMCHECK_PHASE_END("of main"));
    kept[11] = malloc(222);     /* recorded: the other thread switched off for itself */
    printf("%ld\n", PYMEMCHECK_RECORDING(1));
}

static void recording(void)
{
    struct pymemcheck_search asked;

    PYMEMCHECK_RECORDING(0);
    PYMEMCHECK_RECORDING(0);
    leak(4, 500);
    PYMEMCHECK_RECORDING(1);
    leak(4, 500);
    PYMEMCHECK_RECORDING(1);
    leak(1, 500);
    print_search("recorded", search(&asked, PYMEMCHECK_SEARCH_SILENT, 0), &asked);
}

static volatile long answers[4];

static void on_signal(int number)
{
    static struct pymemcheck_search asked = { .size = sizeof asked, .flags = PYMEMCHECK_SEARCH_SILENT };
    static struct pymemcheck_counters counters;

    (void)number;
    answers[0] = PYMEMCHECK_LEAK_SEARCH(&asked);
    answers[1] = (long)asked.kinds[PYMEMCHECK_DEFINITE].blocks;
    answers[2] = PYMEMCHECK_COUNTERS(&counters, sizeof counters);
    answers[3] = PYMEMCHECK_MARK();
}

static void signals(void)
{
    leak(3, 100);
    wipe();
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    printf("%ld %ld %ld %d\n", answers[0], answers[1], answers[2], answers[3] > 0);
}

static void forks(void)
{
    struct pymemcheck_search asked;
    int status;

    leak(3, 100);
    PYMEMCHECK_PHASE_BEGIN("before the fork");
    search(&asked, PYMEMCHECK_SEARCH_SILENT, 0);
    fflush(stdout);
    if (fork() == 0) {
        asked.flags = PYMEMCHECK_SEARCH_REPEAT;
        printf("child %ld ", PYMEMCHECK_LEAK_SEARCH(&asked));
        leak(2, 100);
        print_search("child", search(&asked, PYMEMCHECK_SEARCH_SILENT, 0), &asked);
        printf("child %ld\n", PYMEMCHECK_PHASE_END("before the fork"));
        fflush(stdout);
        _exit(0);
    }
    wait(&status);
    print_search("parent", search(&asked, PYMEMCHECK_SEARCH_SILENT, 0), &asked);
    printf("parent %ld\n", PYMEMCHECK_PHASE_END("before the fork"));
}

static void profiles(const char *path)
{
    leak(3, 100);
    printf("%ld %ld %ld\n", PYMEMCHECK_WRITE_PROFILE(NULL), PYMEMCHECK_WRITE_PROFILE(NULL),
           PYMEMCHECK_WRITE_PROFILE(path));
}

static void million(void)
{
    struct pymemcheck_counters counters;
    long sum = 0;
    char name[32];

    for (int i = 0; i < 1000000; i++)
        sum += PYMEMCHECK_VERSION() == PYMEMCHECK_PROTOCOL;
    for (int i = 0; i < 100000; i++) {
        sum += PYMEMCHECK_COUNTERS(&counters, 56) == 56;
        sum += PYMEMCHECK_PHASE_BEGIN("again") == 1;
        sum += PYMEMCHECK_PHASE_END("again") == 1;
        sum += PYMEMCHECK_PHASE_END("again") == -1;
        sum += PYMEMCHECK_MARK() > 0;
        sum += PYMEMCHECK_BLOCK_INFO(&sum, buffer, sizeof buffer) == -4;
    }
    printf("%ld ", sum);
    for (int i = 0; i < 70000; i++) {
        snprintf(name, sizeof name, "phase %d", i);
        sum = PYMEMCHECK_PHASE_BEGIN(name);
        PYMEMCHECK_PHASE_END(name);
    }
    printf("%ld ", sum);
    for (int i = 0; i < 5000; i++)
        sum = PYMEMCHECK_PHASE_BEGIN("again");
    printf("%ld\n", sum);
}

int main(int count, char **words)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } ways[] = {
        { "counters", counters }, { "phases", phases }, { "searches", searches }, { "one_search", one_search }, { "small_buffer", small_buffer },
        { "bad_arguments", bad_arguments }, { "blocks", blocks }, { "threads", threads }, { "recording", recording },
        { "signals", signals }, { "forks", forks }, { "million", million },
    };

    setvbuf(stdout, NULL, _IOLBF, 4096);
    if (count == 3)
        profiles(words[2]);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(words[1], ways[i].name) == 0)
            ways[i].run();
    return 0;
}
