/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines and functions are sums of sites, as in the report.

   A type gets the blocks with its objects, and the memory that belongs to these: items, keys, values. So the
   first look at all blocks collects the types and which memory belongs to which object, and the second one, in the same
   order, counts. */
#include "tool/requests/pm_top.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"
#include "base/pm_sort.h"
#include "report/pm_text_parts.h"
#include "report/pm_utf8.h"
#include "tool/pm_run.h"

enum { BYTES_WIDTH = 16, BLOCKS_WIDTH = 12, MAX_PARTS = 4 };

static void put_heading(struct pm_text *text, const char *what)
{
    pm_text_add(text, "           bytes      blocks  ");
    pm_text_put_line(text, what);
}

static void add_figures(struct pm_text *text, u64 bytes, u64 blocks)
{
    pm_text_add_number_right(text, bytes, BYTES_WIDTH);
    pm_text_add_number_right(text, blocks, BLOCKS_WIDTH);
    pm_text_add(text, "  ");
}

static void put_left_out(struct pm_text *text, u64 rows, u64 bytes, u64 blocks)
{
    if (rows == 0)
        return;
    add_figures(text, bytes, blocks);
    pm_text_add(text, "(");
    pm_text_add_counted(text, rows, "smaller row");
    pm_text_put_line(text, " left out)");
}

static void put_all(struct pm_text *text)
{
    add_figures(text, text->profile->live_bytes, text->profile->live_blocks);
    pm_text_put_line(text, "in use now, with padding");
}

/* --- Lines and functions --- */

static void add_label(struct pm_text *text, enum pm_group group, const struct pm_row *row)
{
    if (group == PM_GROUP_LINE) {
        pm_text_add_line_label(text, row);
    } else if (group == PM_GROUP_CALLER) {
        pm_text_add_caller_label(text, row);
    } else {
        pm_labels_add_file(&text->labels, &text->line, row->file, text->options->paths == PM_TEXT_PATHS_FULL);
        pm_text_add(text, ", ");
        pm_labels_add_function(&text->labels, &text->line, row->function);
    }
}

static void put_rows(struct pm_text *text, const struct pm_aggregate *aggregate, enum pm_group group, u64 most)
{
    u64 bytes = 0, blocks = 0;
    const u64 shown = most != 0 && most < aggregate->count ? most : aggregate->count;

    for (size_t i = 0; i < aggregate->count; i++) {
        const struct pm_row *row = pm_aggregate_row(aggregate, i);
        if (i >= shown) {
            bytes += row->figures.live_bytes;
            blocks += row->figures.live_blocks;
            continue;
        }
        add_figures(text, row->figures.live_bytes, row->figures.live_blocks);
        add_label(text, group, row);
        pm_text_end_line(text);
    }
    put_left_out(text, aggregate->count - shown, bytes, blocks);
}

/* Without Python lines, rows are C functions. */
static void write_by_frame(struct pm_text *text, enum pm_group group, u64 most)
{
    struct pm_frame_sums sums;
    struct pm_aggregate rows, callers;

    pm_frame_sums_build(&sums, text->profile);
    pm_aggregate_build(&rows, &sums, group, PM_ORDER_LIVE_BYTES, most);
    pm_aggregate_build(&callers, &sums, PM_GROUP_CALLER, PM_ORDER_LIVE_BYTES, most);
    put_heading(text, rows.count == 0 ? "caller" : group == PM_GROUP_LINE ? "line" : "function");
    if (rows.count == 0) {
        put_rows(text, &callers, PM_GROUP_CALLER, most);
    } else {
        put_rows(text, &rows, group, most);
        add_figures(text, callers.live_bytes, callers.live_blocks);
        pm_text_put_line(text, "no Python frame");
    }
    put_all(text);
    pm_aggregate_release(&rows);
    pm_aggregate_release(&callers);
    pm_frame_sums_release(&sums);
}

/* --- Types --- */

struct type_row {
    u64 type;                   /* address; 0: no object */
    struct pm_string_id name;
    u64 bytes, blocks;
};

struct counting {
    struct pm_run *run;
    struct pm_objects objects;
    struct pm_map owners;       /* start of a block that belongs to an object -> the object's type */
    u64 *types;                 /* of the objects in all blocks, in their order; 0: none */
    u64 next;                   /* block, of the look that is under way */
    struct pm_map by_type;      /* type -> place in rows */
    struct type_row *rows;
    u32 last;                   /* place of the last type: often the next one's */
    u32 count, capacity;
};

static bool identify(struct counting *counting, const struct pm_block *block, struct pm_object *object)
{
    const struct pm_layout *layout = counting->run->python.interpreter.layout;

    return pm_objects_identify(&counting->objects, block->address, block->bytes,
                               block->padding_units > 0 ? layout->hook_prefix_bytes : 0, object);
}

/* From 3.13 on values may be in the object's own block. */
static void note_parts(void *context, struct pm_block *block)
{
    struct counting *counting = context;
    struct pm_object object;
    u64 parts[MAX_PARTS];

    const bool found = identify(counting, block, &object);
    counting->types[counting->next++] = found ? object.type : 0;
    if (!found)
        return;
    const u32 count = pm_objects_parts(&counting->objects, &object, parts, MAX_PARTS);
    for (u32 i = 0; i < count; i++) {
        bool in_slabs;
        const struct pm_block *part = pm_blocks_around(&counting->run->blocks, parts[i], &in_slabs);
        if (!in_slabs)
            part = pm_blocks_find(&counting->run->blocks, parts[i]);
        if (part != NULL && part->address != block->address)
            pm_map_put(&counting->owners, part->address, object.type);
    }
}

static struct type_row *row_of(struct counting *counting, u64 type)
{
    if (counting->last < counting->count && counting->rows[counting->last].type == type)
        return &counting->rows[counting->last];
    const u64 *known = pm_map_get(&counting->by_type, type);
    counting->last = known != NULL ? (u32)*known : counting->count;
    if (known != NULL)
        return &counting->rows[*known];
    if (counting->count == counting->capacity) {
        counting->capacity = counting->capacity ? counting->capacity * 2 : 64;
        counting->rows = pm_realloc("pm.top", counting->rows, counting->capacity * sizeof *counting->rows);
    }
    pm_map_put(&counting->by_type, type, counting->count);
    counting->rows[counting->count] = (struct type_row){
        .type = type,
        .name = type != 0 ? pm_objects_type_name(&counting->objects, type) : (struct pm_string_id){ 0 },
    };
    return &counting->rows[counting->count++];
}

static void count_block(void *context, struct pm_block *block)
{
    struct counting *counting = context;
    const u64 *owner = pm_map_get(&counting->owners, block->address);
    const u64 type = counting->types[counting->next++];
    struct type_row *row = row_of(counting, owner != NULL ? *owner : type);

    row->bytes += pm_block_requested_bytes(block);
    row->blocks++;
}

static int by_bytes(const void *context, u32 a, u32 b)
{
    const struct type_row *x = (const struct type_row *)context + a, *y = (const struct type_row *)context + b;

    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    if (x->name.v != y->name.v)
        return x->name.v < y->name.v ? -1 : 1;
    return x->type < y->type ? -1 : x->type > y->type;
}

static void put_types(struct pm_text *text, const struct counting *counting, u64 most)
{
    const struct pm_strings *strings = text->profile->strings;
    u32 *order = pm_alloc("pm.top", (counting->count + (size_t)1) * sizeof *order);
    const u64 shown = most != 0 && most < counting->count ? most : counting->count;
    u64 bytes = 0, blocks = 0;

    for (u32 i = 0; i < counting->count; i++)
        order[i] = i;
    pm_sort_u32(order, counting->count, by_bytes, counting->rows);
    for (u32 i = 0; i < counting->count; i++) {
        const struct type_row *row = &counting->rows[order[i]];
        if (i >= shown) {
            bytes += row->bytes;
            blocks += row->blocks;
            continue;
        }
        add_figures(text, row->bytes, row->blocks);
        if (row->type == 0)
            pm_text_add(text, "no object");
        else
            pm_utf8_add_harmless(&text->line, pm_strings_text(strings, row->name),
                                 pm_strings_length(strings, row->name));
        pm_text_end_line(text);
    }
    put_left_out(text, counting->count - shown, bytes, blocks);
    pm_free(order);
}

static void write_by_type(struct pm_run *run, struct pm_text *text, u64 most)
{
    struct counting counting = { .run = run };

    if (!run->options.python_objects || run->python.state != PM_PYTHON_READY) {
        pm_text_put_line(text, "top: there are no types: objects of this interpreter are not read");
        return;
    }
    pm_reader_forget(&run->reader);
    pm_map_init(&counting.owners);
    pm_map_init(&counting.by_type);
    if (pm_objects_init(&counting.objects, &run->reader, &run->strings, &run->python.interpreter)) {
        counting.types = pm_alloc("pm.top", (run->blocks.count + 1) * sizeof *counting.types);
        pm_blocks_each(&run->blocks, note_parts, &counting);
        counting.next = 0;
        pm_blocks_each(&run->blocks, count_block, &counting);
    }
    put_heading(text, "type");
    put_types(text, &counting, most);
    put_all(text);
    pm_objects_release(&counting.objects);
    pm_map_release(&counting.owners);
    pm_map_release(&counting.by_type);
    pm_free(counting.types);
    pm_free(counting.rows);
}

void pm_top_write(struct pm_run *run, struct pm_text *text, enum pm_top_group group, u64 most)
{
    switch (group) {
    case PM_TOP_LINE:
        write_by_frame(text, PM_GROUP_LINE, most);
        break;
    case PM_TOP_FUNCTION:
        write_by_frame(text, PM_GROUP_FUNCTION, most);
        break;
    case PM_TOP_TYPE:
        write_by_type(run, text, most);
        break;
    }
}
