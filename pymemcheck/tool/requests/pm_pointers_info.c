/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/requests/pm_pointers_info.h"

#include "heap/pm_leak_pointers.h"
#include "heap/pm_loss_kinds.h"
#include "report/pm_utf8.h"
#include "tool/leaks/pm_leak_check.h"
#include "tool/leaks/pm_leak_places.h"
#include "tool/pm_run.h"
#include "tool/requests/pm_answer.h"

/* More pointers than these are only counted: everything points at None. */
enum { MOST_POINTERS = 10000 };

struct listing {
    struct pm_leak_state *check;
    struct pm_emitter *out;
    u64 address, other;             /* of a block and its object the other address, or address */
    u64 pointers, references;
    bool made;
};

/* The object in a block, or the one that the block's memory belongs to; false: there is none. */
static bool find_owner(struct pm_leak_state *check, u32 index, struct pm_object *owner)
{
    return pm_leak_identify(check, index, owner)
        || (pm_leak_owner(check, index) != PM_LEAK_NONE
            && pm_leak_identify(check, pm_leak_owner(check, index), owner));
}

static void add_words(struct pm_emitter *out, const char *key, const struct pm_buffer *words)
{
    pm_emitter_key(out, key);
    pm_emitter_bytes(out, words->bytes, words->length);
}

static void add_holding_block(struct listing *listing, const struct pm_leak_pointer *pointer)
{
    struct pm_leak_state *check = listing->check;
    struct pm_emitter *out = listing->out;
    const struct pm_block *block = pm_leak_allocated(check, pointer->from_block);
    struct pm_object owner;
    struct pm_buffer field;
    const bool owned = find_owner(check, pointer->from_block, &owner);

    pm_emitter_key(out, "block");
    pm_emitter_dict_begin(out, PM_EMITTER_INLINE);
    pm_answer_add_block(out, check->run, block);
    pm_emitter_key_u64(out, "offset", pointer->where - block->address);
    pm_answer_add_object(out, &check->objects, owned ? &owner : NULL);
    pm_buffer_init(&field);
    if (owned)
        pm_objects_name_field(&check->objects, &owner, pointer->where, &field);
    add_words(out, "field", &field);
    pm_buffer_release(&field);
    pm_emitter_dict_end(out);
}

static void add_holding_root(struct listing *listing, const struct pm_leak_pointer *pointer)
{
    struct pm_leak_state *check = listing->check;
    const struct pm_leak_root *root = &check->leaks.roots[pointer->from_root];
    struct pm_buffer words;

    pm_buffer_init(&words);
    pm_leak_places_add_root(check, pointer->from_root, pointer->where, &words);
    add_words(listing->out, "place", &words);
    pm_buffer_release(&words);
    pm_emitter_key_u64(listing->out, "thread", root->thread);
    if (root->values != NULL)
        pm_emitter_key_text(listing->out, "register",
                            pm_roots_register_name(&check->run->roots, root, pointer->where));
}

static const char *holder_kind(const struct listing *listing, const struct pm_leak_pointer *pointer)
{
    if (pointer->from_block != PM_LEAK_NONE)
        return "block";
    switch (listing->check->leaks.roots[pointer->from_root].kind) {
    case PM_LEAK_ROOT_REGISTERS:
        return "register";
    case PM_LEAK_ROOT_STACK:
        return "stack";
    case PM_LEAK_ROOT_DATA:
        return "data";
    }
    return "data";
}

static bool is_wanted(const struct listing *listing, u64 value)
{
    const u64 untagged = value & ~listing->check->leaks.tag_bits;

    return untagged == listing->address || untagged == listing->other
        || value == listing->address || value == listing->other;
}

static void on_pointer(void *context, const struct pm_leak_pointer *pointer)
{
    struct listing *listing = context;
    struct pm_emitter *out = listing->out;
    const bool counts = pointer->use == PM_POINTER_START || pointer->use == PM_POINTER_INTERIOR;

    if (!is_wanted(listing, pointer->value))
        return;
    listing->references += counts;
    if (listing->pointers++ >= MOST_POINTERS)
        return;
    pm_emitter_dict_begin(out, PM_EMITTER_INLINE);
    pm_emitter_key_text(out, "holder", holder_kind(listing, pointer));
    pm_emitter_key_bool(out, "reference", counts);
    pm_emitter_key_text(out, "use", pm_leak_pointer_text(pointer->use));
    pm_answer_add_address(out, "value", pointer->value);
    if (pointer->from_block != PM_LEAK_NONE || listing->check->leaks.roots[pointer->from_root].values == NULL)
        pm_answer_add_address(out, "where", pointer->where);
    if (pointer->from_block != PM_LEAK_NONE)
        add_holding_block(listing, pointer);
    else
        add_holding_root(listing, pointer);
    pm_emitter_dict_end(out);
}

static void add_target(struct listing *listing, u32 index)
{
    struct pm_leak_state *check = listing->check;
    struct pm_emitter *out = listing->out;
    struct pm_object object;

    pm_answer_add_address(out, "target", listing->address);
    pm_emitter_key(out, "block");
    if (index == PM_LEAK_NONE) {
        pm_emitter_null(out);
        return;
    }
    pm_emitter_dict_begin(out, PM_EMITTER_INLINE);
    pm_answer_add_block(out, check->run, pm_leak_allocated(check, index));
    pm_emitter_key_u64(out, "offset", listing->address - check->found[index].address);
    pm_answer_add_object(out, &check->objects, find_owner(check, index, &object) ? &object : NULL);
    pm_emitter_key_text(out, "kind", pm_loss_kind_word(check->verdicts[index].kind));
    pm_emitter_dict_end(out);
}

static void list_pointers(void *context, struct pm_leak_state *check)
{
    struct listing *listing = context;
    const u32 index = pm_leaks_block_at(&check->leaks, listing->address);
    u64 low = listing->address, end = listing->address + 1;

    listing->check = check;
    listing->other = listing->address;
    listing->made = true;
    if (index != PM_LEAK_NONE) {
        const u64 start = check->found[index].address, object = start + check->found[index].object_offset;
        if (listing->address == start || listing->address == object) {
            listing->other = listing->address == start ? object : start;
            low = start;
            end = object + 1;
        }
    }
    add_target(listing, index);
    pm_emitter_key(listing->out, "pointers");
    pm_emitter_list_begin(listing->out, PM_EMITTER_INLINE);
    pm_leak_pointers_each(&check->leaks, low, end, on_pointer, listing);
    pm_emitter_list_end(listing->out);
    pm_emitter_key_u64(listing->out, "all_pointers", listing->pointers);
    pm_emitter_key_u64(listing->out, "all_references", listing->references);
}

long pm_pointers_info(struct pm_run *run, u64 address, u64 buffer, u64 size)
{
    struct pm_emitter out;
    struct pm_sink sink;
    struct pm_buffer text;
    struct listing listing = { .out = &out, .address = address };

    if (address == 0)
        return PYMEMCHECK_BAD_ARGUMENT;
    if (run->requests.searching)
        return PYMEMCHECK_SEARCHING;
    run->requests.searching = true;
    pm_answer_begin(&out, &sink, &text);
    pm_leak_check_examine(run, list_pointers, &listing);
    pm_answer_finish(&out);
    run->requests.searching = false;
    const long needed = listing.made ? pm_answer_text(&text, buffer, size) : PYMEMCHECK_NOT_SUPPORTED;
    pm_buffer_release(&text);
    return needed;
}
