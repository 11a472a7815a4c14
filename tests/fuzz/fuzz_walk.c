/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk along the frames, with names and lines of their code objects, on pieces of an interpreter's
   memory. */
#include "pm_fuzz.h"

#include <string.h>

#include "cpython/pm_code.h"
#include "cpython/pm_pystring.h"
#include "cpython/pm_walk.h"

/* The most words that one step of the walk adds to a trace. */
enum { WORDS_A_STEP = 8 };

/* Memory limits the steps: a frame or call that is all zero ends the chain, so each other one begins in or
   just before a piece; and a circle is found before its third round. */
static size_t steps_allowed(const struct pm_fuzz_image *image)
{
    return 4 * (image->bytes + 8 * image->ranges + 64);
}

enum { MAX_WORDS = WORDS_A_STEP * 4 * (2 * PM_FUZZ_MAX_BYTES + 64) };
static struct pm_traced_word words[MAX_WORDS];

static struct pm_interpreter interpreter_of(const struct pm_fuzz_image *image)
{
    return (struct pm_interpreter){ .layout = image->layout, .code_type = image->head.code_type };
}

static unsigned frames_wanted(const struct pm_fuzz_image *image)
{
    return (unsigned)(image->head.frames % (PM_FUZZ_FRAMES + 1));
}

static void expect_same(const struct pm_raw_frame *a, const struct pm_raw_frame *b, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        PM_FUZZ_EXPECT(pm_raw_frame_equal(&a[i], &b[i]));
}

/* Each word of the trace must be in memory. */
static void expect_trace(struct pm_fuzz_image *image, const struct pm_trace *trace)
{
    for (unsigned i = 0; i < trace->count; i++) {
        const struct pm_traced_word *word = &trace->words[i];
        u64 value;

        PM_FUZZ_EXPECT(word->address % 8 == 0 && pm_traced_word_mask(word) != 0);
        PM_FUZZ_EXPECT((word->value & ~pm_traced_word_mask(word)) == 0);
        PM_FUZZ_EXPECT(pm_reader_read_u64(&image->reader, word->address, &value));
        PM_FUZZ_EXPECT((value & pm_traced_word_mask(word)) == word->value);
    }
}

/* Walks twice with one pm_rewalk: the second walk must find what the first one did. */
static void walk_again(struct pm_fuzz_image *image, const struct pm_interpreter *interpreter,
                       const struct pm_raw_frame *frames, unsigned count, unsigned capacity,
                       enum pm_walk_end end)
{
    struct pm_raw_frame *again = malloc(capacity * sizeof *again);
    struct pm_rewalk rewalk;
    enum pm_walk_end again_end;
    unsigned same;

    pm_rewalk_init(&rewalk, &image->reader, capacity);
    for (unsigned turn = 0; turn < 2; turn++) {
        unsigned fresh = pm_walk_again(interpreter, &rewalk, image->head.object, again, capacity,
                                       &again_end, &same);
        PM_FUZZ_EXPECT(again_end == end && fresh + same == count && (turn > 0 || same == 0));
        expect_same(frames, again, fresh);
    }
    pm_rewalk_release(&rewalk);
    free(again);
}

/* Walks with and without a trace, and for fewer frames. Returns the frames, a block of its own (for the
   sanitizer) that the caller frees. */
static struct pm_raw_frame *walk(struct pm_fuzz_image *image,
                                 const struct pm_interpreter *interpreter, unsigned *count)
{
    unsigned capacity = frames_wanted(image), fewer = capacity / 2, again_count;
    struct pm_raw_frame *frames = malloc(capacity * sizeof *frames);
    struct pm_raw_frame *again = malloc(capacity * sizeof *again);
    size_t allowed = WORDS_A_STEP * steps_allowed(image);
    struct pm_trace trace = { .words = words, .capacity = MAX_WORDS };
    enum pm_walk_end end, again_end;

    PM_FUZZ_EXPECT(allowed < MAX_WORDS);
    *count = pm_walk_traced(interpreter, &image->reader, image->head.object, frames, capacity,
                            &end, &trace);
    PM_FUZZ_EXPECT(*count <= capacity && (end != PM_WALK_LIMIT || *count == capacity));
    PM_FUZZ_EXPECT(trace.count <= allowed);
    expect_trace(image, &trace);

    again_count = pm_walk_frames(interpreter, &image->reader, image->head.object, again, capacity,
                                 &again_end);
    PM_FUZZ_EXPECT(again_count == *count && again_end == end);
    expect_same(frames, again, *count);
    walk_again(image, interpreter, frames, *count, capacity, end);

    again_count = pm_walk_frames(interpreter, &image->reader, image->head.object, again, fewer,
                                 &again_end);
    PM_FUZZ_EXPECT(again_count == (*count < fewer ? *count : fewer));
    if (again_end == PM_WALK_LIMIT)
        expect_same(frames, again, again_count);
    free(again);
    return frames;
}

static void expect_text(const struct pm_buffer *text)
{
    PM_FUZZ_EXPECT(text->length <= PM_PYSTRING_MAX_BYTES && text->bytes[text->length] == '\0');
    PM_FUZZ_EXPECT(pm_fuzz_is_text(text->bytes, text->length));
}

static void resolve(struct pm_fuzz_image *image, const struct pm_interpreter *interpreter,
                    const struct pm_raw_frame *frame)
{
    struct pm_code_location location;

    pm_code_location_init(&location);
    pm_code_resolve(interpreter, &image->reader, frame->code, frame->position, &location);
    expect_text(&location.file);
    expect_text(&location.function);
    PM_FUZZ_EXPECT(location.line <= INT32_MAX);
    pm_code_location_release(&location);
}

/* A new interpreter must be accepted, or refused with a reason. */
static void introduce(struct pm_fuzz_image *image)
{
    struct pm_interpreter_facts facts = {
        .version_text = image->head.version_text, .code_type = image->head.code_type,
        .debug_marker = image->head.build & PM_BUILD_DEBUG,
    };
    struct pm_interpreter interpreter;
    char why[200];
    bool accepted = pm_interpreter_init(&interpreter, &image->reader, &facts, why, sizeof why);

    PM_FUZZ_EXPECT(strnlen(why, sizeof why) < sizeof why);
    PM_FUZZ_EXPECT(accepted == (interpreter.layout != NULL) && accepted == (why[0] == '\0'));
    if (!accepted)
        return;
    accepted = pm_interpreter_check(&interpreter, &image->reader, image->head.object, why,
                                    sizeof why);
    PM_FUZZ_EXPECT(strnlen(why, sizeof why) < sizeof why && accepted == (why[0] == '\0'));
    PM_FUZZ_EXPECT((accepted || interpreter.too_early) == (interpreter.layout != NULL));
}

static void attempt(const u8 *data, size_t size)
{
    struct pm_fuzz_image image;

    if (pm_fuzz_image_init(&image, data, size)) {
        struct pm_interpreter interpreter = interpreter_of(&image);
        unsigned count;
        struct pm_raw_frame *frames = walk(&image, &interpreter, &count);

        for (unsigned i = 0; i < count; i++)
            resolve(&image, &interpreter, &frames[i]);
        pm_walk_peek(&interpreter, &image.reader, image.head.object);
        introduce(&image);
        free(frames);
    }
    pm_fuzz_image_release(&image);
}

static void describe_frame(struct pm_fuzz_image *image, const struct pm_interpreter *interpreter,
                           const struct pm_raw_frame *frame, struct pm_buffer *out)
{
    struct pm_code_location location;

    pm_code_location_init(&location);
    if (!pm_code_resolve(interpreter, &image->reader, frame->code, frame->position, &location))
        pm_buffer_add_text(out, "unresolved ");
    pm_buffer_add_bytes(out, location.file.bytes, location.file.length);
    pm_buffer_add_char(out, '\t');
    pm_buffer_add_bytes(out, location.function.bytes, location.function.length);
    pm_buffer_add_char(out, '\t');
    pm_buffer_add_u64(out, location.line);
    pm_buffer_add_char(out, '\n');
    pm_code_location_release(&location);
}

/* Appends "complete", then file, function and line of each frame, innermost first. Seeds must pass the
   interpreter's checks. */
static void describe(const u8 *data, size_t size, struct pm_buffer *out)
{
    static const char *const ends[] = { "complete\n", "limit\n", "unreadable\n" };
    struct pm_raw_frame frames[PM_FUZZ_FRAMES];
    struct pm_fuzz_image image;
    enum pm_walk_end end;

    if (pm_fuzz_image_init(&image, data, size)) {
        struct pm_interpreter interpreter = interpreter_of(&image);
        char why[200];
        unsigned count = pm_walk_frames(&interpreter, &image.reader, image.head.object, frames,
                                        frames_wanted(&image), &end);

        pm_buffer_add_text(out, ends[end]);
        for (unsigned i = 0; i < count; i++)
            describe_frame(&image, &interpreter, &frames[i], out);
        if (!pm_interpreter_check(&interpreter, &image.reader, image.head.object, why, sizeof why))
            pm_buffer_add_text(out, why);
    } else {
        pm_buffer_add_text(out, "refused");
    }
    pm_fuzz_image_release(&image);
}

const struct pm_fuzz_target pm_fuzz_walk = { "walk", true, attempt, describe };
