/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_losses.h"

#include "base/pm_platform.h"
#include "base/pm_ranges.h"
#include "base/pm_sort.h"
#include "heap/pm_loss_keys.h"

/* Whether a frame belongs to an import: to importlib (3.3 and later) or the C functions
   of 2.7. */
static bool is_import(const struct pm_losses *losses, const struct pm_frame *frame)
{
    if (frame->kind == PM_FRAME_PYTHON)
        return pm_text_starts(pm_strings_text(losses->strings, frame->file), "<frozen importlib");
    return frame->kind == PM_FRAME_NATIVE
        && pm_text_starts(pm_strings_text(losses->strings, frame->function), "PyImport_Import");
}

static bool is_importing(const struct pm_losses *losses, struct pm_stack_id stack)
{
    for (struct pm_stack_id at = stack; at.v != 0; at = pm_stacks_node(losses->stacks, at).parent)
        if (is_import(losses, pm_loss_frame(losses, pm_stacks_node(losses->stacks, at).frame)))
            return true;
    return false;
}

void pm_losses_init(struct pm_losses *losses, const struct pm_strings *strings,
                    const struct pm_frames *frames, const struct pm_stacks *stacks,
                    enum pm_loss_resolution resolution)
{
    *losses = (struct pm_losses){
        .strings = strings,
        .frames = frames,
        .stacks = stacks,
        .resolution = resolution,
        .evaluation_object = pm_loss_evaluation_object(frames),
    };
    pm_map_init(&losses->by_hash);
    pm_map_init(&losses->known_stacks);
}

static void release_keys(struct pm_losses *losses)
{
    pm_map_clear(&losses->by_hash);
    pm_map_clear(&losses->known_stacks);
    pm_free(losses->keys);
    pm_free(losses->stack_keys);
    losses->keys = losses->stack_keys = NULL;
    losses->stack_key_count = losses->stack_key_capacity = 0;
}

void pm_losses_release(struct pm_losses *losses)
{
    release_keys(losses);
    pm_map_release(&losses->by_hash);
    pm_map_release(&losses->known_stacks);
    for (u32 i = 0; i < losses->count; i++) {
        pm_free(losses->records[i].types);
        pm_free(losses->records[i].chain);
    }
    pm_free(losses->records);
    pm_type_sums_release(&losses->types);
    pm_loss_blocks_release(&losses->blocks);
    *losses = (struct pm_losses){ 0 };
}

void pm_losses_list_blocks(struct pm_losses *losses, u32 shown_most)
{
    losses->lists_blocks = true;
    losses->shown_most = shown_most;
}

static const struct pm_loss_key *key_of_stack(struct pm_losses *losses, struct pm_stack_id stack)
{
    const u64 *known = pm_map_get(&losses->known_stacks, stack.v);

    if (known != NULL)
        return &losses->stack_keys[*known];
    if (losses->stack_key_count == losses->stack_key_capacity) {
        losses->stack_key_capacity = losses->stack_key_capacity ? losses->stack_key_capacity * 2 : 256;
        losses->stack_keys = pm_realloc("pm.losses", losses->stack_keys,
                                        losses->stack_key_capacity * sizeof *losses->stack_keys);
    }
    losses->stack_keys[losses->stack_key_count] = pm_loss_key_of(losses, stack);
    losses->stack_keys[losses->stack_key_count].importing = is_importing(losses, stack);
    pm_map_put(&losses->known_stacks, stack.v, losses->stack_key_count);
    return &losses->stack_keys[losses->stack_key_count++];
}

static u32 record_of(struct pm_losses *losses, const struct pm_loss_key *key)
{
    const u64 *first = pm_map_get(&losses->by_hash, key->hash);
    u32 same = first != NULL ? (u32)*first : 0;

    for (u32 i = same; i != 0; i = losses->keys[i - 1].next)
        if (pm_loss_keys_same(losses, &losses->keys[i - 1], key))
            return i - 1;
    if (losses->count == losses->capacity) {
        losses->capacity = losses->capacity ? losses->capacity * 2 : 64;
        losses->records = pm_realloc("pm.losses", losses->records,
                                     losses->capacity * sizeof *losses->records);
        losses->keys = pm_realloc("pm.losses", losses->keys,
                                  losses->capacity * sizeof *losses->keys);
    }
    losses->records[losses->count] = (struct pm_loss){ .kind = key->kind };
    losses->keys[losses->count] = *key;
    losses->keys[losses->count].next = same;
    pm_map_put(&losses->by_hash, key->hash, losses->count + 1);
    return losses->count++;
}

static void count_type(struct pm_loss *record, struct pm_string_id name, u64 blocks)
{
    u32 i = 0;

    if (name.v == 0)
        return;
    while (i < record->type_count && record->types[i].name.v != name.v)
        i++;
    if (i == record->type_count) {
        if ((i & (i - 1)) == 0)     /* room doubles at each power of two */
            record->types = pm_realloc("pm.losses", record->types,
                                       (i == 0 ? 1 : i * 2) * sizeof *record->types);
        record->types[i] = (struct pm_loss_type){ .name = name };
        record->type_count++;
    }
    record->types[i].blocks += blocks;
}

static void list_block(struct pm_losses *losses, u32 record, const struct pm_loss_item *item)
{
    pm_loss_blocks_add(&losses->blocks, &(struct pm_loss_block){
        .address = item->address,
        .bytes = item->bytes,
        .serial = item->serial,
        .leader = item->leader,
        .type = item->type,
        .why = item->why,
        .record = record,
    });
}

u32 pm_losses_add(struct pm_losses *losses, const struct pm_loss_item *item)
{
    struct pm_loss_key key = *key_of_stack(losses, item->stack);

    key.kind = item->kind;
    key.raw = (item->kind == PM_LOSS_DEFINITE || item->kind == PM_LOSS_POSSIBLE) && item->type.v == 0;
    key.hash = pm_loss_mix(pm_loss_mix(key.hash, item->kind), key.raw);
    if (item->is_static) {
        key.static_object = item->address;
        key.hash = pm_loss_mix(key.hash, item->address);
    }
    const u64 blocks = item->is_static ? item->missing_references : 1;
    u32 index = record_of(losses, &key);
    struct pm_loss *record = &losses->records[index];
    enum pm_loss_phase phase = losses->finalizations != NULL
            && pm_ranges_at(losses->finalizations, item->serial) != NULL ? PM_PHASE_FINALIZATION
        : key.importing ? PM_PHASE_IMPORT : PM_PHASE_MAIN;

    if (record->blocks == 0 || item->serial < record->first_serial) {
        record->first_serial = item->serial;
        record->stack = item->stack;
        record->example = item->address;
        record->note = item->note;
        record->references = item->references;
        record->pointers = item->pointers;
        record->is_static = item->is_static;
    }
    if (item->serial > record->last_serial)
        record->last_serial = item->serial;
    record->thread = record->blocks == 0 || record->thread == item->thread ? item->thread : 0;
    record->blocks += blocks;
    record->bytes += item->bytes;
    record->indirect_bytes += item->indirect_bytes;
    record->indirect_blocks += item->indirect_blocks;
    record->surplus_references += item->surplus_references;
    record->missing_references += item->missing_references;
    record->dangling_words += item->dangling_words;
    record->phase_blocks[phase] += blocks;
    record->raising_blocks += item->raising;
    record->overcounted_blocks += item->overcounted;
    count_type(record, item->type, blocks);
    if (key.has_place)
        pm_loss_places_add(&record->places, key.place);
    losses->sums[item->kind].bytes += item->bytes;
    losses->sums[item->kind].blocks += blocks;
    if (losses->lists_blocks && !item->is_static)
        list_block(losses, index, item);
    return index;
}

void pm_losses_add_type(struct pm_losses *losses, u32 index, struct pm_string_id type)
{
    count_type(&losses->records[index], type, 1);
}

void pm_losses_add_chain(struct pm_losses *losses, u32 index, struct pm_string_id line)
{
    struct pm_loss *record = &losses->records[index];

    record->chain = pm_realloc("pm.losses", record->chain,
                               (record->chain_length + 1) * sizeof *record->chain);
    record->chain[record->chain_length++] = line;
}

static int compare_u64(u64 a, u64 b)
{
    return (a > b) - (a < b);
}

static int by_count(const void *context, u32 a, u32 b)
{
    const struct pm_losses *losses = ((const void *const *)context)[0];
    const struct pm_loss_type *types = ((const void *const *)context)[1];
    int order = compare_u64(types[b].blocks, types[a].blocks);

    if (order != 0)
        return order;
    const char *x = pm_strings_text(losses->strings, types[a].name);
    const char *y = pm_strings_text(losses->strings, types[b].name);
    while (*x != '\0' && *x == *y) {
        x++;
        y++;
    }
    return (u8)*x - (u8)*y;
}

static void sort_types(const struct pm_losses *losses, struct pm_loss *record)
{
    u32 count = record->type_count;

    if (count < 2)
        return;
    struct pm_loss_type *sorted = pm_alloc("pm.losses", count * sizeof *sorted);
    u32 *order = pm_alloc("pm.losses", count * sizeof *order);
    const void *context[] = { losses, record->types };
    for (u32 i = 0; i < count; i++)
        order[i] = i;
    pm_sort_u32(order, count, by_count, context);
    for (u32 i = 0; i < count; i++)
        sorted[i] = record->types[order[i]];
    pm_free(order);
    pm_free(record->types);
    record->types = sorted;
}

/* Records with the same fingerprint are several leaks of one function. Their order in time
   tells them apart. */
static int by_fingerprint(const void *context, u32 a, u32 b)
{
    const struct pm_losses *losses = context;
    const struct pm_loss *x = &losses->records[a], *y = &losses->records[b];
    int order = compare_u64(x->fingerprint, y->fingerprint);

    return order != 0 ? order : compare_u64(x->first_serial, y->first_serial);
}

static int by_weight(const void *context, u32 a, u32 b)
{
    const struct pm_losses *losses = context;
    const struct pm_loss *x = &losses->records[a], *y = &losses->records[b];

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    int order = compare_u64(y->bytes + y->indirect_bytes, x->bytes + x->indirect_bytes);
    if (order == 0)
        order = compare_u64(x->first_serial, y->first_serial);
    return order != 0 ? order : compare_u64(x->fingerprint, y->fingerprint);
}

static void set_fingerprints(struct pm_losses *losses, u32 *order)
{
    for (u32 i = 0; i < losses->count; i++) {
        sort_types(losses, &losses->records[i]);
        losses->records[i].fingerprint = pm_loss_fingerprint(losses, &losses->records[i], &losses->keys[i]);
        order[i] = i;
    }
    pm_sort_u32(order, losses->count, by_fingerprint, losses);
    u64 same = 0, last = 0;
    for (u32 i = 0; i < losses->count; i++) {
        struct pm_loss *record = &losses->records[order[i]];
        same = i > 0 && record->fingerprint == last ? same + 1 : 0;
        last = record->fingerprint;
        if (same > 0)
            record->fingerprint = pm_loss_fingerprint_again(record->fingerprint, same);
    }
}

/* order: of each record, the index that it had while blocks were added. */
static void finish_blocks(struct pm_losses *losses, const u32 *order)
{
    u32 *new_record = pm_alloc("pm.losses", losses->count * sizeof *new_record);

    for (u32 i = 0; i < losses->count; i++)
        new_record[order[i]] = i;
    pm_loss_blocks_sort(&losses->blocks, new_record);
    pm_free(new_record);
    for (u32 i = 0; i < losses->count; i++) {
        struct pm_loss *record = &losses->records[i];
        record->shown_blocks = pm_loss_blocks_of(&losses->blocks, i, &record->shown_block_count);
        if (record->shown_block_count > losses->shown_most)
            record->shown_block_count = losses->shown_most;
    }
}

void pm_losses_finish(struct pm_losses *losses)
{
    if (losses->count > 0) {
        u32 *order = pm_alloc("pm.losses", losses->count * sizeof *order);
        struct pm_loss *sorted = pm_alloc("pm.losses", losses->count * sizeof *sorted);

        set_fingerprints(losses, order);
        for (u32 i = 0; i < losses->count; i++)
            order[i] = i;
        pm_sort_u32(order, losses->count, by_weight, losses);
        for (u32 i = 0; i < losses->count; i++)
            sorted[i] = losses->records[order[i]];
        pm_free(losses->records);
        losses->records = sorted;
        losses->capacity = losses->count;
        if (losses->lists_blocks)
            finish_blocks(losses, order);
        pm_free(order);
    }
    release_keys(losses);
}

const char *pm_loss_kind_text(enum pm_loss_kind kind)
{
    static const char *const texts[PM_LOSS_KINDS] = {
        [PM_LOSS_DEFINITE] = "definitely lost",
        [PM_LOSS_CYCLE] = "in garbage cycles",
        [PM_LOSS_SURPLUS] = "surplus references",
        [PM_LOSS_DEFICIT] = "over-released",
        [PM_LOSS_POSSIBLE] = "possibly lost",
        [PM_LOSS_INDIRECT] = "indirectly lost",
        [PM_LOSS_INTERPRETER] = "kept by the interpreter",
        [PM_LOSS_REACHABLE] = "still reachable",
    };
    return texts[kind];
}

void pm_losses_suppress(struct pm_losses *losses, struct pm_loss *loss)
{
    loss->suppressed = true;
    losses->sums[loss->kind].bytes -= loss->bytes;
    losses->sums[loss->kind].blocks -= loss->blocks;
    losses->suppressed.bytes += loss->bytes;
    losses->suppressed.blocks += loss->blocks;
}

void pm_losses_leave_out(struct pm_losses *losses, struct pm_loss *loss)
{
    loss->left_out = true;
    losses->sums[loss->kind].bytes -= loss->bytes;
    losses->sums[loss->kind].blocks -= loss->blocks;
    losses->left_out.bytes += loss->bytes;
    losses->left_out.blocks += loss->blocks;
}
