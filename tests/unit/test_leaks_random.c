/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The leak search and the naive one on many small random heaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "pm_leak_check.h"
#include "pm_random.h"

enum { HEAPS = 20000 };

#define PLAUSIBLE ((u64)1 << 44)

static bool one_in(struct pm_random *random, u64 n)
{
    return pm_random_below(random, n) == 0;
}

static u64 some_size(struct pm_random *random)
{
    switch (pm_random_below(random, 12)) {
    case 0: return 0;
    case 1: return pm_random_below(random, 24);
    case 2: return 500 + pm_random_below(random, 500);
    case 3: return one_in(random, 4) ? 3000 + pm_random_below(random, 6000) : 32;
    default: return 8 * (1 + pm_random_below(random, 12));
    }
}

static void make_blocks(struct field *field, struct pm_random *random, u32 count)
{
    static const u64 alignments[] = { 16, 16, 16, 16, 8, 1 };
    u64 alignment = alignments[pm_random_below(random, PM_ARRAY_LENGTH(alignments))];
    u64 at = 0x10000 + 16 * pm_random_below(random, 1000);

    while (field->leaks.block_count < count && field->page_count + 6 < FIELD_PAGES) {
        struct pm_leak_block *block;
        if (one_in(random, 8))
            at += pm_random_below(random, 5000);
        if (one_in(random, 25))
            at += (u64)1 << (16 + pm_random_below(random, 28));
        at = (at + alignment - 1) / alignment * alignment;
        block = &field->blocks[field_add_block(field, at, some_size(random))];
        if (alignment >= 8 && block->bytes >= 32 && one_in(random, 2)) {
            block->object_offset = 8 * (u32)pm_random_below(random, 4);
            block->flags |= PM_LEAK_OBJECT | (one_in(random, 2) ? PM_LEAK_HEADER_HIDDEN : 0);
        }
        if (one_in(random, 4)) {
            block->hidden_first = pm_random_below(random, PM_LEAK_MAX_HIDDEN_WORD + 1);
            block->hidden_end = pm_random_below(random, PM_LEAK_MAX_HIDDEN_WORD + 1);
        }
        if (one_in(random, 5))
            block->flags |= PM_LEAK_WEAK_WORDS;
        if (one_in(random, 8))
            block->flags |= PM_LEAK_START_ONLY;
        if (one_in(random, 12))
            block->flags |= PM_LEAK_OPAQUE;
        at += block->bytes + (block->bytes == 0) + (one_in(random, 3) ? 0 : 8);
    }
}

static u64 some_word(struct field *field, struct pm_random *random)
{
    const struct pm_leak_block *block;

    if (field->leaks.block_count == 0)
        return pm_random_u64(random);
    block = &field->blocks[pm_random_below(random, field->leaks.block_count)];
    switch (pm_random_below(random, 12)) {
    case 0: return pm_random_u64(random);
    case 1: return block->address + block->bytes;
    case 2: return block->address - 8;
    case 3: return block->address + pm_random_below(random, block->bytes + 1);
    case 4: return block->address + 8;
    case 5: return block->address + 24;
    case 6: return block->address + block->object_offset + pm_random_below(random, 8);
    case 7:
    case 8: return block->address + block->object_offset;
    default: return block->address;
    }
}

static void fill(struct field *field, struct pm_random *random, u64 from, u64 bytes, u64 one)
{
    for (u64 at = (from + 7) & ~7ull; at + 8 <= from + bytes; at += 8)
        if (one_in(random, one))
            field_put(field, at, some_word(field, random));
}

/* Puts words into a block that the heuristics look for, and a matching pointer into a root. */
static void make_plausible(struct field *field, struct pm_random *random, u32 i)
{
    const struct pm_leak_block *block = &field->blocks[i];

    if (block->bytes < 25 || block->address % 8 != 0)
        return;
    if (one_in(random, 4)) {
        u64 root = PLAUSIBLE + 8 * pm_random_below(random, 16);
        field_put(field, root, block->address + (one_in(random, 2) ? 8 : 24));
    }
    switch (pm_random_below(random, 5)) {
    case 0:
        field_put(field, block->address, block->bytes - 8);
        break;
    case 1:
        field_put(field, block->address, 1 + pm_random_below(random, 4));
        break;
    case 2:
        field_put(field, block->address, pm_random_below(random, block->bytes));
        field_put(field, block->address + 8, block->bytes - 25);
        break;
    case 3:
        field_put(field, block->address, field->vtables[pm_random_below(random, 2)]);
        field_put(field, block->address + 8 + 8 * pm_random_below(random, 2),
                  field->vtables[pm_random_below(random, 2)] + (one_in(random, 4) ? 4 : 0));
        break;
    }
}

static void make_heap(struct field *field, struct pm_random *random)
{
    u64 one = 1 + pm_random_below(random, one_in(random, 3) ? 40 : 6);
    u32 count = (u32)pm_random_below(random, one_in(random, 10) ? FIELD_BLOCKS + 1 : 14);

    field->leaks.heuristics = one_in(random, 2) ? 0 : (u32)pm_random_below(random, 16);
    field->leaks.tag_bits = one_in(random, 2) ? 0 : 3;
    field->leaks.merge_cliques = one_in(random, 2);
    make_blocks(field, random, count);
    if (field->leaks.heuristics != 0)
        field_add_data(field, PLAUSIBLE, 16 * 8);
    for (u32 i = 0; i < field->leaks.block_count; i++) {
        fill(field, random, field->blocks[i].address, field->blocks[i].bytes, one);
        if (field->leaks.heuristics != 0)
            make_plausible(field, random, i);
    }
    for (u64 i = pm_random_below(random, 4); i > 0; i--) {
        u64 start = 2 * PLAUSIBLE + i * 0x10000 + pm_random_below(random, 4090);
        u64 bytes = pm_random_below(random, 64);
        field_add_data(field, start, bytes);
        fill(field, random, start, bytes, 4);
    }
    for (u32 i = 0; i < FIELD_VALUES; i++)
        field->values[i] = some_word(field, random);
    if (one_in(random, 2))
        field_add_values(field, (u32)pm_random_below(random, 3));
    while (one_in(random, 4) && field->page_count > 0)
        field_forbid(field, field->page_address[pm_random_below(random, field->page_count)]);
}

/* What the heaps had: heaps that no longer try everything must fail the test. */
struct seen {
    u64 kinds[PM_LEAK_DEFINITE + 1];
    u64 heuristics, cycles, self_cycles, far, members;
};

static void note(const struct field *field, struct seen *seen)
{
    for (u32 i = 0; i < field->leaks.block_count; i++) {
        const struct pm_leak_block *b = &field->blocks[i];
        seen->kinds[b->kind]++;
        seen->heuristics += b->heuristic != 0;
        seen->cycles += pm_leaks_clique(&field->leaks, i).cycle_blocks > 1;
        seen->self_cycles += pm_leaks_clique(&field->leaks, i).cycle_blocks == 1;
        seen->far += b->kind == PM_LEAK_POSSIBLE && pm_leak_from_block(b) != PM_LEAK_NONE
            && field->blocks[pm_leak_from_block(b)].kind == PM_LEAK_POSSIBLE;
        seen->members += b->leader != i;
    }
}

static void check_block_at(struct field *field, u64 address)
{
    u32 expected = PM_LEAK_NONE;

    for (u32 i = 0; i < field->leaks.block_count; i++)
        if (address - field->blocks[i].address
            < field->blocks[i].bytes + (field->blocks[i].bytes == 0))
            expected = i;
    assert_int_equal(pm_leaks_block_at(&field->leaks, address), expected);
}

static void check_all_block_at(struct field *field)
{
    for (u32 i = 0; i < field->leaks.block_count; i++) {
        const struct pm_leak_block *b = &field->blocks[i];
        check_block_at(field, b->address - 1);
        check_block_at(field, b->address);
        check_block_at(field, b->address + b->bytes / 2);
        check_block_at(field, b->address + b->bytes - 1);
        check_block_at(field, b->address + b->bytes);
    }
    check_block_at(field, 0);
    check_block_at(field, UINT64_MAX);
}

static void test_random_heaps(void **state)
{
    struct pm_random random = pm_random_start();
    struct field *field = malloc(sizeof *field);
    struct naive *naive = malloc(sizeof *naive);
    struct seen seen = { 0 };

    (void)state;
    for (u32 heap = 0; heap < HEAPS; heap++) {
        field_init(field);
        make_heap(field, &random);
        check_all_block_at(field);
        check_against_naive(field, naive);
        check_all_block_at(field);
        note(field, &seen);
        field_release(field);
    }
    for (size_t i = 0; i < PM_ARRAY_LENGTH(seen.kinds); i++)
        assert_true(seen.kinds[i] > HEAPS / 10);
    assert_true(seen.heuristics > HEAPS / 50);
    assert_true(seen.cycles > HEAPS / 50 && seen.self_cycles > HEAPS / 50);
    assert_true(seen.far > HEAPS / 10 && seen.members > HEAPS / 10);
    free(naive);
    free(field);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_random_heaps) };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
