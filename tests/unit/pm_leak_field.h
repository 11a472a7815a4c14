/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small made-up client memory with blocks and roots, for tests of the leak
   search. Order of calls: init; pages, blocks, roots and words; searches;
   release. */
#ifndef PM_LEAK_FIELD_H
#define PM_LEAK_FIELD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap/pm_leaks.h"

enum { FIELD_PAGE = 4096, FIELD_PAGES = 24, FIELD_BLOCKS = 64, FIELD_ROOTS = 8, FIELD_VALUES = 8 };

struct field {
    struct pm_reader reader;
    struct pm_leaks leaks;
    u64 page_address[FIELD_PAGES];
    u8 *page_bytes[FIELD_PAGES];
    bool readable[FIELD_PAGES];
    size_t page_count;
    struct pm_leak_block blocks[FIELD_BLOCKS];
    struct pm_leak_root roots[FIELD_ROOTS];
    u64 values[FIELD_VALUES];
    u64 vtables[2];
};

static inline const u8 *field_map_page(void *context, u64 address)
{
    const struct field *field = context;

    for (size_t i = 0; i < field->page_count; i++)
        if (field->page_address[i] == address)
            return field->readable[i] ? field->page_bytes[i] : NULL;
    return NULL;
}

static inline bool field_is_vtable(void *context, u64 address)
{
    const struct field *field = context;
    return address == field->vtables[0] || address == field->vtables[1];
}

/* Every third word, in blocks with PM_LEAK_WEAK_WORDS. */
static inline bool field_is_weak(void *context, u32 block, u64 address)
{
    const struct field *field = context;
    return address >= field->blocks[block].address && address / 8 % 3 == 1;
}

static inline void field_init(struct field *field)
{
    memset(field, 0, sizeof *field);
    pm_reader_init(&field->reader, field_map_page, field);
    pm_leaks_init(&field->leaks, &field->reader);
    field->leaks.blocks = field->blocks;
    field->leaks.roots = field->roots;
    field->leaks.is_vtable = field_is_vtable;
    field->leaks.is_weak = field_is_weak;
    field->leaks.context = field;
    field->vtables[0] = 0x700010;
    field->vtables[1] = 0x700088;
}

static inline void field_release(struct field *field)
{
    pm_leaks_release(&field->leaks);
    for (size_t i = 0; i < field->page_count; i++)
        free(field->page_bytes[i]);
}

/* Where the byte at address is. If there is no such page: make creates it, else NULL. */
static inline u8 *field_at(struct field *field, u64 address, bool make)
{
    u64 page = address & ~(u64)(FIELD_PAGE - 1);

    for (size_t i = 0; i < field->page_count; i++)
        if (field->page_address[i] == page)
            return field->page_bytes[i] + (address - page);
    if (!make)
        return NULL;
    if (field->page_count == FIELD_PAGES) {
        fprintf(stderr, "the test wants more than %d pages\n", FIELD_PAGES);
        abort();
    }
    field->page_address[field->page_count] = page;
    field->page_bytes[field->page_count] = calloc(1, FIELD_PAGE);
    field->readable[field->page_count] = true;
    return field->page_bytes[field->page_count++] + (address - page);
}

/* address must be a multiple of 8. */
static inline void field_put(struct field *field, u64 address, u64 value)
{
    memcpy(field_at(field, address, true), &value, sizeof value);
}

static inline void field_forbid(struct field *field, u64 address)
{
    for (size_t i = 0; i < field->page_count; i++)
        if (field->page_address[i] == (address & ~(u64)(FIELD_PAGE - 1)))
            field->readable[i] = false;
    pm_reader_forget(&field->reader);
}

static inline u32 field_add_block(struct field *field, u64 address, u64 bytes)
{
    struct pm_leak_block *block = &field->blocks[field->leaks.block_count];

    *block = (struct pm_leak_block){ .address = address, .bytes = bytes };
    for (u64 page = address & ~(u64)(FIELD_PAGE - 1); page < address + bytes; page += FIELD_PAGE)
        field_at(field, page, true);
    return field->leaks.block_count++;
}

static inline struct pm_leak_root *field_add_data(struct field *field, u64 start, u64 bytes)
{
    struct pm_leak_root *root = &field->roots[field->leaks.root_count++];

    *root = (struct pm_leak_root){ PM_LEAK_ROOT_DATA, 0, NULL, start, bytes, false };
    for (u64 page = start & ~(u64)(FIELD_PAGE - 1); page < start + bytes; page += FIELD_PAGE)
        field_at(field, page, true);
    return root;
}

static inline void field_add_values(struct field *field, u32 count)
{
    field->roots[field->leaks.root_count++] =
        (struct pm_leak_root){ PM_LEAK_ROOT_REGISTERS, 1, field->values, 0, count * sizeof(u64), false };
}

#endif
