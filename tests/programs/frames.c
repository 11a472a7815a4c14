/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocates below frames of all kinds: of fixed and of varying size, large, of a signal handler on its own
   stack, of a thread, near the end of a stack. One function makes all allocations; the size tells the kind of frame. */
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 40 };

void *volatile kept[8 * ROUNDS];
int count;

__attribute__((noinline)) void take(size_t bytes)
{
    kept[count++] = malloc(bytes);
}

__attribute__((noinline)) void fixed(size_t bytes)
{
    take(bytes);
    kept[count] = NULL;
}

/* Old return addresses remain where a frame of another size would have its own. */
__attribute__((noinline)) void varying(size_t bytes, size_t room)
{
    char *buffer = alloca(room);

    memset(buffer, 1, room);
    fixed(bytes);
    kept[count] = buffer[room / 2] == 1 ? NULL : buffer;
}

__attribute__((noinline)) void large(size_t bytes)
{
    volatile char buffer[50000];

    buffer[0] = buffer[sizeof buffer - 1] = 1;
    fixed(bytes);
    kept[count] = buffer[0] == 1 ? NULL : &count;
}

__attribute__((noinline)) void recursive(size_t bytes, int depth)
{
    if (depth > 0)
        recursive(bytes, depth - 1);
    else
        fixed(bytes);
    kept[count] = NULL;
}

static void on_signal(int number)
{
    (void)number;
    fixed(500);
    kept[count] = NULL;
}

static void *body(void *nothing)
{
    fixed(600);
    kept[count] = NULL;
    return nothing;
}

int main(void)
{
    stack_t alternative = { .ss_sp = malloc(1 << 16), .ss_size = 1 << 16 };
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

    sigaltstack(&alternative, NULL);
    sigaction(SIGUSR1, &action, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t thread;
        fixed(100);
        varying(200, 16 + (size_t)round * 7 % 5 * 16);
        large(300);
        recursive(400, round % 20);
        raise(SIGUSR1);
        pthread_create(&thread, NULL, body, NULL);
        pthread_join(thread, NULL);
    }
    return 0;
}
