/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watched words on made-up memory, against a model that reads each word again. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_watched_words.h"
#include "pm_image.h"
#include "pm_random.h"

enum { PAGE = 1 << PM_READER_PAGE_BITS, PAGES = 6, BASE = 0x7000 * PAGE, MOST_WORDS = 40, ROUNDS = 4000 };

struct fixture {
    struct pm_image image;
    struct pm_watched_words watched;
    struct pm_traced_word traced[MOST_WORDS];   /* as they were added */
    u32 count;
};

static u64 word_at(struct fixture *fixture, u64 address)
{
    u64 word;

    assert_true(pm_reader_read_u64(&fixture->image.reader, address, &word));
    return word;
}

static void begin(struct fixture *fixture, struct pm_random *random)
{
    *fixture = (struct fixture){ .count = 0 };
    pm_image_init(&fixture->image);
    for (u64 address = BASE; address < BASE + PAGES * PAGE; address += 8)
        pm_image_put_u64(&fixture->image, address, pm_random_u64(random));
    pm_watched_words_init(&fixture->watched);
}

static void end(struct fixture *fixture)
{
    pm_watched_words_release(&fixture->watched);
    pm_image_release(&fixture->image);
}

static u64 random_address(struct pm_random *random)
{
    return BASE + 8 * pm_random_below(random, PAGES * PAGE / 8);
}

static struct pm_traced_word random_word(struct fixture *fixture, struct pm_random *random, u64 address)
{
    const unsigned bytes = 1u << pm_random_below(random, 4);
    const u32 field = pm_trace_field(address + pm_random_below(random, 8 - bytes + 1), bytes);

    return (struct pm_traced_word){
        .address = address,
        .value = word_at(fixture, address) & pm_trace_masks[field],
        .field = field,
    };
}

static void add_word(struct fixture *fixture, struct pm_random *random, u64 address)
{
    const struct pm_traced_word word = random_word(fixture, random, address);

    assert_true(pm_watched_words_add(&fixture->watched, &fixture->image.reader, &word, 1));
    fixture->traced[fixture->count++] = word;
}

/* In two goes. */
static void fill(struct fixture *fixture, struct pm_random *random, u32 count)
{
    const u32 first = (u32)pm_random_below(random, count + 1);

    pm_watched_words_reserve(&fixture->watched, count);
    for (u32 i = 0; i < count; i++)
        fixture->traced[i] = random_word(fixture, random, random_address(random));
    fixture->count = count;
    assert_true(pm_watched_words_add(&fixture->watched, &fixture->image.reader, fixture->traced, first));
    assert_true(pm_watched_words_add(&fixture->watched, &fixture->image.reader, fixture->traced + first,
                                     count - first));
}

static u32 unchanged(struct fixture *fixture)
{
    u32 i = 0;

    while (i < fixture->count && (word_at(fixture, fixture->traced[i].address)
                                  & pm_traced_word_mask(&fixture->traced[i])) == fixture->traced[i].value)
        i++;
    return i;
}

static void expect_same(struct fixture *fixture)
{
    assert_true(pm_watched_words_readable(&fixture->watched, &fixture->image.reader));
    assert_int_equal(fixture->watched.count, fixture->count);
    assert_int_equal(pm_watched_words_unchanged(&fixture->watched), unchanged(fixture));
    for (u32 i = 0; i < fixture->count; i++) {
        struct pm_traced_word word = pm_watched_words_at(&fixture->watched, i);
        assert_int_equal(word.address, fixture->traced[i].address);
        assert_int_equal(word.value, fixture->traced[i].value);
        assert_int_equal(word.field, fixture->traced[i].field);
    }
}

static void test_against_model(void **state)
{
    struct pm_random random = pm_random_start();
    struct fixture fixture;
    unsigned all = 0, some = 0;

    (void)state;
    begin(&fixture, &random);
    for (unsigned round = 0; round < ROUNDS; round++) {
        switch (pm_random_below(&random, 8)) {
        case 0:
            fill(&fixture, &random, (u32)pm_random_below(&random, MOST_WORDS + 1));
            break;
        case 1:
            fixture.count = (u32)pm_random_below(&random, fixture.count + 1);
            pm_watched_words_truncate(&fixture.watched, fixture.count);
            break;
        case 2:
            if (pm_random_below(&random, 2) == 0)
                pm_reader_forget(&fixture.image.reader);
            else
                pm_reader_forget_range(&fixture.image.reader, random_address(&random), PAGE);
            break;
        case 3:     /* a watched word, or the rest of it */
        case 4:
            if (fixture.count > 0) {
                u64 address = fixture.traced[pm_random_below(&random, fixture.count)].address;
                pm_image_put_u64(&fixture.image, address, word_at(&fixture, address)
                                     ^ 1ull << pm_random_below(&random, 64));
            }
            break;
        default:
            pm_image_put_u64(&fixture.image, random_address(&random), pm_random_u64(&random));
            break;
        }
        expect_same(&fixture);
        all += fixture.count > 0 && unchanged(&fixture) == fixture.count;
        some += unchanged(&fixture) < fixture.count;
    }
    assert_in_range(all, ROUNDS / 10, ROUNDS);
    assert_in_range(some, ROUNDS / 10, ROUNDS);
    end(&fixture);
}

/* A page that is gone is noticed after the reader forgot its pages, and only then asked for. */
static void test_unmapped_page(void **state)
{
    struct pm_random random = pm_random_start();
    struct fixture fixture;

    (void)state;
    begin(&fixture, &random);
    pm_watched_words_reserve(&fixture.watched, 2);
    add_word(&fixture, &random, BASE);
    add_word(&fixture, &random, BASE + 2 * PAGE + 8);
    pm_image_unmap(&fixture.image, BASE + PAGE);        /* has none of the words */
    pm_reader_forget(&fixture.image.reader);
    assert_true(pm_watched_words_readable(&fixture.watched, &fixture.image.reader));
    pm_image_unmap(&fixture.image, BASE + 2 * PAGE);
    pm_reader_forget(&fixture.image.reader);
    assert_false(pm_watched_words_readable(&fixture.watched, &fixture.image.reader));
    assert_false(pm_watched_words_readable(&fixture.watched, &fixture.image.reader));
    /* What is watched from now on is readable again. */
    pm_watched_words_truncate(&fixture.watched, 0);
    fixture.count = 0;
    add_word(&fixture, &random, BASE + 16);
    expect_same(&fixture);
    end(&fixture);
}

static void test_refused_words(void **state)
{
    struct pm_random random = pm_random_start();
    struct pm_traced_word word = { .address = BASE, .field = pm_trace_field(BASE, 8) };
    struct fixture fixture;

    (void)state;
    begin(&fixture, &random);
    assert_int_equal(pm_watched_words_unchanged(&fixture.watched), 0);
    assert_false(pm_watched_words_add(&fixture.watched, &fixture.image.reader, &word, 1));
    pm_watched_words_reserve(&fixture.watched, 1);
    word.address = BASE + PAGES * PAGE;
    assert_false(pm_watched_words_add(&fixture.watched, &fixture.image.reader, &word, 1));
    add_word(&fixture, &random, BASE + 24);
    word.address = BASE;
    assert_false(pm_watched_words_add(&fixture.watched, &fixture.image.reader, &word, 1));
    expect_same(&fixture);
    /* Room is kept when fewer words are wanted. */
    pm_watched_words_reserve(&fixture.watched, 0);
    assert_int_equal(fixture.watched.count, 0);
    assert_int_equal(fixture.watched.capacity, 1);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_unmapped_page),
        cmocka_unit_test(test_refused_words),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
