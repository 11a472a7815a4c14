/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linetable_oracle KIND < RECORDS: compares a line decoder with the lines that an
   interpreter reports for its own code objects (dump_lines.py writes the records).

   A record: first line (i32), step in bytes of code (u32), count of steps (u32),
   length of the table (u32), the table, and the expected line for each step
   (i32; -1 none). Prints one line of totals. Fails if a line differs, if a
   record is cut short, or if there is nothing to compare. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpython/pm_linetable.h"

struct totals {
    unsigned long code_objects, positions, differences;
};

struct record_head {
    i32 first_line;
    u32 step, count, table_length;
};

/* A block of exactly bytes bytes, so that the sanitizer finds reads past the end. */
static void *read_block(size_t bytes)
{
    void *block = malloc(bytes > 0 ? bytes : 1);

    if (block == NULL || fread(block, 1, bytes, stdin) != bytes) {
        fprintf(stderr, "linetable_oracle: a record is cut short\n");
        exit(2);
    }
    return block;
}

static void compare(enum pm_linetable_kind kind, const struct record_head *head,
                    struct totals *totals)
{
    u8 *table = read_block(head->table_length);
    i32 *expected = read_block(head->count * sizeof *expected);

    for (u32 i = 0; i < head->count; i++) {
        i64 offset = (i64)i * head->step;
        i32 found = pm_linetable_line(kind, table, head->table_length, head->first_line, offset);

        if (found != expected[i] && totals->differences++ < 10)
            fprintf(stderr, "code object %lu, first line %d, offset %ld: line %d, expected %d\n",
                    totals->code_objects, head->first_line, (long)offset, found, expected[i]);
    }
    totals->positions += head->count;
    totals->code_objects++;
    free(table);
    free(expected);
}

static enum pm_linetable_kind kind_named(const char *name)
{
    static const char *const names[] = {
        [PM_LINETABLE_UNSIGNED] = "unsigned",
        [PM_LINETABLE_SIGNED] = "signed",
        [PM_LINETABLE_RANGES] = "ranges",
        [PM_LINETABLE_LOCATIONS] = "locations",
    };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(names); i++)
        if (strcmp(name, names[i]) == 0)
            return (enum pm_linetable_kind)i;
    fprintf(stderr, "linetable_oracle: no kind %s\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    struct totals totals = { 0 };
    struct record_head head;
    enum pm_linetable_kind kind = kind_named(argc == 2 ? argv[1] : "");
    size_t got;

    while ((got = fread(&head, 1, sizeof head, stdin)) == sizeof head)
        compare(kind, &head, &totals);
    if (got != 0) {
        fprintf(stderr, "linetable_oracle: a record is cut short\n");
        return 2;
    }
    printf("%lu code objects, %lu positions, %lu differences\n", totals.code_objects,
           totals.positions, totals.differences);
    return totals.differences > 0 || totals.code_objects == 0 || totals.positions == 0;
}
