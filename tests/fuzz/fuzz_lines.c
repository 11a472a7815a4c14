/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line decoders, all kinds, on a table of bytes.

   There is no second decoder to compare with, as it would be the same. Instead, answers to
   different questions must agree with one another. */
#include "pm_fuzz.h"

#include <string.h>

#include "cpython/pm_linetable.h"

/* The head of an input; the table follows. */
struct lines_head {
    u8 kind;            /* enum pm_linetable_kind, modulo their number */
    u8 unused[3];
    i32 first_line;
    u32 step;           /* between the offsets to look up, in bytes of code */
    u32 count;          /* of offsets */
};

struct table {
    enum pm_linetable_kind kind;
    struct lines_head head;
    u8 *bytes;          /* a block of exactly this length */
    size_t length;
};

static bool load(struct table *table, const u8 *data, size_t size)
{
    if (size < sizeof table->head || size > PM_FUZZ_MAX_BYTES)
        return false;
    memcpy(&table->head, data, sizeof table->head);
    table->kind = (enum pm_linetable_kind)(table->head.kind % (PM_LINETABLE_LOCATIONS + 1));
    table->length = size - sizeof table->head;
    table->bytes = malloc(table->length);
    PM_FUZZ_EXPECT(table->bytes != NULL || table->length == 0);
    if (table->length > 0)
        memcpy(table->bytes, data + sizeof table->head, table->length);
    return true;
}

static i32 line_at(const struct table *table, i64 offset)
{
    i32 line = pm_linetable_line(table->kind, table->bytes, table->length, table->head.first_line,
                                 offset);
    struct pm_linetable_cursor cursor = { .line = table->head.first_line };

    /* From any earlier cursor the answer is the same. */
    pm_linetable_seek(table->kind, table->bytes, table->length, table->head.first_line, offset / 2,
                      &cursor);
    PM_FUZZ_EXPECT(pm_linetable_seek(table->kind, table->bytes, table->length,
                                     table->head.first_line, offset, &cursor) == line);
    PM_FUZZ_EXPECT(line >= 0 || line == PM_LINE_NONE || line == PM_LINE_BROKEN);
    return line;
}

/* The answer does not depend on entries behind the one that covers the offset. */
static void expect_prefix(const struct table *table, i64 offset, i32 line)
{
    size_t length = table->length / 2;
    u8 *bytes = malloc(length);
    i32 found;

    if (length > 0)
        memcpy(bytes, table->bytes, length);
    found = pm_linetable_line(table->kind, bytes, length, table->head.first_line, offset);
    PM_FUZZ_EXPECT(found == line || found == PM_LINE_BROKEN);
    free(bytes);
}

static bool is_signed_alike(const struct table *table)
{
    for (size_t i = 1; i < table->length; i += 2)
        if (table->bytes[i] >= 0x80)
            return false;
    return true;
}

/* A first line higher by one makes every line higher by one. */
static void expect_shifted(struct table *table, i64 offset, i32 line)
{
    i32 found;

    if (line < 0 || line == INT32_MAX || table->head.first_line == INT32_MAX)
        return;
    table->head.first_line++;
    found = line_at(table, offset);
    /* An earlier line may have reached the upper bound. */
    PM_FUZZ_EXPECT(found == line + 1
                   || (found == PM_LINE_BROKEN && table->kind == PM_LINETABLE_LOCATIONS));
    table->head.first_line--;
}

static void try_offset(struct table *table, i64 offset)
{
    i32 line = line_at(table, offset);

    if (offset < 0)
        PM_FUZZ_EXPECT(line == (table->head.first_line < 0 ? PM_LINE_BROKEN
                                                           : table->head.first_line));
    expect_shifted(table, offset, line);
    if (table->kind == PM_LINETABLE_RANGES || table->kind == PM_LINETABLE_LOCATIONS) {
        expect_prefix(table, offset, line);
    } else if (is_signed_alike(table)) {
        enum pm_linetable_kind kind = table->kind;
        table->kind = kind == PM_LINETABLE_SIGNED ? PM_LINETABLE_UNSIGNED : PM_LINETABLE_SIGNED;
        PM_FUZZ_EXPECT(line_at(table, offset) == line);
        table->kind = kind;
    }
}

static void attempt(const u8 *data, size_t size)
{
    enum { WORK = 1 << 16, QUESTIONS = 256 };
    static const i64 others[] = { -1, INT64_MIN, INT64_MAX, INT32_MAX, (i64)UINT32_MAX + 1 };
    struct table table;
    size_t questions;

    if (!load(&table, data, size))
        return;
    /* Each answer reads the table from its beginning. */
    questions = WORK / (table.length + 1);
    if (questions > QUESTIONS)
        questions = QUESTIONS;
    for (size_t i = 0; i < questions && i < table.head.count; i++)
        try_offset(&table, (i64)(i * table.head.step));
    for (size_t i = 0; i < PM_ARRAY_LENGTH(others); i++)
        try_offset(&table, others[i]);
    free(table.bytes);
}

/* "12 12 13 -1": the line of each step. */
static void describe(const u8 *data, size_t size, struct pm_buffer *out)
{
    struct table table;

    if (!load(&table, data, size)) {
        pm_buffer_add_text(out, "refused");
        return;
    }
    for (u32 i = 0; i < table.head.count && i < PM_FUZZ_MAX_BYTES; i++) {
        if (i > 0)
            pm_buffer_add_char(out, ' ');
        pm_buffer_add_i64(out, line_at(&table, (i64)i * table.head.step));
    }
    free(table.bytes);
}

const struct pm_fuzz_target pm_fuzz_lines = { "lines", false, attempt, describe };
