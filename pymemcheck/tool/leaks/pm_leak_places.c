/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"

#include "tool/leaks/pm_leak_places.h"

#include "tool/pm_run.h"

/* The interpreter's state is in _PyRuntime (3.7 and later), which is missing from the core's table
   of symbols. */
enum { NEAR_RUNTIME = 1 << 20 };

static void add_data_address(struct pm_leak_state *check, u64 address, struct pm_buffer *out)
{
    u64 runtime = check->run->python.interpreter.runtime;

    if (runtime != 0 && address - runtime < NEAR_RUNTIME) {
        pm_buffer_add_text(out, "data at _PyRuntime+0x");
        pm_buffer_add_hex(out, address - runtime);
    } else {
        pm_buffer_add_text(out, "data at 0x");
        pm_buffer_add_hex(out, address);
    }
}

static void add_data(struct pm_leak_state *check, u64 address, struct pm_buffer *out)
{
    DiEpoch epoch = VG_(current_DiEpoch)();
    const HChar *name;
    PtrdiffT offset;

    if (VG_(get_datasym_and_offset)(epoch, address, &name, &offset)) {
        pm_buffer_add_text(out, "variable ");
        pm_buffer_add_text(out, name);
        if (offset != 0) {
            pm_buffer_add_char(out, '+');
            pm_buffer_add_i64(out, offset);
        }
    } else {
        add_data_address(check, address, out);
    }
    DebugInfo *object = VG_(find_DebugInfo)(epoch, address);
    if (object != NULL || VG_(get_objname)(epoch, address, &name)) {
        pm_buffer_add_text(out, " in ");
        pm_buffer_add_text(out, object != NULL ? VG_(DebugInfo_get_filename)(object) : name);
    }
}

void pm_leak_places_add_root(struct pm_leak_state *check, u32 root, u64 address,
                             struct pm_buffer *out)
{
    const struct pm_leak_root *where = &check->leaks.roots[root];

    switch (where->kind) {
    case PM_LEAK_ROOT_REGISTERS:
        pm_buffer_add_text(out, "a register of thread ");
        pm_buffer_add_u64(out, where->thread);
        break;
    case PM_LEAK_ROOT_STACK:
        pm_buffer_add_text(out, "the stack of thread ");
        pm_buffer_add_u64(out, where->thread);
        break;
    case PM_LEAK_ROOT_DATA:
        add_data(check, address, out);
        break;
    }
}

void pm_leak_places_add_object(struct pm_leak_state *check, const struct pm_object *object,
                               struct pm_buffer *out)
{
    struct pm_string_id type = pm_objects_type_name(&check->objects, object->type);
    struct pm_buffer preview;

    pm_buffer_add_text(out, pm_strings_text(&check->run->strings, type));
    pm_buffer_init(&preview);
    pm_objects_preview(&check->objects, object, &preview);
    if (preview.length > 0) {
        pm_buffer_add_char(out, ' ');
        pm_buffer_add_bytes(out, preview.bytes, preview.length);
    }
    pm_buffer_release(&preview);
}
