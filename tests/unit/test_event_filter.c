/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which events the event log has, and which functions belong to CPython's domains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cpython/pm_domain_functions.h"
#include "cpython/pm_domains.h"
#include "heap/pm_event_filter.h"

struct world {
    struct pm_strings strings;
    struct pm_frames frames;
    struct pm_stacks stacks;
    struct pm_stack_id stack;       /* malloc in libc, _fast in _ext.so, Class.method in pkg/job.py, main */
};

static void push(struct world *world, enum pm_frame_kind kind, const char *function, const char *place)
{
    const struct pm_string_id name = pm_strings_intern_text(&world->strings, place);
    const struct pm_frame frame = {
        .kind = (u8)kind,
        .function = pm_strings_intern_text(&world->strings, function),
        .file = kind == PM_FRAME_PYTHON ? name : (struct pm_string_id){ 0 },
        .object = kind == PM_FRAME_NATIVE ? name : (struct pm_string_id){ 0 },
    };
    world->stack = pm_stacks_push(&world->stacks, world->stack, pm_frames_intern(&world->frames, &frame));
}

static void begin(struct world *world)
{
    *world = (struct world){ .stack = PM_STACK_EMPTY };
    pm_strings_init(&world->strings);
    pm_frames_init(&world->frames);
    pm_stacks_init(&world->stacks);
    push(world, PM_FRAME_NATIVE, "main", "/usr/bin/python3");
    push(world, PM_FRAME_PYTHON, "Class.method", "/srv/pkg/job.py");
    push(world, PM_FRAME_NATIVE, "_fast", "/srv/pkg/_ext.cpython-311-x86_64-linux-gnu.so");
    push(world, PM_FRAME_NATIVE, "malloc", "/lib/libc.so.6");
}

static void end(struct world *world)
{
    pm_stacks_release(&world->stacks);
    pm_frames_release(&world->frames);
    pm_strings_release(&world->strings);
}

static bool accepts(const struct world *world, const char *file, const char *function, const char *object)
{
    const struct pm_tables tables = { &world->strings, &world->frames, &world->stacks };
    struct pm_event_filter filter;

    pm_event_filter_init(&filter);
    assert_true(pm_event_filter_is_empty(&filter));
    if (file != NULL)
        filter.files.patterns[filter.files.count++] = file;
    if (function != NULL)
        filter.functions.patterns[filter.functions.count++] = function;
    if (object != NULL)
        filter.objects.patterns[filter.objects.count++] = object;
    assert_int_equal(pm_event_filter_is_empty(&filter), file == NULL && function == NULL && object == NULL);
    return pm_event_filter_accepts_stack(&filter, &tables, world->stack);
}

static void test_stacks(void **unused)
{
    struct world world;

    (void)unused;
    begin(&world);
    assert_true(accepts(&world, NULL, NULL, NULL));
    assert_true(accepts(&world, "job.py", NULL, NULL));
    assert_true(accepts(&world, "pkg/*", NULL, NULL));
    assert_false(accepts(&world, "ob.py", NULL, NULL));
    assert_false(accepts(&world, "_ext*", NULL, NULL));         /* an object is no file */
    assert_true(accepts(&world, NULL, "method", NULL));
    assert_true(accepts(&world, NULL, "Class.*", NULL));
    assert_true(accepts(&world, NULL, "_fast", NULL));
    assert_false(accepts(&world, NULL, "ethod", NULL));
    assert_true(accepts(&world, NULL, NULL, "_ext.so"));
    assert_false(accepts(&world, NULL, NULL, "_other.so"));
    assert_true(accepts(&world, "job.py", "method", "_ext.so"));
    assert_false(accepts(&world, "job.py", "function", "_ext.so"));     /* all kinds must accept */
    end(&world);
}

static void test_sizes_and_threads(void **unused)
{
    struct pm_event_filter filter;

    (void)unused;
    pm_event_filter_init(&filter);
    assert_true(pm_event_filter_accepts_bytes(&filter, 0) && pm_event_filter_accepts_bytes(&filter, ~0ull));
    assert_true(pm_event_filter_accepts_thread(&filter, 7));
    filter.least_bytes = 10;
    filter.most_bytes = 20;
    filter.threads[filter.thread_count++] = 2;
    assert_false(pm_event_filter_is_empty(&filter));
    assert_true(pm_event_filter_accepts_bytes(&filter, 10) && pm_event_filter_accepts_bytes(&filter, 20));
    assert_false(pm_event_filter_accepts_bytes(&filter, 9) || pm_event_filter_accepts_bytes(&filter, 21));
    assert_true(pm_event_filter_accepts_thread(&filter, 2));
    assert_false(pm_event_filter_accepts_thread(&filter, 1));
}

static void test_domain_functions(void **unused)
{
    struct pm_domain_function function;

    (void)unused;
    assert_true(pm_domain_function_of("_PyObject_Calloc.lto_priv.0", &function));
    assert_string_equal(function.name, "_PyObject_Calloc");
    assert_int_equal(function.operation, PM_DOMAIN_CALLOC);
    assert_false(function.interface);
    assert_int_equal(function.slots, 1 << PM_SLOT_MEM | 1 << PM_SLOT_OBJECT);
    assert_true(pm_domain_function_of("PyMem_RawRealloc", &function));
    assert_true(function.interface);
    assert_int_equal(function.slots, 1 << PM_SLOT_RAW);
    assert_false(pm_domain_function_of("PyMem_MallocX", &function));
    assert_false(pm_domain_function_of("_PyMem_DebugMalloc", &function));
    assert_false(pm_domain_function_of("malloc", &function));
    assert_string_equal(pm_domain_function_name(PM_SLOT_OBJECT, PM_DOMAIN_FREE, false), "_PyObject_Free");
    assert_string_equal(pm_domain_function_name(PM_SLOT_OBJECT, PM_DOMAIN_FREE, true), "_PyMem_RawFree");
    assert_true(pm_domain_is_hook('o') && !pm_domain_is_hook(0));
    assert_int_equal(pm_domain_of_tracemalloc("tracemalloc_malloc_gil"), PM_DOMAIN_MEM);
    assert_int_equal(pm_domain_of_tracemalloc("tracemalloc_raw_realloc.lto_priv.0"), PM_DOMAIN_RAW);
    assert_int_equal(pm_domain_of_tracemalloc("tracemalloc_add_trace"), PM_DOMAIN_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stacks),
        cmocka_unit_test(test_sizes_and_threads),
        cmocka_unit_test(test_domain_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
