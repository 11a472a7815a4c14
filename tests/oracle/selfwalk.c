/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pm_selfwalk.so: runs the shared frame walk inside the interpreter whose frames it
   walks. selfwalk.py loads it by ctypes and compares the frames with what the interpreter
   itself reports. A second walk works as in the tool: it may end early where the rest is as in
   the last walk. Both walks must find the same frames. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unwind.h>

#include "base/pm_buffer.h"
#include "base/pm_platform.h"
#include "base/pm_reader.h"
#include "cpython/pm_code.h"
#include "cpython/pm_interpreter.h"
#include "cpython/pm_rewalk.h"
#include "cpython/pm_walk.h"

/* The most that one call of process_vm_readv takes. */
enum { MAX_PAGES = 1024 };

/* Pages that were given to a reader. */
struct pages {
    struct iovec at[MAX_PAGES];
    unsigned count;
};

/* The previous walk. Like the tool, this keeps one for all threads. */
static struct {
    struct pm_reader reader;
    struct pm_rewalk rewalk;
    struct pages pages;
    struct pm_raw_frame *frames;    /* outermost first */
    struct pm_raw_frame *fresh;
    unsigned capacity;
    u64 taken_over;
} before;

static bool readable(const struct iovec *pages, unsigned count)
{
    u8 bytes[MAX_PAGES];
    struct iovec here = { bytes, count };

    return process_vm_readv(getpid(), &here, 1, pages, count, 0) == (ssize_t)count;
}

/* The page itself, if the kernel can read it. context: struct pages, or NULL. */
static const u8 *map_own_page(void *context, u64 address)
{
    const struct iovec there = { (void *)(uintptr_t)address, 1 };
    struct pages *pages = context;

    if (!readable(&there, 1) || (pages != NULL && pages->count == MAX_PAGES))
        return NULL;
    if (pages != NULL)
        pages->at[pages->count++] = there;
    return (const u8 *)(uintptr_t)address;
}

static const char *name_of(void *address)
{
    Dl_info info;
    return dladdr(address, &info) != 0 && info.dli_sname != NULL ? info.dli_sname : "";
}

/* PyEval_EvalFrameEx is the evaluation function in 2.7, and calls it in 3.x. */
static bool is_evaluation(void *address)
{
    static const char *evaluation;

    if (evaluation == NULL)
        evaluation = dlsym(RTLD_DEFAULT, "_PyEval_EvalFrameDefault") != NULL ? "_PyEval_EvalFrameDefault"
                                                                             : "PyEval_EvalFrameEx";
    return strcmp(name_of(address), evaluation) == 0;
}

/* How many calls of the evaluation function are on our native stack. The compiler may have
   split off the part of the function that makes all calls. A stripped interpreter has no name for
   that part; it is then the function that PyEval_EvalCode calls. We learn it from the first stack
   that we see, the main module's. */
static u64 count_evaluations(void)
{
    enum { MAX_FRAMES = 100000 };
    static void *nameless_part;
    static bool learnt;
    void **addresses = malloc(MAX_FRAMES * sizeof *addresses);
    int count = backtrace(addresses, MAX_FRAMES);
    u64 named = 0, nameless = 0;

    for (int i = 0; i < count; i++)
        named += is_evaluation(addresses[i]);
    for (int i = 0; i + 1 < count && !learnt && named == 0; i++)
        if (strcmp(name_of(addresses[i + 1]), "PyEval_EvalCode") == 0)
            nameless_part = _Unwind_FindEnclosingFunction(addresses[i]);
    learnt = true;
    for (int i = 0; i < count && nameless_part != NULL; i++)
        nameless += !is_evaluation(addresses[i])
            && _Unwind_FindEnclosingFunction(addresses[i]) == nameless_part;
    free(addresses);
    return named + nameless;
}

static void describe_frame(const struct pm_interpreter *interpreter, struct pm_reader *reader,
                           const struct pm_raw_frame *frame, struct pm_buffer *out)
{
    struct pm_code_location location;

    pm_code_location_init(&location);
    if (!pm_code_resolve(interpreter, reader, frame->code, frame->position, &location))
        pm_buffer_add_text(out, "unresolved ");
    pm_buffer_add_bytes(out, location.file.bytes, location.file.length);
    pm_buffer_add_char(out, '\t');
    pm_buffer_add_bytes(out, location.function.bytes, location.function.length);
    pm_buffer_add_char(out, '\t');
    pm_buffer_add_u64(out, location.line);
    pm_buffer_add_char(out, '\n');
    pm_code_location_release(&location);
}

/* Nothing tells us when memory is unmapped. The list of pages must not fill up during a walk. */
static void forget_what_is_gone(void)
{
    struct pages *pages = &before.pages;

    if (pages->count <= MAX_PAGES / 2 && (pages->count == 0 || readable(pages->at, pages->count)))
        return;
    pages->count = 0;
    pm_reader_forget(&before.reader);
}

static void prepare_walk_again(unsigned capacity)
{
    if (before.capacity == capacity) {
        forget_what_is_gone();
        return;
    }
    if (before.capacity != 0)
        pm_rewalk_release(&before.rewalk);
    before.capacity = capacity;
    before.pages.count = 0;
    before.frames = realloc(before.frames, capacity * sizeof *before.frames);
    before.fresh = realloc(before.fresh, capacity * sizeof *before.fresh);
    pm_reader_init(&before.reader, map_own_page, &before.pages);
    pm_rewalk_init(&before.rewalk, &before.reader, capacity);
}

/* Whether the walk that may end early finds the same frames. */
static bool found_again(const struct pm_interpreter *interpreter, u64 anchor, unsigned capacity,
                        const struct pm_raw_frame *frames, unsigned count, enum pm_walk_end end)
{
    enum pm_walk_end again;
    unsigned same, fresh, differ = 0;

    prepare_walk_again(capacity);
    fresh = pm_walk_again(interpreter, &before.rewalk, anchor, before.fresh, capacity, &again,
                          &same);
    before.taken_over += same;
    if (again != end || same + fresh != count)
        return false;
    for (unsigned i = 0; i < fresh; i++)
        before.frames[count - 1 - i] = before.fresh[i];
    for (unsigned i = 0; i < count; i++)
        differ += !pm_raw_frame_equal(&before.frames[count - 1 - i], &frames[i]);
    return differ == 0;
}

static void describe_walk(const struct pm_interpreter *interpreter, struct pm_reader *reader,
                          u64 anchor, unsigned capacity, struct pm_buffer *out)
{
    struct pm_raw_frame *frames = malloc(capacity * sizeof *frames);
    enum pm_walk_end end;
    unsigned count = pm_walk_frames(interpreter, reader, anchor, frames, capacity, &end);
    bool again = found_again(interpreter, anchor, capacity, frames, count, end);
    u64 entries = 0;

    for (unsigned i = 0; i < count; i++)
        entries += frames[i].entry + frames[i].empty_entries;
    pm_buffer_add_text(out, end == PM_WALK_COMPLETE ? "complete" :
                            end == PM_WALK_LIMIT ? "limit" : "unreadable");
    pm_buffer_add_char(out, '\t');
    pm_buffer_add_u64(out, entries);
    pm_buffer_add_char(out, '\t');
    pm_buffer_add_u64(out, count_evaluations());
    pm_buffer_add_text(out, again ? "\tfound again\n" : "\tnot found again\n");
    for (unsigned i = 0; i < count; i++)
        describe_frame(interpreter, reader, &frames[i], out);
    free(frames);
}

static bool accept(struct pm_interpreter *interpreter, struct pm_reader *reader,
                   const struct pm_interpreter_facts *facts, u64 anchor, char *why, size_t capacity)
{
    return pm_interpreter_init(interpreter, reader, facts, why, capacity)
           && pm_interpreter_check(interpreter, reader, anchor, why, capacity);
}

/* Walks from anchor and returns text that the caller frees with
   pm_selfwalk_free: a line "end, entries found by the walk, evaluations on the
   native stack, found again or not", then "file, function, line" for each frame; or a line
   "refused: why". Tabs separate the parts. */
__attribute__((visibility("default")))
char *pm_selfwalk(const struct pm_interpreter_facts *facts, u64 anchor, unsigned capacity)
{
    struct pm_reader *reader = malloc(sizeof *reader);
    struct pm_interpreter interpreter;
    struct pm_buffer out;
    char why[256];
    char *text;

    pm_reader_init(reader, map_own_page, NULL);
    pm_buffer_init(&out);
    if (accept(&interpreter, reader, facts, anchor, why, sizeof why)) {
        describe_walk(&interpreter, reader, anchor, capacity, &out);
    } else {
        pm_buffer_add_text(&out, "refused: ");
        pm_buffer_add_text(&out, why);
        pm_buffer_add_char(&out, '\n');
    }
    text = strdup(out.bytes);
    pm_buffer_release(&out);
    free(reader);
    return text;
}

/* Stores the size of a GC head, and of a debug hook's prefix and padding. False if the
   interpreter is refused. */
__attribute__((visibility("default")))
bool pm_selfwalk_headers(const struct pm_interpreter_facts *facts, u64 anchor, u32 *bytes)
{
    struct pm_reader *reader = malloc(sizeof *reader);
    struct pm_interpreter interpreter;
    char why[256];
    bool accepted;

    pm_reader_init(reader, map_own_page, NULL);
    accepted = accept(&interpreter, reader, facts, anchor, why, sizeof why);
    free(reader);
    if (!accepted)
        return false;
    bytes[0] = (u32)interpreter.layout->at.gc_head_bytes;
    bytes[1] = interpreter.layout->hook_prefix_bytes;
    bytes[2] = pm_layout_hook_padding(interpreter.layout);
    return true;
}

/* How many frames all walks together took over from their previous walk. */
__attribute__((visibility("default")))
u64 pm_selfwalk_taken_over(void)
{
    return before.taken_over;
}

__attribute__((visibility("default")))
void pm_selfwalk_free(char *text)
{
    free(text);
}
