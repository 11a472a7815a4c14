/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which interpreters are accepted, why others are refused, and how a code object is resolved. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "cpython/pm_code.h"
#include "cpython/pm_interpreter.h"
#include "cpython/pm_version.h"
#include "pm_image.h"

enum {
    THREAD = 0x10000,
    CFRAME = 0x11000,
    ROOT_CFRAME = 0x11800,
    VERSION = 0x12000,
    FRAME = 0x13000,
    CODE = 0x20000,
    CODE_TYPE = 0x30000,
};

static const u8 table_3_11[] = { 0x80 | 11 << 3 | 7, 0, 0 };    /* 8 units, line + 1 */

struct fixture {
    struct pm_image image;
    struct pm_interpreter_facts facts;
    struct pm_interpreter interpreter;
    const struct pm_layout *layout;     /* 3.11's */
    char why[200];
};

static void set_up(struct fixture *fixture, const char *version)
{
    const struct pm_image_code code = {
        CODE_TYPE, "/x/f.py", "f", "C.f", table_3_11, sizeof table_3_11, 41,
    };
    const struct pm_layout *layout = pm_layout_find(0x030b02f0, 0);
    const struct pm_layout_numbers *at = &layout->at;

    memset(fixture, 0, sizeof *fixture);
    pm_image_init(&fixture->image);
    fixture->layout = layout;
    fixture->facts = (struct pm_interpreter_facts){
        .version_text = VERSION, .code_type = CODE_TYPE,
    };
    pm_image_put(&fixture->image, VERSION, version, strlen(version) + 1);
    pm_image_put_u64(&fixture->image, THREAD + at->thread_frame, CFRAME);
    pm_image_put_u64(&fixture->image, CFRAME + at->cframe_frame, FRAME);
    pm_image_put_u64(&fixture->image, FRAME + at->frame_code, CODE);
    pm_image_put_u64(&fixture->image, FRAME + at->frame_position,
                     CODE + at->code_instructions + 4);
    pm_image_put_u64(&fixture->image, CFRAME + at->cframe_previous, ROOT_CFRAME);
    pm_image_put_code(&fixture->image, layout, CODE, &code);
}

static bool init(struct fixture *fixture)
{
    return pm_interpreter_init(&fixture->interpreter, &fixture->image.reader, &fixture->facts,
                               fixture->why, sizeof fixture->why)
           && pm_interpreter_check(&fixture->interpreter, &fixture->image.reader, THREAD,
                                   fixture->why, sizeof fixture->why);
}

static void expect_refusal(struct fixture *fixture, const char *why)
{
    assert_false(init(fixture));
    assert_null(fixture->interpreter.layout);
    assert_string_equal(fixture->why, why);
}

static void refuse_version(const char *version, bool debug, bool trace_refs, const char *why)
{
    struct fixture fixture;

    set_up(&fixture, version);
    fixture.facts.debug_marker = debug ? 0x1234 : 0;
    fixture.facts.trace_refs_marker = trace_refs ? 0x1234 : 0;
    expect_refusal(&fixture, why);
    assert_false(fixture.interpreter.too_early);
    pm_image_release(&fixture.image);
}

static void test_accepted(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, "3.11.2 (main, Mar 13 2023, 12:18:29) [GCC 12.2.0]");
    assert_true(init(&fixture));
    assert_ptr_equal(fixture.interpreter.layout, fixture.layout);
    assert_string_equal(fixture.interpreter.version, "3.11.2");
    assert_string_equal(fixture.why, "");
    assert_false(fixture.interpreter.debug);
    fixture.facts.debug_marker = 1;
    assert_true(init(&fixture));
    assert_true(fixture.interpreter.debug);
    assert_int_equal(fixture.interpreter.layout->build, PM_BUILD_DEBUG);
    pm_image_release(&fixture.image);
}

/* 3.7 with a dict of builtins that the collector's list has by a head of so many bytes; 0: it has not. What follows a
   smaller head, or comes before it, is of no list. */
static void expect_gc_head(u32 head_bytes, i32 expected)
{
    enum { BUILTINS = 0x41040, NEXT = 0x42000, PREVIOUS = 0x43000 };
    const struct pm_image_code code = { CODE_TYPE, "/x/f.py", "f", "f", (const u8 *)"\0\1", 2, 41 };
    const struct pm_layout *layout = pm_layout_find(0x030702f0, 0);
    struct fixture fixture = {
        .facts = { .version_text = VERSION, .code_type = CODE_TYPE },
    };
    struct pm_image *image = &fixture.image;

    pm_image_init(image);
    pm_image_put(image, VERSION, "3.7.2 (default)", 16);
    pm_image_put_code(image, layout, CODE, &code);
    pm_image_put_u64(image, THREAD + layout->at.frame_code, CODE);
    pm_image_put_u64(image, THREAD + layout->at.frame_position, 0);
    pm_image_put_u64(image, THREAD + layout->at.frame_back, 0);
    pm_image_put_u64(image, THREAD + layout->at.frame_code + 8, BUILTINS);
    pm_image_put_u64(image, BUILTINS - 40, 0x111);      /* malloc's */
    if (head_bytes != 0) {
        const u64 head = BUILTINS - head_bytes;
        pm_image_put_u64(image, head + layout->at.gc_next, NEXT);
        pm_image_put_u64(image, head + layout->at.gc_prev, PREVIOUS);
        pm_image_put_u64(image, NEXT + layout->at.gc_prev, head);
        pm_image_put_u64(image, PREVIOUS + layout->at.gc_next, head);
        pm_image_put_u64(image, head + 16, (u64)-3);    /* gc_refs */
    }
    assert_true(init(&fixture));
    assert_int_equal(fixture.interpreter.layout->at.gc_head_bytes, expected);
    assert_int_equal(fixture.interpreter.layout->at.frame_code, layout->at.frame_code);
    pm_image_release(image);
}

static void test_sizes_of_gc_heads(void **state)
{
    (void)state;
    expect_gc_head(24, 24);
    expect_gc_head(32, 32);
    expect_gc_head(0, 32);
}

static void test_versions_without_a_row(void **state)
{
    (void)state;
    refuse_version("3.99.0 (main)", false, false, "no layout for CPython 3.99.0");
    refuse_version("3.11.0rc1 (main)", false, false, "no layout for CPython 3.11.0rc1");
    refuse_version("3.11.0a7+ (main)", false, false, "no layout for CPython 3.11.0a7+");
    refuse_version("3.5.10 (default)", false, false, "no layout for CPython 3.5.10");
    refuse_version("3.5.10 (main)", true, false, "no layout for a debug build of CPython 3.5.10");
    refuse_version("3.7.16 (main)", true, false, "no layout for a debug build of CPython 3.7.16");
    refuse_version("3.99.0 (main)", true, true,
                   "no layout for a Py_TRACE_REFS build of CPython 3.99.0");
    refuse_version("3.13.0 experimental free-threading build (main)", false, false,
                   "no layout for a free-threaded build of CPython 3.13.0");
    refuse_version("PyPy", false, false, "the interpreter's version text is not one of CPython");
    refuse_version("3.11", false, false, "the interpreter's version text is not one of CPython");
    refuse_version("", false, false, "the interpreter's version text is not one of CPython");
}

static void test_version_numbers(void **state)
{
    struct pm_version version;

    (void)state;
    assert_true(pm_version_parse("2.7.18 (default)", &version));
    assert_int_equal(version.hex, 0x020712f0);
    assert_true(pm_version_parse("3.13.0b2", &version));
    assert_int_equal(version.hex, 0x030d00b2);
    assert_true(pm_version_parse("3.15.0rc1+ (heads)", &version));
    assert_int_equal(version.hex, 0x030f00c1);
    assert_true(pm_version_parse("3.15.0a", &version));
    assert_int_equal(version.hex, 0x030f00a0);
    assert_true(pm_version_parse("3.11.2+ (heads)", &version));
    assert_int_equal(version.hex, 0x030b02f0);
    assert_string_equal(version.text, "3.11.2+");
    assert_false(version.free_threaded);
    assert_false(pm_version_parse("3.256.0", &version));
    assert_false(pm_version_parse("99999999999999999999.1.1", &version));
    assert_false(pm_version_parse("3..1", &version));
    assert_false(pm_version_parse("3.11.2xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", &version));
}

static void test_version_unreadable(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, "3.11.2");
    pm_image_unmap(&fixture.image, VERSION);
    expect_refusal(&fixture, "the interpreter's version text cannot be read");
    fixture.facts.version_text = 0;
    expect_refusal(&fixture, "the interpreter's version text cannot be read");
    pm_image_release(&fixture.image);
}

static void test_chain_is_checked(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, "3.11.2");
    pm_image_put_u64(&fixture.image, FRAME + fixture.layout->at.frame_back, FRAME);
    expect_refusal(&fixture, "CPython 3.11.2: the chain of frames cannot be followed to its end");
    pm_image_release(&fixture.image);
}

/* Until a frame runs, the layout is known but not yet trusted. */
static void test_too_early(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, "3.11.2");
    pm_image_put_u64(&fixture.image, CFRAME + fixture.layout->at.cframe_frame, 0);
    assert_false(init(&fixture));
    assert_string_equal(fixture.why, "CPython 3.11.2: no frame is found while Python code runs");
    assert_true(fixture.interpreter.too_early);
    assert_ptr_equal(fixture.interpreter.layout, fixture.layout);
    pm_image_put_u64(&fixture.image, CFRAME + fixture.layout->at.cframe_frame, FRAME);
    assert_true(pm_interpreter_check(&fixture.interpreter, &fixture.image.reader, THREAD,
                                     fixture.why, sizeof fixture.why));
    assert_false(fixture.interpreter.too_early);
    assert_string_equal(fixture.why, "");
    pm_image_release(&fixture.image);
}

/* Where frames are never found, the layout does not fit. */
static void test_never_a_frame(void **state)
{
    struct fixture fixture;
    int checks = 1;

    (void)state;
    set_up(&fixture, "3.11.2");
    pm_image_put_u64(&fixture.image, CFRAME + fixture.layout->at.cframe_frame, 0);
    assert_false(init(&fixture));
    for (; fixture.interpreter.too_early && checks < 2000; checks++)
        assert_false(pm_interpreter_check(&fixture.interpreter, &fixture.image.reader, THREAD,
                                          fixture.why, sizeof fixture.why));
    assert_int_equal(checks, 1000);
    assert_null(fixture.interpreter.layout);
    assert_string_equal(fixture.why, "CPython 3.11.2: no frame is found while Python code runs");
    pm_image_release(&fixture.image);
}

static void test_hook_padding(void **state)
{
    (void)state;
    assert_int_equal(pm_layout_hook_padding(pm_layout_find(0x020712f0, 0)), 32);
    assert_int_equal(pm_layout_hook_padding(pm_layout_find(0x030710f0, 0)), 32);
    assert_int_equal(pm_layout_hook_padding(pm_layout_find(0x030812f0, 0)), 24);
    assert_int_equal(pm_layout_hook_padding(NULL), 24);
}

static void test_code_type_is_checked(void **state)
{
    const char *why = "CPython 3.11.2: a frame's code object does not have the type of code objects";
    struct fixture fixture;

    (void)state;
    set_up(&fixture, "3.11.2");
    fixture.facts.code_type = CODE_TYPE + 8;
    expect_refusal(&fixture, why);
    /* The type of code objects, if not known, is taken from the frames. */
    fixture.facts.code_type = 0;
    assert_true(init(&fixture));
    assert_int_equal(fixture.interpreter.code_type, CODE_TYPE);
    pm_image_put_u64(&fixture.image, CODE + fixture.layout->at.object_type, 0);
    expect_refusal(&fixture, why);
    pm_image_release(&fixture.image);
}

static void test_names_and_line_are_checked(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, "3.11.2");
    pm_image_put_u64(&fixture.image, CODE + fixture.layout->at.code_filename, 8);
    expect_refusal(&fixture, "CPython 3.11.2: the file name of the first frame cannot be read");
    pm_image_release(&fixture.image);

    set_up(&fixture, "3.11.2");
    pm_image_put_u64(&fixture.image, CODE + fixture.layout->at.code_qualname, 8);
    expect_refusal(&fixture, "CPython 3.11.2: the function name of the first frame cannot be read");
    pm_image_release(&fixture.image);

    set_up(&fixture, "3.11.2");
    pm_image_put_u32(&fixture.image, CODE + fixture.layout->at.code_first_line, 0x7000000);
    assert_false(init(&fixture));
    pm_image_put_u64(&fixture.image, CODE + fixture.layout->at.code_lines, 8);
    expect_refusal(&fixture, "CPython 3.11.2: the line of the first frame is not plausible");
    pm_image_release(&fixture.image);
}

static void test_why_is_cut(void **state)
{
    struct fixture fixture;
    char why[8];

    (void)state;
    set_up(&fixture, "3.99.0");
    assert_false(pm_interpreter_init(&fixture.interpreter, &fixture.image.reader, &fixture.facts,
                                     why, sizeof why));
    assert_string_equal(why, "no layo");
    assert_false(pm_interpreter_init(&fixture.interpreter, &fixture.image.reader, &fixture.facts,
                                     NULL, 0));
    pm_image_release(&fixture.image);
}

static void test_resolve(void **state)
{
    struct pm_code_location location;
    struct fixture fixture;
    u64 instructions;

    (void)state;
    set_up(&fixture, "3.11.2");
    assert_true(init(&fixture));
    instructions = CODE + (u64)fixture.layout->at.code_instructions;
    pm_code_location_init(&location);
    assert_true(pm_code_resolve(&fixture.interpreter, &fixture.image.reader, CODE,
                                instructions + 14, &location));
    assert_string_equal(location.file.bytes, "/x/f.py");
    assert_string_equal(location.function.bytes, "C.f");
    assert_int_equal(location.line, 42);
    assert_true(pm_code_resolve(&fixture.interpreter, &fixture.image.reader, CODE,
                                instructions - 2, &location));
    assert_int_equal(location.line, 41);
    /* Behind the table's end there is no line, but there are names. */
    assert_false(pm_code_resolve(&fixture.interpreter, &fixture.image.reader, CODE,
                                 instructions + 16, &location));
    assert_string_equal(location.file.bytes, "/x/f.py");
    assert_int_equal(location.line, 0);
    assert_false(pm_code_resolve(&fixture.interpreter, &fixture.image.reader, 8, instructions,
                                 &location));
    assert_string_equal(location.file.bytes, "");
    assert_false(pm_code_resolve(&fixture.interpreter, &fixture.image.reader, CODE + 0x400,
                                 instructions, &location));
    pm_code_location_release(&location);
    pm_image_release(&fixture.image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_sizes_of_gc_heads),
        cmocka_unit_test(test_versions_without_a_row),
        cmocka_unit_test(test_version_numbers),
        cmocka_unit_test(test_version_unreadable),
        cmocka_unit_test(test_chain_is_checked),
        cmocka_unit_test(test_too_early),
        cmocka_unit_test(test_never_a_frame),
        cmocka_unit_test(test_hook_padding),
        cmocka_unit_test(test_code_type_is_checked),
        cmocka_unit_test(test_names_and_line_are_checked),
        cmocka_unit_test(test_why_is_cut),
        cmocka_unit_test(test_resolve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
