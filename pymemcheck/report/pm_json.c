/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/pm_json.h"

#include "base/pm_platform.h"
#include "heap/pm_loss_kinds.h"
#include "report/pm_emitter.h"
#include "report/pm_json_balance.h"
#include "report/pm_formats.h"
#include "report/pm_json_moments.h"
#include "report/pm_json_types.h"
#include "report/pm_text_parts.h"
#include "report/pm_utf8.h"

/* An entry "index": "exact bytes" of a dict, if the string needs one. */
static void write_exact(struct pm_emitter *out, u64 index, const char *bytes, size_t length)
{
    if (pm_utf8_is_exact(bytes, length))
        return;
    struct pm_buffer key;
    pm_buffer_init(&key);
    pm_buffer_add_u64(&key, index);
    pm_emitter_key(out, key.bytes);
    pm_emitter_hex(out, bytes, length);
    pm_buffer_release(&key);
}

static const char *end_name(enum pm_end end)
{
    switch (end) {
    case PM_END_EXIT:
        return "exit";
    case PM_END_SIGNAL:
        return "signal";
    case PM_END_EXEC:
        return "exec";
    case PM_END_RUNNING:
        return "running";
    }
    return "exit";
}

static void write_status(struct pm_emitter *out, const char *key, const struct pm_profile *profile,
                         enum pm_end end)
{
    pm_emitter_key(out, key);
    if (profile->end == end && (end != PM_END_SIGNAL || profile->exit_status != 0))
        pm_emitter_i64(out, profile->exit_status);
    else
        pm_emitter_null(out);
}

static void write_run(struct pm_emitter *out, const struct pm_profile *profile)
{
    pm_emitter_key(out, "run");
    pm_emitter_dict_begin(out, PM_EMITTER_LINES);
    pm_emitter_key_u64(out, "pid", profile->pid);
    pm_emitter_key_u64(out, "ppid", profile->ppid);
    pm_emitter_key(out, "command");
    pm_emitter_list_begin(out, PM_EMITTER_INLINE);
    for (size_t i = 0; i < profile->command_length; i++)
        pm_emitter_text(out, profile->command[i]);
    pm_emitter_list_end(out);
    pm_emitter_key(out, "command_hex");
    pm_emitter_dict_begin(out, PM_EMITTER_INLINE);
    for (size_t i = 0; i < profile->command_length; i++)
        write_exact(out, i, profile->command[i], pm_length(profile->command[i]));
    pm_emitter_dict_end(out);
    pm_emitter_key_text(out, "tool_version", profile->tool_version);
    pm_emitter_key_text(out, "valgrind_version", profile->valgrind_version);
    pm_emitter_key_text(out, "python", profile->python);
    pm_emitter_key_text(out, "python_refused", profile->python_refused);
    pm_emitter_key_text(out, "hint", profile->hint);
    pm_emitter_key_bool(out, "pymalloc", profile->pymalloc);
    pm_emitter_key_bool(out, "debug_hooks", profile->debug_hooks);
    pm_emitter_key_text(out, "end", end_name(profile->end));
    write_status(out, "exit_code", profile, PM_END_EXIT);
    write_status(out, "signal", profile, PM_END_SIGNAL);
    pm_emitter_key_u64(out, "end_stack", profile->end_stack.v);
    pm_emitter_key_u64(out, "elapsed_ms", profile->elapsed_ms);
    pm_emitter_dict_end(out);
}

static void write_totals(struct pm_emitter *out, const struct pm_profile *profile)
{
    const struct pm_troubles *troubles = &profile->troubles;

    pm_emitter_key(out, "totals");
    pm_emitter_dict_begin(out, PM_EMITTER_LINES);
    pm_emitter_key_u64(out, "allocs", profile->total_allocs);
    pm_emitter_key_u64(out, "frees", profile->total_frees);
    pm_emitter_key_u64(out, "bytes", profile->total_bytes);
    pm_emitter_key_u64(out, "live_bytes", profile->live_bytes);
    pm_emitter_key_u64(out, "live_blocks", profile->live_blocks);
    pm_emitter_key_u64(out, "peak_bytes", profile->peak_bytes);
    pm_emitter_key_u64(out, "peak_blocks", profile->peak_blocks);
    pm_emitter_key_u64(out, "peak_serial", profile->sites->peak_serial);
    pm_emitter_key_u64(out, "padding_bytes", profile->padding_bytes);
    pm_emitter_key_u64(out, "reused_blocks", profile->reused_blocks);
    pm_emitter_key_u64(out, "peak_since", profile->peak_since);
    pm_emitter_dict_end(out);
    pm_emitter_key(out, "troubles");
    pm_emitter_dict_begin(out, PM_EMITTER_LINES);
    pm_emitter_key_u64(out, "unreadable_stacks", troubles->unreadable_stacks);
    pm_emitter_key_u64(out, "unreadable_code", troubles->unreadable_code);
    pm_emitter_key_u64(out, "failed_allocations", troubles->failed_allocations);
    pm_emitter_key_u64(out, "unknown_frees", troubles->unknown_frees);
    pm_emitter_dict_end(out);
}

static void write_wrong_frees(struct pm_emitter *out, const struct pm_wrong_free_sums *sums)
{
    static const char *const kinds[PM_FREE_KINDS] = {
        [PM_FREE_INVALID] = "invalid", [PM_FREE_MISMATCH] = "mismatched", [PM_FREE_DOMAIN] = "mismatched",
    };

    pm_emitter_key(out, "wrong_frees");
    pm_emitter_list_begin(out, PM_EMITTER_LINES);
    for (u32 i = 0; sums != NULL && i < sums->count; i++) {
        const struct pm_wrong_free *wrong = &sums->list[i].first;
        if (sums->list[i].count == 0)
            continue;
        pm_emitter_dict_begin(out, PM_EMITTER_INLINE);
        pm_emitter_key_text(out, "kind", kinds[wrong->kind]);
        pm_emitter_key_u64(out, "count", sums->list[i].count);
        pm_emitter_key_u64(out, "stack", wrong->stack.v);
        pm_emitter_key_text(out, "freed_by", wrong->freed_by);
        pm_emitter_key_text(out, "allocated_by", wrong->allocated_by);
        pm_emitter_dict_end(out);
    }
    pm_emitter_list_end(out);
}

static void write_phase(struct pm_emitter *out, const struct pm_phase *phase)
{
    pm_emitter_dict_begin(out, PM_EMITTER_INLINE);
    pm_emitter_key_u64(out, "name", phase->name.v);
    pm_emitter_key_u64(out, "times", phase->times);
    pm_emitter_key_bool(out, "open", phase->open > 0);
    pm_emitter_key_u64(out, "first", phase->first_serial);
    pm_emitter_key_u64(out, "last", phase->last_serial);
    pm_emitter_key_u64(out, "allocs", phase->allocs);
    pm_emitter_key_u64(out, "frees", phase->frees);
    pm_emitter_key_u64(out, "bytes", phase->bytes);
    pm_emitter_key(out, "grown_bytes");
    pm_emitter_i64(out, phase->grown_bytes);
    pm_emitter_key(out, "grown_blocks");
    pm_emitter_i64(out, phase->grown_blocks);
    pm_emitter_key(out, "live_bytes");
    phase->live_known ? pm_emitter_u64(out, phase->live_bytes) : pm_emitter_null(out);
    pm_emitter_key(out, "live_blocks");
    phase->live_known ? pm_emitter_u64(out, phase->live_blocks) : pm_emitter_null(out);
    pm_emitter_dict_end(out);
}

static void write_phases(struct pm_emitter *out, const struct pm_phases *phases)
{
    pm_emitter_key(out, "phases");
    pm_emitter_list_begin(out, PM_EMITTER_LINES);
    for (u32 i = 0; phases != NULL && i < phases->count; i++)
        write_phase(out, &phases->entries[i]);
    pm_emitter_list_end(out);
}

static void write_strings(struct pm_emitter *out, const struct pm_strings *strings)
{
    u32 count = pm_strings_count(strings);

    pm_emitter_key(out, "strings");
    pm_emitter_list_begin(out, PM_EMITTER_LINES);
    for (u32 i = 0; i < count; i++) {
        struct pm_string_id id = { i };
        pm_emitter_bytes(out, pm_strings_text(strings, id), pm_strings_length(strings, id));
    }
    pm_emitter_list_end(out);
    pm_emitter_key(out, "strings_hex");
    pm_emitter_dict_begin(out, PM_EMITTER_LINES);
    for (u32 i = 0; i < count; i++) {
        struct pm_string_id id = { i };
        write_exact(out, i, pm_strings_text(strings, id), pm_strings_length(strings, id));
    }
    pm_emitter_dict_end(out);
}

const char *pm_json_frame_kind(u8 kind)
{
    switch ((enum pm_frame_kind)kind) {
    case PM_FRAME_NATIVE:
        return "native";
    case PM_FRAME_PYTHON:
        return "python";
    case PM_FRAME_NOTE:
        return "note";
    }
    return "note";
}

void pm_json_put_flags(struct pm_emitter *out, u8 flags)
{
    static const struct {
        enum pm_frame_flag flag;
        const char *name;
    } names[] = {
        { PM_FRAME_ALLOCATOR, "allocator" },
        { PM_FRAME_DEBUG_HOOK, "debug_hook" },
        { PM_FRAME_EVAL, "eval" },
    };

    pm_emitter_key(out, "flags");
    pm_emitter_list_begin(out, PM_EMITTER_INLINE);
    for (size_t i = 0; i < PM_ARRAY_LENGTH(names); i++)
        if (flags & names[i].flag)
            pm_emitter_text(out, names[i].name);
    pm_emitter_list_end(out);
}

static void write_frame(struct pm_emitter *out, const struct pm_frame *frame,
                        struct pm_buffer *offset)
{
    pm_buffer_clear(offset);
    pm_buffer_add_text(offset, "0x");
    pm_buffer_add_hex(offset, frame->offset);
    pm_emitter_dict_begin(out, PM_EMITTER_INLINE);
    pm_emitter_key_text(out, "kind", pm_json_frame_kind(frame->kind));
    pm_emitter_key_u64(out, "function", frame->function.v);
    pm_emitter_key_u64(out, "file", frame->file.v);
    pm_emitter_key_u64(out, "line", frame->line);
    pm_emitter_key_u64(out, "object", frame->object.v);
    pm_emitter_key_text(out, "offset", offset->bytes);
    pm_json_put_flags(out, frame->flags);
    pm_emitter_dict_end(out);
}

static void write_frames(struct pm_emitter *out, const struct pm_frames *frames)
{
    struct pm_buffer offset;

    pm_buffer_init(&offset);
    pm_emitter_key(out, "frames");
    pm_emitter_list_begin(out, PM_EMITTER_LINES);
    for (u32 i = 0; i < frames->count; i++)
        write_frame(out, pm_frames_get(frames, (struct pm_frame_id){ i }), &offset);
    pm_emitter_list_end(out);
    pm_buffer_release(&offset);
}

/* A column of a table is read and written this many values at a time. While many rows are read
   in a row, the processor waits for their memory at once; if each value were written at once,
   it would wait for one after the other. */
enum { COLUMN_PIECE = 256 };

struct piece {
    u64 values[COLUMN_PIECE];
    size_t count;
};

static void write_piece(struct pm_emitter *out, struct piece *piece)
{
    pm_emitter_u64_items(out, piece->values, piece->count);
    piece->count = 0;
}

static inline void add_value(struct pm_emitter *out, struct piece *piece, u64 value)
{
    piece->values[piece->count++] = value;
    if (piece->count == COLUMN_PIECE)
        write_piece(out, piece);
}

/* Writes how far back each node's parent is (mostly 1), or the nodes' frames. Node 0 has
   neither. */
static void write_nodes(struct pm_emitter *out, const struct pm_stacks *stacks, bool parents)
{
    struct piece piece = { .count = 0 };

    pm_emitter_key(out, parents ? "back" : "frame");
    pm_emitter_list_begin(out, PM_EMITTER_WRAPPED);
    pm_emitter_null(out);
    for (u32 i = 1; i < stacks->count; i++) {
        struct pm_stack_node node = pm_stacks_node(stacks, (struct pm_stack_id){ i });
        add_value(out, &piece, parents ? i - node.parent.v : node.frame.v);
    }
    write_piece(out, &piece);
    pm_emitter_list_end(out);
}

static void write_stacks(struct pm_emitter *out, const struct pm_stacks *stacks)
{
    pm_emitter_key(out, "stacks");
    pm_emitter_dict_begin(out, PM_EMITTER_LINES);
    write_nodes(out, stacks, true);
    write_nodes(out, stacks, false);
    pm_emitter_dict_end(out);
}

static void write_pair(struct pm_emitter *out, u64 first, u64 second)
{
    pm_emitter_list_begin(out, PM_EMITTER_INLINE);
    pm_emitter_u64(out, first);
    pm_emitter_u64(out, second);
    pm_emitter_list_end(out);
}

static void write_sizes(struct pm_emitter *out, const struct pm_histogram *sizes)
{
    pm_emitter_list_begin(out, PM_EMITTER_INLINE);
    for (unsigned bin = pm_histogram_next(sizes, 0); bin < PM_HISTOGRAM_BINS;
            bin = pm_histogram_next(sizes, bin + 1))
        write_pair(out, pm_histogram_bin_value(bin), pm_histogram_count(sizes, bin));
    pm_emitter_list_end(out);
}

enum column {
    COLUMN_STACK, COLUMN_TOTAL_BYTES, COLUMN_TOTAL_BLOCKS, COLUMN_PADDING_BYTES, COLUMN_LIVE_BYTES,
    COLUMN_LIVE_BLOCKS, COLUMN_PEAK_BYTES, COLUMN_PEAK_BLOCKS, COLUMN_FIRST, COLUMN_LAST,
    COLUMN_THREAD, COLUMN_DOMAIN,
};

/* Of site number index. */
static u64 value_of(const struct pm_profile *profile, u32 index, enum column column)
{
    const struct pm_sites *sites = profile->sites;
    const struct pm_site *site = pm_sites_at(sites, index);

    switch (column) {
    case COLUMN_STACK:
        return site->stack;
    case COLUMN_TOTAL_BYTES:
        return site->total_bytes;
    case COLUMN_TOTAL_BLOCKS:
        return site->total_blocks;
    case COLUMN_PADDING_BYTES:
        return site->padding_bytes;
    case COLUMN_LIVE_BYTES:
        return site->live_bytes;
    case COLUMN_LIVE_BLOCKS:
        return site->live_blocks;
    case COLUMN_PEAK_BYTES:
        return pm_sites_peak_bytes(sites, site);
    case COLUMN_PEAK_BLOCKS:
        return pm_sites_peak_blocks(sites, site);
    case COLUMN_FIRST:
        return site->first_serial;
    case COLUMN_LAST:
        return site->last_serial;
    case COLUMN_THREAD:
        return site->thread == PM_SITE_SEVERAL_THREADS ? 0 : site->thread;
    case COLUMN_DOMAIN:
        return profile->domains == NULL ? 0 : profile->domains[index];
    }
    return 0;
}

static void write_column(struct pm_emitter *out, const struct pm_profile *profile, enum column column)
{
    struct piece piece = { .count = 0 };

    pm_emitter_list_begin(out, PM_EMITTER_WRAPPED);
    for (u32 i = 0; i < profile->sites->count; i++)
        add_value(out, &piece, value_of(profile, i, column));
    write_piece(out, &piece);
    pm_emitter_list_end(out);
}

static void write_sites(struct pm_emitter *out, const struct pm_profile *profile)
{
    const struct pm_sites *sites = profile->sites;
    static const char *const names[] = {
        [COLUMN_STACK] = "stack",
        [COLUMN_TOTAL_BYTES] = "total_bytes",
        [COLUMN_TOTAL_BLOCKS] = "total_blocks",
        [COLUMN_PADDING_BYTES] = "padding_bytes",
        [COLUMN_LIVE_BYTES] = "live_bytes",
        [COLUMN_LIVE_BLOCKS] = "live_blocks",
        [COLUMN_PEAK_BYTES] = "peak_bytes",
        [COLUMN_PEAK_BLOCKS] = "peak_blocks",
        [COLUMN_FIRST] = "first",
        [COLUMN_LAST] = "last",
        [COLUMN_THREAD] = "thread",
        [COLUMN_DOMAIN] = "domain",
    };

    pm_emitter_key(out, "sites");
    pm_emitter_dict_begin(out, PM_EMITTER_LINES);
    for (size_t column = 0; column < PM_ARRAY_LENGTH(names); column++) {
        pm_emitter_key(out, names[column]);
        write_column(out, profile, (enum column)column);
    }
    pm_emitter_key(out, "sizes");
    pm_emitter_list_begin(out, PM_EMITTER_WRAPPED);
    for (u32 i = 0; i < sites->count; i++)
        write_sizes(out, &pm_sites_at(sites, i)->sizes);
    pm_emitter_list_end(out);
    pm_emitter_dict_end(out);
}

static void write_types(struct pm_emitter *out, const struct pm_loss *loss)
{
    pm_emitter_key(out, "types");
    pm_emitter_list_begin(out, PM_EMITTER_INLINE);
    for (u32 i = 0; i < loss->type_count; i++)
        write_pair(out, loss->types[i].name.v, loss->types[i].blocks);
    pm_emitter_list_end(out);
}

/* Frames of one function, if there are several. */
static void write_places(struct pm_emitter *out, const struct pm_loss *loss)
{
    pm_emitter_key(out, "places");
    pm_emitter_list_begin(out, PM_EMITTER_INLINE);
    for (u32 i = 0; loss->places.count > 1 && i < loss->places.count; i++)
        write_pair(out, loss->places.at[i].frame.v, loss->places.at[i].blocks);
    pm_emitter_list_end(out);
}

static void write_loss(struct pm_emitter *out, const struct pm_loss *loss,
                       const struct pm_balance_report *watched, struct pm_buffer *text)
{
    pm_emitter_dict_begin(out, PM_EMITTER_INLINE);
    pm_emitter_key_text(out, "kind", pm_loss_kind_word(loss->kind));
    pm_emitter_key_u64(out, "stack", loss->stack.v);
    pm_emitter_key_u64(out, "bytes", loss->bytes);
    pm_emitter_key_u64(out, "blocks", loss->blocks);
    pm_emitter_key_u64(out, "indirect_bytes", loss->indirect_bytes);
    pm_emitter_key_u64(out, "indirect_blocks", loss->indirect_blocks);
    pm_emitter_key_u64(out, "surplus_references", loss->surplus_references);
    pm_emitter_key_u64(out, "missing_references", loss->missing_references);
    pm_emitter_key_u64(out, "dangling_words", loss->dangling_words);
    write_types(out, loss);
    pm_emitter_key_u64(out, "note", loss->note.v);
    pm_emitter_key_u64(out, "first", loss->first_serial);
    pm_emitter_key_u64(out, "last", loss->last_serial);
    pm_emitter_key_u64(out, "import_blocks", loss->phase_blocks[PM_PHASE_IMPORT]);
    pm_emitter_key_u64(out, "main_blocks", loss->phase_blocks[PM_PHASE_MAIN]);
    pm_emitter_key_u64(out, "finalization_blocks", loss->phase_blocks[PM_PHASE_FINALIZATION]);
    pm_emitter_key_u64(out, "raising_blocks", loss->raising_blocks);
    pm_emitter_key_u64(out, "thread", loss->thread);
    pm_emitter_key_bool(out, "suppressed", loss->suppressed);
    pm_emitter_key_bool(out, "left_out", loss->left_out);
    pm_buffer_clear(text);
    pm_buffer_add_hex16(text, loss->fingerprint);
    pm_emitter_key_text(out, "fingerprint", text->bytes);
    pm_emitter_key_u64(out, "chain_blocks", loss->chain_blocks);
    pm_emitter_key(out, "chain");
    pm_emitter_list_begin(out, PM_EMITTER_INLINE);
    for (u32 i = 0; i < loss->chain_length; i++)
        pm_emitter_u64(out, loss->chain[i].v);
    pm_emitter_list_end(out);
    write_places(out, loss);
    pm_emitter_key_u64(out, "expression", loss->expression.v);
    pm_emitter_key_u64(out, "expression_lines", loss->expression_lines);
    pm_emitter_key_u64(out, "references", loss->references);
    pm_emitter_key_u64(out, "pointers", loss->pointers);
    pm_emitter_key_u64(out, "overcounted_blocks", loss->overcounted_blocks);
    pm_json_write_balance(out, watched, loss->balance);
    pm_emitter_dict_end(out);
}

/* Null if no search was made. */
static void write_losses(struct pm_emitter *out, const char *key, const struct pm_losses *losses,
                         const struct pm_balance_report *watched)
{
    struct pm_buffer text;

    pm_emitter_key(out, key);
    if (losses == NULL) {
        pm_emitter_null(out);
        return;
    }
    pm_buffer_init(&text);
    pm_emitter_dict_begin(out, PM_EMITTER_LINES);
    pm_emitter_key(out, "summary");
    pm_emitter_dict_begin(out, PM_EMITTER_LINES);
    for (int kind = 0; kind < PM_LOSS_KINDS; kind++) {
        pm_emitter_key(out, pm_loss_kind_word((enum pm_loss_kind)kind));
        write_pair(out, losses->sums[kind].bytes, losses->sums[kind].blocks);
    }
    pm_emitter_key(out, "suppressed");
    write_pair(out, losses->suppressed.bytes, losses->suppressed.blocks);
    pm_emitter_key(out, "left_out");
    write_pair(out, losses->left_out.bytes, losses->left_out.blocks);
    pm_emitter_dict_end(out);
    pm_json_write_types(out, &losses->types);
    pm_emitter_key(out, "records");
    pm_emitter_list_begin(out, PM_EMITTER_LINES);
    for (u32 i = 0; i < losses->count; i++)
        write_loss(out, &losses->records[i], watched, &text);
    pm_emitter_list_end(out);
    pm_emitter_dict_end(out);
    pm_buffer_release(&text);
}

/* A pm_sink. */
static void put_conclusion_line(void *context, const char *bytes, size_t length)
{
    while (length > 0 && bytes[length - 1] == '\n')
        length--;
    for (; length > 0 && *bytes == ' '; length--)
        bytes++;
    pm_emitter_bytes(context, bytes, length);
}

static void write_conclusion(struct pm_emitter *out, const struct pm_profile *profile,
                             const struct pm_text_options *options)
{
    const struct pm_sink lines = { put_conclusion_line, out };

    pm_emitter_key(out, "conclusion");
    pm_emitter_list_begin(out, PM_EMITTER_LINES);
    if (options != NULL)
        pm_text_conclude(profile, options, &lines);
    pm_emitter_list_end(out);
}

void pm_json_write(const struct pm_profile *profile, const struct pm_json_options *options,
                   const struct pm_sink *sink)
{
    struct pm_emitter out;

    pm_emitter_init(&out, sink, options->chunk_bytes);
    pm_emitter_dict_begin(&out, PM_EMITTER_LINES);
    pm_emitter_key_text(&out, "format", "pymemcheck");
    pm_emitter_key_u64(&out, "version", PM_JSON_VERSION);
    write_conclusion(&out, profile, options->text);
    write_run(&out, profile);
    write_totals(&out, profile);
    write_phases(&out, profile->phases);
    write_strings(&out, profile->strings);
    write_frames(&out, profile->frames);
    write_stacks(&out, profile->stacks);
    write_sites(&out, profile);
    pm_json_write_moments(&out, profile->moments);
    write_wrong_frees(&out, profile->wrong_frees);
    write_losses(&out, "leaks", profile->losses, profile->watched);
    write_losses(&out, "leaks_before", profile->losses_before, profile->watched);
    pm_json_write_watched(&out, profile->watched);
    pm_emitter_dict_end(&out);
    pm_emitter_finish(&out);
}

void pm_json_write_losses(const struct pm_tables *tables, const struct pm_losses *losses,
                          const struct pm_sink *sink)
{
    struct pm_emitter out;

    pm_emitter_init(&out, sink, 0);
    pm_emitter_dict_begin(&out, PM_EMITTER_LINES);
    pm_emitter_key_text(&out, "format", "pymemcheck");
    pm_emitter_key_u64(&out, "version", PM_JSON_VERSION);
    write_strings(&out, tables->strings);
    write_frames(&out, tables->frames);
    write_stacks(&out, tables->stacks);
    write_losses(&out, "leaks", losses, NULL);
    pm_emitter_dict_end(&out);
    pm_emitter_finish(&out);
}

/* --- The format --- */

struct json_writer {
    const struct pm_writer_options *options;
    const struct pm_sink *sink;
};

static void *open_json(const struct pm_writer_options *options, const struct pm_sink *sink)
{
    struct json_writer *writer = pm_alloc("pm.json", sizeof *writer);

    writer->options = options;
    writer->sink = sink;
    return writer;
}

/* The profile has everything, so nothing is written before the end. */
static void write_profile(void *state, const struct pm_profile *profile)
{
    const struct json_writer *writer = state;
    const struct pm_json_options options = { .text = &writer->options->text };

    pm_json_write(profile, &options, writer->sink);
}

const struct pm_format pm_json_format = {
    .name = "json",
    .channel = PM_CHANNEL_FILE,
    .suffix = "",
    .open = open_json,
    .close = pm_free,
    .end = write_profile,
};
