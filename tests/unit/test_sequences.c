/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interned sequences against a plain list of all that were met. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_sequences.h"
#include "pm_random.h"

enum { MOST_WORDS = 7, MOST_SEQUENCES = 600 };

struct model {
    u32 words[MOST_SEQUENCES][MOST_WORDS];
    size_t lengths[MOST_SEQUENCES];
    u32 count;
};

/* The number that the sequence must get. */
static u32 expected(struct model *model, const u32 *words, size_t length)
{
    for (u32 i = 0; i < model->count; i++)
        if (model->lengths[i] == length && memcmp(model->words[i], words, length * 4) == 0)
            return i + 1;
    assert_true(model->count < MOST_SEQUENCES);
    memcpy(model->words[model->count], words, length * 4);
    model->lengths[model->count] = length;
    return ++model->count;
}

static void assert_words(const struct pm_sequences *sequences, const struct model *model)
{
    assert_int_equal(sequences->count, model->count);
    for (u32 number = 1; number <= model->count; number++) {
        size_t length;
        const u32 *words = pm_sequences_words(sequences, number, &length);
        assert_int_equal(length, model->lengths[number - 1]);
        assert_memory_equal(words, model->words[number - 1], length * 4);
    }
}

/* Words of few values: prefixes and lengths differ, and each sequence comes often. */
static void test_random(void **state)
{
    struct pm_random random = pm_random_start();
    struct pm_sequences sequences;
    static struct model model;

    (void)state;
    for (int round = 0; round < 3; round++) {
        model.count = 0;
        pm_sequences_init(&sequences);
        for (int step = 0; step < 20000; step++) {
            u32 words[MOST_WORDS];
            size_t length = pm_random_below(&random, MOST_WORDS);
            for (size_t i = 0; i < length; i++)
                words[i] = pm_random_below(&random, 2 + (length < 5)) ? UINT32_MAX - 1 : 0;
            assert_int_equal(pm_sequences_intern(&sequences, words, length),
                             expected(&model, words, length));
        }
        assert_words(&sequences, &model);
        pm_sequences_release(&sequences);
    }
}

static void test_long(void **state)
{
    enum { LENGTH = 100000 };
    u32 *words = calloc(LENGTH, sizeof *words);
    struct pm_sequences sequences;

    (void)state;
    pm_sequences_init(&sequences);
    assert_int_equal(pm_sequences_intern(&sequences, words, LENGTH), 1);
    assert_int_equal(pm_sequences_intern(&sequences, words, LENGTH - 1), 2);
    words[LENGTH - 1] = 1;
    assert_int_equal(pm_sequences_intern(&sequences, words, LENGTH), 3);
    words[LENGTH - 1] = 0;
    assert_int_equal(pm_sequences_intern(&sequences, words, LENGTH), 1);
    assert_int_equal(pm_sequences_intern(&sequences, NULL, 0), 4);
    assert_int_equal(pm_sequences_intern(&sequences, NULL, 0), 4);
    pm_sequences_release(&sequences);
    free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_long),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
