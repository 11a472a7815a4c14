/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XML of errors: word for word in simple cases, and well-formed whatever bytes names hold
   (checked by a small reader). tests/regress/test_xml.py checks whole runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_platform.h"
#include "heap/pm_loss_kinds.h"
#include "heap/pm_record_filter.h"
#include "pm_fixture.h"
#include "pm_random.h"
#include "report/pm_formats.h"
#include "report/pm_utf8.h"

struct stage {
    struct pm_fixture fixture;
    struct pm_buffer out;
    struct pm_sink sink;
    struct pm_writer_options options;
    struct pm_writers writers;
};

static u64 address_of(void *context, struct pm_frame_id frame)
{
    const struct pm_fixture *fixture = context;
    return pm_frames_get(&fixture->frames, frame)->kind == PM_FRAME_NATIVE ? 0x4000 + frame.v : 0;
}

static void open_stage(struct stage *stage)
{
    pm_fixture_init(&stage->fixture);
    pm_buffer_init(&stage->out);
    stage->sink = pm_fixture_sink(&stage->out);
    stage->options = (struct pm_writer_options){
        .xml = true,
        .address = address_of,
        .address_context = &stage->fixture,
    };
    pm_writers_init(&stage->writers);
    pm_writers_add(&stage->writers, &pm_xml_format, &stage->options, &stage->sink);
}

static void close_stage(struct stage *stage)
{
    pm_writers_release(&stage->writers);
    pm_buffer_release(&stage->out);
    pm_fixture_release(&stage->fixture);
}

static struct pm_tables tables_of(const struct stage *stage)
{
    return (struct pm_tables){ &stage->fixture.strings, &stage->fixture.frames,
                               &stage->fixture.stacks };
}

static void test_wrong_free(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage);
    const struct pm_tables tables = tables_of(&stage);
    const struct pm_frame_id free_frame = pm_fixture_native(&stage.fixture, "/lib/libc.so.6", "free", 0, 0);
    const struct pm_frame_id malloc_frame = pm_fixture_native(&stage.fixture, "/lib/libc.so.6", "malloc", 0, 0);
    const struct pm_frame_id line = pm_fixture_python(&stage.fixture, "/a/b/c.py", "f", 7);
    struct pm_wrong_free wrong = {
        .kind = PM_FREE_INVALID,
        .address = 0x1008,
        .stack = pm_fixture_stack(&stage.fixture, free_frame, line),
        .place = PM_PLACE_LIVE,
        .block = { .address = 0x1000, .bytes = 24,
                   .allocated = pm_fixture_stack(&stage.fixture, malloc_frame) },
    };
    pm_writers_wrong_free(&stage.writers, &tables, &wrong);
    assert_string_equal(stage.out.bytes,
                        "  <kind>InvalidFree</kind>\n"
                        "  <what>Invalid free() / delete / delete[] / realloc()</what>\n"
                        "  <stack>\n"
                        "    <frame> <ip>0x4000</ip> <obj>/lib/libc.so.6</obj> <fn>free</fn> </frame>\n"
                        "    <frame> <ip>0x0</ip> <fn>f</fn> <dir>/a/b</dir> <file>c.py</file> <line>7</line> </frame>\n"
                        "  </stack>\n"
                        "  <auxwhat>Address 0x1008 is 8 bytes inside a block of size 24 alloc'd</auxwhat>\n"
                        "  <stack>\n"
                        "    <frame> <ip>0x4001</ip> <obj>/lib/libc.so.6</obj> <fn>malloc</fn> </frame>\n"
                        "  </stack>\n");
    pm_buffer_clear(&stage.out);
    wrong.kind = PM_FREE_DOMAIN;
    wrong.freed_by = "PyMem_Free";
    wrong.allocated_by = "malloc";
    wrong.place = PM_PLACE_FREED;
    wrong.block.freed = wrong.stack;
    pm_writers_wrong_free(&stage.writers, &tables, &wrong);
    assert_non_null(strstr(stage.out.bytes, "<kind>MismatchedFree</kind>\n"
                                            "  <what>Mismatched free(): PyMem_Free of a block from malloc</what>"));
    assert_non_null(strstr(stage.out.bytes, "size 24 free'd</auxwhat>\n  <stack>\n"));
    assert_non_null(strstr(stage.out.bytes, "  </stack>\n  <auxwhat>Block was alloc'd at</auxwhat>\n  <stack>\n"));
    close_stage(&stage);
}

/* --- A reader of elements, text, &amp; &lt; &gt; and CDATA --- */

static const char *expect_name(const char *at, char *name, size_t capacity)
{
    size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz");

    assert_in_range(length, 1, capacity - 1);
    memcpy(name, at, length);
    name[length] = '\0';
    return at + length;
}

static void check_characters(const char *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        u32 c;
        size_t size = pm_utf8_decode(bytes + at, length - at, &c);
        assert_in_range(size, 1, 4);
        assert_true(c >= ' ' || c == '\n');
        assert_false((c >= 0xd800 && c <= 0xdfff) || c == 0xfffe || c == 0xffff);
        at += size;
    }
}

static void check_well_formed(const struct pm_buffer *out)
{
    enum { DEEPEST = 10 };
    char open[DEEPEST][20];
    unsigned depth = 0;

    assert_int_equal(strlen(out->bytes), out->length);
    check_characters(out->bytes, out->length);
    for (const char *at = out->bytes; *at != '\0';) {
        if (strncmp(at, "<![CDATA[", 9) == 0) {
            assert_true(depth > 0);
            at = strstr(at, "]]>");
            assert_non_null(at);
            at += 3;
        } else if (strncmp(at, "</", 2) == 0) {
            char name[20];
            at = expect_name(at + 2, name, sizeof name);
            assert_true(depth > 0);
            assert_string_equal(name, open[--depth]);
            assert_int_equal(*at++, '>');
        } else if (*at == '<') {
            assert_true(depth < DEEPEST);
            at = expect_name(at + 1, open[depth++], sizeof open[0]);
            assert_int_equal(*at++, '>');
        } else if (*at == '&') {
            assert_true(strncmp(at, "&amp;", 5) == 0 || strncmp(at, "&lt;", 4) == 0
                        || strncmp(at, "&gt;", 4) == 0);
            at++;
        } else {
            assert_true(depth > 0 || *at == ' ' || *at == '\n');
            at++;
        }
    }
    assert_int_equal(depth, 0);
}

static struct pm_string_id random_string(struct pm_random *random, struct pm_strings *strings)
{
    static const char *const pieces[] = {
        "<", ">", "&", "]]>", "]", "\"", "'", "\n", "\t", "\x01", "\x7f", "\x80", "\xff", "/", "a", "\xc3\xa4",
        "\xed\xb2\x80", "\xed\xa0\x80", "\xef\xbf\xbe", "\xef\xbf\xbf", "\xe2\x80\xae", "\xf0\x9f\x90\x8d",
        "\xf0\x9f", "&lt;", " ", ".py", "<!--", "\\",
    };
    char text[64] = "";

    for (u64 n = pm_random_below(random, 10); n > 0; n--)
        strcat(text, pieces[pm_random_below(random, PM_ARRAY_LENGTH(pieces))]);
    return pm_strings_intern_text(strings, text);
}

static struct pm_stack_id random_stack(struct pm_random *random, struct pm_fixture *fixture)
{
    struct pm_stack_id stack = PM_STACK_EMPTY;

    for (u64 n = pm_random_below(random, 6); n > 0; n--) {
        const struct pm_frame frame = {
            .kind = (u8)pm_random_below(random, 3),
            .line = (u32)pm_random_below(random, 3),
            .function = random_string(random, &fixture->strings),
            .file = random_string(random, &fixture->strings),
            .object = random_string(random, &fixture->strings),
        };
        stack = pm_stacks_push(&fixture->stacks, stack, pm_frames_intern(&fixture->frames, &frame));
    }
    return stack;
}

static void test_any_bytes(void **state)
{
    struct pm_random random = pm_random_start();

    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        struct stage stage;
        open_stage(&stage);
        const struct pm_tables tables = tables_of(&stage);
        struct pm_strings *strings = &stage.fixture.strings;
        struct pm_loss_type types[] = { { random_string(&random, strings), 2 },
                                        { random_string(&random, strings), 1 } };
        struct pm_string_id chain[] = { random_string(&random, strings), random_string(&random, strings) };
        const struct pm_loss loss = {
            .kind = (enum pm_loss_kind)pm_random_below(&random, PM_LOSS_KINDS),
            .stack = random_stack(&random, &stage.fixture),
            .bytes = 72, .blocks = 3,
            .indirect_bytes = pm_random_below(&random, 2) * 40,
            .indirect_blocks = 1,
            .phase_blocks = { 1, 1, 1 },
            .note = random_string(&random, strings),
            .types = types, .type_count = 2,
            .chain = chain, .chain_length = 2,
        };
        const struct pm_suppression_subject subject = {
            .kind = round % 2 ? PM_SUPPRESS_LEAK : PM_SUPPRESS_FREE,
            .loss = loss.kind,
            .stack = loss.stack,
            .types = types, .type_count = 2,
        };
        const struct pm_losses losses = { 0 };
        pm_writers_search_begin(&stage.writers, pm_fixture_profile(&stage.fixture), PM_SEARCH_AT_EXIT);
        pm_writers_loss(&stage.writers, &loss, 1, 2);
        pm_writers_suggestion(&stage.writers, &tables, &subject);
        pm_writers_search_end(&stage.writers, &losses);
        check_well_formed(&stage.out);
        const char *leaked = strstr(stage.out.bytes, "<leakedbytes>");
        assert_non_null(leaked);
        assert_int_equal(atoi(leaked + 13), 72 + (int)loss.indirect_bytes);
        close_stage(&stage);
    }
}

/* --only-object=, --only-file= and --only-phase= */
static void test_record_filter(void **state)
{
    struct pm_fixture fixture;

    (void)state;
    pm_fixture_init(&fixture);
    const struct pm_stack_id stack = pm_fixture_stack(
        &fixture, pm_fixture_native(&fixture, "/lib/libc.so.6", "malloc", 0, 0),
        pm_fixture_native(&fixture, "/x/_my.cpython-311-x86_64-linux-gnu.so", "f", 0, 0),
        pm_fixture_python(&fixture, "/home/me/mypkg/sub/a.py", "g", 1));
    static const struct {
        struct pm_record_filter filter;
        bool accepted;
    } cases[] = {
        { { .object_count = 0 }, true },
        { { .objects = { "_my.so" }, .object_count = 1 }, true },
        { { .objects = { "_other.so", "_my.*" }, .object_count = 2 }, true },
        { { .objects = { "my.so" }, .object_count = 1 }, false },
        { { .objects = { "a.py" }, .object_count = 1 }, false },
        { { .files = { "mypkg/*" }, .file_count = 1 }, true },
        { { .files = { "pkg/*" }, .file_count = 1 }, false },
        { { .files = { "_my.so" }, .file_count = 1 }, false },
        { { .objects = { "_my.so" }, .object_count = 1, .files = { "a.py" }, .file_count = 1 }, true },
        { { .objects = { "_my.so" }, .object_count = 1, .files = { "b.py" }, .file_count = 1 }, false },
        { { .phases = PM_RECORD_FILTER_PHASE(PM_PHASE_MAIN) }, true },
        { { .phases = PM_RECORD_FILTER_PHASE(PM_PHASE_IMPORT) | PM_RECORD_FILTER_PHASE(PM_PHASE_FINALIZATION) }, true },
        { { .phases = PM_RECORD_FILTER_PHASE(PM_PHASE_FINALIZATION) }, false },
        { { .phases = PM_RECORD_FILTER_PHASE(PM_PHASE_MAIN), .files = { "b.py" }, .file_count = 1 }, false },
    };
    const struct pm_loss loss = {
        .stack = stack,
        .blocks = 5,
        .phase_blocks = { [PM_PHASE_IMPORT] = 2, [PM_PHASE_MAIN] = 3 },
    };
    const struct pm_tables tables = { &fixture.strings, &fixture.frames, &fixture.stacks };
    for (size_t i = 0; i < PM_ARRAY_LENGTH(cases); i++)
        assert_int_equal(pm_record_filter_accepts(&cases[i].filter, &tables, &loss), cases[i].accepted);
    /* Nobody allocated a static object. */
    const struct pm_record_filter finalization = { .phases = PM_RECORD_FILTER_PHASE(PM_PHASE_FINALIZATION) };
    assert_true(pm_record_filter_accepts(&finalization, &tables, &(struct pm_loss){ .blocks = 3, .is_static = true }));
    pm_fixture_release(&fixture);
}

static void test_phases(void **state)
{
    static const char *const wrong[] = { "", "imports", "import,", ",main", "import main", "all", "Main" };
    u32 phases = 77;

    (void)state;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(wrong); i++)
        assert_false(pm_record_filter_parse_phases(wrong[i], &phases));
    assert_int_equal(phases, 77);
    assert_true(pm_record_filter_parse_phases("main", &phases));
    assert_int_equal(phases, PM_RECORD_FILTER_PHASE(PM_PHASE_MAIN));
    assert_true(pm_record_filter_parse_phases("finalization,import", &phases));
    assert_int_equal(phases, PM_RECORD_FILTER_PHASE(PM_PHASE_IMPORT) | PM_RECORD_FILTER_PHASE(PM_PHASE_FINALIZATION));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_free),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_record_filter),
        cmocka_unit_test(test_phases),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
