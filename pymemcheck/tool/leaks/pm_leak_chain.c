/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"

#include "tool/leaks/pm_leak_chain.h"

#include "tool/pm_run.h"

/* The interpreter's state lies in _PyRuntime (3.7 and later), which the core's table of symbols does
   not have. */
enum { NEAR_RUNTIME = 1 << 20 };

enum { MAX_CHAIN = 24, MAX_PARTS = 4 };

/* A root as a person would know it: a variable of an object file, a thread's stack. */
static void add_root_text(struct pm_leak_chain *chain, const struct pm_leak_block *found)
{
    const struct pm_leak_root *root = &chain->leaks->roots[found->from_root];
    struct pm_buffer *out = &chain->text;
    DiEpoch epoch = VG_(current_DiEpoch)();
    const HChar *name;
    PtrdiffT offset;

    switch (root->kind) {
    case PM_LEAK_ROOT_REGISTERS:
        pm_buffer_add_text(out, "a register of thread ");
        pm_buffer_add_u64(out, root->thread);
        return;
    case PM_LEAK_ROOT_STACK:
        pm_buffer_add_text(out, "the stack of thread ");
        pm_buffer_add_u64(out, root->thread);
        return;
    case PM_LEAK_ROOT_DATA:
        break;
    }
    if (VG_(get_datasym_and_offset)(epoch, found->from_address, &name, &offset)) {
        pm_buffer_add_text(out, "variable ");
        pm_buffer_add_text(out, name);
        if (offset != 0) {
            pm_buffer_add_char(out, '+');
            pm_buffer_add_i64(out, offset);
        }
    } else {
        u64 runtime = chain->run->python.interpreter.runtime;
        if (runtime != 0 && found->from_address - runtime < NEAR_RUNTIME) {
            pm_buffer_add_text(out, "data at _PyRuntime+0x");
            pm_buffer_add_hex(out, found->from_address - runtime);
        } else {
            pm_buffer_add_text(out, "data at 0x");
            pm_buffer_add_hex(out, found->from_address);
        }
    }
    DebugInfo *object = VG_(find_DebugInfo)(epoch, found->from_address);
    if (object != NULL || VG_(get_objname)(epoch, found->from_address, &name)) {
        pm_buffer_add_text(out, " in ");
        pm_buffer_add_text(out, object != NULL ? VG_(DebugInfo_get_filename)(object) : name);
    }
}

static void add_object_text(struct pm_leak_chain *chain, const struct pm_object *object)
{
    struct pm_string_id type = pm_objects_type_name(chain->objects, object->type);

    pm_buffer_add_text(&chain->text, pm_strings_text(&chain->run->strings, type));
    size_t before = chain->text.length;
    pm_buffer_add_char(&chain->text, ' ');
    pm_objects_preview(chain->objects, object, &chain->text);
    if (chain->text.length == before + 1) {
        pm_buffer_clear(&chain->text);
        pm_buffer_add_text(&chain->text, pm_strings_text(&chain->run->strings, type));
    }
}

/* Whether part is memory that belongs to the object: its items, keys, attributes. */
static bool is_part(struct pm_leak_chain *chain, const struct pm_object *object, u64 part)
{
    u64 parts[MAX_PARTS];
    u32 count = pm_objects_parts(chain->objects, object, parts, MAX_PARTS);
    u32 wanted = pm_leaks_block_at(chain->leaks, part);

    for (u32 i = 0; i < count; i++)
        if (parts[i] == part || pm_leaks_block_at(chain->leaks, parts[i]) == wanted)
            return true;
    return false;
}

/* The line that was made so far, if any, becomes part of the chain. */
static void end_link(struct pm_leak_chain *chain, u32 record)
{
    if (chain->text.length > 0)
        pm_losses_add_chain(chain->losses, record, pm_strings_take(&chain->run->strings, &chain->text));
}

/* One line of a chain: the block, then how it refers to the next one (whose
   pointer is at slot). What an object keeps in memory of its own is on its line. *owner: the last
   object on the way, if any. */
static void add_link(struct pm_leak_chain *chain, u32 record, u32 index, u64 slot,
                     struct pm_object *owner, bool *has_owner)
{
    struct pm_object object;

    if (chain->identify(chain->context, index, &object)) {
        end_link(chain, record);
        *owner = object;
        *has_owner = true;
        add_object_text(chain, &object);
        pm_objects_name_field(chain->objects, &object, slot, &chain->text);
    } else if (*has_owner && is_part(chain, owner, chain->leaks->blocks[index].address)) {
        if (chain->text.length > 0)
            pm_buffer_add_char(&chain->text, ' ');
        pm_objects_name_field(chain->objects, owner, slot, &chain->text);
    } else {
        end_link(chain, record);
        pm_buffer_add_text(&chain->text, "a block of ");
        pm_buffer_add_u64(&chain->text, chain->leaks->blocks[index].bytes);
        pm_buffer_add_text(&chain->text, " bytes");
        *has_owner = false;
    }
}

void pm_leak_chain_add(struct pm_leak_chain *chain, u32 record, u32 index)
{
    u32 way[MAX_CHAIN], length = 0;
    struct pm_object owner;
    bool has_owner = false;

    pm_buffer_init(&chain->text);
    for (u32 i = index; length < MAX_CHAIN; i = chain->leaks->blocks[i].from_block) {
        way[length++] = i;
        if (chain->leaks->blocks[i].from_block == PM_LEAK_NONE)
            break;
    }
    const struct pm_leak_block *outermost = &chain->leaks->blocks[way[length - 1]];
    if (outermost->from_block != PM_LEAK_NONE)
        pm_buffer_add_text(&chain->text, "...");
    else if (outermost->from_root != PM_LEAK_NONE)
        add_root_text(chain, outermost);
    pm_losses_add_chain(chain->losses, record, pm_strings_take(&chain->run->strings, &chain->text));
    for (u32 i = length; i-- > 1;)
        add_link(chain, record, way[i], chain->leaks->blocks[way[i - 1]].from_address, &owner, &has_owner);
    end_link(chain, record);
    pm_buffer_release(&chain->text);
}
