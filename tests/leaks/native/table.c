/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kept hash table with chains, of which one bucket was overwritten.
   Expected: definitely 24:1, indirectly 31:3, reachable 763:47 */
#include "native.h"

struct entry {
    struct entry *next;
    char *name;
    uint64_t value;
};
static struct entry **table;

static NOINLINE void run(void)
{
    table = (struct entry **)make(16 * sizeof *table);
    for (int i = 0; i < 25; i++) {
        struct entry *entry = (struct entry *)make(sizeof *entry);
        char name[16];
        memset(name, 0, sizeof name);
        snprintf(name, sizeof name, "n%d", i);
        entry->name = strdup(name);
        entry->next = table[i % 16];
        table[i % 16] = entry;
    }
    table[3] = NULL;
}

RUN_AND_SCRUB
