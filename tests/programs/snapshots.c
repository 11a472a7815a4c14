/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks for snapshots over time: two with names, 5 blocks of 1000 bytes apart, and one without. */
#include <stdlib.h>
#include <valgrind/valgrind.h>

static char *kept[6];

int main(void)
{
    kept[0] = malloc(10);
    VALGRIND_MONITOR_COMMAND("snapshot before");
    for (int i = 1; i < 6; i++)
        kept[i] = malloc(1000);
    VALGRIND_MONITOR_COMMAND("snapshot after");
    for (int i = 1; i < 6; i++)
        free(kept[i]);
    VALGRIND_MONITOR_COMMAND("snapshot");
    return 0;
}
