/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A profile and the text report of it, for tests. Order of calls: set_up; what fills the
   fixture; report, as often as wanted; tear_down. */
#ifndef PM_TEXT_WORLD_H
#define PM_TEXT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pm_fixture.h"
#include "report/pm_formats.h"

struct world {
    struct pm_fixture fixture;
    struct pm_text_options options;
    struct pm_buffer out;
    struct pm_frame_id leaf, eval, start;
};

static inline int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    pm_fixture_init(&world->fixture);
    pm_buffer_init(&world->out);
    world->options = (struct pm_text_options){
        .histograms = PM_TEXT_ALL_HISTOGRAMS,
        .histogram_top = 10,
        .draw_histograms = true,
        .table_top = 10,
    };
    world->leaf = pm_fixture_native(&world->fixture, "/lib/libc.so.6", "malloc", 0,
                                    PM_FRAME_ALLOCATOR);
    world->eval = pm_fixture_native(&world->fixture, "/lib/libpython3.11.so.1.0",
                                    "_PyEval_EvalFrameDefault", 0xd3c, PM_FRAME_EVAL);
    world->start = pm_fixture_native(&world->fixture, "/bin/python", "_start", 0x7a, 0);
    *state = world;
    return 0;
}

static inline int tear_down(void **state)
{
    struct world *world = *state;

    pm_fixture_release(&world->fixture);
    pm_buffer_release(&world->out);
    free(world);
    return 0;
}

/* Every call passes one whole line. */
static inline void take_line(void *context, const char *bytes, size_t length)
{
    assert_true(length > 0);
    assert_int_equal(strcspn(bytes, "\n"), length - 1);
    assert_int_equal(bytes[length], '\0');
    pm_buffer_add_bytes(context, bytes, length);
}

static inline const char *report(struct world *world)
{
    const struct pm_writer_options options = { .text = world->options };
    const struct pm_sink sink = { take_line, &world->out };
    const struct pm_profile *profile = pm_fixture_profile(&world->fixture);
    struct pm_writers writers;

    pm_buffer_clear(&world->out);
    pm_writers_init(&writers);
    pm_writers_add(&writers, &pm_text_format, &options, &sink);
    pm_writers_begin(&writers, profile);
    pm_writers_end(&writers, profile);
    pm_writers_release(&writers);
    return world->out.bytes;
}

static inline struct pm_stack_id python_stack(struct world *world, const char *file, const char *function,
                                       u32 line)
{
    struct pm_frame_id frame = pm_fixture_python(&world->fixture, file, function, line);

    return pm_fixture_stack(&world->fixture, world->leaf, world->eval, frame, world->start);
}

static inline struct pm_stack_id caller_stack(struct world *world, const char *object, const char *function)
{
    struct pm_frame_id frame = pm_fixture_native(&world->fixture, object, function, 0x12, 0);

    return pm_fixture_stack(&world->fixture, world->leaf, frame, world->start);
}

static inline void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fprintf(stderr, "not there:\n%s\nin:\n%s", part, text);
        fail();
    }
}

static inline void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        fprintf(stderr, "there:\n%s\nin:\n%s", part, text);
        fail();
    }
}

/* Both parts are there, first before second. */
static inline void assert_order(const char *text, const char *first, const char *second)
{
    assert_has(text, first);
    assert_has(strstr(text, first) + strlen(first), second);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
