/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds blocks by a variable, by an interior pointer and from the stack, and waits for the end of
   its input. Each block has a function of its own, so that each has a loss record of its own. */
#include <stdio.h>
#include <stdlib.h>

char *held, *inner;

static void hold(void)
{
    held = malloc(1001);
}

static void hold_inside(void)
{
    inner = malloc(1002);
    inner += 8;
}

static char *give(void)
{
    return malloc(1003);
}

int main(void)
{
    char *volatile on_stack = give();

    hold();
    hold_inside();
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    free(on_stack);
    return 0;
}
