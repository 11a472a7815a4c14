/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The writer interface: a format that records its calls shows which calls arrive, in which order,
   and that calls out of order end the process. Then every format of the list gets one and the same
   run, and must write where and when it says. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pm_platform.h"
#include "pm_fixture.h"
#include "report/pm_formats.h"

/* --- A format that records --- */

struct recorder {
    const struct pm_sink *sink;
};

static void note(void *writer, const char *event)
{
    const struct recorder *recorder = writer;
    pm_sink_write(recorder->sink, event, strlen(event));
}

static void *open_recorder(const struct pm_writer_options *options, const struct pm_sink *sink)
{
    struct recorder *recorder = pm_alloc("pm.recorder", sizeof *recorder);

    assert_non_null(options);
    recorder->sink = sink;
    note(recorder, "open;");
    return recorder;
}

static void close_recorder(void *writer)
{
    note(writer, "close;");
    pm_free(writer);
}

static void note_begin(void *writer, const struct pm_profile *profile)
{
    note(writer, profile->end == PM_END_EXEC ? "begin exec;" : "begin;");
}

static void note_end(void *writer, const struct pm_profile *profile)
{
    note(writer, profile->end == PM_END_EXEC ? "end exec;" : "end;");
}

static void note_search_begin(void *writer, const struct pm_profile *profile, enum pm_search_moment moment)
{
    static const char *const events[] = {
        [PM_SEARCH_BEFORE_FINALIZATION] = "search before;",
        [PM_SEARCH_AT_EXIT] = "search at exit;",
        [PM_SEARCH_ON_REQUEST] = "search on request;",
    };
    assert_non_null(profile);
    note(writer, events[moment]);
}

static void note_loss(void *writer, const struct pm_loss *loss, u32 number, u32 count)
{
    char event[80];

    snprintf(event, sizeof event, "loss %u of %u, %llu bytes;", number, count,
             (unsigned long long)loss->bytes);
    note(writer, event);
}

static void note_search_end(void *writer, const struct pm_losses *losses)
{
    assert_non_null(losses);
    note(writer, "search end;");
}

static void note_wrong_free(void *writer, const struct pm_tables *tables, const struct pm_wrong_free *wrong)
{
    assert_non_null(tables->strings);
    note(writer, wrong->kind == PM_FREE_INVALID ? "invalid free;" : "mismatched free;");
}

static void note_suggestion(void *writer, const struct pm_tables *tables,
                            const struct pm_suppression_subject *subject)
{
    assert_non_null(tables->strings);
    note(writer, subject->kind == PM_SUPPRESS_LEAK ? "suggestion for leak;" : "suggestion for free;");
}

static const struct pm_format all_calls = {
    .name = "recorder",
    .open = open_recorder,
    .close = close_recorder,
    .begin = note_begin,
    .end = note_end,
    .search_begin = note_search_begin,
    .loss = note_loss,
    .search_end = note_search_end,
    .wrong_free = note_wrong_free,
    .suggestion = note_suggestion,
};

/* Has no use for anything but the end. */
static const struct pm_format end_only = {
    .name = "end",
    .open = open_recorder,
    .close = close_recorder,
    .end = note_end,
};

/* --- A run --- */

struct world {
    struct pm_fixture fixture;
    struct pm_writer_options options;
    struct pm_buffer suggestions;
    struct pm_losses losses;
    struct pm_loss records[2];
    struct pm_wrong_free wrong;
    struct pm_suppression_subject leak, free;
};

static void init_world(struct world *world)
{
    struct pm_fixture *fixture = &world->fixture;

    pm_fixture_init(fixture);
    const struct pm_stack_id stack = pm_fixture_stack(
        fixture, pm_fixture_native(fixture, "/lib/libc.so.6", "malloc", 0, PM_FRAME_ALLOCATOR),
        pm_fixture_python(fixture, "/a/b/c.py", "f", 7));
    pm_fixture_allocate(fixture, stack, 3, 24, 0);
    world->records[0] = (struct pm_loss){ .kind = PM_LOSS_DEFINITE, .stack = stack, .bytes = 48, .blocks = 2,
                                          .phase_blocks = { 0, 2, 0 } };
    world->records[1] = (struct pm_loss){ .kind = PM_LOSS_DEFINITE, .stack = stack, .bytes = 24, .blocks = 1,
                                          .phase_blocks = { 1, 0, 0 }, .suppressed = true };
    world->losses = (struct pm_losses){ .records = world->records, .count = 2 };
    world->wrong = (struct pm_wrong_free){ .kind = PM_FREE_INVALID, .address = 0x1000, .stack = stack };
    world->leak = (struct pm_suppression_subject){ .kind = PM_SUPPRESS_LEAK, .loss = PM_LOSS_DEFINITE,
                                                   .stack = stack };
    world->free = (struct pm_suppression_subject){ .kind = PM_SUPPRESS_FREE, .stack = stack };
    pm_buffer_init(&world->suggestions);
    world->options = (struct pm_writer_options){ .suggestions = pm_fixture_sink(&world->suggestions) };
}

static void release_world(struct world *world)
{
    pm_buffer_release(&world->suggestions);
    pm_fixture_release(&world->fixture);
}

static struct pm_tables tables_of(const struct world *world)
{
    return (struct pm_tables){ &world->fixture.strings, &world->fixture.frames, &world->fixture.stacks };
}

static void tell_wrong_free(struct world *world, struct pm_writers *writers)
{
    const struct pm_tables tables = tables_of(world);

    pm_writers_wrong_free(writers, &tables, &world->wrong);
    pm_writers_suggestion(writers, &tables, &world->free);
}

static void tell_search(struct world *world, struct pm_writers *writers, const struct pm_profile *profile,
                        enum pm_search_moment moment)
{
    const struct pm_tables tables = tables_of(world);

    pm_writers_search_begin(writers, profile, moment);
    pm_writers_loss(writers, &world->records[0], 1, 2);
    pm_writers_suggestion(writers, &tables, &world->leak);
    pm_writers_search_end(writers, &world->losses);
}

static void tell_report(struct world *world, struct pm_writers *writers, enum pm_end end)
{
    struct pm_profile profile = *pm_fixture_profile(&world->fixture);

    profile.end = end;
    profile.losses = &world->losses;
    pm_writers_begin(writers, &profile);
    tell_search(world, writers, &profile, PM_SEARCH_AT_EXIT);
    pm_writers_end(writers, &profile);
}

/* --- Order --- */

static void test_order(void **state)
{
    struct pm_buffer first, second;
    struct pm_writers writers;
    struct world world;

    (void)state;
    init_world(&world);
    pm_buffer_init(&first);
    pm_buffer_init(&second);
    const struct pm_sink to_first = pm_fixture_sink(&first), to_second = pm_fixture_sink(&second);
    pm_writers_init(&writers);
    pm_writers_add(&writers, &all_calls, &world.options, &to_first);
    pm_writers_add(&writers, &end_only, &world.options, &to_second);
    tell_wrong_free(&world, &writers);
    tell_search(&world, &writers, pm_fixture_profile(&world.fixture), PM_SEARCH_ON_REQUEST);
    tell_report(&world, &writers, PM_END_EXEC);
    tell_report(&world, &writers, PM_END_EXIT);
    pm_writers_release(&writers);
    assert_string_equal(first.bytes,
                        "open;invalid free;suggestion for free;"
                        "search on request;loss 1 of 2, 48 bytes;suggestion for leak;search end;"
                        "begin exec;search at exit;loss 1 of 2, 48 bytes;suggestion for leak;search end;"
                        "end exec;"
                        "begin;search at exit;loss 1 of 2, 48 bytes;suggestion for leak;search end;end;"
                        "close;");
    assert_string_equal(second.bytes, "open;end exec;end;close;");
    pm_buffer_release(&first);
    pm_buffer_release(&second);
    release_world(&world);
}

/* Writers are called one after the other, those added first before those added later. */
static void test_order_of_writers(void **state)
{
    struct pm_buffer out;
    struct pm_writers writers;
    struct world world;

    (void)state;
    init_world(&world);
    pm_buffer_init(&out);
    const struct pm_sink sink = pm_fixture_sink(&out);
    pm_writers_init(&writers);
    pm_writers_add(&writers, &end_only, &world.options, &sink);
    pm_writers_add(&writers, &all_calls, &world.options, &sink);
    pm_writers_begin(&writers, pm_fixture_profile(&world.fixture));
    pm_writers_end(&writers, pm_fixture_profile(&world.fixture));
    pm_writers_release(&writers);
    assert_string_equal(out.bytes, "open;open;begin;end;end;close;close;");
    pm_buffer_release(&out);
    release_world(&world);
}

static void end_without_begin(struct world *world, struct pm_writers *writers)
{
    pm_writers_end(writers, pm_fixture_profile(&world->fixture));
}

static void begin_twice(struct world *world, struct pm_writers *writers)
{
    pm_writers_begin(writers, pm_fixture_profile(&world->fixture));
    pm_writers_begin(writers, pm_fixture_profile(&world->fixture));
}

static void loss_without_search(struct world *world, struct pm_writers *writers)
{
    pm_writers_begin(writers, pm_fixture_profile(&world->fixture));
    pm_writers_loss(writers, &world->records[0], 1, 1);
}

static void end_in_search(struct world *world, struct pm_writers *writers)
{
    const struct pm_profile *profile = pm_fixture_profile(&world->fixture);

    pm_writers_begin(writers, profile);
    pm_writers_search_begin(writers, profile, PM_SEARCH_AT_EXIT);
    pm_writers_end(writers, profile);
}

static void wrong_free_in_search(struct world *world, struct pm_writers *writers)
{
    pm_writers_search_begin(writers, pm_fixture_profile(&world->fixture), PM_SEARCH_ON_REQUEST);
    tell_wrong_free(world, writers);
}

static void release_in_report(struct world *world, struct pm_writers *writers)
{
    pm_writers_begin(writers, pm_fixture_profile(&world->fixture));
    pm_writers_release(writers);
}

static void test_wrong_order_ends_the_process(void **state)
{
    static void (*const mistakes[])(struct world *, struct pm_writers *) = {
        end_without_begin, begin_twice, loss_without_search, end_in_search, wrong_free_in_search,
        release_in_report,
    };

    (void)state;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(mistakes); i++) {
        int status;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct pm_writers writers;
            struct world world;
            signal(SIGABRT, SIG_DFL);
            if (freopen("/dev/null", "w", stderr) == NULL)
                _exit(1);
            init_world(&world);
            pm_writers_init(&writers);
            mistakes[i](&world, &writers);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

/* --- The formats of the list --- */

static void test_each_format(void **state)
{
    (void)state;
    for (size_t i = 0; i < PM_FORMAT_COUNT; i++) {
        const struct pm_format *format = pm_format_at(i);
        struct pm_buffer out;
        struct pm_writers writers;
        struct world world;
        init_world(&world);
        pm_buffer_init(&out);
        const struct pm_sink sink = pm_fixture_sink(&out);
        world.options.xml = format->channel == PM_CHANNEL_XML;
        assert_int_equal(format->channel == PM_CHANNEL_FILE, format->suffix != NULL);
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(format->name, pm_format_at(other)->name);
        pm_writers_init(&writers);
        pm_writers_add(&writers, format, &world.options, &sink);
        tell_wrong_free(&world, &writers);
        tell_search(&world, &writers, pm_fixture_profile(&world.fixture), PM_SEARCH_ON_REQUEST);
        /* A file takes bytes in a report only. */
        assert_int_equal(out.length == 0, format->channel == PM_CHANNEL_FILE);
        tell_report(&world, &writers, PM_END_EXEC);
        const size_t once = out.length;
        assert_true(once > 0);
        pm_buffer_clear(&out);
        tell_report(&world, &writers, PM_END_EXEC);
        assert_true(out.length > 0 && out.length <= once);
        pm_writers_release(&writers);
        pm_buffer_release(&out);
        release_world(&world);
    }
}

/* With XML output the log has the report and the summaries, but not the errors. */
static void test_errors_in_one_place(void **state)
{
    (void)state;
    for (int xml = 0; xml < 2; xml++) {
        struct pm_buffer out;
        struct pm_writers writers;
        struct world world;
        init_world(&world);
        pm_buffer_init(&out);
        const struct pm_sink sink = pm_fixture_sink(&out);
        world.options.xml = xml;
        pm_writers_init(&writers);
        pm_writers_add(&writers, &pm_text_format, &world.options, &sink);
        tell_wrong_free(&world, &writers);
        tell_report(&world, &writers, PM_END_EXIT);
        pm_writers_release(&writers);
        assert_non_null(strstr(out.bytes, "HEAP SUMMARY:\n"));
        assert_non_null(strstr(out.bytes, "Leaks at exit:\n\n"));
        assert_non_null(strstr(out.bytes, "LEAK SUMMARY:\n"));
        assert_int_equal(strstr(out.bytes, "Invalid free()") == NULL, xml);
        assert_int_equal(strstr(out.bytes, "48 bytes in 2 blocks are definitely lost") == NULL, xml);
        assert_int_equal(world.suggestions.length == 0, xml);
        if (!xml) {
            assert_non_null(strstr(world.suggestions.bytes, "   pymemcheck:Free\n"));
            assert_non_null(strstr(world.suggestions.bytes, "   pymemcheck:Leak\n"));
        }
        pm_buffer_release(&out);
        release_world(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_order_of_writers),
        cmocka_unit_test(test_wrong_order_ends_the_process),
        cmocka_unit_test(test_each_format),
        cmocka_unit_test(test_errors_in_one_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
