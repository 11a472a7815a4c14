/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of layers, which must equal that of docs/allocator-layers.md. PM_SOURCE_DIR names the source
   folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cpython/pm_layers.h"

static void test_names(void **state)
{
    const struct {
        const char *function;
        enum pm_layer layer;
    } expected[] = {
        { "malloc", PM_LAYER_ALLOCATOR },
        { "malloc@@GLIBC_2.2.5", PM_LAYER_ALLOCATOR },
        { "operator new(unsigned long)", PM_LAYER_ALLOCATOR },
        { "operator new[](unsigned long, std::nothrow_t const&)", PM_LAYER_ALLOCATOR },
        { "_ZnwmSt11align_val_t", PM_LAYER_ALLOCATOR },
        { "PyObject_Malloc", PM_LAYER_ALLOCATOR },
        { "_PyObject_Malloc.lto_priv.0", PM_LAYER_ALLOCATOR },
        { "gc_alloc.constprop.1.isra.0", PM_LAYER_ALLOCATOR },
        { "_PyMem_DebugRawAlloc", PM_LAYER_DEBUG_HOOK },
        { "_PyMem_DebugRawAlloc.part.0", PM_LAYER_DEBUG_HOOK },
        { "_PyMem_DebugRawRealloc", PM_LAYER_DEBUG_ENTRY },
        { "_PyMem_DebugMalloc", PM_LAYER_DEBUG_ENTRY },
        { "_PyEval_EvalFrameDefault", PM_LAYER_EVAL },
        { "_PyEval_EvalFrameDefault.cold", PM_LAYER_EVAL },
        { "PyEval_EvalFrameEx", PM_LAYER_EVAL },
        { "", PM_LAYER_NONE },
        { ".", PM_LAYER_NONE },
        { ".part.0", PM_LAYER_NONE },
        { "@@GLIBC", PM_LAYER_NONE },
        { "mallo", PM_LAYER_NONE },
        { "malloc_hook_ini", PM_LAYER_NONE },
        { "my_malloc", PM_LAYER_NONE },
        { "operator new", PM_LAYER_NONE },
        { "Node::operator new(unsigned long)", PM_LAYER_NONE },
        { "operator delete(void*)", PM_LAYER_NONE },
        { "PyUnicode_New", PM_LAYER_NONE },
        { "fopen", PM_LAYER_NONE },
    };

    (void)state;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(expected); i++)
        if (pm_layer_of(expected[i].function) != expected[i].layer)
            fail_msg("%s is %d", expected[i].function, pm_layer_of(expected[i].function));
}

static void test_no_name_twice(void **state)
{
    const char *name, *other;
    enum pm_layer layer;

    (void)state;
    assert_null(pm_layers_entry(100000, &layer));
    for (size_t i = 0; (name = pm_layers_entry(i, &layer)) != NULL; i++) {
        assert_int_equal(pm_layer_of(name), layer);
        for (size_t j = 0; j < i; j++) {
            other = pm_layers_entry(j, &layer);
            assert_string_not_equal(name, other);
        }
    }
}

static FILE *open_page(void)
{
    const char *top = getenv("PM_SOURCE_DIR");
    char path[4096];
    FILE *page;

    snprintf(path, sizeof path, "%s/docs/allocator-layers.md", top != NULL ? top : ".");
    page = fopen(path, "r");
    if (page == NULL)
        fail_msg("cannot open %s: set PM_SOURCE_DIR to the top of the sources", path);
    return page;
}

static enum pm_layer layer_of_heading(const char *line)
{
    static const struct {
        const char *heading;
        enum pm_layer layer;
    } headings[] = {
        { "## Allocators\n", PM_LAYER_ALLOCATOR },
        { "## Debug hooks, inner level\n", PM_LAYER_DEBUG_HOOK },
        { "## Debug hooks, outer levels\n", PM_LAYER_DEBUG_ENTRY },
        { "## Evaluation\n", PM_LAYER_EVAL },
    };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(headings); i++)
        if (strcmp(line, headings[i].heading) == 0)
            return headings[i].layer;
    fail_msg("unknown heading: %s", line);
    return PM_LAYER_NONE;
}

/* Compares the names of a line with the list from *index on. */
static void compare_line(char *line, enum pm_layer layer, size_t *index)
{
    char *start = line, *end;
    enum pm_layer listed;
    const char *name;

    while ((start = strchr(start, '`')) != NULL) {
        end = strchr(++start, '`');
        assert_non_null(end);
        *end = '\0';
        name = pm_layers_entry((*index)++, &listed);
        if (name == NULL || strcmp(name, start) != 0 || listed != layer)
            fail_msg("the page has %s where the list has %s", start, name ? name : "its end");
        start = end + 1;
    }
}

static void test_page_equals_list(void **state)
{
    enum pm_layer layer = PM_LAYER_NONE, listed;
    FILE *page = open_page();
    char line[512];
    size_t index = 0;

    (void)state;
    while (fgets(line, sizeof line, page) != NULL) {
        if (strncmp(line, "## ", 3) == 0)
            layer = layer_of_heading(line);
        if (strncmp(line, "- ", 2) == 0)
            compare_line(line, layer, &index);
    }
    fclose(page);
    if (pm_layers_entry(index, &listed) != NULL)
        fail_msg("%s is not on the page", pm_layers_entry(index, &listed));
    assert_true(index > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_no_name_twice),
        cmocka_unit_test(test_page_equals_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
