/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two blocks belong to one leak if their keys are equal. Each stack has one key:

   - If the stack has a Python frame, the key is the innermost one's file, function and
     (unless the resolution is low) line, and the function of an extension that it called:
     the outermost native frame inside the innermost evaluation that is in another ELF
     object than the evaluation function. (In a stack that was cut before the evaluation,
     the ELF object is that of some other stack's evaluation function.) How the interpreter
     got there does not count, since it changes when the interpreter specializes the call;
     nor does what the extension called.
   - Otherwise the key is the first 2 (low) or 4 (medium) native frames that are no
     allocator, as with Memcheck's resolutions (memcheck/mc_leakcheck.c, 3.19).
   - With high resolution, the key is the whole stack. */
#include "heap/pm_losses.h"

#include "base/pm_platform.h"
#include "base/pm_ranges.h"
#include "base/pm_sort.h"
#include "heap/pm_name_hashes.h"

enum { LOW_FRAMES = 2, MEDIUM_FRAMES = 4 };

struct pm_loss_key {
    u64 hash;
    struct pm_frame_id python;          /* innermost Python frame, if has_python */
    struct pm_frame_id called;          /* the extension's function, if has_called */
    struct pm_frame_id place;           /* the same, or without Python the innermost native one */
    struct pm_frame_id natives[MEDIUM_FRAMES];
    u32 native_count;
    u32 stack;                          /* high resolution only */
    u64 static_object;                  /* address; 0: a block */
    enum pm_loss_kind kind;             /* of a record's key */
    u32 next;                           /* record with the same hash + 1 */
    bool has_python, has_called, has_place, importing;
    bool raw;                           /* lost memory that is no object */
};

#define MIX_STEP 0x9e3779b97f4a7c15ull

static u64 mix(u64 hash, u64 value)
{
    return pm_hash_u64(hash ^ (value + MIX_STEP + (hash << 6)));
}

/* The value for which mix(hash, value) gives mixed. */
static u64 unmix(u64 hash, u64 mixed)
{
    return (hash ^ pm_unhash_u64(mixed)) - MIX_STEP - (hash << 6);
}

static bool starts_with(const char *text, const char *start)
{
    while (*start != '\0')
        if (*text++ != *start++)
            return false;
    return true;
}

static const struct pm_frame *frame_of(const struct pm_losses *losses, struct pm_frame_id id)
{
    return pm_frames_get(losses->frames, id);
}

/* Whether a frame belongs to an import: to importlib (3.3 and later) or the C functions
   of 2.7. */
static bool is_import(const struct pm_losses *losses, const struct pm_frame *frame)
{
    if (frame->kind == PM_FRAME_PYTHON)
        return starts_with(pm_strings_text(losses->strings, frame->file), "<frozen importlib");
    return frame->kind == PM_FRAME_NATIVE
        && starts_with(pm_strings_text(losses->strings, frame->function), "PyImport_Import");
}

/* The innermost frames up to and including the first Python one. */
static void describe_inner(const struct pm_losses *losses, struct pm_stack_id stack,
                           struct pm_loss_key *key)
{
    u32 evaluation_object = losses->evaluation_object.v;
    bool evaluation = false;

    for (struct pm_stack_id at = stack; at.v != 0;) {
        struct pm_stack_node node = pm_stacks_node(losses->stacks, at);
        const struct pm_frame *frame = frame_of(losses, node.frame);
        at = node.parent;
        if (frame->kind == PM_FRAME_PYTHON) {
            key->python = node.frame;
            key->has_python = true;
            break;
        }
        if (frame->kind == PM_FRAME_NATIVE && (frame->flags & PM_FRAME_EVAL) && !evaluation) {
            evaluation_object = frame->object.v;
            evaluation = true;
        }
    }
    for (struct pm_stack_id at = stack; at.v != 0;) {
        struct pm_stack_node node = pm_stacks_node(losses->stacks, at);
        const struct pm_frame *frame = frame_of(losses, node.frame);
        at = node.parent;
        if (frame->kind != PM_FRAME_NATIVE || (key->has_python && (frame->flags & PM_FRAME_EVAL)))
            break;
        if (frame->flags & PM_FRAME_ALLOCATOR)
            continue;
        if (key->native_count < MEDIUM_FRAMES)
            key->natives[key->native_count++] = node.frame;
        if ((evaluation || key->has_python) && evaluation_object != 0
                && frame->object.v != evaluation_object) {
            key->called = node.frame;
            key->has_called = true;
        }
    }
}

static u64 function_hash(const struct pm_frame *frame)
{
    u64 hash = mix(frame->object.v, frame->function.v);
    return frame->function.v != 0 ? hash : mix(hash, frame->offset);
}

static bool is_importing(const struct pm_losses *losses, struct pm_stack_id stack)
{
    for (struct pm_stack_id at = stack; at.v != 0; at = pm_stacks_node(losses->stacks, at).parent)
        if (is_import(losses, frame_of(losses, pm_stacks_node(losses->stacks, at).frame)))
            return true;
    return false;
}

/* All of the key but importing: that takes a walk over the whole stack, and a fingerprint does without it. */
static struct pm_loss_key make_key(const struct pm_losses *losses, struct pm_stack_id stack)
{
    struct pm_loss_key key = { .hash = 1 };

    describe_inner(losses, stack, &key);
    key.has_place = key.has_called || (!key.has_python && key.native_count > 0);
    key.place = key.has_called ? key.called : key.natives[0];
    if (losses->resolution == PM_LOSS_HIGH) {
        key.stack = stack.v;
        key.hash = mix(key.hash, stack.v);
        return key;
    }
    if (key.has_python) {
        const struct pm_frame *python = frame_of(losses, key.python);
        key.hash = mix(mix(key.hash, python->file.v), python->function.v);
        if (losses->resolution != PM_LOSS_LOW)
            key.hash = mix(key.hash, python->line);
        key.native_count = 0;
        if (key.has_called && losses->resolution != PM_LOSS_LOW)
            key.hash = mix(key.hash, function_hash(frame_of(losses, key.called)));
        return key;
    }
    if (losses->resolution == PM_LOSS_LOW && key.native_count > LOW_FRAMES)
        key.native_count = LOW_FRAMES;
    for (u32 i = 0; i < key.native_count; i++)
        key.hash = mix(key.hash, function_hash(frame_of(losses, key.natives[i])));
    return key;
}

static bool same_function(const struct pm_losses *losses, struct pm_frame_id a,
                          struct pm_frame_id b)
{
    const struct pm_frame *x = frame_of(losses, a), *y = frame_of(losses, b);

    return x->object.v == y->object.v && x->function.v == y->function.v
        && (x->function.v != 0 || x->offset == y->offset);
}

static bool same_key(const struct pm_losses *losses, const struct pm_loss_key *a,
                     const struct pm_loss_key *b)
{
    if (a->hash != b->hash || a->stack != b->stack || a->kind != b->kind || a->raw != b->raw
            || a->static_object != b->static_object)
        return false;
    if (losses->resolution == PM_LOSS_HIGH)
        return true;
    if (a->has_python != b->has_python || a->native_count != b->native_count)
        return false;
    if (a->has_python) {
        const struct pm_frame *x = frame_of(losses, a->python), *y = frame_of(losses, b->python);
        if (x->file.v != y->file.v || x->function.v != y->function.v)
            return false;
        if (losses->resolution == PM_LOSS_LOW)
            return true;
        return x->line == y->line && a->has_called == b->has_called
            && (!a->has_called || same_function(losses, a->called, b->called));
    }
    for (u32 i = 0; i < a->native_count; i++)
        if (!same_function(losses, a->natives[i], b->natives[i]))
            return false;
    return true;
}

/* The evaluation function's ELF object, for stacks that were cut before the evaluation. */
static struct pm_string_id find_evaluation_object(const struct pm_frames *frames)
{
    for (u32 i = 0; i < frames->count; i++)
        if (frames->entries[i].kind == PM_FRAME_NATIVE && (frames->entries[i].flags & PM_FRAME_EVAL))
            return frames->entries[i].object;
    return (struct pm_string_id){ 0 };
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
        .evaluation_object = find_evaluation_object(frames),
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
    losses->stack_keys[losses->stack_key_count] = make_key(losses, stack);
    losses->stack_keys[losses->stack_key_count].importing = is_importing(losses, stack);
    pm_map_put(&losses->known_stacks, stack.v, losses->stack_key_count);
    return &losses->stack_keys[losses->stack_key_count++];
}

static u32 record_of(struct pm_losses *losses, const struct pm_loss_key *key)
{
    const u64 *first = pm_map_get(&losses->by_hash, key->hash);
    u32 same = first != NULL ? (u32)*first : 0;

    for (u32 i = same; i != 0; i = losses->keys[i - 1].next)
        if (same_key(losses, &losses->keys[i - 1], key))
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
    key.hash = mix(mix(key.hash, item->kind), key.raw);
    if (item->is_static) {
        key.static_object = item->address;
        key.hash = mix(key.hash, item->address);
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

static u64 text_hash(const struct pm_losses *losses, struct pm_string_id text)
{
    return pm_hash_bytes(pm_strings_text(losses->strings, text),
                         pm_strings_length(losses->strings, text));
}

/* Of a kind in fingerprints, which must not change when there are more kinds. */
static const u8 kind_numbers[PM_LOSS_KINDS] = {
    [PM_LOSS_DEFINITE] = 0,
    [PM_LOSS_CYCLE] = 1,
    [PM_LOSS_SURPLUS] = 2,
    [PM_LOSS_POSSIBLE] = 3,
    [PM_LOSS_INDIRECT] = 4,
    [PM_LOSS_INTERPRETER] = 5,
    [PM_LOSS_REACHABLE] = 6,
    [PM_LOSS_DEFICIT] = 7,
};

/* Made of names alone: it must not change when lines move, nor from one version or build of Python to another. */
static u64 fingerprint_of(const struct pm_losses *losses, const struct pm_loss *record,
                          const struct pm_loss_key *key)
{
    u64 hash = mix(0, kind_numbers[record->kind]);

    if (key->has_python) {
        const struct pm_frame *python = frame_of(losses, key->python);
        hash = mix(mix(hash, pm_name_hash_file(losses->strings, python->file)),
                   pm_name_hash_function(losses->strings, python->function));
    }
    if (key->has_called) {
        const struct pm_frame *called = frame_of(losses, key->called);
        hash = mix(mix(hash, pm_name_hash_object(losses->strings, called->object)),
                   pm_name_hash_symbol(losses->strings, called->function));
    }
    for (u32 i = 0; i < key->native_count; i++)
        hash = mix(hash, pm_name_hash_symbol(losses->strings, frame_of(losses, key->natives[i])->function));
    return record->type_count > 0 ? mix(hash, text_hash(losses, record->types[0].name)) : hash;
}

bool pm_losses_may_be(const struct pm_tables *tables, enum pm_loss_resolution resolution, struct pm_stack_id stack,
                      struct pm_string_id type, u64 fingerprint)
{
    enum { MOST_ALIKE = 64 };
    const struct pm_losses losses = {
        .strings = tables->strings,
        .frames = tables->frames,
        .stacks = tables->stacks,
        .resolution = resolution,
        .evaluation_object = find_evaluation_object(tables->frames),
    };
    const struct pm_loss_key key = make_key(&losses, stack);
    struct pm_loss_type types = { .name = type };

    for (int kind = 0; kind < PM_LOSS_KINDS; kind++) {
        const struct pm_loss record = {
            .kind = (enum pm_loss_kind)kind, .types = &types, .type_count = type.v != 0,
        };
        const u64 first = fingerprint_of(&losses, &record, &key);
        const u64 same = unmix(first, fingerprint);
        if (first == fingerprint || (same > 0 && same < MOST_ALIKE))
            return true;
    }
    return false;
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
        losses->records[i].fingerprint = fingerprint_of(losses, &losses->records[i],
                                                        &losses->keys[i]);
        order[i] = i;
    }
    pm_sort_u32(order, losses->count, by_fingerprint, losses);
    u64 same = 0, last = 0;
    for (u32 i = 0; i < losses->count; i++) {
        struct pm_loss *record = &losses->records[order[i]];
        same = i > 0 && record->fingerprint == last ? same + 1 : 0;
        last = record->fingerprint;
        if (same > 0)
            record->fingerprint = mix(record->fingerprint, same);
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
