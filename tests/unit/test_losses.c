/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which blocks become one loss record, how records are sorted, and what a fingerprint
   depends on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/pm_ranges.h"
#include "heap/pm_loss_keys.h"
#include "heap/pm_losses.h"
#include "pm_fixture.h"
#include "report/pm_text_parts.h"

struct world {
    struct pm_fixture fixture;
    struct pm_losses losses;
    struct pm_frame_id malloc_, list_new, vectorcall, call, eval, main_;
    u64 serial;
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct pm_fixture *fixture = &world->fixture;

    pm_fixture_init(fixture);
    world->malloc_ = pm_fixture_native(fixture, "/lib/libc.so.6", "malloc", 0, PM_FRAME_ALLOCATOR);
    world->list_new = pm_fixture_native(fixture, "/bin/python", "PyList_New", 0x10, 0);
    world->vectorcall = pm_fixture_native(fixture, "/bin/python", "cfunction_vectorcall", 0x20, 0);
    world->call = pm_fixture_native(fixture, "/bin/python", "PyObject_Call", 0x30, 0);
    world->eval = pm_fixture_native(fixture, "/bin/python", "_PyEval_EvalFrameDefault", 0x40,
                                    PM_FRAME_EVAL);
    world->main_ = pm_fixture_native(fixture, "/bin/python", "main", 0x50, 0);
    pm_losses_init(&world->losses, &fixture->strings, &fixture->frames, &fixture->stacks,
                   PM_LOSS_MEDIUM);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    pm_losses_release(&world->losses);
    pm_fixture_release(&world->fixture);
    free(world);
    return 0;
}

static void begin(struct world *world, enum pm_loss_resolution resolution)
{
    pm_losses_release(&world->losses);
    pm_losses_init(&world->losses, &world->fixture.strings, &world->fixture.frames,
                   &world->fixture.stacks, resolution);
}

static struct pm_string_id name(struct world *world, const char *text)
{
    return pm_strings_intern_text(&world->fixture.strings, text);
}

static u32 add(struct world *world, enum pm_loss_kind kind, struct pm_stack_id stack,
               const char *type, u64 bytes)
{
    const struct pm_loss_item item = {
        .kind = kind,
        .stack = stack,
        .type = name(world, type),
        .bytes = bytes,
        .serial = ++world->serial,
        .thread = 1,
    };
    return pm_losses_add(&world->losses, &item);
}

/* A stack: list_new, called by a function of an extension, called at a line of work in a module. */
static struct pm_stack_id leak_at(struct world *world, const char *function, u32 line, bool warm)
{
    struct pm_fixture *fixture = &world->fixture;
    struct pm_frame_id extension = pm_fixture_native(fixture, "/x/leaky.so", function, 0x12, 0);
    struct pm_frame_id work = pm_fixture_python(fixture, "/x/job.py", "work", line);
    struct pm_frame_id module = pm_fixture_python(fixture, "/x/job.py", "<module>", 90);

    if (warm)
        return pm_fixture_stack(fixture, world->malloc_, world->list_new, extension, world->eval, work,
                                module, world->main_);
    return pm_fixture_stack(fixture, world->malloc_, world->list_new, extension, world->vectorcall,
                            world->call, world->eval, work, module, world->main_);
}

/* Objects that one call lost, and memory that is none, are two leaks; what is still in use is one place. */
static void raw_memory_is_another_leak(void **state)
{
    struct world *world = *state;
    const struct pm_stack_id stack = leak_at(world, "leak", 7, false);

    for (int kind = 0; kind < PM_LOSS_KINDS; kind++) {
        begin(world, PM_LOSS_MEDIUM);
        const u32 object = add(world, (enum pm_loss_kind)kind, stack, "dict", 64);
        const u32 raw = add(world, (enum pm_loss_kind)kind, stack, "", 976);
        assert_int_equal(raw != object, kind == PM_LOSS_DEFINITE || kind == PM_LOSS_POSSIBLE);
        assert_int_equal(add(world, (enum pm_loss_kind)kind, stack, "list", 56), object);
        assert_int_equal(add(world, (enum pm_loss_kind)kind, stack, "", 976), raw);
    }
}

/* The interpreter, when it specializes, calls the extension in another way after a while. */
static void one_leak_is_one_record(void **state)
{
    struct world *world = *state;

    begin(world, PM_LOSS_MEDIUM);
    u32 cold = add(world, PM_LOSS_DEFINITE, leak_at(world, "leak", 7, false), "list", 56);
    for (int i = 0; i < 5; i++)
        assert_int_equal(add(world, PM_LOSS_DEFINITE, leak_at(world, "leak", 7, true), "list", 56),
                         cold);
    pm_losses_finish(&world->losses);
    assert_int_equal(world->losses.count, 1);
    const struct pm_loss *record = &world->losses.records[0];
    assert_int_equal(record->blocks, 6);
    assert_int_equal(record->bytes, 6 * 56);
    assert_int_equal(record->first_serial, 1);
    assert_int_equal(record->last_serial, 6);
    assert_int_equal(record->type_count, 1);
    assert_int_equal(record->types[0].blocks, 6);
    assert_int_equal(record->thread, 1);
    assert_int_equal(record->phase_blocks[PM_PHASE_MAIN], 6);
    assert_int_equal(world->losses.sums[PM_LOSS_DEFINITE].bytes, 6 * 56);
}

/* The number of native frames in a stack is limited, and a debug build needs more of them. */
static void cut_stacks_have_the_function_called(void **state)
{
    struct world *world = *state;
    struct pm_fixture *fixture = &world->fixture;
    struct pm_frame_id extension = pm_fixture_native(fixture, "/x/leaky.so", "leak", 0x12, 0);
    struct pm_frame_id other = pm_fixture_native(fixture, "/x/leaky.so", "other", 0x12, 0);
    struct pm_frame_id work = pm_fixture_python(fixture, "/x/job.py", "work", 7);

    struct pm_stack_id whole = leak_at(world, "leak", 7, false);
    struct pm_stack_id cut = pm_fixture_stack(fixture, world->malloc_, world->list_new, extension,
                                              world->vectorcall, work);
    struct pm_stack_id of_other = pm_fixture_stack(fixture, world->malloc_, world->list_new, other,
                                                   world->vectorcall, work);
    begin(world, PM_LOSS_MEDIUM);
    u32 record = add(world, PM_LOSS_DEFINITE, whole, "list", 56);
    assert_int_equal(add(world, PM_LOSS_DEFINITE, cut, "list", 56), record);
    assert_int_not_equal(add(world, PM_LOSS_DEFINITE, of_other, "list", 56), record);
    pm_losses_finish(&world->losses);
}

static u32 records_of(struct world *world, enum pm_loss_resolution resolution)
{
    begin(world, resolution);
    add(world, PM_LOSS_DEFINITE, leak_at(world, "leak", 7, false), "list", 56);
    add(world, PM_LOSS_DEFINITE, leak_at(world, "leak", 7, true), "list", 56);
    add(world, PM_LOSS_DEFINITE, leak_at(world, "leak", 8, true), "list", 56);
    add(world, PM_LOSS_DEFINITE, leak_at(world, "other", 8, true), "list", 56);
    add(world, PM_LOSS_POSSIBLE, leak_at(world, "other", 8, true), "list", 56);
    pm_losses_finish(&world->losses);
    return world->losses.count;
}

static void resolution_decides(void **state)
{
    assert_int_equal(records_of(*state, PM_LOSS_LOW), 2);
    assert_int_equal(records_of(*state, PM_LOSS_MEDIUM), 4);
    assert_int_equal(records_of(*state, PM_LOSS_HIGH), 5);
}

static u32 native_records(struct world *world, enum pm_loss_resolution resolution)
{
    struct pm_fixture *fixture = &world->fixture;
    struct pm_frame_id f[6];
    static const char *const names[] = { "a", "b", "c", "d", "e", "f" };

    for (size_t i = 0; i < 6; i++)
        f[i] = pm_fixture_native(fixture, "/bin/prog", names[i], 0x10, 0);
    begin(world, resolution);
    add(world, PM_LOSS_DEFINITE, pm_fixture_stack(fixture, world->malloc_, f[0], f[1], f[2], f[3], f[4]), "", 8);
    add(world, PM_LOSS_DEFINITE, pm_fixture_stack(fixture, world->malloc_, f[0], f[1], f[2], f[3], f[5]), "", 8);
    add(world, PM_LOSS_DEFINITE, pm_fixture_stack(fixture, world->malloc_, f[0], f[1], f[2], f[5], f[4]), "", 8);
    add(world, PM_LOSS_DEFINITE, pm_fixture_stack(fixture, world->malloc_, f[0], f[2], f[2], f[5], f[4]), "", 8);
    pm_losses_finish(&world->losses);
    return world->losses.count;
}

static void without_python_frames_count(void **state)
{
    assert_int_equal(native_records(*state, PM_LOSS_LOW), 2);
    assert_int_equal(native_records(*state, PM_LOSS_MEDIUM), 3);
    assert_int_equal(native_records(*state, PM_LOSS_HIGH), 4);
}

static void order_is_kind_then_bytes(void **state)
{
    struct world *world = *state;

    begin(world, PM_LOSS_MEDIUM);
    add(world, PM_LOSS_POSSIBLE, leak_at(world, "a", 1, true), "", 9000);
    add(world, PM_LOSS_DEFINITE, leak_at(world, "b", 1, true), "", 10);
    add(world, PM_LOSS_SURPLUS, leak_at(world, "c", 1, true), "", 500);
    add(world, PM_LOSS_DEFINITE, leak_at(world, "d", 1, true), "", 20);
    pm_losses_finish(&world->losses);
    assert_int_equal(world->losses.records[0].bytes, 20);
    assert_int_equal(world->losses.records[1].bytes, 10);
    assert_int_equal(world->losses.records[2].kind, PM_LOSS_SURPLUS);
    assert_int_equal(world->losses.records[3].kind, PM_LOSS_POSSIBLE);
}

/* An object in static memory has no stack and no bytes; its blocks are the missing references. Each has a
   record of its own. */
static void static_objects_have_records(void **state)
{
    struct world *world = *state;
    const struct pm_losses *losses = &world->losses;

    begin(world, PM_LOSS_MEDIUM);
    for (u32 i = 0; i < 2; i++)
        pm_losses_add(&world->losses, &(struct pm_loss_item){
            .kind = PM_LOSS_DEFICIT,
            .is_static = true,
            .address = 0x1000 + i * 16,
            .missing_references = 5 - i,
            .type = name(world, i == 0 ? "NoneType" : "bool"),
        });
    pm_losses_add(&world->losses, &(struct pm_loss_item){
        .kind = PM_LOSS_DEFICIT,
        .stack = leak_at(world, "a", 1, true),
        .bytes = 56,
        .missing_references = 3,
        .serial = 7,
    });
    pm_losses_finish(&world->losses);
    assert_int_equal(losses->count, 3);
    assert_true(!losses->records[0].is_static && losses->records[0].blocks == 1);
    assert_int_equal(losses->records[0].missing_references, 3);
    for (u32 i = 1; i < 3; i++) {
        assert_true(losses->records[i].is_static && losses->records[i].bytes == 0);
        assert_int_equal(losses->records[i].blocks, losses->records[i].missing_references);
        assert_int_equal(losses->records[i].types[0].blocks, losses->records[i].blocks);
    }
    assert_int_equal(losses->sums[PM_LOSS_DEFICIT].blocks, 10);
    assert_int_equal(losses->sums[PM_LOSS_DEFICIT].bytes, 56);
}

static u64 fingerprint(struct world *world, const char *function, u32 line, const char *type)
{
    begin(world, PM_LOSS_MEDIUM);
    add(world, PM_LOSS_DEFINITE, leak_at(world, function, line, true), type, 56);
    pm_losses_finish(&world->losses);
    return world->losses.records[0].fingerprint;
}

static void fingerprints_survive_moving_lines(void **state)
{
    struct world *world = *state;
    u64 first = fingerprint(world, "leak", 7, "list");

    assert_true(fingerprint(world, "leak", 1234, "list") == first);
    assert_true(fingerprint(world, "leak", 7, "dict") != first);
    assert_true(fingerprint(world, "other", 7, "list") != first);
}

/* Records of one function and type have different fingerprints. What is born there may be of any of them, and of no other. */
static void what_is_born_may_be_of_each_record_alike(void **state)
{
    enum { ALIKE = 63 };
    struct world *world = *state;
    const struct pm_fixture *fixture = &world->fixture;
    const struct pm_tables tables = { &fixture->strings, &fixture->frames, &fixture->stacks };
    const struct pm_stack_id stack = leak_at(world, "leak", 1, true);
    const struct pm_losses *losses = &world->losses;

    begin(world, PM_LOSS_MEDIUM);
    for (u32 line = 1; line <= ALIKE; line++)
        add(world, PM_LOSS_DEFINITE, leak_at(world, "leak", line, true), "list", 56);
    pm_losses_finish(&world->losses);
    assert_int_equal(losses->count, ALIKE);
    for (u32 i = 0; i < losses->count; i++) {
        const u64 fingerprint = losses->records[i].fingerprint;
        assert_true(i == 0 || fingerprint != losses->records[0].fingerprint);
        assert_true(pm_loss_may_be(&tables, PM_LOSS_MEDIUM, stack, name(world, "list"), fingerprint));
        assert_false(pm_loss_may_be(&tables, PM_LOSS_MEDIUM, stack, name(world, "dict"), fingerprint));
        assert_false(pm_loss_may_be(&tables, PM_LOSS_MEDIUM, stack, name(world, "list"), fingerprint + 1));
    }
}

/* A fingerprint tells the Python function: what is born in another one is not of its record. */
static void what_is_born_elsewhere_may_not_be_of_a_record(void **state)
{
    struct world *world = *state;
    struct pm_fixture *fixture = &world->fixture;
    const struct pm_tables tables = { &fixture->strings, &fixture->frames, &fixture->stacks };
    const u64 work = fingerprint(world, "leak", 7, "list");
    const struct pm_stack_id other = pm_fixture_stack(fixture, world->malloc_, world->list_new, world->eval,
                                                      pm_fixture_python(fixture, "/x/job.py", "other", 7));
    const struct pm_stack_id none = pm_fixture_stack(fixture, world->malloc_, world->list_new, world->main_);

    assert_true(work >> 48 != 0);
    assert_true(pm_loss_may_be_born(&tables, leak_at(world, "another", 8, false), work));
    assert_false(pm_loss_may_be_born(&tables, other, work));
    assert_false(pm_loss_may_be_born(&tables, none, work));
    begin(world, PM_LOSS_MEDIUM);
    add(world, PM_LOSS_DEFINITE, none, "list", 56);
    pm_losses_finish(&world->losses);
    assert_true(world->losses.records[0].fingerprint >> 48 == 0);
    assert_true(pm_loss_may_be_born(&tables, none, world->losses.records[0].fingerprint));
}

/* The fingerprint of a record whose extension function, object and Python function have these names. */
static u64 fingerprint_by_names(struct world *world, const char *object, const char *symbol, const char *function)
{
    struct pm_fixture *fixture = &world->fixture;
    struct pm_frame_id extension = pm_fixture_native(fixture, object, symbol, 0x12, 0);
    struct pm_frame_id work = pm_fixture_python(fixture, "/x/job.py", function, 7);

    begin(world, PM_LOSS_MEDIUM);
    add(world, PM_LOSS_DEFINITE, pm_fixture_stack(fixture, world->malloc_, extension, world->eval, work), "list", 56);
    pm_losses_finish(&world->losses);
    return world->losses.records[0].fingerprint;
}

static void fingerprints_are_those_of_other_builds(void **state)
{
    static const char *const objects[] = {
        "/y/_x.cpython-311-x86_64-linux-gnu.so", "/y/_x.cpython-311d-x86_64-linux-gnu.so", "/z/_x.abi3.so",
        "/z/_x.x86_64-linux-gnu.so", "/z/_x.x86_64-linux-gnu_d.so", "/z/_x_d.so", "/z/_x.pypy39-pp73.so",
    };
    static const char *const symbols[] = {
        "leak.lto_priv.0", "leak.constprop.0", "leak.part.0", "leak.cold", "leak.isra.0.constprop.1",
    };
    struct world *world = *state;
    u64 first = fingerprint_by_names(world, "/x/_x.so", "leak", "work");

    for (size_t i = 0; i < PM_ARRAY_LENGTH(objects); i++)
        assert_true(fingerprint_by_names(world, objects[i], "leak", "work") == first);
    for (size_t i = 0; i < PM_ARRAY_LENGTH(symbols); i++)
        assert_true(fingerprint_by_names(world, "/x/_x.so", symbols[i], "work") == first);
    assert_true(fingerprint_by_names(world, "/x/_x.so", "leak", "Job.work") == first);
    assert_true(fingerprint_by_names(world, "/x/_x.so", "leak", "run.<locals>.work") == first);
    assert_true(fingerprint_by_names(world, "/x/_y.so", "leak", "work") != first);
    assert_true(fingerprint_by_names(world, "/x/_x.so", "leak2", "work") != first);
    u64 plus = fingerprint_by_names(world, "/x/_x.so", "ns::leak<1.5>(int)", "work");
    assert_true(fingerprint_by_names(world, "/x/_x.so", "ns::leak<1.5>(int) [clone .part.0]", "work") == plus);
    assert_true(fingerprint_by_names(world, "/x/_x.so", "ns::leak<1.6>(int)", "work") != plus);
}

static void two_leaks_of_a_function_have_two_fingerprints(void **state)
{
    struct world *world = *state;

    begin(world, PM_LOSS_MEDIUM);
    add(world, PM_LOSS_DEFINITE, leak_at(world, "leak", 7, true), "list", 56);
    add(world, PM_LOSS_DEFINITE, leak_at(world, "leak", 9, true), "list", 56);
    pm_losses_finish(&world->losses);
    assert_true(world->losses.records[0].fingerprint != world->losses.records[1].fingerprint);
}

static void phases_are_told_apart(void **state)
{
    struct world *world = *state;
    struct pm_fixture *fixture = &world->fixture;
    struct pm_frame_id module = pm_fixture_python(fixture, "/x/job.py", "<module>", 3);
    struct pm_frame_id load = pm_fixture_python(fixture, "<frozen importlib._bootstrap>",
                                                "_find_and_load", 1178);

    struct pm_ranges finalizations = { 0 };

    begin(world, PM_LOSS_MEDIUM);
    /* Two lives of an interpreter: the second goes on with the main phase. */
    pm_ranges_add(&finalizations, world->serial + 3, 1);
    pm_ranges_add(&finalizations, world->serial + 9, 1000);
    world->losses.finalizations = &finalizations;
    add(world, PM_LOSS_DEFINITE, pm_fixture_stack(fixture, world->malloc_, module, load), "", 1);
    for (int i = 0; i < 3; i++)
        add(world, PM_LOSS_DEFINITE, pm_fixture_stack(fixture, world->malloc_, module), "", 1);
    pm_losses_finish(&world->losses);
    const struct pm_loss *record = &world->losses.records[0];
    assert_int_equal(world->losses.count, 1);
    assert_int_equal(record->phase_blocks[PM_PHASE_IMPORT], 1);
    assert_int_equal(record->phase_blocks[PM_PHASE_MAIN], 2);
    assert_int_equal(record->phase_blocks[PM_PHASE_FINALIZATION], 1);
    pm_ranges_release(&finalizations);
}

/* The records change their order when they are sorted; their blocks go with them. */
static void blocks_stay_with_their_record(void **state)
{
    struct world *world = *state;

    begin(world, PM_LOSS_MEDIUM);
    pm_losses_list_blocks(&world->losses, 2);
    for (u64 i = 0; i < 6; i++) {
        const struct pm_loss_item item = {
            .kind = i % 2 ? PM_LOSS_DEFINITE : PM_LOSS_POSSIBLE,
            .stack = leak_at(world, "leak", 7, false),
            .address = 0x1000 * (6 - i), .leader = 0x1000 * (6 - i),
            .bytes = i + 1, .serial = ++world->serial, .thread = 1,
        };
        pm_losses_add(&world->losses, &item);
    }
    pm_losses_finish(&world->losses);
    assert_int_equal(world->losses.count, 2);
    assert_int_equal(world->losses.records[0].kind, PM_LOSS_DEFINITE);
    for (u32 i = 0; i < 2; i++) {
        const struct pm_loss *record = &world->losses.records[i];
        u32 count;
        const struct pm_loss_block *blocks = pm_loss_blocks_of(&world->losses.blocks, i, &count);
        assert_int_equal(count, record->blocks);
        assert_int_equal(record->shown_block_count, 2);
        assert_ptr_equal(record->shown_blocks, blocks);
        for (u32 k = 0; k < count; k++) {
            assert_int_equal(blocks[k].bytes % 2, i);
            assert_true(k == 0 || blocks[k].address > blocks[k - 1].address);
        }
    }
}

static void a_record_reads_well(void **state)
{
    static const char expected[] =
        "112 (96 direct, 16 indirect) bytes in 2 blocks are definitely lost in loss record 1 of 1\n"
        "   1 x dict, 1 x list; the first: len 3\n"
        "   at python`PyList_New+0x10\n"
        "   by leaky.so`leak+0x12\n"
        "   by work (/x/job.py:7)\n"
        "   by <module> (/x/job.py:90)\n"
        "   allocated while the program ran, by thread 1\n"
        "   the first is allocation 1 of the run, the last 2, fingerprint ";
    struct world *world = *state;
    struct pm_text_options options = { 0 };
    struct pm_buffer out;
    struct pm_text text;

    begin(world, PM_LOSS_MEDIUM);
    const struct pm_loss_item item = {
        .kind = PM_LOSS_DEFINITE, .stack = leak_at(world, "leak", 7, false), .type = name(world, "list"),
        .bytes = 56, .indirect_bytes = 16, .indirect_blocks = 1, .serial = ++world->serial,
        .thread = 1, .note = name(world, "len 3"),
    };
    pm_losses_add(&world->losses, &item);
    add(world, PM_LOSS_DEFINITE, leak_at(world, "leak", 7, true), "dict", 40);
    pm_losses_finish(&world->losses);
    pm_buffer_init(&out);
    const struct pm_sink sink = pm_fixture_sink(&out);
    pm_text_init(&text, pm_fixture_profile(&world->fixture), &options, &sink);
    pm_text_write_loss(&text, &world->losses.records[0], 1, 1);
    pm_text_release(&text);
    assert_memory_equal(out.bytes, expected, sizeof expected - 1);
    pm_buffer_release(&out);
}

/* Finishes the records unless that was done. Returns the text of the only one, valid until the next call with
   the same buffer. */
static const char *record_text(struct world *world, struct pm_buffer *out)
{
    const struct pm_sink sink = pm_fixture_sink(out);
    struct pm_text_options options = { 0 };
    struct pm_text text;

    if (world->losses.keys != NULL)
        pm_losses_finish(&world->losses);
    assert_int_equal(world->losses.count, 1);
    pm_buffer_clear(out);
    pm_text_init(&text, pm_fixture_profile(&world->fixture), &options, &sink);
    pm_text_write_loss(&text, &world->losses.records[0], 1, 1);
    pm_text_release(&text);
    return out->bytes;
}

static void counts_of_references_are_shown(void **state)
{
    struct world *world = *state;
    struct pm_loss_item item = {
        .kind = PM_LOSS_DEFINITE, .stack = leak_at(world, "leak", 7, false), .type = name(world, "list"),
        .bytes = 56, .serial = 5, .thread = 1, .references = 500, .pointers = 2, .overcounted = true,
        .note = name(world, "len 3"),
    };
    struct pm_buffer out;

    pm_buffer_init(&out);
    begin(world, PM_LOSS_MEDIUM);
    pm_losses_add(&world->losses, &item);
    assert_non_null(strstr(record_text(world, &out), "   1 x list, refcount 500 with 2 pointers to it: len 3\n   at "));
    begin(world, PM_LOSS_MEDIUM);
    pm_losses_add(&world->losses, &item);
    item.overcounted = false;
    pm_losses_add(&world->losses, &item);
    assert_non_null(strstr(record_text(world, &out), "   2 x list; the first: len 3\n"
        "   1 of them have a refcount above the number of pointers to them\n   at "));
    begin(world, PM_LOSS_MEDIUM);
    item.kind = PM_LOSS_SURPLUS;
    item.overcounted = true;
    pm_losses_add(&world->losses, &item);
    assert_non_null(strstr(record_text(world, &out), "   1 x list, refcount 500 with 2 pointers to it: len 3\n   at "));
    pm_buffer_release(&out);
}

static void fingerprints_have_sixteen_digits(void **state)
{
    struct world *world = *state;
    struct pm_buffer out;

    pm_buffer_init(&out);
    begin(world, PM_LOSS_MEDIUM);
    add(world, PM_LOSS_DEFINITE, leak_at(world, "leak", 7, false), "list", 56);
    record_text(world, &out);
    world->losses.records[0].fingerprint = 0xf349;
    assert_non_null(strstr(record_text(world, &out), ", fingerprint 000000000000f349\n"));
    pm_buffer_release(&out);
}

/* What import frames there are is of no interest, unless importlib itself allocated. */
static void importlib_is_one_line(void **state)
{
    struct world *world = *state;
    struct pm_fixture *fixture = &world->fixture;
    struct pm_frame_id work = pm_fixture_python(fixture, "/x/job.py", "<module>", 3);
    struct pm_frame_id exec = pm_fixture_python(fixture, "<frozen importlib._bootstrap_external>", "exec_module", 940);
    struct pm_frame_id find = pm_fixture_python(fixture, "<frozen importlib._bootstrap>", "_find_and_load", 1178);
    struct pm_frame_id main_ = pm_fixture_python(fixture, "/x/main.py", "<module>", 1);
    struct pm_buffer out;

    pm_buffer_init(&out);
    begin(world, PM_LOSS_MEDIUM);
    add(world, PM_LOSS_DEFINITE, pm_fixture_stack(fixture, world->list_new, world->eval, work, world->call, exec,
                                                  world->vectorcall, find, main_, find, world->main_), "list", 56);
    assert_non_null(strstr(record_text(world, &out),
        "   by <module> (/x/job.py:3)\n"
        "   by (2 frames of importlib)\n"
        "   by <module> (/x/main.py:1)\n"
        "   by _find_and_load (<frozen importlib._bootstrap>:1178)\n"
        "   allocated"));
    begin(world, PM_LOSS_MEDIUM);
    add(world, PM_LOSS_DEFINITE, pm_fixture_stack(fixture, world->list_new, world->eval, exec, find, exec, main_),
        "list", 56);
    assert_non_null(strstr(record_text(world, &out),
        "   by exec_module (<frozen importlib._bootstrap_external>:940)\n"
        "   by (2 frames of importlib)\n"
        "   by <module> (/x/main.py:1)\n"));
    pm_buffer_release(&out);
}

static void a_chain_reads_as_an_expression(void **state)
{
    struct world *world = *state;
    struct pm_buffer out;

    pm_buffer_init(&out);
    begin(world, PM_LOSS_MEDIUM);
    u32 record = add(world, PM_LOSS_REACHABLE, leak_at(world, "leak", 7, false), "list", 56);
    pm_losses_add_chain(&world->losses, record, name(world, "data at 0x10"));
    pm_losses_add_chain(&world->losses, record, name(world, "module __main__.__dict__"));
    pm_losses_add_chain(&world->losses, record, name(world, "dict len 2['x']"));
    pm_losses_add_chain(&world->losses, record, name(world, "a block of 24 bytes"));
    world->losses.records[record].chain_blocks = 1;
    world->losses.records[record].expression = name(world, "__main__.x");
    world->losses.records[record].expression_lines = 3;
    assert_non_null(strstr(record_text(world, &out),
        "   kept alive by __main__.x\n     -> a block of 24 bytes\n   allocated"));
    world->losses.records[0].expression_lines = 4;
    assert_non_null(strstr(record_text(world, &out), "   kept alive by __main__.x\n   allocated"));
    pm_buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_leak_is_one_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(raw_memory_is_another_leak, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cut_stacks_have_the_function_called, set_up, tear_down),
        cmocka_unit_test_setup_teardown(resolution_decides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_python_frames_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(static_objects_have_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(order_is_kind_then_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fingerprints_survive_moving_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fingerprints_are_those_of_other_builds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_leaks_of_a_function_have_two_fingerprints, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(phases_are_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(blocks_stay_with_their_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_reads_well, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_of_references_are_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_born_may_be_of_each_record_alike, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_born_elsewhere_may_not_be_of_a_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fingerprints_have_sixteen_digits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(importlib_is_one_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_chain_reads_as_an_expression, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
