/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_leak_pointers.h"

#include "base/pm_platform.h"

enum { WORD = 8 };

#define PAGE_BYTES ((u64)1 << PM_READER_PAGE_BITS)

struct finding {
    struct pm_leaks *leaks;
    u64 low, end;
    void (*visit)(void *context, const struct pm_leak_pointer *pointer);
    void *context;
};

/* Whether the word that the pointer is in counts; sets pointer->use if not. */
static bool is_looked_at(const struct finding *finding, struct pm_leak_pointer *pointer)
{
    const struct pm_leaks *leaks = finding->leaks;

    if (pointer->from_block == PM_LEAK_NONE)
        return true;
    const struct pm_leak_block *from = &leaks->blocks[pointer->from_block];
    u64 offset = pointer->where - from->address;
    if (from->flags & PM_LEAK_OPAQUE)
        pointer->use = PM_POINTER_FROM_OPAQUE;
    else if (from->hidden_first < from->hidden_end
             && offset + WORD > (u64)from->hidden_first * WORD && offset < (u64)from->hidden_end * WORD)
        pointer->use = PM_POINTER_FROM_HIDDEN;
    else if ((from->flags & PM_LEAK_WEAK_WORDS) && leaks->is_weak != NULL
             && leaks->is_weak(leaks->context, pointer->from_block, pointer->where))
        pointer->use = PM_POINTER_WEAK;
    else
        return true;
    return false;
}

/* As the search decides it (pm_leak_resolve and pm_leak_flush). */
static void set_use(const struct finding *finding, struct pm_leak_pointer *pointer)
{
    const struct pm_leaks *leaks = finding->leaks;
    u64 untagged = pointer->value & ~leaks->tag_bits;

    pointer->block = pm_leaks_block_at(leaks, pointer->value);
    if (pointer->block == PM_LEAK_NONE)
        pointer->use = PM_POINTER_TO_NO_BLOCK;
    if (!is_looked_at(finding, pointer) || pointer->block == PM_LEAK_NONE)
        return;
    const struct pm_leak_block *to = &leaks->blocks[pointer->block];
    u64 object = to->address + to->object_offset;
    bool is_object = (to->flags & PM_LEAK_OBJECT) != 0;
    bool to_object = pointer->value == object || (is_object && untagged == object);
    bool foreign = is_object && pointer->from_block == PM_LEAK_NONE
        && leaks->roots[pointer->from_root].foreign;
    if ((to->flags & PM_LEAK_HEADER_HIDDEN) && pointer->value < object)
        pointer->use = PM_POINTER_TO_HEADER;
    else if (to_object || pointer->value == to->address)
        pointer->use = PM_POINTER_START;
    else if ((to->flags & PM_LEAK_START_ONLY) || foreign)
        pointer->use = PM_POINTER_NOT_OWNING;
    else
        pointer->use = PM_POINTER_INTERIOR;
}

/* Whether it is a tagged reference to the object at untagged. */
static bool is_tagged_reference(const struct finding *finding, const struct pm_leak_pointer *pointer,
                                u64 untagged)
{
    if (pointer->use != PM_POINTER_START)
        return false;
    const struct pm_leak_block *to = &finding->leaks->blocks[pointer->block];
    return untagged == to->address + to->object_offset;
}

static void look_at(const struct finding *finding, const struct pm_leak_pointer *pointer)
{
    u64 bytes = finding->end - finding->low;
    u64 untagged = pointer->value & ~finding->leaks->tag_bits;
    bool in_range = pointer->value - finding->low < bytes;
    struct pm_leak_pointer found = *pointer;

    if (!in_range && untagged - finding->low >= bytes)
        return;
    set_use(finding, &found);
    if (in_range || is_tagged_reference(finding, &found, untagged))
        finding->visit(finding->context, &found);
}

static void look_at_memory(const struct finding *finding, u64 start, u64 end, u32 from_block,
                           u32 from_root)
{
    struct pm_leak_pointer pointer = { .from_block = from_block, .from_root = from_root };
    u64 at = (start + WORD - 1) & ~(u64)(WORD - 1), last = end & ~(u64)(WORD - 1);

    while (at < last) {
        u64 in_page = at & (PAGE_BYTES - 1);
        u64 bytes = PAGE_BYTES - in_page < last - at ? PAGE_BYTES - in_page : last - at;
        const u8 *page = pm_reader_page(finding->leaks->reader, at >> PM_READER_PAGE_BITS);
        for (u64 i = 0; page != NULL && i < bytes; i += WORD) {
            pm_copy(&pointer.value, page + in_page + i, WORD);
            pointer.where = at + i;
            look_at(finding, &pointer);
        }
        at += bytes;
    }
}

static void look_at_values(const struct finding *finding, const struct pm_leak_root *root,
                           u32 index)
{
    struct pm_leak_pointer pointer = { .from_block = PM_LEAK_NONE, .from_root = index };

    for (u64 i = 0; i < root->bytes / WORD; i++) {
        pointer.value = root->values[i];
        pointer.where = i;
        look_at(finding, &pointer);
    }
}

void pm_leak_pointers_each(struct pm_leaks *leaks, u64 low, u64 end,
                           void (*visit)(void *context, const struct pm_leak_pointer *pointer),
                           void *context)
{
    const struct finding finding = { leaks, low, end, visit, context };

    for (u32 i = 0; i < leaks->root_count; i++) {
        const struct pm_leak_root *root = &leaks->roots[i];
        if (root->values != NULL)
            look_at_values(&finding, root, i);
        else
            look_at_memory(&finding, root->start, root->start + root->bytes, PM_LEAK_NONE, i);
    }
    for (u32 i = 0; i < leaks->block_count; i++)
        look_at_memory(&finding, leaks->blocks[i].address,
                       leaks->blocks[i].address + leaks->blocks[i].bytes, i, PM_LEAK_NONE);
}

const char *pm_leak_pointer_text(enum pm_leak_pointer_use use)
{
    static const char *const texts[PM_POINTER_USES] = {
        [PM_POINTER_START] = "a reference",
        [PM_POINTER_INTERIOR] = "an interior pointer",
        [PM_POINTER_TO_NO_BLOCK] = "no reference: to no live block",
        [PM_POINTER_FROM_HIDDEN] = "no reference: a link of the collector, or in a header",
        [PM_POINTER_FROM_OPAQUE] = "no reference: in memory that holds none",
        [PM_POINTER_WEAK] = "no reference: a weak reference, or left over",
        [PM_POINTER_TO_HEADER] = "no reference: to what stands before an object",
        [PM_POINTER_NOT_OWNING] = "no reference: into the middle of an object",
    };
    return texts[use];
}
