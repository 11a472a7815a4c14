/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text report: whole reports word for word, and the shape of histograms compared with
   those that DTrace printed. */
#include "pm_text_world.h"
#include "pm_seed_histograms.h"

static void test_shape_of_published_histograms(void **state)
{
    for (size_t i = 0; i < PM_ARRAY_LENGTH(pm_seed_histograms); i++) {
        const char *seed = pm_seed_histograms[i];
        void *one;
        char expected[4096];
        set_up(&one);
        struct world *world = one;
        struct pm_stack_id stack = python_stack(world, "a.py", "f", 1);
        for (const char *row = seed; *row != '\0'; row = strchr(row, '\n') + 1) {
            unsigned long long value, count;
            assert_int_equal(sscanf(row, "%llu |%*[@ ]%llu", &value, &count), 2);
            pm_fixture_allocate(&world->fixture, stack, count, value, 0);
        }
        world->options.histograms = PM_TEXT_HISTOGRAM(PM_GROUP_FUNCTION);
        snprintf(expected, sizeof expected, "\n%s%s\n", PM_SEED_HEADER, seed);
        assert_has(report(world), expected);
        tear_down(&one);
    }
    (void)state;
}

static void test_sizes_at_the_ends(void **state)
{
    struct world *world = *state;
    struct pm_stack_id stack = python_stack(world, "a.py", "f", 1);

    world->options.histograms = PM_TEXT_HISTOGRAM(PM_GROUP_LINE);
    pm_fixture_allocate(&world->fixture, stack, 1, 0, 0);
    assert_has(report(world),
               "   a.py:1 (f), bytes total = 0\n" PM_SEED_HEADER
               "               0 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 1        \n"
               "               1 |                                         0        \n\n");
    pm_histogram_add_bin(&pm_sites_at(&world->fixture.sites, 0)->sizes, PM_HISTOGRAM_BINS - 1, 12345678901);
    assert_has(report(world),
               "               0 |                                         1        \n");
    assert_has(report(world),
               "4611686018427387904 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 12345678901\n"
               "9223372036854775808 |                                         0        \n\n");
}

static void test_empty_profile(void **state)
{
    assert_string_equal(report(*state),
        "HEAP SUMMARY:\n"
        "    in use at exit: 0 bytes in 0 blocks\n"
        "  total heap usage: 0 allocs, 0 frees, 0 bytes allocated\n"
        "   peak heap usage: 0 bytes in 0 blocks\n"
        "       interpreter: CPython 3.11.2\n"
        "\n"
        "Python malloc byte distributions by engine caller (C function, while no Python function ran),\n"
        "\n"
        "   All by engine caller: 0 bytes in 0 blocks, 0 callers\n"
        "\n\n"
        "Python malloc byte distributions by Python file and function,\n"
        "\n"
        "   All by Python file and function: 0 bytes in 0 blocks, 0 functions\n"
        "\n\n"
        "Python malloc byte distributions by Python file and line,\n"
        "\n"
        "   All by Python file and line: 0 bytes in 0 blocks, 0 lines\n"
        "\n\n"
        "Python malloc byte distributions by stack trace,\n"
        "\n"
        "   All by stack trace: 0 bytes in 0 blocks, 0 stacks\n"
        "\n\n"
        "Blocks still allocated at exit, by Python line:\n"
        "\n"
        "   none: every block was freed\n"
        "\n"
        "CONCLUSION:\n"
        "   leaks: no search was made (--leak-check=no)\n"
        "   in use at exit 0 bytes in 0 blocks, see \"Blocks still allocated at exit\"\n"
        "\n");
}

/* Four CMalloc(1477) from one line, in a debug build: one row 1024 with count 4. */
static void test_one_site(void **state)
{
    struct world *world = *state;
    struct pm_stack_id stack = python_stack(world, "/src/ex_dtrace.py", "create_cmalloc_list", 48);

    pm_fixture_allocate(&world->fixture, stack, 4, 1477, 24);
    pm_fixture_free(&world->fixture, stack, 1, 1477, 24);
    world->options.histograms &= ~PM_TEXT_HISTOGRAM(PM_GROUP_CALLER);
#define ROWS \
    PM_SEED_HEADER \
    "             512 |                                         0        \n" \
    "            1024 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 4        \n" \
    "            2048 |                                         0        \n"
    assert_string_equal(report(world),
        "HEAP SUMMARY:\n"
        "    in use at exit: 4,503 bytes in 3 blocks\n"
        "  total heap usage: 4 allocs, 1 frees, 6,004 bytes allocated\n"
        "   peak heap usage: 6,004 bytes in 4 blocks\n"
        "     debug padding: 96 bytes of those allocated were added by CPython's debug hooks\n"
        "       interpreter: CPython 3.11.2\n"
        "\n"
        "Python malloc byte distributions by Python file and function,\n"
        "\n"
        "   ex_dtrace.py, create_cmalloc_list, bytes total = 5908\n"
        ROWS
        "\n"
        "   All by Python file and function: 5,908 bytes in 4 blocks, 1 function\n"
        "\n\n"
        "Python malloc byte distributions by Python file and line,\n"
        "\n"
        "   ex_dtrace.py:48 (create_cmalloc_list), bytes total = 5908\n"
        ROWS
        "\n"
        "   All by Python file and line: 5,908 bytes in 4 blocks, 1 line\n"
        "\n\n"
        "Python malloc byte distributions by stack trace,\n"
        "\n"
        "   stack trace, total bytes = 5908\n"
        "              libc.so.6`malloc\n"
        "              libpython3.11.so.1.0`_PyEval_EvalFrameDefault+0xd3c\n"
        "                [ /src/ex_dtrace.py:48 (create_cmalloc_list) ]\n"
        "              python`_start+0x7a\n"
        "\n"
        ROWS
        "\n"
        "   All by stack trace: 5,908 bytes in 4 blocks, 1 stack\n"
        "\n\n"
        "Blocks allocated at the peak, by Python line:\n"
        "\n"
        "           bytes      blocks     average  line\n"
        "           5,908           4       1,477  ex_dtrace.py:48 (create_cmalloc_list)\n"
        "  --------------------------------------\n"
        "           5,908           4       1,477  as requested\n"
        "              96                          padding added by CPython's debug hooks\n"
        "           6,004           4       1,501  peak heap usage\n"
        "\n"
        "Blocks still allocated at exit, by Python line:\n"
        "\n"
        "           bytes      blocks     average  line\n"
        "           4,431           3       1,477  ex_dtrace.py:48 (create_cmalloc_list)\n"
        "  --------------------------------------\n"
        "           4,431           3       1,477  as requested\n"
        "              72                          padding added by CPython's debug hooks\n"
        "           4,503           3       1,501  in use at exit\n"
        "\n"
        "CONCLUSION:\n"
        "   leaks: no search was made (--leak-check=no)\n"
        "   at the peak 6,004 bytes in 4 blocks, see \"Blocks allocated at the peak\"\n"
        "     5,908 bytes in 4 blocks: ex_dtrace.py:48 (create_cmalloc_list)\n"
        "   in use at exit 4,503 bytes in 3 blocks, see \"Blocks still allocated at exit\"\n"
        "\n");
#undef ROWS
}

static void test_largest_last_and_ties_by_name(void **state)
{
    struct world *world = *state;

    pm_fixture_allocate(&world->fixture, caller_stack(world, "/lib/b.so", "zebra"), 1, 64, 0);
    pm_fixture_allocate(&world->fixture, caller_stack(world, "/lib/b.so", "adder"), 1, 64, 0);
    pm_fixture_allocate(&world->fixture, caller_stack(world, "/lib/a.so", "zebra"), 2, 32, 0);
    pm_fixture_allocate(&world->fixture, caller_stack(world, "/lib/a.so", "large"), 1, 65, 0);
    pm_fixture_allocate(&world->fixture, caller_stack(world, "/lib/c.so", "small"), 1, 63, 0);
    world->options.histograms = PM_TEXT_HISTOGRAM(PM_GROUP_CALLER);
    const char *text = report(world);
    assert_order(text, "   c.so`small, total bytes = 63\n", "   a.so`zebra, total bytes = 64\n");
    assert_order(text, "   a.so`zebra, total bytes = 64\n", "   b.so`adder, total bytes = 64\n");
    assert_order(text, "   b.so`adder, total bytes = 64\n", "   b.so`zebra, total bytes = 64\n");
    assert_order(text, "   b.so`zebra, total bytes = 64\n", "   a.so`large, total bytes = 65\n");
    assert_order(text, "   a.so`large, total bytes = 65\n",
                 "   All by engine caller: 320 bytes in 6 blocks, 5 callers\n");
}

static void test_top(void **state)
{
    struct world *world = *state;

    for (u32 line = 1; line <= 12; line++)
        pm_fixture_allocate(&world->fixture, python_stack(world, "/x/a.py", "f", line), 2,
                            1000 * line, 0);
    world->options.histograms = PM_TEXT_HISTOGRAM(PM_GROUP_LINE);
    world->options.histogram_top = 3;
    world->options.table_top = 1;
    const char *text = report(world);
    assert_has(text, "by Python file and line,\n\n"
                     "   (9 smaller rows left out: 90,000 bytes in 18 blocks; "
                     "--histogram-top=0 shows all)\n\n"
                     "   a.py:10 (f), bytes total = 20000\n");
    assert_has(text, "   All by Python file and line: 156,000 bytes in 24 blocks, 12 lines\n");
    assert_has_not(text, "a.py:9 (f)");
    assert_has(text, "          24,000           2      12,000  a.py:12 (f)\n"
                     "         132,000          22       6,000  (11 smaller rows left out; "
                     "--histogram-top=0 shows all)\n"
                     "  --------------------------------------\n"
                     "         156,000          24       6,500  in use at exit\n");

    world->options.histogram_top = 11;
    assert_has(report(world), "   (1 smaller row left out: 2,000 bytes in 2 blocks; ");
    world->options.histogram_top = world->options.table_top = 0;
    text = report(world);
    assert_has_not(text, "left out");
    assert_order(text, "   a.py:1 (f), bytes total = 2000\n", "   a.py:12 (f), bytes total = 24000\n");
    assert_order(text, "      12,000  a.py:12 (f)\n", "       1,000  a.py:1 (f)\n");
    char *all = strdup(text);
    world->options.histogram_top = world->options.table_top = 12;
    assert_string_equal(report(world), all);
    free(all);
}

static void fill_stack(struct world *world)
{
    struct pm_fixture *fixture = &world->fixture;
    struct pm_frame_id stripped = pm_fixture_native(fixture, "/lib/libz.so.1", "", 0x4a2b, 0);
    struct pm_frame_id nowhere = pm_fixture_native(fixture, "", "", 0xffffffffff600400, 0);
    struct pm_frame_id inner = pm_fixture_python(fixture, "/a/b/mod.py", "C.m", 28);
    struct pm_frame_id outer = pm_fixture_python(fixture, "<string>", "<module>", 0);
    struct pm_frame_id note = pm_fixture_note(fixture, "40 more frames were not recorded");

    pm_fixture_allocate(fixture, pm_fixture_stack(fixture, world->leaf, stripped, nowhere,
                                                  world->eval, inner, outer, world->start, note),
                        1, 8, 0);
    pm_fixture_allocate(fixture, PM_STACK_EMPTY, 1, 4, 0);
    world->options.histograms = PM_TEXT_HISTOGRAM(PM_GROUP_STACK);
}

static void test_stack(void **state)
{
    struct world *world = *state;

    fill_stack(world);
    assert_has(report(world),
               "   stack trace, total bytes = 8\n"
               "              libc.so.6`malloc\n"
               "              libz.so.1+0x4a2b\n"
               "              ???`0xffffffffff600400\n"
               "              libpython3.11.so.1.0`_PyEval_EvalFrameDefault+0xd3c\n"
               "                [ /a/b/mod.py:28 (C.m) ]\n"
               "                [ <string>:? (<module>) ]\n"
               "              python`_start+0x7a\n"
               "                [ 40 more frames were not recorded ]\n"
               "\n" PM_SEED_HEADER);
    assert_has(report(world),
               "   stack trace, total bytes = 4\n                [ no stack ]\n\n" PM_SEED_HEADER);
    world->options.paths = PM_TEXT_PATHS_BASE;
    assert_has(report(world), "                [ mod.py:28 (C.m) ]\n");
    world->options.paths = PM_TEXT_PATHS_FULL;
    assert_has(report(world), "                [ /a/b/mod.py:28 (C.m) ]\n");
}

static void test_limits_of_stacks(void **state)
{
    struct world *world = *state;

    fill_stack(world);
    world->options.native_frames = 1;
    world->options.python_frames = 1;
    assert_has(report(world),
               "              libc.so.6`malloc\n"
               "              libz.so.1+0x4a2b\n"
               "                [ ... not shown: 1 native frame ]\n"
               "              libpython3.11.so.1.0`_PyEval_EvalFrameDefault+0xd3c\n"
               "                [ /a/b/mod.py:28 (C.m) ]\n"
               "                [ ... not shown: 1 Python frame ]\n"
               "              python`_start+0x7a\n"
               "                [ 40 more frames were not recorded ]\n"
               "\n");
    world->options.native_frames = 2;
    assert_has(report(world), "                [ ... not shown: 1 Python frame ]\n");
    world->options.python_frames = 2;
    assert_has_not(report(world), "not shown");
}

/* One allocation in each file; labels as in the function histogram. */
static void add_file(struct world *world, const char *file)
{
    pm_fixture_allocate(&world->fixture, python_stack(world, file, "f", 1), 1, 8, 0);
}

static void assert_label(struct world *world, const char *label)
{
    char row[256];

    snprintf(row, sizeof row, "   %s, f, bytes total = 8\n", label);
    assert_has(report(world), row);
}

static void test_short_paths_tell_files_apart(void **state)
{
    static const char *const files[] = {
        "/usr/lib/pkg/__init__.py", "/usr/lib/pkg/sub/__init__.py", "/home/pkg/__init__.py",
        "/src/only.py", "b.py", "/x/b.py", "-b.py", "/x/y-b.py", "/y/tail/", "/rooted.py",
        "rooted.py", "<string>", "<frozen importlib._bootstrap>", "<a/b>",
    };
    static const char *const labels[] = {
        "lib/pkg/__init__.py", "sub/__init__.py", "home/pkg/__init__.py",
        "only.py", "b.py", "x/b.py", "-b.py", "y-b.py", "/y/tail/", "/rooted.py",
        "rooted.py", "<string>", "<frozen importlib._bootstrap>", "<a/b>",
    };
    struct world *world = *state;

    for (size_t i = 0; i < PM_ARRAY_LENGTH(files); i++)
        add_file(world, files[i]);
    world->options.histograms = PM_TEXT_HISTOGRAM(PM_GROUP_FUNCTION);
    world->options.histogram_top = 0;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(labels); i++)
        assert_label(world, labels[i]);
    world->options.paths = PM_TEXT_PATHS_FULL;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(files); i++)
        assert_label(world, files[i]);
}

static void test_hostile_names(void **state)
{
    struct world *world = *state;

    add_file(world, "/d/a\nb\x1b[31m\x7f.py");
    add_file(world, "/d/caf\xed\xb3\xa9\xff.py");
    add_file(world, "/d/\xe2\x80\xae\xc2\x9b\xf0\x9f\x90\x8d.py");
    add_file(world, "");
    pm_fixture_allocate(&world->fixture, caller_stack(world, "/lib/x\ty.so", ""), 1, 8, 0);
    assert_label(world, "a\\nb\\x1b[31m\\x7f.py");
    assert_label(world, "caf\\xe9\\xff.py");
    assert_label(world, "\\u202e\\x9b\xf0\x9f\x90\x8d.py");
    assert_label(world, "???");
    assert_has(report(world), "                [ /d/a\\nb\\x1b[31m\\x7f.py:1 (f) ]\n");
    for (const char *p = report(world); *p != '\0'; p++)
        assert_true(*p == '\n' || (u8)*p >= 0x20);
}

static void test_troubles_and_words(void **state)
{
    struct world *world = *state;
    struct pm_profile *profile = &world->fixture.profile;

    world->options.histograms = 0;
    profile->troubles = (struct pm_troubles){ 1, 2000, 3, 4 };
    profile->reused_blocks = 5;
    profile->pymalloc = true;
    profile->python_refused = "no layout for this\nversion";
    profile->hint = "bash was run: --trace-children=yes follows it to Python";
    assert_has(report(world),
        "   peak heap usage: 0 bytes in 0 blocks\n"
        "            reused: 5 blocks passed to the line that used the object again\n"
        "   failed requests: 3 allocations returned NULL\n"
        "     unknown frees: 4 frees of an address that is no live block\n"
        " unreadable stacks: 1 allocation whose Python frames could not all be read\n"
        "   unreadable code: 2,000 code objects whose names or lines could not be read\n"
        "       interpreter: CPython 3.11.2\n"
        "   no Python lines: no layout for this\\nversion\n"
        "          pymalloc: in use (--pymalloc=yes): small objects are hidden in its arenas\n"
        "              hint: bash was run: --trace-children=yes follows it to Python\n"
        "\n");
}

static void test_ends(void **state)
{
    struct world *world = *state;
    struct pm_profile *profile = &world->fixture.profile;
    const char *text;

    profile->end = PM_END_SIGNAL;
    profile->exit_status = 11;
    text = report(world);
    assert_ptr_equal(text, strstr(text, "The process was killed by signal 11 (SIGSEGV): these are "
                                        "its figures up to then.\n\nHEAP SUMMARY:\n"));
    profile->exit_status = 34;
    text = report(world);
    assert_ptr_equal(text, strstr(text, "The process was killed by signal 34: these are "));
    profile->end = PM_END_EXEC;
    text = report(world);
    assert_ptr_equal(text, strstr(text, "The process is about to run another program (exec): "
                                        "these are its figures so far.\n\nHEAP SUMMARY:\n"));
}

/* Phases, and a peak that was reset. */
static void test_phases(void **state)
{
    struct world *world = *state;
    struct pm_phase entries[] = {
        { .name = pm_strings_intern_text(&world->fixture.strings, "load\x1b"), .times = 1, .allocs = 1234, .bytes = 5678,
          .live_bytes = 99, .live_known = true },
        { .name = pm_strings_intern_text(&world->fixture.strings, "query"), .times = 12, .open = 1, .allocs = 5 },
    };
    const struct pm_phases phases = { .entries = entries, .count = 2 };

    assert_has_not(report(world), "Phases that the program named");
    world->fixture.profile.phases = &phases;
    world->fixture.profile.peak_since = 61112;
    const char *text = report(world);
    assert_has(text, "peak heap usage: 0 bytes in 0 blocks, since allocation 61,112\n");
    assert_has(text, "\n      allocs           bytes    bytes in use  phase\n"
                     "       1,234           5,678              99  load\\x1b\n"
                     "           5               0       not known  query, 12 times, still open\n\n");
}

/* A program that is not Python gets the same report, with C callers only. */
static void test_not_python(void **state)
{
    struct world *world = *state;

    world->fixture.profile.python = NULL;
    pm_fixture_allocate(&world->fixture, caller_stack(world, "/bin/ls", "xmalloc"), 3, 5, 0);
    pm_fixture_allocate(&world->fixture, caller_stack(world, "/bin/ls", ""), 1, 5000, 0);
    const char *text = report(world);
    assert_has_not(text, "by Python");
    assert_has_not(text, "interpreter");
    assert_has(text, "by engine caller (C function, while no Python function ran),\n\n   ls`xmalloc, total bytes = 15\n");
    assert_has(text, "by stack trace,\n");
    assert_has(text, "Blocks still allocated at exit, by C function:\n\n"
                     "           bytes      blocks     average  caller\n"
                     "           5,000           1       5,000  ls`???\n"
                     "              15           3           5  ls`xmalloc\n"
                     "  --------------------------------------\n"
                     "           5,015           4       1,254  in use at exit\n");
}

static bool source_line(void *context, const char *file, u32 line, struct pm_buffer *out)
{
    static const char *const lines[] = {
        "ignored", "\t    x = [0] *\t1000  \r\n", "   \n",
        "y = '\x1b[31m\xff'  # 0123456789 0123456789 0123456789 0123456789 0123456789",
    };
    assert_string_equal(context, "context");
    assert_string_equal(file, "/src/a.py");
    if (line >= PM_ARRAY_LENGTH(lines))
        return false;
    pm_buffer_add_text(out, lines[line]);
    return true;
}

static void test_live_lines_with_source(void **state)
{
    struct world *world = *state;

    for (u32 line = 0; line <= 4; line++)
        pm_fixture_allocate(&world->fixture, python_stack(world, "/src/a.py", "f", line), 1,
                            500 - line, 0);
    pm_fixture_allocate(&world->fixture, caller_stack(world, "/lib/a.so", "g"), 2, 1, 0);
    pm_fixture_allocate(&world->fixture, caller_stack(world, "/lib/a.so", "h"), 1, 2, 0);
    world->options.histograms = 0;
    world->options.source_line = source_line;
    world->options.source_context = "context";
    assert_has(report(world),
        "           bytes      blocks     average  line\n"
        "             500           1         500  a.py:? (f)\n"
        "             499           1         499  a.py:1 (f)\n"
        "                                              x = [0] * 1000\n"
        "             498           1         498  a.py:2 (f)\n"
        "             497           1         497  a.py:3 (f)\n"
        "                                              y = '\\x1b[31m\\xff'  # 0123456789 0123456789"
        " 0123456789 01234...\n"
        "             496           1         496  a.py:4 (f)\n"
        "               4           3           1  no Python frame\n"
        "  --------------------------------------\n"
        "           2,494           8         312  in use at exit\n");
}

/* A block that passed to another line is live there, and in none of its histograms. */
static void test_moved_block(void **state)
{
    struct world *world = *state;
    struct pm_stack_id from = python_stack(world, "a.py", "f", 1);

    pm_fixture_allocate(&world->fixture, from, 1, 56, 0);
    pm_fixture_move(&world->fixture, from, python_stack(world, "a.py", "g", 2), 56);
    const char *text = report(world);
    assert_has(text, "   a.py, f, bytes total = 56\n");
    assert_has_not(text, "a.py, g");
    assert_has(text, "   All by Python file and function: 56 bytes in 1 blocks, 1 function\n");
    assert_has(text, "              56           1          56  a.py:2 (g)\n");
    assert_has_not(strstr(text, "Blocks still allocated"), "56  a.py:1 (f)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape_of_published_histograms),
        TEST(test_sizes_at_the_ends),
        TEST(test_empty_profile),
        TEST(test_one_site),
        TEST(test_largest_last_and_ties_by_name),
        TEST(test_top),
        TEST(test_stack),
        TEST(test_limits_of_stacks),
        TEST(test_short_paths_tell_files_apart),
        TEST(test_hostile_names),
        TEST(test_troubles_and_words),
        TEST(test_ends),
        TEST(test_phases),
        TEST(test_not_python),
        TEST(test_live_lines_with_source),
        TEST(test_moved_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
