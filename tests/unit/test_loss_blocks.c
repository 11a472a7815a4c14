/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of the blocks of loss records, and the texts of reasons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "heap/pm_loss_blocks.h"

static void add(struct pm_loss_blocks *blocks, u32 record, u64 address, u64 leader)
{
    pm_loss_blocks_add(blocks, &(struct pm_loss_block){
        .address = address, .leader = leader, .record = record });
}

/* Record 0 has two blocks and becomes the second record; record 1 has what is lost with them. */
static void test_lists(void **state)
{
    static const u32 new_record[] = { 1, 0 };
    struct pm_loss_blocks blocks = { 0 };
    const struct pm_loss_block *entries;
    const u32 *members;
    u32 count;

    (void)state;
    add(&blocks, 0, 0x3000, 0x3000);
    add(&blocks, 0, 0x1000, 0x1000);
    add(&blocks, 1, 0x5000, 0x3000);
    add(&blocks, 1, 0x2000, 0x3000);
    add(&blocks, 1, 0x4000, 0x1000);
    pm_loss_blocks_sort(&blocks, new_record);
    entries = pm_loss_blocks_of(&blocks, 0, &count);
    assert_int_equal(count, 3);
    assert_int_equal(entries[0].address, 0x2000);
    assert_int_equal(entries[1].address, 0x4000);
    assert_int_equal(entries[2].address, 0x5000);
    entries = pm_loss_blocks_of(&blocks, 1, &count);
    assert_int_equal(count, 2);
    assert_int_equal(entries[0].address, 0x1000);
    assert_int_equal(entries[1].address, 0x3000);
    pm_loss_blocks_of(&blocks, 2, &count);
    assert_int_equal(count, 0);
    members = pm_loss_blocks_led_by(&blocks, 0x3000, &count);
    assert_int_equal(count, 2);
    assert_int_equal(blocks.entries[members[0]].address, 0x2000);
    assert_int_equal(blocks.entries[members[1]].address, 0x5000);
    pm_loss_blocks_led_by(&blocks, 0x1000, &count);
    assert_int_equal(count, 1);
    pm_loss_blocks_led_by(&blocks, 0x2000, &count);
    assert_int_equal(count, 0);
    pm_loss_blocks_release(&blocks);
}

static void expect_text(struct pm_strings *strings, struct pm_loss_why why, const char *expected)
{
    struct pm_buffer text;

    pm_buffer_init(&text);
    pm_loss_why_add(&text, strings, &why);
    assert_string_equal(text.bytes, expected);
    pm_buffer_release(&text);
}

static void test_texts(void **state)
{
    struct pm_strings strings;
    struct pm_buffer text;

    (void)state;
    pm_strings_init(&strings);
    const struct pm_string_id place = pm_strings_intern_text(&strings, "variable x in /lib/y.so");
    expect_text(&strings, (struct pm_loss_why){ .reason = PM_REASON_NO_POINTER },
                "nothing points to it");
    expect_text(&strings, (struct pm_loss_why){ .reason = PM_REASON_COUNT_TOO_HIGH, .count = 1 },
                "nothing points to it, its count is 1");
    expect_text(&strings, (struct pm_loss_why){ .reason = PM_REASON_COUNT_TOO_HIGH, .count = 1300,
                                                .found = 1 },
                "its count is 1,300, 1 pointer to it was found");
    expect_text(&strings, (struct pm_loss_why){ .reason = PM_REASON_COUNT_TOO_HIGH, .count = 4,
                                                .found = 2, .interpreter_count = 1 },
                "its count is 4, 2 pointers to it were found, and the interpreter took 1 reference");
    expect_text(&strings, (struct pm_loss_why){ .reason = PM_REASON_LOST_OWNER, .address = 0xabc0 },
                "lost with 0xabc0");
    expect_text(&strings, (struct pm_loss_why){ .reason = PM_REASON_ROOT, .address = 0xabc0,
                                                .place = place },
                "a root points to it: variable x in /lib/y.so");
    for (int reason = 0; reason < PM_REASONS; reason++) {
        const struct pm_loss_why why = { .reason = (enum pm_loss_reason)reason };
        pm_buffer_init(&text);
        pm_loss_why_add(&text, &strings, &why);
        assert_true(text.length > 0 && text.bytes[text.length - 1] != ' ');
        pm_buffer_release(&text);
    }
    const struct pm_loss_block block = {
        .address = 0x5204a30, .bytes = 56, .type = pm_strings_intern_text(&strings, "list"),
        .why = { .reason = PM_REASON_IMMORTAL },
    };
    pm_buffer_init(&text);
    pm_loss_block_add(&text, &strings, &block);
    assert_string_equal(text.bytes, "0x5204a30[56] list: immortal");
    pm_buffer_release(&text);
    pm_strings_release(&strings);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_lists), cmocka_unit_test(test_texts) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
