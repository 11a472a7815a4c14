/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owning words that point to freed memory: to where an object was in one of the blocks that were freed last
   (heap/pm_freed.h), while no live block is there. Finalization frees objects that others still own
   (interned strings, from 3.12 on), so nothing is looked for after it. */
#include "tool/leaks/pm_leak_stages.h"

#include "base/pm_platform.h"
#include "tool/pm_run.h"

void pm_leak_dangling_begin(struct pm_leak_state *check)
{
    const struct pm_freed *freed = &check->run->freed;
    const u64 kept = freed->count < PM_FREED_BLOCKS ? freed->count : PM_FREED_BLOCKS;

    if (check->run->finalization.collector == PM_COLLECTOR_GONE)
        return;
    /* Of several blocks that started at one address, the last one stays. */
    for (u64 i = kept; i > 0; i--) {
        const u64 place = (freed->count - i) % PM_FREED_BLOCKS;
        pm_map_put(&check->freed_starts, freed->ring[place].address, place);
    }
}

/* The freed block in which an object was at address, or NULL. What stands before an object depends on
   its type, which is gone. */
static const struct pm_freed_block *find_freed(const struct pm_leak_state *check, u64 address)
{
    const struct pm_layout_numbers *at = &check->objects.layout->at;
    const u64 head = (u64)at->gc_head_bytes;
    const u64 before = at->preheader_bytes == PM_LAYOUT_ABSENT ? 0 : (u64)at->preheader_bytes;
    const u64 hooks[] = { 0, check->objects.layout->hook_prefix_bytes };
    const u64 offsets[] = { 0, head, before, head + before };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(hooks); i++)
        for (size_t k = 0; k < PM_ARRAY_LENGTH(offsets); k++) {
            const u64 offset = hooks[i] + offsets[k];
            const u64 *place = pm_map_get(&check->freed_starts, address - offset);
            const struct pm_freed_block *block = place == NULL ? NULL : &check->run->freed.ring[*place];
            if (block != NULL && offset + (u64)at->object_bytes <= block->bytes)
                return block;
        }
    return NULL;
}

void pm_leak_dangling_note(struct pm_leak_state *check, u32 block, u64 word, u64 value)
{
    const struct pm_freed_block *freed;
    struct pm_object object;

    /* Other memory may have been mapped where the block was. */
    if (check->freed_starts.count == 0 || (freed = find_freed(check, value)) == NULL
            || (pm_objects_at(&check->objects, value, &object) && object.references > 0))
        return;
    if (check->dangling_count == check->dangling_capacity) {
        check->dangling_capacity = check->dangling_capacity ? check->dangling_capacity * 2 : 64;
        check->dangling = pm_realloc("pm.leak_check", check->dangling,
                                     check->dangling_capacity * sizeof *check->dangling);
    }
    check->dangling[check->dangling_count++] = (struct pm_leak_dangling){ block, word, *freed };
}

const struct pm_leak_dangling *pm_leak_dangling_of(const struct pm_leak_state *check, u32 block, u32 *count)
{
    u32 low = 0, high = check->dangling_count;

    while (low < high) {
        const u32 middle = low + (high - low) / 2;
        if (check->dangling[middle].block < block)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < check->dangling_count && check->dangling[low + *count].block == block)
        ++*count;
    return check->dangling + low;
}

/* Appends " <verb> at <file>:<line>", of the innermost Python frame; nothing if there is none. */
static void add_line(const struct pm_run *run, struct pm_stack_id stack, const char *verb, struct pm_buffer *out)
{
    while (stack.v != 0) {
        const struct pm_stack_node node = pm_stacks_node(&run->stacks, stack);
        const struct pm_frame *frame = pm_frames_get(&run->frames, node.frame);
        if (frame->kind == PM_FRAME_PYTHON) {
            pm_buffer_add_text(out, verb);
            pm_buffer_add_text(out, pm_strings_text(&run->strings, frame->file));
            pm_buffer_add_char(out, ':');
            pm_buffer_add_i64(out, frame->line);
            return;
        }
        stack = node.parent;
    }
}

void pm_leak_dangling_add(struct pm_leak_state *check, const struct pm_object *owner,
                          const struct pm_leak_dangling *dangling, struct pm_buffer *out)
{
    if (out->length > 0)
        pm_buffer_add_text(out, ", ");
    if (!pm_objects_name_field(&check->objects, owner, dangling->word, out))
        pm_buffer_add_text(out, "a field");
    pm_buffer_add_text(out, " points to freed memory, a block of ");
    pm_buffer_add_u64(out, dangling->freed.bytes);
    pm_buffer_add_text(out, " bytes");
    add_line(check->run, dangling->freed.allocated, " allocated at ", out);
    if (dangling->freed.freed.v != 0)
        add_line(check->run, dangling->freed.freed, " and freed at ", out);
}
