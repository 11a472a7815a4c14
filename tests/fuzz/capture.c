/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pm_capture.so: makes fuzz inputs (see pm_fuzz.h) from the interpreter that loads it. It runs the shared
   code on that interpreter, with the reader of recording/, and stores the ranges that were
   read. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/pm_buffer.h"
#include "base/pm_reader.h"
#include "cpython/pm_code.h"
#include "cpython/pm_interpreter.h"
#include "cpython/pm_pystring.h"
#include "cpython/pm_version.h"
#include "cpython/pm_walk.h"
#include "pm_fuzz_objects.h"

/* The same as struct pm_fuzz_head; pm_fuzz.h itself needs the other reader. */
struct head {
    u32 version, build;
    u64 object, code_type, version_text, frames;
};

bool pm_reader_read(struct pm_reader *reader, u64 address, void *to, size_t bytes)
{
    struct iovec here = { to, bytes }, there = { (void *)(uintptr_t)address, bytes };

    if (process_vm_readv(getpid(), &here, 1, &there, 1, 0) != (ssize_t)bytes)
        return false;
    if (reader->count == PM_RECORDING_RANGES)
        abort();
    reader->ranges[reader->count++] = (struct pm_recorded_range){ address, bytes };
    return true;
}

static int by_address(const void *left, const void *right)
{
    const struct pm_recorded_range *a = left, *b = right;
    return a->address < b->address ? -1 : a->address > b->address;
}

static void add_range(u8 *to, size_t capacity, size_t *used, u64 address, u64 end)
{
    while (address < end) {
        u16 bytes = (u16)(end - address < 0x8000 ? end - address : 0x8000);

        if (*used + sizeof bytes + sizeof address + bytes > capacity)
            abort();
        memcpy(to + *used, &bytes, sizeof bytes);
        memcpy(to + *used + sizeof bytes, &address, sizeof address);
        memcpy(to + *used + sizeof bytes + sizeof address, (const void *)(uintptr_t)address, bytes);
        *used += sizeof bytes + sizeof address + bytes;
        address += bytes;
    }
}

/* Stores the head and the ranges. Ranges are joined if the gap is shorter than the head of a new range. */
static size_t store(const struct head *head, struct pm_reader *reader, u8 *to, size_t capacity)
{
    enum { RANGE_HEAD = sizeof(u16) + sizeof(u64) };
    size_t used = sizeof *head;
    u64 start = 0, end = 0;

    if (capacity < used)
        abort();
    memcpy(to, head, sizeof *head);
    qsort(reader->ranges, reader->count, sizeof reader->ranges[0], by_address);
    for (size_t i = 0; i < reader->count; i++) {
        const struct pm_recorded_range *range = &reader->ranges[i];

        if (range->address > end + RANGE_HEAD) {
            add_range(to, capacity, &used, start, end);
            start = range->address;
            end = start;
        }
        if (range->address + range->bytes > end)
            end = range->address + range->bytes;
    }
    add_range(to, capacity, &used, start, end);
    return used;
}

static struct head head_of(const struct pm_interpreter *interpreter,
                           const struct pm_interpreter_facts *facts, u64 object, unsigned frames)
{
    struct pm_version version;

    /* Not the row's bounds: rows may be split. */
    if (!pm_version_parse((const char *)(uintptr_t)facts->version_text, &version))
        abort();
    return (struct head){
        .version = version.hex, .build = interpreter->layout->build,
        .object = object, .code_type = facts->code_type, .version_text = facts->version_text,
        .frames = frames,
    };
}

static void walk(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 anchor,
                 unsigned wanted)
{
    struct pm_raw_frame *frames = malloc(wanted * sizeof *frames);
    struct pm_code_location location;
    enum pm_walk_end end;
    unsigned count = pm_walk_frames(interpreter, reader, anchor, frames, wanted, &end);

    pm_code_location_init(&location);
    for (unsigned i = 0; i < count; i++)
        pm_code_resolve(interpreter, reader, frames[i].code, frames[i].position, &location);
    pm_code_location_release(&location);
    free(frames);
}

/* Writes an input for the target "walk" (object is the anchor), or for "strings" if wanted is 0 (object is the
   string). Returns its length; 0, with the reason in to, if the interpreter is refused. */
__attribute__((visibility("default")))
size_t pm_capture(const struct pm_interpreter_facts *facts, u64 object, unsigned wanted, u8 *to,
                  size_t capacity)
{
    struct pm_reader *reader = calloc(1, sizeof *reader);
    struct pm_interpreter interpreter;
    struct pm_buffer text;
    size_t used = 0;

    if (pm_interpreter_init(&interpreter, reader, facts, (char *)to, capacity)) {
        struct head head = head_of(&interpreter, facts, object, wanted);

        if (wanted > 0) {
            walk(&interpreter, reader, object, wanted);
        } else {
            reader->count = 0;
            head.version_text = head.code_type = 0;
            pm_buffer_init(&text);
            pm_pystring_append(interpreter.layout, reader, object, &text);
            pm_buffer_release(&text);
        }
        used = store(&head, reader, to, capacity);
    }
    free(reader);
    return used;
}

/* The same for the target "objects": the tuple in the block of bytes at block, with its items. */
__attribute__((visibility("default")))
size_t pm_capture_objects(const struct pm_interpreter_facts *facts, u64 block, u64 bytes, u8 *to,
                          size_t capacity)
{
    struct pm_reader *reader = calloc(1, sizeof *reader);
    struct pm_interpreter interpreter;
    struct pm_buffer text;
    size_t used = 0;

    if (pm_interpreter_init(&interpreter, reader, facts, (char *)to, capacity)) {
        struct head head = head_of(&interpreter, facts, block, 0);

        head.version_text = 0;
        head.frames = bytes;
        reader->count = 0;
        pm_buffer_init(&text);
        pm_fuzz_describe_objects(&interpreter, reader, block, bytes, &text);
        pm_buffer_release(&text);
        used = store(&head, reader, to, capacity);
    }
    free(reader);
    return used;
}
