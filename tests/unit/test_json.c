/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pymemcheck.out, read by jansson, compared with the profile that it was written from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "pm_fixture.h"
#include "report/pm_json.h"

static void write_profile(struct pm_fixture *fixture, size_t chunk_bytes, struct pm_buffer *out)
{
    struct pm_json_options options = { .chunk_bytes = chunk_bytes };
    struct pm_sink sink = pm_fixture_sink(out);

    pm_json_write(pm_fixture_profile(fixture), &options, &sink);
}

/* Writes the profile and reads it; the caller releases. */
static json_t *read_profile(struct pm_fixture *fixture)
{
    struct pm_buffer out;
    json_error_t error;

    pm_buffer_init(&out);
    write_profile(fixture, 0, &out);
    json_t *root = json_loadb(out.bytes, out.length, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        fail_msg("line %d: %s", error.line, error.text);
    pm_buffer_release(&out);
    return root;
}

static u64 number(json_t *dict, const char *key)
{
    json_t *value = json_object_get(dict, key);

    if (!json_is_integer(value))
        fail_msg("%s is no integer", key);
    return (u64)json_integer_value(value);
}

static void assert_text(json_t *dict, const char *key, const char *text)
{
    json_t *value = json_object_get(dict, key);

    if (text == NULL)
        assert_true(json_is_null(value));
    else
        assert_string_equal(json_string_value(value), text);
}

static void assert_bool(json_t *dict, const char *key, bool expected)
{
    json_t *value = json_object_get(dict, key);

    assert_true(json_is_boolean(value));
    assert_int_equal(json_boolean_value(value), expected);
}

/* Checks the exact bytes of list[index]. */
static void assert_bytes(json_t *list, json_t *hex_dict, size_t index, const char *bytes,
                         size_t length)
{
    char key[24];

    snprintf(key, sizeof key, "%zu", index);
    const char *hex = json_string_value(json_object_get(hex_dict, key));
    if (hex == NULL) {
        json_t *string = json_array_get(list, index);
        assert_int_equal(json_string_length(string), length);
        assert_memory_equal(json_string_value(string), bytes, length);
        return;
    }
    assert_int_equal(strlen(hex), 2 * length);
    for (size_t i = 0; i < length; i++) {
        char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
        assert_int_equal(strtoul(digits, NULL, 16), (u8)bytes[i]);
    }
}

static void check_strings(json_t *root, const struct pm_strings *strings)
{
    json_t *list = json_object_get(root, "strings"), *hex = json_object_get(root, "strings_hex");

    assert_int_equal(json_array_size(list), pm_strings_count(strings));
    for (u32 i = 0; i < pm_strings_count(strings); i++) {
        struct pm_string_id id = { i };
        assert_bytes(list, hex, i, pm_strings_text(strings, id), pm_strings_length(strings, id));
    }
}

static bool has_word(json_t *list, const char *word)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), word) == 0)
            return true;
    return false;
}

static void check_frames(json_t *root, const struct pm_frames *frames)
{
    static const char *const kinds[] = {
        [PM_FRAME_NATIVE] = "native", [PM_FRAME_PYTHON] = "python", [PM_FRAME_NOTE] = "note",
    };
    json_t *list = json_object_get(root, "frames");

    assert_int_equal(json_array_size(list), frames->count);
    for (u32 i = 0; i < frames->count; i++) {
        const struct pm_frame *frame = pm_frames_get(frames, (struct pm_frame_id){ i });
        json_t *row = json_array_get(list, i), *flags = json_object_get(row, "flags");
        assert_text(row, "kind", kinds[frame->kind]);
        assert_int_equal(number(row, "function"), frame->function.v);
        assert_int_equal(number(row, "file"), frame->file.v);
        assert_int_equal(number(row, "line"), frame->line);
        assert_int_equal(number(row, "object"), frame->object.v);
        assert_int_equal(strtoull(json_string_value(json_object_get(row, "offset")), NULL, 16),
                         frame->offset);
        assert_int_equal(has_word(flags, "allocator"), (frame->flags & PM_FRAME_ALLOCATOR) != 0);
        assert_int_equal(has_word(flags, "debug_hook"), (frame->flags & PM_FRAME_DEBUG_HOOK) != 0);
        assert_int_equal(has_word(flags, "eval"), (frame->flags & PM_FRAME_EVAL) != 0);
        assert_int_equal(json_array_size(flags), __builtin_popcount(frame->flags));
    }
}

static void check_stacks(json_t *root, const struct pm_stacks *stacks)
{
    json_t *dict = json_object_get(root, "stacks");
    json_t *back = json_object_get(dict, "back"), *frames = json_object_get(dict, "frame");

    assert_int_equal(json_array_size(back), stacks->count);
    assert_int_equal(json_array_size(frames), stacks->count);
    assert_true(json_is_null(json_array_get(back, 0)));
    assert_true(json_is_null(json_array_get(frames, 0)));
    for (u32 i = 1; i < stacks->count; i++) {
        struct pm_stack_node node = stacks->nodes[i];
        assert_int_equal(i - json_integer_value(json_array_get(back, i)), node.parent.v);
        assert_int_equal(json_integer_value(json_array_get(frames, i)), node.frame.v);
    }
}

static void check_sizes(json_t *list, const struct pm_histogram *sizes)
{
    size_t place = 0;

    for (unsigned bin = 0; bin < PM_HISTOGRAM_BINS; bin++) {
        if (pm_histogram_count(sizes, bin) == 0)
            continue;
        json_t *pair = json_array_get(list, place++);
        assert_int_equal(json_array_size(pair), 2);
        assert_int_equal(json_integer_value(json_array_get(pair, 0)), pm_histogram_bin_value(bin));
        assert_int_equal(json_integer_value(json_array_get(pair, 1)),
                         pm_histogram_count(sizes, bin));
    }
    assert_int_equal(json_array_size(list), place);
}

/* sites.<column>[index], of a table with count sites. */
static json_t *site_value(json_t *root, const char *column, size_t index, size_t count)
{
    json_t *list = json_object_get(json_object_get(root, "sites"), column);

    if (!json_is_array(list) || json_array_size(list) != count)
        fail_msg("column %s is no list of %zu", column, count);
    return json_array_get(list, index);
}

static void check_sites(json_t *root, const struct pm_sites *sites, const u8 *domains)
{
    size_t count = sites->count;

    assert_int_equal(json_object_size(json_object_get(root, "sites")), 13);
    assert_int_equal(json_array_size(json_object_get(json_object_get(root, "sites"), "sizes")), count);
    for (u32 i = 0; i < count; i++) {
        const struct pm_site *site = pm_sites_at(sites, i);
        const struct {
            const char *column;
            u64 value;
        } values[] = {
            { "stack", site->stack },
            { "total_bytes", site->total_bytes },
            { "total_blocks", site->total_blocks },
            { "padding_bytes", site->padding_bytes },
            { "live_bytes", site->live_bytes },
            { "live_blocks", site->live_blocks },
            { "peak_bytes", pm_sites_peak_bytes(sites, site) },
            { "peak_blocks", pm_sites_peak_blocks(sites, site) },
            { "first", site->first_serial },
            { "last", site->last_serial },
            { "thread", site->thread == PM_SITE_SEVERAL_THREADS ? 0 : site->thread },
            { "domain", domains == NULL ? 0 : domains[i] },
        };
        for (size_t j = 0; j < PM_ARRAY_LENGTH(values); j++) {
            json_t *value = site_value(root, values[j].column, i, count);
            assert_true(json_is_integer(value));
            assert_int_equal(json_integer_value(value), values[j].value);
        }
        check_sizes(site_value(root, "sizes", i, count), &site->sizes);
    }
}

static void check_run(json_t *root, const struct pm_profile *profile)
{
    json_t *run = json_object_get(root, "run"), *command = json_object_get(run, "command");

    assert_text(root, "format", "pymemcheck");
    assert_int_equal(number(root, "version"), 2);
    assert_int_equal(number(run, "pid"), profile->pid);
    assert_int_equal(number(run, "ppid"), profile->ppid);
    assert_int_equal(json_array_size(command), profile->command_length);
    for (size_t i = 0; i < profile->command_length; i++)
        assert_bytes(command, json_object_get(run, "command_hex"), i, profile->command[i],
                     strlen(profile->command[i]));
    assert_text(run, "tool_version", profile->tool_version);
    assert_text(run, "valgrind_version", profile->valgrind_version);
    assert_text(run, "python", profile->python);
    assert_text(run, "python_refused", profile->python_refused);
    assert_text(run, "hint", profile->hint);
    assert_bool(run, "pymalloc", profile->pymalloc);
    assert_bool(run, "debug_hooks", profile->debug_hooks);
    assert_int_equal(number(run, "elapsed_ms"), profile->elapsed_ms);
}

static void check_totals(json_t *root, const struct pm_profile *profile)
{
    json_t *totals = json_object_get(root, "totals"), *troubles = json_object_get(root, "troubles");

    assert_int_equal(number(totals, "allocs"), profile->total_allocs);
    assert_int_equal(number(totals, "frees"), profile->total_frees);
    assert_int_equal(number(totals, "bytes"), profile->total_bytes);
    assert_int_equal(number(totals, "live_bytes"), profile->live_bytes);
    assert_int_equal(number(totals, "live_blocks"), profile->live_blocks);
    assert_int_equal(number(totals, "peak_bytes"), profile->peak_bytes);
    assert_int_equal(number(totals, "peak_blocks"), profile->peak_blocks);
    assert_int_equal(number(totals, "peak_serial"), profile->sites->peak_serial);
    assert_int_equal(number(totals, "padding_bytes"), profile->padding_bytes);
    assert_int_equal(number(totals, "reused_blocks"), profile->reused_blocks);
    assert_int_equal(number(troubles, "unreadable_stacks"), profile->troubles.unreadable_stacks);
    assert_int_equal(number(troubles, "unreadable_code"), profile->troubles.unreadable_code);
    assert_int_equal(number(troubles, "failed_allocations"), profile->troubles.failed_allocations);
    assert_int_equal(number(troubles, "unknown_frees"), profile->troubles.unknown_frees);
}

static void check_all(struct pm_fixture *fixture)
{
    const struct pm_profile *profile = pm_fixture_profile(fixture);
    json_t *root = read_profile(fixture);

    check_run(root, profile);
    check_totals(root, profile);
    check_strings(root, profile->strings);
    check_frames(root, profile->frames);
    check_stacks(root, profile->stacks);
    check_sites(root, profile->sites, profile->domains);
    json_decref(root);
}

/* Frames of each kind, hostile names, padding, a peak before the end, a size of zero, a reused
   block. */
static void fill(struct pm_fixture *fixture)
{
    static const char *const command[] = {
        "/usr/bin/python3", "-c", "print(\"\\\")\n", "caf\xe9", "", "\xed\xb3\xa9", "caf\xc3\xa9",
    };
    struct pm_frame_id leaf = pm_fixture_native(fixture, "/lib/libc.so.6", "malloc", 0,
                                                PM_FRAME_ALLOCATOR);
    struct pm_frame_id hook = pm_fixture_native(fixture, "/usr/bin/python3", "_PyMem_DebugRawAlloc",
                                                0x31, PM_FRAME_ALLOCATOR | PM_FRAME_DEBUG_HOOK);
    struct pm_frame_id eval = pm_fixture_native(fixture, "/usr/bin/python3",
                                                "_PyEval_EvalFrameDefault", 0xd3c, PM_FRAME_EVAL);
    struct pm_frame_id stripped = pm_fixture_native(fixture, "/lib/\xff\"\\.so", "",
                                                    0xffffffffff600400, 0);
    struct pm_frame_id python = pm_fixture_python(fixture, "/src/caf\xed\xb3\xa9\n.py",
                                                  "C.<locals>.\x1b[31m", 4294967295u);
    struct pm_frame_id unicode = pm_fixture_python(fixture, "/src/\xc3\xa9.py", "\xf0\x9f\x90\x8d", 0);
    struct pm_frame_id note = pm_fixture_note(fixture, "deeper frames were not recorded");
    struct pm_stack_id plain = pm_fixture_stack(fixture, leaf, hook, eval, python, unicode, note);
    struct pm_stack_id other = pm_fixture_stack(fixture, leaf, stripped);

    fixture->profile.command = command;
    fixture->profile.command_length = PM_ARRAY_LENGTH(command);
    pm_fixture_allocate(fixture, plain, 5, 177, 24);
    pm_fixture_allocate(fixture, other, 1, 0, 0);
    pm_fixture_allocate(fixture, other, 2, (u64)1 << 40, 0);
    pm_fixture_free(fixture, other, 2, (u64)1 << 40, 0);
    pm_fixture_allocate(fixture, PM_STACK_EMPTY, 1, 3, 0);
    pm_fixture_move(fixture, plain, pm_fixture_stack(fixture, leaf, unicode), 177);
    fixture->profile.reused_blocks = 1;
    fixture->profile.debug_hooks = true;
    fixture->profile.troubles = (struct pm_troubles){ 1, 2, 3, 4 };
}

static void test_empty_profile(void **state)
{
    struct pm_fixture fixture;
    (void)state;

    pm_fixture_init(&fixture);
    check_all(&fixture);
    pm_fixture_release(&fixture);
}

static void test_every_field(void **state)
{
    struct pm_fixture fixture;
    (void)state;

    pm_fixture_init(&fixture);
    fill(&fixture);
    check_all(&fixture);
    fixture.profile.python = NULL;
    fixture.profile.python_refused = "no layout for \"4.0\"\t";
    fixture.profile.hint = "bash was run";
    fixture.profile.domains = (const u8[]){ 1, 2, 3, 4, 5 };
    assert_in_range(fixture.sites.count, 1, 5);
    fixture.profile.pymalloc = true;
    fixture.profile.debug_hooks = false;
    check_all(&fixture);
    pm_fixture_release(&fixture);
}

/* The peak is what was live at the highest point, not at the end. */
static void test_peak_share(void **state)
{
    struct pm_fixture fixture;
    (void)state;

    pm_fixture_init(&fixture);
    fill(&fixture);
    json_t *root = read_profile(&fixture);
    size_t count = fixture.sites.count;
    assert_int_equal(json_integer_value(site_value(root, "peak_bytes", 1, count)), (u64)2 << 40);
    assert_int_equal(json_integer_value(site_value(root, "peak_blocks", 1, count)), 3);
    assert_int_equal(json_integer_value(site_value(root, "live_bytes", 1, count)), 0);
    assert_int_equal(number(json_object_get(root, "totals"), "peak_bytes"),
                     ((u64)2 << 40) + 5 * 201);
    json_decref(root);
    pm_fixture_release(&fixture);
}

/* Two moments: the second has only what changed. */
static void test_snapshots(void **state)
{
    struct pm_moments moments;
    struct pm_fixture fixture;
    (void)state;

    pm_fixture_init(&fixture);
    fill(&fixture);
    json_t *none = read_profile(&fixture);
    assert_true(json_is_null(json_object_get(none, "snapshots")));
    json_decref(none);

    pm_moments_init(&moments, 10);
    pm_moments_take(&moments, &fixture.sites, &(struct pm_moment_place){ 8, 20, 3000 }, (struct pm_string_id){ 0 });
    pm_fixture_allocate(&fixture, pm_fixture_stack(&fixture, pm_fixture_note(&fixture, "new")), 1, 7, 0);
    pm_moments_take(&moments, &fixture.sites, &(struct pm_moment_place){ 9, 21, 3007 }, (struct pm_string_id){ 1 });
    fixture.profile.moments = &moments;
    json_t *root = read_profile(&fixture), *snapshots = json_object_get(root, "snapshots");
    assert_int_equal(json_object_size(snapshots), 7);
    const struct {
        const char *column;
        u64 values[2];
    } expected[] = {
        { "name", { 0, 1 } }, { "serial", { 8, 9 } }, { "elapsed_ms", { 20, 21 } },
        { "total_bytes", { 3000, 3007 } },
        { "live_bytes", { moments.list[0].live_bytes, moments.list[0].live_bytes + 7 } },
        { "live_blocks", { moments.list[0].live_blocks, moments.list[0].live_blocks + 1 } },
    };
    for (size_t i = 0; i < PM_ARRAY_LENGTH(expected); i++) {
        json_t *column = json_object_get(snapshots, expected[i].column);
        assert_int_equal(json_array_size(column), 2);
        for (size_t k = 0; k < 2; k++)
            assert_int_equal(json_integer_value(json_array_get(column, k)), expected[i].values[k]);
    }
    json_t *last = json_array_get(json_object_get(snapshots, "changes"), 1);
    assert_int_equal(json_array_size(last), 3);
    assert_int_equal(json_integer_value(json_array_get(last, 0)), fixture.sites.count - 1);
    assert_int_equal(json_integer_value(json_array_get(last, 1)), 7);
    assert_int_equal(json_integer_value(json_array_get(last, 2)), 1);
    json_decref(root);
    pm_moments_release(&moments);
    pm_fixture_release(&fixture);
}

static void check_end(struct pm_fixture *fixture, enum pm_end end, const char *word,
                      int exit_code, int signal)
{
    fixture->profile.end = end;
    fixture->profile.exit_status = 11;
    json_t *root = read_profile(fixture), *run = json_object_get(root, "run");
    json_t *code_value = json_object_get(run, "exit_code");
    json_t *signal_value = json_object_get(run, "signal");

    assert_text(run, "end", word);
    assert_int_equal(json_is_null(code_value), exit_code < 0);
    assert_int_equal(json_is_null(signal_value), signal < 0);
    if (exit_code >= 0)
        assert_int_equal(json_integer_value(code_value), exit_code);
    if (signal >= 0)
        assert_int_equal(json_integer_value(signal_value), signal);
    json_decref(root);
}

static void test_ends(void **state)
{
    struct pm_fixture fixture;
    (void)state;

    pm_fixture_init(&fixture);
    check_end(&fixture, PM_END_EXIT, "exit", 11, -1);
    check_end(&fixture, PM_END_SIGNAL, "signal", -1, 11);
    check_end(&fixture, PM_END_EXEC, "exec", -1, -1);
    check_end(&fixture, PM_END_RUNNING, "running", -1, -1);
    pm_fixture_release(&fixture);
}

static void test_equal_profiles_give_equal_bytes(void **state)
{
    struct pm_buffer outs[2];
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct pm_fixture fixture;
        pm_fixture_init(&fixture);
        fill(&fixture);
        pm_buffer_init(&outs[i]);
        write_profile(&fixture, i == 0 ? 0 : 1, &outs[i]);
        pm_fixture_release(&fixture);
    }
    assert_string_equal(outs[0].bytes, outs[1].bytes);
    for (int i = 0; i < 2; i++)
        pm_buffer_release(&outs[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_profile),
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_peak_share),
        cmocka_unit_test(test_snapshots),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_equal_profiles_give_equal_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
