/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks that chains go through if they can. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "pm_leak_heap.h"

/* Chains go through a preferred block wherever they can; one that no root leads to changes nothing. */
static void test_preferred(void **state)
{
    struct field *field = new_field();

    (void)state;
    /* roots -> 0, 1, 4; 0 -> 2 -> 3 -> 1 -> 5; 4 -> 5; 6 -> 7, 1 lost */
    add_row(field, 8);
    for (u32 i = 0; i < 3; i++)
        hold(field, i, field->blocks[(u32[]){ 0, 1, 4 }[i]].address);
    link_blocks(field, 0, 0, 2);
    link_blocks(field, 2, 0, 3);
    link_blocks(field, 3, 1, 1);
    link_blocks(field, 3, 2, 0);
    link_blocks(field, 1, 0, 5);
    link_blocks(field, 4, 0, 5);
    link_blocks(field, 6, 0, 7);
    link_blocks(field, 6, 1, 1);
    search(field);
    expect_kinds(field, "RRRRRRDI");
    assert_int_equal(pm_leak_from_block(&field->blocks[1]), PM_LEAK_NONE);
    u64 references[8], scanned = field->leaks.scanned_bytes;
    for (u32 i = 0; i < 8; i++)
        references[i] = field->blocks[i].references;
    for (u32 from = 0; from < 3; from++) {
        field->leaks.preferred[0] = (u32[]){ 0, 2, 6 }[from];       /* a root's, a holder's, a lost one */
        field->leaks.preferred_count = 1;
        pm_leaks_search(&field->leaks);
        expect_kinds(field, "RRRRRRDI");
        assert_int_equal(field->leaks.scanned_bytes, scanned);
        for (u32 i = 0; i < 8; i++)
            assert_int_equal(field->blocks[i].references, references[i]);
        assert_int_equal(pm_leak_from_block(&field->blocks[1]), from == 2 ? PM_LEAK_NONE : 3);
        assert_int_equal(pm_leak_from_block(&field->blocks[3]), 2);
        assert_int_equal(pm_leak_from_block(&field->blocks[2]), 0);
        /* It keeps the preferred block alive, or is it: its own chain stays. */
        assert_int_equal(pm_leak_from_block(&field->blocks[0]), PM_LEAK_NONE);
        assert_int_equal(pm_leak_from_block(&field->blocks[4]), PM_LEAK_NONE);
        if (from != 2)
            assert_int_equal(pm_leak_from_block(&field->blocks[5]), 1);
    }
    delete_field(field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preferred),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
