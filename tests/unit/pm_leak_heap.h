/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A heap made by hand for tests of the leak search: blocks, pointers between them, one root. Include it after cmocka's
   headers. */
#ifndef PM_LEAK_HEAP_H
#define PM_LEAK_HEAP_H

#include <stdlib.h>

#include "pm_leak_check.h"

#define HEAP ((u64)0x100000)
#define DATA ((u64)0x7000000)

/* A field with one root of 16 words. */
static struct field *new_field(void)
{
    struct field *field = malloc(sizeof *field);

    field_init(field);
    field_add_data(field, DATA, 128);
    return field;
}

static void delete_field(struct field *field)
{
    field_release(field);
    free(field);
}

static void search(struct field *field)
{
    struct naive *naive = malloc(sizeof *naive);

    check_against_naive(field, naive);
    free(naive);
}

/* A block at HEAP + offset. */
static u32 add(struct field *field, u64 offset, u64 bytes)
{
    return field_add_block(field, HEAP + offset, bytes);
}

/* Blocks of 32 bytes, 64 apart. */
static void add_row(struct field *field, u32 count)
{
    for (u32 i = 0; i < count; i++)
        add(field, 64 * i, 32);
}

/* Word number word of block from is a pointer to to. */
static void link_blocks(struct field *field, u32 from, u32 word, u32 to)
{
    field_put(field, field->blocks[from].address + 8 * word, field->blocks[to].address);
}

static void hold(struct field *field, u32 word, u64 value)
{
    field_put(field, DATA + 8 * word, value);
}

static void expect_kinds(const struct field *field, const char *kinds)
{
    char found[FIELD_BLOCKS + 1] = "";

    for (u32 i = 0; i < field->leaks.block_count; i++)
        found[i] = "RPID"[field->blocks[i].kind];
    assert_string_equal(found, kinds);
}

#endif
