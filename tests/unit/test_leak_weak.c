/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of weak words, looked up by their block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/pm_platform.h"
#include "heap/pm_leak_weak.h"

static const u8 *no_page(void *context, u64 address)
{
    (void)context;
    (void)address;
    return NULL;
}

static void test_rows(void **state)
{
    struct pm_leak_block blocks[] = {
        { .address = 0x1000, .bytes = 100 }, { .address = 0x2000, .bytes = 48 },
        { .address = 0x2030, .bytes = 800 }, { .address = 0x6000, .bytes = 16, .flags = PM_LEAK_OBJECT },
        { .address = 0x8003, .bytes = 1000 },
    };
    struct pm_reader reader;
    struct pm_leaks leaks;
    struct pm_leak_weak weak;

    (void)state;
    pm_reader_init(&reader, no_page, NULL);
    pm_leaks_init(&leaks, &reader);
    leaks.blocks = blocks;
    leaks.block_count = PM_ARRAY_LENGTH(blocks);
    pm_leak_weak_init(&weak);
    pm_leak_weak_add(&weak, &leaks, 3, 0x2038, 0x2038, 0x2038 + 72, 24);
    pm_leak_weak_add(&weak, &leaks, 3, 0x2008, 0x2008, 0x2010, 8);
    pm_leak_weak_add(&weak, &leaks, 3, 0x5000, 0x5000, 0x5010, 8);             /* in no block */
    pm_leak_weak_add(&weak, &leaks, 3, 0x2030 + 400, 0x2030 + 400, ~(u64)0, 8);      /* to the end of the block */
    pm_leak_weak_add(&weak, &leaks, 3, 0x2010, 0x2010, 0x2000, 8);             /* empty */
    pm_leak_weak_add(&weak, &leaks, 3, 0x2008, 0x2030, ~(u64)0, 8);    /* starts behind the block */
    pm_leak_weak_add(&weak, &leaks, 0, 0x1000, 0x1000, 0x1010, 8);          /* the owner is no object */
    pm_leak_weak_add(&weak, &leaks, PM_LEAK_NONE, 0x2018, 0x2018, 0x2020, 8);       /* no owner */
    pm_leak_weak_add(&weak, &leaks, 3, 0x8003, 0x8010, ~(u64)0, 160);     /* far apart */
    pm_leak_weak_bind(&weak, &leaks);
    assert_int_equal(blocks[0].flags, 0);
    assert_int_equal(blocks[1].flags, PM_LEAK_WEAK_WORDS);
    assert_int_equal(blocks[2].flags, PM_LEAK_WEAK_WORDS);
    assert_false(pm_leak_weak_holds(&weak, &leaks, 0, 0x1008));
    for (u64 at = 0x2000; at < 0x2030; at += 8)
        assert_int_equal(pm_leak_weak_holds(&weak, &leaks, 1, at), at == 0x2008 || at == 0x2018);
    for (u64 at = 0x2030; at < 0x2030 + 800; at += 8)
        assert_int_equal(pm_leak_weak_holds(&weak, &leaks, 2, at),
                         at == 0x2038 || at == 0x2050 || at == 0x2068 || at >= 0x2030 + 400);
    for (u64 at = 0x8008; at < 0x8003 + 1000; at += 8)
        assert_int_equal(pm_leak_weak_holds(&weak, &leaks, 4, at), at >= 0x8010 && (at - 0x8010) % 160 == 0);
    pm_leak_weak_release(&weak);
    pm_leaks_release(&leaks);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
