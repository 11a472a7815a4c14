/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/leaks/pm_pointer_list.h"

#include "heap/pm_leak_pointers.h"
#include "report/pm_text_parts.h"
#include "report/pm_utf8.h"
#include "tool/allocator/pm_allocator.h"
#include "tool/leaks/pm_leak_check.h"
#include "tool/leaks/pm_leak_places.h"
#include "tool/pm_run.h"

struct listing {
    struct pm_leak_state *check;
    struct pm_text *text;
    u64 address, bytes;             /* as asked for */
    u64 other;                      /* of a block and its object the other address, or address */
    u64 pointers, references;       /* written; and so many of them that are references */
};

static void add_address(struct pm_text *text, u64 address)
{
    pm_text_add(text, "0x");
    pm_buffer_add_hex(&text->line, address);
}

/* Text of the program goes to the line as text, whatever is in it. */
static void add_harmless(struct pm_text *text, struct pm_buffer *words)
{
    pm_utf8_add_harmless(&text->line, words->bytes, words->length);
    pm_buffer_clear(words);
}

/* The object in a block, or the one that the block's memory belongs to; false: there is none. */
static bool find_owner(struct pm_leak_state *check, u32 index, struct pm_object *owner)
{
    return pm_leak_identify(check, index, owner)
        || (pm_leak_owner(check, index) != PM_LEAK_NONE
            && pm_leak_identify(check, pm_leak_owner(check, index), owner));
}

/* "list len 3, count 1", or "memory of list len 3 at 0x5204a30, count 1", or "no object". */
static void add_object(struct listing *listing, u32 index)
{
    struct pm_leak_state *check = listing->check;
    struct pm_text *text = listing->text;
    struct pm_object owner;
    struct pm_buffer words;

    if (!find_owner(check, index, &owner)) {
        pm_text_add(text, "no object");
        return;
    }
    bool is_part = owner.address - check->found[index].address >= check->found[index].bytes;
    pm_text_add(text, is_part ? "memory of " : "");
    pm_buffer_init(&words);
    pm_leak_places_add_object(check, &owner, &words);
    add_harmless(text, &words);
    pm_buffer_release(&words);
    if (is_part) {
        pm_text_add(text, " at ");
        add_address(text, owner.address);
    }
    pm_text_add(text, owner.immortal ? ", immortal" : ", count ");
    if (!owner.immortal)
        pm_text_add_number(text, owner.references);
}

/* Where a block was allocated: the innermost Python line, or who called the allocator. */
static void add_allocation(struct listing *listing, u32 index)
{
    const struct pm_run *run = listing->check->run;
    const struct pm_frame *shown = NULL;
    struct pm_text *text = listing->text;
    struct pm_stack_id at = pm_allocator_stack(run, pm_leak_allocated(listing->check, index));

    while (at.v != 0 && (shown == NULL || shown->kind != PM_FRAME_PYTHON)) {
        struct pm_stack_node node = pm_stacks_node(&run->stacks, at);
        const struct pm_frame *frame = pm_frames_get(&run->frames, node.frame);
        if (frame->kind == PM_FRAME_PYTHON || (shown == NULL && !(frame->flags & PM_FRAME_ALLOCATOR)))
            shown = frame;
        at = node.parent;
    }
    pm_text_add(text, ", allocation ");
    pm_text_add_number(text, pm_leak_allocated(listing->check, index)->serial);
    if (shown == NULL)
        return;
    pm_text_add(text, " by ");
    if (shown->kind != PM_FRAME_PYTHON) {
        pm_labels_add_frame(&text->labels, &text->line, shown, true);
        return;
    }
    pm_labels_add_function(&text->labels, &text->line, shown->function);
    pm_text_add(text, " (");
    pm_labels_add_file(&text->labels, &text->line, shown->file, true);
    pm_text_add(text, ":");
    pm_labels_add_line(&text->line, shown->line);
    pm_text_add(text, ")");
}

/* "still reachable" and the reason. */
static void add_verdict(struct listing *listing, u32 index)
{
    struct pm_leak_state *check = listing->check;
    struct pm_loss_why why;
    struct pm_buffer words;

    pm_leak_explain(check, index, &why);
    pm_text_add(listing->text, pm_loss_kind_text(check->verdicts[index].kind));
    pm_text_add(listing->text, ", ");
    pm_buffer_init(&words);
    pm_loss_why_add(&words, &check->run->strings, &why);
    add_harmless(listing->text, &words);
    pm_buffer_release(&words);
}

/* "8 bytes inside a block of 56 bytes at 0x5204a30: list len 3, allocation 7 by f (a.py:1)". */
static void write_block(struct listing *listing, u32 index, u64 address)
{
    const struct pm_leak_block *block = &listing->check->found[index];
    struct pm_text *text = listing->text;

    pm_text_add_number(text, address - block->address);
    pm_text_add(text, " bytes inside a block of ");
    pm_text_add_number(text, pm_block_requested_bytes(pm_leak_allocated(listing->check, index)));
    pm_text_add(text, " bytes at ");
    add_address(text, block->address);
    pm_text_add(text, ": ");
    add_object(listing, index);
    add_allocation(listing, index);
    pm_text_end_line(text);
    pm_text_add(text, "  ");
    add_verdict(listing, index);
    pm_text_end_line(text);
}

/* "['key'] of ", if the object names the word at address. */
static void add_slot(struct listing *listing, u32 index, u64 address)
{
    struct pm_leak_state *check = listing->check;
    struct pm_object owner;
    struct pm_buffer words;

    if (!find_owner(check, index, &owner))
        return;
    pm_buffer_init(&words);
    if (pm_objects_name_field(&check->objects, &owner, address, &words) && words.length > 0) {
        size_t space = words.bytes[0] == ' ';
        pm_utf8_add_harmless(&listing->text->line, words.bytes + space, words.length - space);
        pm_text_add(listing->text, ", ");
    }
    pm_buffer_release(&words);
}

/* Where the pointer is: " Location 0x40280ac is ...". A register was named already. */
static void write_place(struct listing *listing, const struct pm_leak_pointer *pointer)
{
    struct pm_text *text = listing->text;
    struct pm_buffer words;

    if (pointer->from_block != PM_LEAK_NONE) {
        pm_text_add(text, " Location ");
        add_address(text, pointer->where);
        pm_text_add(text, " is ");
        add_slot(listing, pointer->from_block, pointer->where);
        write_block(listing, pointer->from_block, pointer->where);
    } else if (listing->check->leaks.roots[pointer->from_root].values == NULL) {
        pm_text_add(text, " Location ");
        add_address(text, pointer->where);
        pm_text_add(text, " is in ");
        pm_buffer_init(&words);
        pm_leak_places_add_root(listing->check, pointer->from_root, pointer->where, &words);
        add_harmless(text, &words);
        pm_buffer_release(&words);
        pm_text_end_line(text);
    }
}

static void add_source(struct listing *listing, const struct pm_leak_pointer *pointer)
{
    struct pm_text *text = listing->text;
    const struct pm_leak_root *root;

    if (pointer->from_block == PM_LEAK_NONE) {
        root = &listing->check->leaks.roots[pointer->from_root];
        if (root->values != NULL) {
            pm_text_add(text, "thread ");
            pm_text_add_number(text, root->thread);
            pm_text_add(text, " register ");
            pm_text_add(text, pm_roots_register_name(&listing->check->run->roots, root,
                                                     pointer->where));
            return;
        }
    }
    pm_text_add(text, "*");
    add_address(text, pointer->where);
}

static bool is_reference(enum pm_leak_pointer_use use)
{
    return use == PM_POINTER_START || use == PM_POINTER_INTERIOR;
}

static void on_pointer(void *context, const struct pm_leak_pointer *pointer)
{
    struct listing *listing = context;
    struct pm_text *text = listing->text;
    u64 untagged = pointer->value & ~listing->check->leaks.tag_bits;

    if (listing->bytes == 0 && untagged != listing->address && untagged != listing->other
            && pointer->value != listing->address && pointer->value != listing->other)
        return;
    listing->pointers++;
    listing->references += is_reference(pointer->use);
    add_source(listing, pointer);
    pm_text_add(text, " points at ");
    add_address(text, pointer->value);
    pm_text_add(text, " (");
    pm_text_add(text, pm_leak_pointer_text(pointer->use));
    pm_text_put_line(text, ")");
    write_place(listing, pointer);
}

static void write_heading(const struct listing *listing)
{
    struct pm_text *text = listing->text;

    if (listing->bytes == 0) {
        pm_text_add(text, "Searching for pointers to ");
    } else {
        pm_text_add(text, "Searching for pointers pointing in ");
        pm_text_add_number(text, listing->bytes);
        pm_text_add(text, " bytes from ");
    }
    add_address(text, listing->address);
    if (listing->other != listing->address) {
        pm_text_add(text, " or ");
        add_address(text, listing->other);
    }
    pm_text_end_line(text);
}

static void write_target(struct listing *listing, u32 index)
{
    struct pm_text *text = listing->text;

    add_address(text, listing->address);
    pm_text_add(text, " is ");
    if (index == PM_LEAK_NONE)
        pm_text_put_line(text, "in no live block");
    else
        write_block(listing, index, listing->address);
}

static void list_pointers(void *context, struct pm_leak_state *check)
{
    struct listing *listing = context;
    u32 index = pm_leaks_block_at(&check->leaks, listing->address);
    u64 low = listing->address, end = listing->address + (listing->bytes > 0 ? listing->bytes : 1);

    listing->check = check;
    listing->other = listing->address;
    if (index != PM_LEAK_NONE && listing->bytes == 0) {
        u64 start = check->found[index].address;
        u64 object = start + check->found[index].object_offset;
        if (listing->address == start || listing->address == object) {
            listing->other = listing->address == start ? object : start;
            low = start;
            end = object + 1;
        }
    }
    write_heading(listing);
    write_target(listing, index);
    pm_leak_pointers_each(&check->leaks, low, end, on_pointer, listing);
    pm_text_add_counted(listing->text, listing->pointers, "pointer");
    pm_text_add(listing->text, ", ");
    pm_text_add_number(listing->text, listing->references);
    pm_text_put_line(listing->text, " of them references");
}

void pm_pointer_list_write(struct pm_run *run, struct pm_text *text, u64 address, u64 bytes)
{
    struct listing listing = { .text = text, .address = address, .bytes = bytes };
    pm_leak_check_examine(run, list_pointers, &listing);
}
