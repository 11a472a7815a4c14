/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loss records and LEAK SUMMARY, in Memcheck's words where it has some
   (memcheck/mc_leakcheck.c, 3.19, print_results and MC_(pp_LossRecord)). A stack shows who
   called whom, without frames that do not help a reader of Python: the allocator's layers, and
   the interpreter's own C functions, except for the one that requested the memory. Python
   frames replace the evaluation functions. With text->options->whole_stacks nothing is left
   out. */
#include "base/pm_platform.h"
#include "report/pm_text_parts.h"
#include "report/pm_utf8.h"

enum { FRAME_INDENT = 3, PLACE_INDENT = 6, SOURCE_INDENT = 12, SHOWN_TYPES = 4 };

static const struct pm_strings *strings_of(const struct pm_text *text)
{
    return text->profile->strings;
}

void pm_text_add_string(struct pm_text *text, struct pm_string_id id)
{
    pm_utf8_add_harmless(&text->line, pm_strings_text(strings_of(text), id),
                         pm_strings_length(strings_of(text), id));
}

/* "72 bytes", or "96 (72 direct, 24 indirect) bytes", and the blocks. */
static void add_amount(struct pm_text *text, const struct pm_loss *loss)
{
    if (loss->indirect_bytes > 0) {
        pm_text_add_number(text, loss->bytes + loss->indirect_bytes);
        pm_text_add(text, " (");
        pm_text_add_number(text, loss->bytes);
        pm_text_add(text, " direct, ");
        pm_text_add_number(text, loss->indirect_bytes);
        pm_text_add(text, " indirect)");
    } else {
        pm_text_add_number(text, loss->bytes);
    }
    pm_text_add(text, " bytes in ");
    pm_text_add_number(text, loss->blocks);
    pm_text_add(text, " blocks are ");
}

/* "at least 3 references too few to 1 object that is still reachable (56 bytes): over-released", or "2 pointers to
   freed memory in 1 object ...". */
static void add_deficit(struct pm_text *text, const struct pm_loss *loss)
{
    if (loss->missing_references > 0) {
        pm_text_add(text, "at least ");
        pm_text_add_counted(text, loss->missing_references, "reference");
        pm_text_add(text, " too few to ");
    }
    if (loss->dangling_words > 0) {
        pm_text_add(text, loss->missing_references > 0 ? "and " : "");
        pm_text_add_counted(text, loss->dangling_words, "pointer");
        pm_text_add(text, " to freed memory in ");
    }
    if (loss->is_static) {
        pm_text_add(text, "one object in static memory");
    } else {
        pm_text_add_counted(text, loss->blocks, "object");
        pm_text_add(text, loss->blocks == 1 ? " that is" : " that are");
        pm_text_add(text, " still reachable (");
        pm_text_add_number(text, loss->bytes);
        pm_text_add(text, " bytes)");
    }
    pm_text_add(text, ": ");
    pm_text_add(text, pm_loss_kind_text(loss->kind));
}

void pm_text_put_loss_headline(struct pm_text *text, const struct pm_loss *loss, u32 number,
                               u32 count)
{
    if (loss->kind == PM_LOSS_SURPLUS) {
        pm_text_add_counted(text, loss->surplus_references, "surplus reference");
        pm_text_add(text, " to ");
        pm_text_add_counted(text, loss->blocks, "object");
        pm_text_add(text, " that ");
        pm_text_add(text, loss->blocks == 1 ? "is" : "are");
        pm_text_add(text, " still reachable (");
        pm_text_add_number(text, loss->bytes);
        pm_text_add(text, " bytes)");
    } else if (loss->kind == PM_LOSS_DEFICIT) {
        add_deficit(text, loss);
    } else {
        add_amount(text, loss);
        pm_text_add(text, pm_loss_kind_text(loss->kind));
    }
    pm_text_add(text, " in loss record ");
    pm_text_add_number(text, number);
    pm_text_add(text, " of ");
    pm_text_add_number(text, count);
    pm_text_end_line(text);
}

/* Lost objects to which somebody took references and did not give them back. The first line of a record of
   surplus references says so already. */
static void put_overcounted(struct pm_text *text, const struct pm_loss *loss)
{
    if (loss->overcounted_blocks == 0 || loss->kind == PM_LOSS_SURPLUS || loss->blocks == 1)
        return;
    pm_text_add(text, "   ");
    pm_text_add_number(text, loss->overcounted_blocks);
    pm_text_put_line(text, " of them have a refcount above the number of pointers to them");
}

/* The reference count of a single object. */
static void add_references(struct pm_text *text, const struct pm_loss *loss)
{
    if (loss->blocks != 1 || loss->references == 0)
        return;
    pm_text_add(text, ", refcount ");
    pm_text_add_number(text, loss->references);
    if (loss->overcounted_blocks > 0) {
        pm_text_add(text, " with ");
        pm_text_add_counted(text, loss->pointers, "pointer");
        pm_text_add(text, " to it");
    }
}

void pm_text_put_loss_types(struct pm_text *text, const struct pm_loss *loss)
{
    u64 typed = 0;

    if (loss->type_count == 0)
        return;
    pm_text_add(text, "   ");
    for (u32 i = 0; i < loss->type_count; i++) {
        typed += loss->types[i].blocks;
        if (i >= SHOWN_TYPES)
            continue;
        if (i > 0)
            pm_text_add(text, ", ");
        if (!loss->is_static) {
            pm_text_add_number(text, loss->types[i].blocks);
            pm_text_add(text, " x ");
        }
        pm_text_add_string(text, loss->types[i].name);
    }
    if (loss->type_count > SHOWN_TYPES) {
        pm_text_add(text, " and ");
        pm_text_add_counted(text, loss->type_count - SHOWN_TYPES, "other type");
    }
    if (typed < loss->blocks) {
        pm_text_add(text, ", ");
        pm_text_add_number(text, loss->blocks - typed);
        pm_text_add(text, " x memory that is no object");
    }
    add_references(text, loss);
    if (loss->note.v != 0) {
        pm_text_add(text, loss->blocks == 1 ? ": " : "; the first: ");
        pm_text_add_string(text, loss->note);
    }
    pm_text_end_line(text);
    put_overcounted(text, loss);
}

/* What we know on the way along a stack. */
struct shown {
    struct pm_text_left_out left_out;
    const struct pm_loss_places *places;    /* of the record; NULL: none, or they were shown */
    bool first;             /* no frame was shown yet */
    bool show_next;         /* the next frame is shown, whatever it is */
    bool caller_met;        /* a frame that is not an allocator was shown */
    bool python_met;
};

static bool is_shown(const struct pm_text *text, const struct shown *shown,
                     const struct pm_frame *frame)
{
    if (shown->show_next || text->options->whole_stacks || frame->kind != PM_FRAME_NATIVE)
        return true;
    if (frame->flags & (PM_FRAME_ALLOCATOR | PM_FRAME_EVAL))
        return false;
    return !shown->caller_met || shown->left_out.interpreter == 0
        || frame->object.v != shown->left_out.interpreter;
}

void pm_text_add_native_frame(struct pm_text *text, const struct pm_frame *frame)
{
    pm_labels_add_frame(&text->labels, &text->line, frame,
                        text->options->paths != PM_TEXT_PATHS_BASE);
    if (frame->kind != PM_FRAME_NATIVE || frame->line == 0)
        return;
    pm_text_add(text, " (");
    pm_labels_add_object(&text->labels, &text->line, frame->file);
    pm_text_add(text, ":");
    pm_labels_add_line(&text->line, frame->line);
    pm_text_add(text, ")");
}

/* Ends the line of the frame id, and adds a line for each other place in the same function. */
static void put_places(struct pm_text *text, const struct pm_loss_places *places, struct pm_frame_id id)
{
    const struct pm_frames *frames = text->profile->frames;
    const struct pm_frame *shown = pm_frames_get(frames, id);
    const struct pm_loss_places lines = pm_loss_places_by_line(places, frames);

    for (u32 pass = 0; pass < 2 && lines.count > 1; pass++) {
        for (u32 i = 0; i < lines.count; i++) {
            const struct pm_loss_place *place = &lines.at[i];
            const struct pm_frame *frame = pm_frames_get(frames, place->frame);
            const bool same = place->frame.v == id.v
                || (frame->line != 0 && frame->line == shown->line && frame->file.v == shown->file.v);
            if (same != (pass == 0))
                continue;
            if (!same) {
                pm_text_end_line(text);
                pm_buffer_add_repeated(&text->line, ' ', PLACE_INDENT);
                pm_text_add_native_frame(text, frame);
            }
            pm_text_add(text, " ");
            pm_text_add_counted(text, place->blocks, "block");
        }
    }
    pm_text_end_line(text);
}

static void put_frame(struct pm_text *text, struct shown *shown, struct pm_frame_id id)
{
    const struct pm_frame *frame = pm_frames_get(text->profile->frames, id);
    const struct pm_text_options *options = text->options;
    bool python = frame->kind == PM_FRAME_PYTHON;

    if (!is_shown(text, shown, frame) || !pm_text_counts(text, &shown->left_out, frame))
        return;
    pm_text_put_hidden(text, &shown->left_out, FRAME_INDENT);
    pm_text_add(text, shown->first ? "   at " : "   by ");
    shown->first = false;
    shown->show_next = false;
    shown->caller_met |= python || !(frame->flags & PM_FRAME_ALLOCATOR);
    if (!python) {
        pm_text_add_native_frame(text, frame);
        if (shown->places != NULL && pm_loss_places_have(shown->places, id)) {
            put_places(text, shown->places, id);
            shown->places = NULL;
            return;
        }
        pm_text_end_line(text);
        return;
    }
    pm_labels_add_function(&text->labels, &text->line, frame->function);
    pm_text_add(text, " (");
    pm_labels_add_file(&text->labels, &text->line, frame->file,
                       options->paths != PM_TEXT_PATHS_BASE);
    pm_text_add(text, ":");
    pm_labels_add_line(&text->line, frame->line);
    pm_text_put_line(text, ")");
    if (!shown->python_met)
        pm_text_put_source(text, frame->file, frame->line, SOURCE_INDENT);
    shown->python_met = true;
}

static bool is_importlib(const struct pm_text *text, const struct pm_frame *frame)
{
    static const char start[] = "<frozen importlib";

    return frame->kind == PM_FRAME_PYTHON
        && pm_strings_length(strings_of(text), frame->file) >= sizeof start - 1
        && pm_compare(pm_strings_text(strings_of(text), frame->file), start, sizeof start - 1) == 0;
}

/* Writes one line for the frames of importlib from *at on, if there are several, and moves *at behind them.
   The innermost Python frame is always shown whole: it allocated. */
static bool put_import(struct pm_text *text, struct shown *shown, struct pm_stack_id *at)
{
    struct pm_stack_id behind = *at;
    u64 count = 0;

    if (!shown->python_met || text->options->whole_stacks)
        return false;
    for (struct pm_stack_id next = *at; next.v != 0;) {
        struct pm_stack_node node = pm_stacks_node(text->profile->stacks, next);
        const struct pm_frame *frame = pm_frames_get(text->profile->frames, node.frame);
        next = node.parent;
        if (is_importlib(text, frame)) {
            behind = next;
            count++;
        } else if (frame->kind != PM_FRAME_NATIVE || is_shown(text, shown, frame)) {
            break;
        }
    }
    if (count < 2 || !is_importlib(text, pm_frames_get(text->profile->frames,
                                        pm_stacks_node(text->profile->stacks, *at).frame)))
        return false;
    pm_text_put_hidden(text, &shown->left_out, FRAME_INDENT);
    pm_text_add(text, "   by (");
    pm_text_add_number(text, count);
    pm_text_put_line(text, " frames of importlib)");
    *at = behind;
    return true;
}

static void put_stack(struct pm_text *text, struct pm_stack_id stack, bool innermost,
                      const struct pm_loss_places *places)
{
    struct shown shown = {
        .left_out = pm_text_left_out_begin(text, stack),
        .places = places,
        .first = true,
        .show_next = innermost,
    };

    for (struct pm_stack_id at = stack; at.v != 0;) {
        struct pm_stack_node node = pm_stacks_node(text->profile->stacks, at);
        if (put_import(text, &shown, &at))
            continue;
        put_frame(text, &shown, node.frame);
        at = node.parent;
    }
    pm_text_put_hidden(text, &shown.left_out, FRAME_INDENT);
}

void pm_text_put_stack(struct pm_text *text, struct pm_stack_id stack, bool innermost)
{
    put_stack(text, stack, innermost, NULL);
}

/* How many of a record's blocks the chain explains. */
static void add_share(struct pm_text *text, u64 explained, u64 blocks)
{
    pm_text_add(text, " (");
    pm_text_add_number(text, explained);
    pm_text_add(text, " of ");
    pm_text_add_number(text, blocks);
    pm_text_add(text, " blocks)");
}

static void put_chain_line(struct pm_text *text, const struct pm_loss *loss, bool first, struct pm_string_id line)
{
    pm_text_add(text, first ? "   kept alive by " : "     -> ");
    pm_text_add_string(text, line);
    if (first && loss->chain_blocks < loss->blocks)
        add_share(text, loss->chain_blocks, loss->blocks);
    pm_text_end_line(text);
}

/* As a Python expression as far as that goes. */
static void put_chain(struct pm_text *text, const struct pm_loss *loss)
{
    if (loss->expression_lines > 0)
        put_chain_line(text, loss, true, loss->expression);
    for (u32 i = loss->expression_lines; i < loss->chain_length; i++)
        put_chain_line(text, loss, i == 0, loss->chain[i]);
}

static void put_times(struct pm_text *text, const struct pm_loss *loss)
{
    static const char *const names[PM_PHASES] = {
        [PM_PHASE_IMPORT] = "during import",
        [PM_PHASE_MAIN] = "while the program ran",
        [PM_PHASE_FINALIZATION] = "during finalization",
    };
    bool some = false;

    if (loss->is_static) {
        pm_text_put_line(text, "   never allocated");
        return;
    }
    pm_text_add(text, "   allocated ");
    for (int phase = 0; phase < PM_PHASES; phase++) {
        if (loss->phase_blocks[phase] == 0)
            continue;
        if (some)
            pm_text_add(text, ", ");
        if (loss->phase_blocks[phase] < loss->blocks) {
            pm_text_add_number(text, loss->phase_blocks[phase]);
            pm_text_add(text, " ");
        } else if (loss->blocks == 1) {
            pm_text_add(text, "once ");
        }
        pm_text_add(text, names[phase]);
        some = true;
    }
    if (loss->raising_blocks > 0) {
        pm_text_add(text, ", ");
        if (loss->raising_blocks < loss->blocks) {
            pm_text_add_number(text, loss->raising_blocks);
            pm_text_add(text, " ");
        }
        pm_text_add(text, "with an exception raised");
    }
    if (loss->thread != 0) {
        pm_text_add(text, ", by thread ");
        pm_text_add_number(text, loss->thread);
    } else {
        pm_text_add(text, ", by several threads");
    }
    pm_text_end_line(text);
}

/* What tells this record from others: which allocations of the run it has, and its fingerprint. */
static void put_identity(struct pm_text *text, const struct pm_loss *loss)
{
    pm_text_add(text, "   ");
    if (!loss->is_static) {
        pm_text_add(text, loss->blocks == 1 ? "it is allocation " : "the first is allocation ");
        pm_text_add_number(text, loss->first_serial);
        pm_text_add(text, " of the run");
        if (loss->blocks > 1) {
            pm_text_add(text, ", the last ");
            pm_text_add_number(text, loss->last_serial);
        }
        pm_text_add(text, ", ");
    }
    pm_text_add(text, "fingerprint ");
    pm_buffer_add_hex16(&text->line, loss->fingerprint);
    pm_text_end_line(text);
}

/* The record's first blocks, if they are listed (--show-leak-blocks=). */
static void put_blocks(struct pm_text *text, const struct pm_loss *loss)
{
    struct pm_buffer line;

    pm_buffer_init(&line);
    for (u32 i = 0; i < loss->shown_block_count; i++) {
        pm_text_add(text, "   ");
        pm_loss_block_add(&line, strings_of(text), &loss->shown_blocks[i]);
        pm_utf8_add_harmless(&text->line, line.bytes, line.length);
        pm_buffer_clear(&line);
        pm_text_end_line(text);
    }
    pm_buffer_release(&line);
    if (loss->shown_block_count > 0 && loss->shown_block_count < loss->blocks) {
        pm_text_add(text, "   and ");
        pm_text_add_counted(text, loss->blocks - loss->shown_block_count, "block");
        pm_text_put_line(text, " more (--show-leak-blocks)");
    }
}

void pm_text_put_loss_story(struct pm_text *text, const struct pm_loss *loss)
{
    put_chain(text, loss);
    put_times(text, loss);
    put_identity(text, loss);
    put_blocks(text, loss);
    if (loss->balance != NULL && text->profile->watched != NULL)
        pm_text_put_balance(text, loss->balance);
}

void pm_text_write_loss(struct pm_text *text, const struct pm_loss *loss, u32 number, u32 count)
{
    pm_text_put_loss_headline(text, loss, number, count);
    pm_text_put_loss_types(text, loss);
    put_stack(text, loss->stack, false, &loss->places);
    pm_text_put_loss_story(text, loss);
}

bool pm_text_is_leak(const struct pm_loss *loss)
{
    return !loss->suppressed && !loss->left_out
        && (loss->kind == PM_LOSS_DEFINITE || loss->kind == PM_LOSS_CYCLE
            || loss->kind == PM_LOSS_SURPLUS || loss->kind == PM_LOSS_DEFICIT
            || loss->kind == PM_LOSS_POSSIBLE);
}

bool pm_text_is_import_leak(const struct pm_loss *loss)
{
    return !loss->is_static && loss->phase_blocks[PM_PHASE_IMPORT] == loss->blocks;
}

/* What modules make once, when they are imported, often hides the leaks that grow. */
void pm_text_write_import_leaks(struct pm_text *text, const struct pm_losses *losses)
{
    u64 all = 0, leaks = 0, bytes = 0, blocks = 0;

    for (u32 i = 0; i < losses->count; i++) {
        const struct pm_loss *loss = &losses->records[i];
        if (!pm_text_is_leak(loss))
            continue;
        all++;
        if (!pm_text_is_import_leak(loss))
            continue;
        leaks++;
        bytes += loss->bytes + loss->indirect_bytes;
        blocks += loss->blocks + loss->indirect_blocks;
    }
    if (leaks < 2)
        return;
    pm_text_add_number(text, leaks);
    pm_text_add(text, " of ");
    pm_text_add_counted(text, all, "leak");
    pm_text_add(text, " were allocated during import only, ");
    pm_text_add_bytes_in_blocks(text, bytes, blocks);
    pm_text_put_line(text, " (--only-phase=main,finalization leaves them out)");
    pm_text_end_line(text);
}

static void put_sum(struct pm_text *text, const char *name, u64 bytes, u64 blocks)
{
    enum { COLON_COLUMN = 23 };

    pm_buffer_add_repeated(&text->line, ' ', COLON_COLUMN - pm_length(name));
    pm_text_add(text, name);
    pm_text_add(text, ": ");
    pm_text_add_bytes_in_blocks(text, bytes, blocks);
    pm_text_end_line(text);
}

void pm_text_write_leak_summary(struct pm_text *text, const struct pm_losses *losses)
{
    static const enum pm_loss_kind order[] = {
        PM_LOSS_DEFINITE, PM_LOSS_INDIRECT, PM_LOSS_CYCLE, PM_LOSS_SURPLUS, PM_LOSS_DEFICIT,
        PM_LOSS_POSSIBLE, PM_LOSS_REACHABLE, PM_LOSS_INTERPRETER,
    };
    bool python = text->profile->python != NULL;

    pm_text_put_line(text, "LEAK SUMMARY:");
    for (size_t i = 0; i < PM_ARRAY_LENGTH(order); i++) {
        enum pm_loss_kind kind = order[i];
        bool memchecks = kind == PM_LOSS_DEFINITE || kind == PM_LOSS_INDIRECT
            || kind == PM_LOSS_POSSIBLE || kind == PM_LOSS_REACHABLE;
        if (memchecks || python || losses->sums[kind].blocks > 0)
            put_sum(text, pm_loss_kind_text(kind), losses->sums[kind].bytes,
                    losses->sums[kind].blocks);
    }
    put_sum(text, "suppressed", losses->suppressed.bytes, losses->suppressed.blocks);
    if (losses->left_out.blocks > 0)
        put_sum(text, "left out by --only-", losses->left_out.bytes, losses->left_out.blocks);
    pm_text_end_line(text);
}
