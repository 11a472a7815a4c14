/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A leaked block to which only dead words of a live stack frame still point. */
#include <stdlib.h>

__attribute__((noinline)) static void leak(void)
{
    char *volatile kept[64];

    for (int i = 0; i < 64; i++)
        kept[i] = NULL;
    kept[32] = malloc(1000);
    (void)kept[32];
}

/* Its frame is where leak()'s frame was. It never writes the middle of the frame. */
__attribute__((noinline)) static void end(void)
{
    char *volatile unused[64];

    unused[0] = NULL;
    unused[63] = NULL;
    exit(unused[0] != unused[63]);
}

int main(void)
{
    leak();
    end();
}
