/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loss records as a text of their own: jansson reads it, and the names that its numbers lead to are those of the
   records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>

#include "heap/pm_losses.h"
#include "pm_fixture.h"
#include "report/pm_json_excerpt.h"

static const char *string_at(const json_t *root, const char *table, json_int_t number)
{
    return json_string_value(json_array_get(json_object_get(root, table), (size_t)number));
}

static json_int_t number_of(const json_t *dict, const char *key)
{
    const json_t *value = json_object_get(dict, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

/* The functions of a stack, innermost first, must be these. */
static void check_stack(const json_t *root, json_int_t node, const char *const *functions)
{
    const json_t *stacks = json_object_get(root, "stacks");

    for (; node != 0; functions++) {
        json_int_t frame = json_integer_value(json_array_get(json_object_get(stacks, "frame"), (size_t)node));
        const json_t *of = json_array_get(json_object_get(root, "frames"), (size_t)frame);
        assert_non_null(*functions);
        assert_string_equal(string_at(root, "strings", number_of(of, "function")), *functions);
        node -= json_integer_value(json_array_get(json_object_get(stacks, "back"), (size_t)node));
    }
    assert_null(*functions);
}

static struct pm_string_id text(struct pm_fixture *fixture, const char *words)
{
    return pm_strings_intern_text(&fixture->strings, words);
}

/* Strings, frames and stacks that no record needs. */
static void add_others(struct pm_fixture *fixture)
{
    for (u32 i = 0; i < 50; i++) {
        struct pm_frame_id outer = pm_fixture_python(fixture, "other.py", "other", i);
        pm_fixture_stack(fixture, pm_fixture_native(fixture, "/lib/other.so", "f", i, 0), outer);
    }
}

static json_t *excerpt_of(struct pm_fixture *fixture, const struct pm_losses *losses)
{
    const struct pm_tables tables = { &fixture->strings, &fixture->frames, &fixture->stacks };
    struct pm_buffer buffer;
    struct pm_sink sink = pm_fixture_sink(&buffer);
    json_error_t error;

    pm_buffer_init(&buffer);
    pm_json_excerpt_write(&tables, losses, &sink);
    json_t *root = json_loads(buffer.bytes, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        fail_msg("line %d: %s", error.line, error.text);
    pm_buffer_release(&buffer);
    return root;
}

static void test_records(void **state)
{
    struct pm_fixture fixture;
    struct pm_losses losses;

    (void)state;
    pm_fixture_init(&fixture);
    add_others(&fixture);
    struct pm_frame_id eval = pm_fixture_native(&fixture, "/bin/python", "eval", 1, PM_FRAME_EVAL);
    struct pm_stack_id first = pm_fixture_stack(&fixture, pm_fixture_native(&fixture, "/lib/x.so", "make", 2, 0), eval,
                                                pm_fixture_python(&fixture, "a.py", "caf\xc3\xa9", 7));
    struct pm_stack_id second = pm_fixture_stack(&fixture, eval, pm_fixture_python(&fixture, "b.py", "g", 9));
    pm_losses_init(&losses, &fixture.strings, &fixture.frames, &fixture.stacks, PM_LOSS_MEDIUM);
    pm_losses_add(&losses, &(struct pm_loss_item){ .kind = PM_LOSS_DEFINITE, .stack = first, .bytes = 100,
        .type = text(&fixture, "list"), .note = text(&fixture, "len \xff"), .serial = 1, .address = 16 });
    u32 surplus = pm_losses_add(&losses, &(struct pm_loss_item){ .kind = PM_LOSS_SURPLUS, .stack = second, .bytes = 50,
        .type = text(&fixture, "dict"), .surplus_references = 2, .serial = 2, .address = 32 });
    pm_losses_add_chain(&losses, surplus, text(&fixture, "variable cache"));
    pm_losses_finish(&losses);

    json_t *root = excerpt_of(&fixture, &losses);
    const json_t *leaks = json_object_get(root, "leaks"), *records = json_object_get(leaks, "records");
    assert_int_equal(json_array_size(records), 2);
    const json_t *record = json_array_get(records, 0);
    assert_string_equal(json_string_value(json_object_get(record, "kind")), "definite");
    assert_int_equal(number_of(record, "bytes"), 100);
    check_stack(root, number_of(record, "stack"), (const char *const[]){ "make", "eval", "caf\xc3\xa9", NULL });
    assert_string_equal(string_at(root, "strings", number_of(record, "note")), "len \\xff");
    assert_int_equal(json_object_size(json_object_get(root, "strings_hex")), 1);
    record = json_array_get(records, 1);
    check_stack(root, number_of(record, "stack"), (const char *const[]){ "eval", "g", NULL });
    json_int_t type = json_integer_value(json_array_get(json_array_get(json_object_get(record, "types"), 0), 0));
    assert_string_equal(string_at(root, "strings", type), "dict");
    json_int_t line = json_integer_value(json_array_get(json_object_get(record, "chain"), 0));
    assert_string_equal(string_at(root, "strings", line), "variable cache");
    /* Nothing else is there. */
    assert_int_equal(json_array_size(json_object_get(root, "frames")), 4);
    assert_int_equal(json_array_size(json_object_get(json_object_get(root, "stacks"), "frame")), 1 + 5);
    json_decref(root);
    pm_losses_release(&losses);
    pm_fixture_release(&fixture);
}

static void test_no_record(void **state)
{
    struct pm_fixture fixture;
    struct pm_losses losses;

    (void)state;
    pm_fixture_init(&fixture);
    add_others(&fixture);
    pm_losses_init(&losses, &fixture.strings, &fixture.frames, &fixture.stacks, PM_LOSS_MEDIUM);
    pm_losses_finish(&losses);
    json_t *root = excerpt_of(&fixture, &losses);
    assert_int_equal(json_array_size(json_object_get(json_object_get(root, "leaks"), "records")), 0);
    assert_int_equal(json_array_size(json_object_get(root, "strings")), 1);
    json_decref(root);
    pm_losses_release(&losses);
    pm_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_no_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
