/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The string table against a libc search tree of (bytes, id). */
#define _GNU_SOURCE         /* tdestroy */
#include <search.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_strings.h"
#include "pm_random.h"

/* One string of the model. */
struct known_string {
    size_t length;
    u32 id;
    const char *place;      /* where the table keeps it */
    char bytes[];
};

static int compare_known(const void *x, const void *y)
{
    const struct known_string *a = x, *b = y;
    size_t shorter = a->length < b->length ? a->length : b->length;
    int c = memcmp(a->bytes, b->bytes, shorter);

    return c != 0 ? c : (a->length > b->length) - (a->length < b->length);
}

struct string_model {
    struct pm_strings strings;
    void *tree;
    struct known_string **by_id;
    u32 count;
};

static void model_init(struct string_model *model, u32 most)
{
    pm_strings_init(&model->strings);
    model->tree = NULL;
    model->by_id = calloc(most, sizeof *model->by_id);
    model->count = 1;       /* the empty string, which is known from the start */
}

/* Interns in both, and compares. */
static u32 model_intern(struct string_model *model, const char *bytes, size_t length)
{
    struct known_string *probe = malloc(sizeof *probe + length);
    u32 id = pm_strings_intern(&model->strings, bytes, length).v;

    probe->length = length;
    memcpy(probe->bytes, bytes, length);
    struct known_string *known = *(struct known_string **)tsearch(probe, &model->tree,
                                                                  compare_known);
    if (known != probe) {
        assert_int_equal(id, known->id);
        free(probe);
    } else {
        probe->id = id;
        probe->place = pm_strings_text(&model->strings, (struct pm_string_id){ id });
        if (length == 0)
            assert_int_equal(id, 0);
        else
            assert_int_equal(id, model->count++);
        model->by_id[id] = probe;
    }
    assert_int_equal(pm_strings_count(&model->strings), model->count);
    return id;
}

/* Compares all strings again, with what they were and where, and gives all back. */
static void model_finish(struct string_model *model)
{
    for (u32 id = 0; id < model->count; id++) {
        struct known_string *known = model->by_id[id];
        struct pm_string_id string = { id };
        if (known == NULL) {
            assert_int_equal(id, 0);
            continue;
        }
        assert_ptr_equal(pm_strings_text(&model->strings, string), known->place);
        assert_int_equal(pm_strings_length(&model->strings, string), known->length);
        assert_memory_equal(known->place, known->bytes, known->length);
        assert_int_equal(known->place[known->length], '\0');
        assert_int_equal(pm_strings_intern(&model->strings, known->bytes, known->length).v, id);
    }
    tdestroy(model->tree, free);
    free(model->by_id);
    pm_strings_release(&model->strings);
}

/* Short strings of few letters, NUL among them, so that most are met again. */
static void test_short_strings(void **state)
{
    enum { STEPS = 200000 };
    struct pm_random random = pm_random_start();
    struct string_model model;

    (void)state;
    model_init(&model, STEPS + 1);
    for (int step = 0; step < STEPS; step++) {
        char bytes[12];
        size_t length = pm_random_below(&random, sizeof bytes + 1);
        for (size_t i = 0; i < length; i++)
            bytes[i] = "\0ab\xff"[pm_random_below(&random, 4)];
        model_intern(&model, bytes, length);
    }
    model_finish(&model);
}

static void test_long_strings(void **state)
{
    enum { STEPS = 300, LONGEST = 200000 };
    struct pm_random random = pm_random_start();
    struct string_model model;
    char *bytes = malloc(LONGEST);

    (void)state;
    model_init(&model, STEPS + 1);
    for (int step = 0; step < STEPS; step++) {
        /* About the size of a chunk, too. */
        size_t length = step < 100 ? 65536 - 50 + (size_t)step
            : pm_random_below(&random, step % 3 ? 100 : LONGEST);
        memset(bytes, (int)pm_random_below(&random, 3), length);
        model_intern(&model, bytes, length);
    }
    free(bytes);
    model_finish(&model);
}

/* What pm_hash_bytes starts with, mixed with the length. The tests below see to it that
   their hashes do collide, so this copy cannot go stale. */
#define HASH_START 0x9e3779b97f4a7c15ull

/* The next state of pm_hash_bytes, given the last one mixed with a word; and back. */
static u64 hash_round(u64 mixed)
{
    u64 state = mixed * 0x9fb21c651e98df25ull;
    return state ^ state >> 28;
}

static u64 hash_round_back(u64 state)
{
    u64 inverse = 1;

    for (int i = 0; i < 6; i++)     /* Newton: each step doubles the bits that are right */
        inverse *= 2 - 0x9fb21c651e98df25ull * inverse;
    return (state ^ state >> 28 ^ state >> 56) * inverse;
}

/* Sixteen bytes that hash like all others of this function, whatever first is:
   one round of pm_hash_bytes maps words to states one to one, so a second word can
   undo the difference that the first made. */
static void colliding_bytes(u64 first, char bytes[16])
{
    u64 second = hash_round(HASH_START ^ 16 ^ first);

    memcpy(bytes, &first, 8);
    memcpy(bytes + 8, &second, 8);
}

static void test_equal_hashes(void **state)
{
    enum { STRINGS = 500 };
    struct string_model model;
    char bytes[16], first[16];

    (void)state;
    model_init(&model, STRINGS + 1);
    colliding_bytes(0, first);
    for (int round = 0; round < 2; round++)
        for (u64 i = 0; i < STRINGS; i++) {
            colliding_bytes(i, bytes);
            assert_int_equal(pm_hash_bytes(bytes, 16), pm_hash_bytes(first, 16));
            assert_int_equal(model_intern(&model, bytes, 16), i + 1);
        }
    model_finish(&model);
}

/* A string and its own beginning, with the same hash. */
static void test_equal_hash_and_beginning(void **state)
{
    u64 words[2] = { 0x4142434445464748ull };
    const char *bytes = (const char *)words;
    struct pm_strings strings;

    (void)state;
    u64 whole = hash_round(HASH_START ^ 16 ^ words[0]);
    u64 beginning = hash_round(HASH_START ^ 8 ^ words[0]);
    words[1] = whole ^ hash_round_back(beginning);
    assert_int_equal(pm_hash_bytes(words, 8), pm_hash_bytes(words, 16));
    pm_strings_init(&strings);
    assert_int_equal(pm_strings_intern(&strings, bytes, 16).v, 1);
    assert_int_equal(pm_strings_intern(&strings, bytes, 8).v, 2);
    assert_int_equal(pm_strings_intern(&strings, bytes, 16).v, 1);
    pm_strings_release(&strings);
}

static void test_empty_and_nul(void **state)
{
    struct pm_strings strings;

    (void)state;
    pm_strings_init(&strings);
    assert_int_equal(pm_strings_count(&strings), 1);
    assert_int_equal(pm_strings_intern(&strings, NULL, 0).v, 0);
    assert_int_equal(pm_strings_intern_text(&strings, "").v, 0);
    assert_string_equal(pm_strings_text(&strings, (struct pm_string_id){ 0 }), "");
    u32 a = pm_strings_intern_text(&strings, "a").v;
    u32 a_nul = pm_strings_intern(&strings, "a\0", 2).v;
    u32 nul = pm_strings_intern(&strings, "\0", 1).v;
    assert_true(a != a_nul && a != nul && a_nul != nul && nul != 0);
    /* Not where the first was read from, and by its length. */
    assert_int_equal(pm_strings_intern(&strings, "abc", 1).v, a);
    pm_strings_release(&strings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_strings),
        cmocka_unit_test(test_long_strings),
        cmocka_unit_test(test_equal_hashes),
        cmocka_unit_test(test_equal_hash_and_beginning),
        cmocka_unit_test(test_empty_and_nul),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
