/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The formats of the event log: exact lines, for each kind of event. tests/regress/test_event_log*.py read whole logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pm_random.h"
#include "report/pm_trace_format.h"

struct world {
    struct pm_strings strings;
    struct pm_frames frames;
    struct pm_stacks stacks;
    struct pm_stack_id python, native;      /* stacks */
    struct pm_frame_id line;
    struct pm_buffer out;
    const struct pm_trace_format *format;
    void *writer;
};

static struct pm_frame_id add_frame(struct world *world, enum pm_frame_kind kind, const char *function,
                                    const char *place, u32 line)
{
    const struct pm_string_id name = pm_strings_intern_text(&world->strings, place);
    const struct pm_frame frame = {
        .kind = (u8)kind,
        .line = line,
        .flags = strcmp(function, "malloc") == 0 ? PM_FRAME_ALLOCATOR : 0,
        .function = pm_strings_intern_text(&world->strings, function),
        .file = kind == PM_FRAME_PYTHON ? name : (struct pm_string_id){ 0 },
        .object = kind == PM_FRAME_NATIVE ? name : (struct pm_string_id){ 0 },
    };
    return pm_frames_intern(&world->frames, &frame);
}

static void begin(struct world *world, const struct pm_trace_format *format, bool full_paths)
{
    static const char *command[] = { "python3", "a\nb" };
    const struct pm_trace_process process = {
        .pid = 11672, .command = command, .command_length = 2, .page_bytes = 4096, .pages = 1000,
    };

    *world = (struct world){ .format = format };
    pm_strings_init(&world->strings);
    pm_frames_init(&world->frames);
    pm_stacks_init(&world->stacks);
    pm_buffer_init(&world->out);
    const struct pm_frame_id malloc_frame = add_frame(world, PM_FRAME_NATIVE, "malloc", "/lib/libc.so.6", 0);
    const struct pm_frame_id caller = add_frame(world, PM_FRAME_NATIVE, "new_keys", "/usr/bin/python3", 0);
    world->line = add_frame(world, PM_FRAME_PYTHON, "create_cmalloc_list", "/srv/ex_dtrace.py", 48);
    world->native = pm_stacks_push(&world->stacks, pm_stacks_push(&world->stacks, PM_STACK_EMPTY, caller), malloc_frame);
    world->python = pm_stacks_push(&world->stacks, pm_stacks_push(&world->stacks, PM_STACK_EMPTY, world->line),
                                   malloc_frame);
    const struct pm_trace_options options = {
        .tables = { &world->strings, &world->frames, &world->stacks }, .full_paths = full_paths,
    };
    world->writer = format->open(&options, &world->out);
    format->begin(world->writer, &process);
}

static void end(struct world *world)
{
    world->format->close(world->writer);
    pm_buffer_release(&world->out);
    pm_stacks_release(&world->stacks);
    pm_frames_release(&world->frames);
    pm_strings_release(&world->strings);
}

static void expect(struct world *world, const char *text)
{
    assert_string_equal(world->out.bytes, text);
    pm_buffer_clear(&world->out);
}

static void tell(struct world *world, enum pm_event_kind kind, enum pm_event_call call, u64 first, u64 second,
                 u64 address, u64 bytes, u64 before)
{
    const struct pm_block block = { .address = address, .bytes = bytes };
    const struct pm_block old = { .address = before, .bytes = 1477 };
    const struct pm_event event = {
        .kind = kind, .call = call, .arguments = { first, second },
        .block = address != 0 ? &block : NULL, .before = before != 0 ? &old : NULL,
    };
    const struct pm_trace_record record = {
        .event = &event, .stack = world->python, .made_by = world->python, .known = true, .wanted = true,
    };
    world->format->record(world->writer, &record);
}

static void tell_free(struct world *world, u64 address, u64 bytes)
{
    const struct pm_block old = { .address = address, .bytes = bytes };
    const struct pm_event event = { .kind = PM_EVENT_FREED, .call = PM_CALL_FREE, .before = &old };
    const struct pm_trace_record record = { .event = &event, .made_by = world->python, .known = true };

    world->format->record(world->writer, &record);
}

static void test_text(void **unused)
{
    struct world world;

    (void)unused;
    begin(&world, &pm_trace_text_format, false);
    expect(&world, "pymemcheck:::BEGIN\n");
    tell(&world, PM_EVENT_ALLOCATED, PM_CALL_MALLOC, 1477, 0, 0x7fa8e6071400, 1477, 0);
    expect(&world, " 11672     ex_dtrace.py:48   -> create_cmalloc_list malloc(1477) pntr 0x7fa8e6071400\n");
    tell(&world, PM_EVENT_FREED, PM_CALL_FREE, 0x7fa8e6071400, 0, 0, 0, 0x7fa8e6071400);
    expect(&world, " 11672     ex_dtrace.py:48   -> create_cmalloc_list free(0x7fa8e6071400)\n");
    tell(&world, PM_EVENT_ALLOCATED, PM_CALL_CALLOC, 2, 8, 0x10, 16, 0);
    expect(&world, " 11672     ex_dtrace.py:48   -> create_cmalloc_list calloc(2, 8) pntr 0x10\n");
    tell(&world, PM_EVENT_RESIZED, PM_CALL_REALLOC, 0x10, 99, 0x20, 99, 0x10);
    expect(&world, " 11672     ex_dtrace.py:48   -> create_cmalloc_list realloc(0x10, 99) pntr 0x20\n");
    tell(&world, PM_EVENT_FAILED, PM_CALL_MALLOC, 1ull << 62, 0, 0, 0, 0);
    expect(&world, " 11672     ex_dtrace.py:48   -> create_cmalloc_list malloc(4611686018427387904) pntr 0x0\n");
    tell(&world, PM_EVENT_ALLOCATED, PM_CALL_NEW_ARRAY, 24, 64, 0x40, 24, 0);
    expect(&world, " 11672     ex_dtrace.py:48   -> create_cmalloc_list operator new[](24, align 64) pntr 0x40\n");
    tell(&world, PM_EVENT_ALLOCATED, PM_CALL_NONE, 0x50, 0, 0x50, 8, 0);
    expect(&world, " 11672     ex_dtrace.py:48   -> create_cmalloc_list MALLOCLIKE_BLOCK(8) pntr 0x50\n");
    pm_trace_text_format.switched(world.writer, false);
    expect(&world, "pymemcheck:::OFF\n");
    pm_trace_text_format.end(world.writer, NULL, NULL);
    expect(&world, "\npymemcheck:::END\n");
    end(&world);
}

static void test_text_of_others(void **unused)
{
    struct world world;
    struct pm_trace_record record = {
        .operation = PM_TRACE_REALLOC, .function = "_PyMem_RawRealloc", .arguments = { 0x7f859ee681b0, 88 },
        .result = 0x7f859ee681b0, .thread = 2,
    };

    (void)unused;
    begin(&world, &pm_trace_text_format, true);
    pm_buffer_clear(&world.out);
    record.stack = world.native;
    pm_trace_text_format.record(world.writer, &record);
    expect(&world, " 11672/2          python3:-    -> new_keys _PyMem_RawRealloc(0x7f859ee681b0, 88)"
                   " _PyMem_RawRealloc returns 0x7f859ee681b0\n");
    pm_trace_text_format.function(world.writer, &(struct pm_trace_call){ .depth = 2, .frame = world.line });
    pm_trace_text_format.function(world.writer, &(struct pm_trace_call){ .returns = true, .depth = 2,
                                                                        .frame = world.line });
    expect(&world, " 11672 /srv/ex_dtrace.py:48   CALL     -> create_cmalloc_list\n"
                   " 11672 /srv/ex_dtrace.py:48   RTN      <- create_cmalloc_list\n");
    end(&world);
}

static void test_heaptrack(void **unused)
{
    struct world world;

    (void)unused;
    begin(&world, &pm_trace_heaptrack_format, false);
    expect(&world, "v 10400 3\nX python3 a b\nI 1000 3e8\n");
    tell(&world, PM_EVENT_ALLOCATED, PM_CALL_MALLOC, 1477, 0, 0x1000, 1477, 0);
    expect(&world, "s 6 Python\ns 25 create_cmalloc_list (ex_dtrace.py:48)\ns 11 /srv/ex_dtrace.py\n"
                   "i 2 1 2 3 30\nt 1 0\n"
                   "v 10400 0\n+ 5c5 1 ffffffff\nv 10400 3\n");
    tell(&world, PM_EVENT_ALLOCATED, PM_CALL_MALLOC, 1477, 0, 0x2000, 1477, 0);
    expect(&world, "a 5c5 1\n+ 1\n");
    tell(&world, PM_EVENT_FREED, PM_CALL_FREE, 0x1000, 0, 0, 0, 0x1000);
    expect(&world, "v 10400 0\n- ffffffff\nv 10400 3\n");
    tell(&world, PM_EVENT_ALLOCATED, PM_CALL_MALLOC, 1477, 0, 0x3000, 1477, 0);
    expect(&world, "a 5c5 1\n+ 2\n");
    /* Not the newest block, though of its size and stack: it was not temporary. */
    tell(&world, PM_EVENT_FREED, PM_CALL_FREE, 0x2000, 0, 0, 0, 0x2000);
    expect(&world, "- 1\n");
    tell(&world, PM_EVENT_ALLOCATED, PM_CALL_MALLOC, 1477, 0, 0x4000, 1477, 0);
    tell(&world, PM_EVENT_FREED, PM_CALL_FREE, 0x3000, 0, 0, 0, 0x3000);
    expect(&world, "+ 1\n- 2\n");
    tell(&world, PM_EVENT_ALLOCATED, PM_CALL_MALLOC, 1477, 0, 0x5000, 1477, 0);
    tell(&world, PM_EVENT_FREED, PM_CALL_FREE, 0x5000, 0, 0, 0, 0x5000);
    expect(&world, "+ 1\n- 1\n");
    tell(&world, PM_EVENT_RESIZED, PM_CALL_REALLOC, 0x4000, 16, 0x4000, 16, 0x4000);
    expect(&world, "- 1\na 10 1\n+ 3\n");
    tell(&world, PM_EVENT_ALLOCATED, PM_CALL_MALLOC, 1ull << 40, 0, 0x6000, 1ull << 40, 0);
    expect(&world, "a 10000000000 1\n+ 4\n");
    pm_trace_heaptrack_format.tick(world.writer, 250, 31);
    pm_trace_heaptrack_format.tick(world.writer, 250, 31);
    expect(&world, "c fa\nR 1f\n");
    end(&world);
}

/* The rules of heaptrack's readers: numbers come in order, and a - line is a temporary block's exactly if its number is
   that of the + line before; 0, if there is none. Against the blocks themselves. */
static void test_heaptrack_numbers(void **unused)
{
    enum { BLOCKS = 12, ROUNDS = 4000, SIZES = 3 };
    struct pm_random random = pm_random_start();

    (void)unused;
    for (u32 run = 0; run < 20; run++) {
        struct world world;
        u64 addresses[BLOCKS] = { 0 }, sizes[BLOCKS], newest = 0;
        u32 numbers = 0, last = 0, temporary = 0, wanted_temporary = 0, version = 3;

        begin(&world, &pm_trace_heaptrack_format, false);
        for (u32 round = 0; round < ROUNDS; round++) {
            const u32 i = (u32)pm_random_below(&random, BLOCKS);
            pm_buffer_clear(&world.out);
            if (addresses[i] == 0) {
                addresses[i] = newest = 16 * (u64)(round + 1);
                sizes[i] = 1 + pm_random_below(&random, SIZES);
                tell(&world, PM_EVENT_ALLOCATED, PM_CALL_MALLOC, sizes[i], 0, addresses[i], sizes[i], 0);
            } else {
                wanted_temporary += addresses[i] == newest;
                newest = 0;
                tell_free(&world, addresses[i], sizes[i]);
                addresses[i] = 0;
            }
            for (char *line = strtok(world.out.bytes, "\n"); line != NULL; line = strtok(NULL, "\n")) {
                if (line[0] == 'v')
                    version = (u32)strtoul(strrchr(line, ' '), NULL, 16);
                if (line[0] != '+' && line[0] != '-')
                    continue;
                const u32 number = (u32)strtoul(strrchr(line, ' '), NULL, 16);
                if (line[0] == '+') {
                    const u32 index = version == 0 ? 0 : number;
                    assert_in_range(index, 0, numbers);
                    numbers += index == numbers;
                    last = number;
                } else {
                    assert_true(version == 0 || number < numbers);
                    temporary += number == last;
                    last = 0;
                }
            }
        }
        assert_int_equal(temporary, wanted_temporary);
        assert_true(temporary > 100 && numbers == 1 + 2 * SIZES);
        end(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_of_others),
        cmocka_unit_test(test_heaptrack),
        cmocka_unit_test(test_heaptrack_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
