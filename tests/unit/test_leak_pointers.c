/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each use of a pointer to a block, on a heap made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_leak_pointers.h"
#include "pm_leak_field.h"

#define HEAP ((u64)0x100000)
#define DATA ((u64)0x7000000)
#define TARGET (HEAP + 0x800)       /* a block of 64 bytes with an object at 16 */

enum { MOST = 16 };

struct seen {
    struct pm_leak_pointer pointers[MOST];
    size_t count;
};

static void see(void *context, const struct pm_leak_pointer *pointer)
{
    struct seen *seen = context;

    assert_true(seen->count < MOST);
    seen->pointers[seen->count++] = *pointer;
}

static void look(struct field *field, u64 low, u64 end, struct seen *seen)
{
    seen->count = 0;
    pm_leaks_search(&field->leaks);
    pm_leak_pointers_each(&field->leaks, low, end, see, seen);
}

static struct field *new_field(void)
{
    struct field *field = malloc(sizeof *field);

    field_init(field);
    field_add_data(field, DATA, 32);
    field_add_block(field, HEAP, 64);
    field_add_block(field, TARGET, 64);
    field->blocks[1].object_offset = 16;
    field->blocks[1].flags = PM_LEAK_OBJECT;
    return field;
}

static void delete_field(struct field *field)
{
    field_release(field);
    free(field);
}

/* The use of a pointer in the data that points to value. */
static enum pm_leak_pointer_use use_of(struct field *field, u64 value)
{
    struct seen seen;

    field_put(field, DATA + 8, value);
    look(field, value, value + 1, &seen);
    assert_int_equal(seen.count, 1);
    assert_true(seen.pointers[0].where == DATA + 8);
    assert_true(seen.pointers[0].value == value);
    assert_int_equal(seen.pointers[0].from_root, 0);
    assert_int_equal(seen.pointers[0].from_block, PM_LEAK_NONE);
    field_put(field, DATA + 8, 0);
    return seen.pointers[0].use;
}

static void test_where_it_points(void **state)
{
    struct field *field = new_field();

    (void)state;
    assert_int_equal(use_of(field, TARGET), PM_POINTER_START);
    assert_int_equal(use_of(field, TARGET + 16), PM_POINTER_START);
    assert_int_equal(use_of(field, TARGET + 8), PM_POINTER_INTERIOR);
    assert_int_equal(use_of(field, TARGET + 24), PM_POINTER_INTERIOR);
    assert_int_equal(use_of(field, TARGET + 64), PM_POINTER_TO_NO_BLOCK);
    field->blocks[1].flags |= PM_LEAK_HEADER_HIDDEN;
    assert_int_equal(use_of(field, TARGET), PM_POINTER_TO_HEADER);
    field->blocks[1].flags |= PM_LEAK_START_ONLY;
    assert_int_equal(use_of(field, TARGET + 24), PM_POINTER_NOT_OWNING);
    field->blocks[1].flags = PM_LEAK_OBJECT;
    field->roots[0].foreign = true;
    assert_int_equal(use_of(field, TARGET + 24), PM_POINTER_NOT_OWNING);
    assert_int_equal(use_of(field, TARGET + 16), PM_POINTER_START);
    delete_field(field);
}

/* Four words of the first block point to the object. */
static void test_where_it_is(void **state)
{
    struct field *field = new_field();
    struct seen seen;

    (void)state;
    for (u64 word = 0; word < 4; word++)
        field_put(field, HEAP + 8 * word, TARGET + 16);
    field->blocks[0].hidden_first = 1;
    field->blocks[0].hidden_end = 2;
    look(field, TARGET + 16, TARGET + 17, &seen);
    assert_int_equal(seen.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(seen.pointers[i].where == HEAP + 8 * i);
        assert_int_equal(seen.pointers[i].from_block, 0);
        assert_int_equal(seen.pointers[i].block, 1);
        assert_int_equal(seen.pointers[i].use, i == 1 ? PM_POINTER_FROM_HIDDEN : PM_POINTER_START);
    }
    field->blocks[0].flags = PM_LEAK_WEAK_WORDS;
    look(field, TARGET + 16, TARGET + 17, &seen);
    assert_int_equal(seen.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(seen.pointers[i].use, i == 1 ? PM_POINTER_FROM_HIDDEN
                         : field_is_weak(field, 0, HEAP + 8 * i) ? PM_POINTER_WEAK : PM_POINTER_START);
    field->blocks[0].flags = PM_LEAK_OPAQUE;
    look(field, TARGET + 16, TARGET + 17, &seen);
    assert_int_equal(seen.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(seen.pointers[i].use, PM_POINTER_FROM_OPAQUE);
    delete_field(field);
}

/* Registers have no address; a tagged reference is one to the object. */
static void test_values_and_tags(void **state)
{
    struct field *field = new_field();
    struct seen seen;

    (void)state;
    field->values[1] = TARGET + 17;
    field_add_values(field, 2);
    field->leaks.tag_bits = 1;
    look(field, TARGET + 16, TARGET + 17, &seen);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.pointers[0].from_root, 1);
    assert_true(seen.pointers[0].where == 1);
    assert_int_equal(seen.pointers[0].use, PM_POINTER_START);
    field->leaks.tag_bits = 0;
    look(field, TARGET + 16, TARGET + 17, &seen);
    assert_int_equal(seen.count, 0);
    delete_field(field);
}

/* A page that cannot be read is passed over. */
static void test_unreadable(void **state)
{
    struct field *field = new_field();
    struct seen seen;

    (void)state;
    field_put(field, DATA, TARGET);
    field_put(field, HEAP, TARGET);
    field_forbid(field, DATA);
    look(field, TARGET, TARGET + 1, &seen);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.pointers[0].from_block, 0);
    delete_field(field);
}

static void test_texts(void **state)
{
    (void)state;
    for (int use = 0; use < PM_POINTER_USES; use++)
        assert_non_null(pm_leak_pointer_text((enum pm_leak_pointer_use)use));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_it_points), cmocka_unit_test(test_where_it_is),
        cmocka_unit_test(test_values_and_tags), cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
