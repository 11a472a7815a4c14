/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the innermost frame outwards, up to the first frame of Python, the owner is

   - the first function of an extension: what the interpreter's functions that it calls take and return is its own;
   - before that, a container, if one of its functions is met;
   - or the evaluation.

   A new object goes to whoever called the function that made it, so of births only extensions and the evaluation count.
   If only functions of the interpreter are met of which nothing is known, the innermost one stands for itself. */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"

#include "tool/watch/pm_watch_owner.h"

#include "base/pm_platform.h"
#include "cpython/pm_owners.h"
#include "tool/pm_run.h"

/* Objects whose functions work for their callers. */
static bool is_system(const char *object)
{
    static const char *const names[] = {
        "libc.so", "libc-", "ld-linux", "libpthread", "libm.so", "libm-", "libdl", "vgpreload_", "libstdc++", "libffi",
    };
    const char *name = object;

    for (const char *at = object; *at != '\0'; at++)
        if (*at == '/')
            name = at + 1;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(names); i++)
        if (pm_compare(name, names[i], pm_length(names[i])) == 0)
            return true;
    return false;
}

static const char *base_name(const char *path)
{
    const char *name = path;

    for (; *path != '\0'; path++)
        if (*path == '/')
            name = path + 1;
    return name;
}

static void name_owner(struct pm_run *run, struct pm_balance_owner *owner, enum pm_balance_role role,
                       const char *first, const char *second)
{
    struct pm_buffer text;

    pm_buffer_init(&text);
    pm_buffer_add_text(&text, first);
    if (second != NULL) {
        pm_buffer_add_char(&text, '`');
        pm_buffer_add_text(&text, second[0] != '\0' ? second : "???");
    }
    owner->role = role;
    owner->name = pm_strings_take(&run->strings, &text);
    pm_buffer_release(&text);
}

static void show(const struct pm_run *run, struct pm_balance_owner *owner, struct pm_frame_id frame)
{
    owner->shown = frame;
    owner->function = pm_frames_get(&run->frames, frame)->function;
    owner->has_shown = true;
}

/* What a native frame says of the owner; true: that is all. */
static bool look_at(struct pm_run *run, struct pm_frame_id id, bool birth, struct pm_balance_owner *owner)
{
    const struct pm_frame *frame = pm_frames_get(&run->frames, id);
    const char *function = pm_strings_text(&run->strings, frame->function);
    const char *object = pm_strings_text(&run->strings, frame->object), *container;

    if (frame->flags & PM_FRAME_EVAL) {
        if (owner->name.v != 0)
            return true;
        if (!owner->has_shown)
            show(run, owner, id);
        name_owner(run, owner, PM_BALANCE_INTERPRETER, "evaluation", NULL);
        return true;
    }
    if (frame->object.v == 0 || (frame->flags & PM_FRAME_ALLOCATOR) || is_system(object))
        return false;
    if (frame->object.v != run->native.evaluator.v) {
        if (pm_owner_is_helper(function))
            return false;
        show(run, owner, id);
        owner->object = frame->object;
        name_owner(run, owner, PM_BALANCE_EXTENSION, base_name(object), function);
        return true;
    }
    if (function[0] == '\0')
        return false;
    const bool innermost = !owner->has_shown;
    if (innermost)
        show(run, owner, id);
    switch (pm_owner_of(function, &container)) {
    case PM_OWNER_CONTAINER:
        if (owner->name.v != 0 || birth)
            return false;
        show(run, owner, id);
        name_owner(run, owner, PM_BALANCE_CONTAINER, container, NULL);
        return true;
    case PM_OWNER_CALL:
        if (innermost && !birth)
            name_owner(run, owner, PM_BALANCE_INTERPRETER, "evaluation", NULL);
        return innermost && !birth;
    case PM_OWNER_EVALUATION:
        if (owner->name.v == 0)
            name_owner(run, owner, PM_BALANCE_INTERPRETER, "evaluation", NULL);
        return true;
    case PM_OWNER_ITSELF:
        if (owner->name.v == 0 && !birth) {
            show(run, owner, id);
            name_owner(run, owner, PM_BALANCE_INTERPRETER, function, NULL);
        }
        return false;
    case PM_OWNER_CALLER:
        return false;
    }
    return false;
}

void pm_watch_owner_of(struct pm_run *run, struct pm_stack_id stack, bool birth, struct pm_balance_owner *owner)
{
    bool done = false;

    *owner = (struct pm_balance_owner){ 0 };
    for (struct pm_stack_id at = stack; at.v != 0;) {
        const struct pm_stack_node node = pm_stacks_node(&run->stacks, at);
        const struct pm_frame *frame = pm_frames_get(&run->frames, node.frame);
        at = node.parent;
        if (frame->kind == PM_FRAME_PYTHON) {
            owner->python = node.frame;
            owner->has_python = true;
            break;
        }
        if (frame->kind == PM_FRAME_NATIVE && !done)
            done = look_at(run, node.frame, birth, owner);
    }
    if (owner->name.v == 0)
        name_owner(run, owner, PM_BALANCE_INTERPRETER, owner->has_python ? "evaluation" : "interpreter", NULL);
}

void pm_watch_owner_evaluation(struct pm_run *run, struct pm_stack_id stack, struct pm_balance_owner *owner)
{
    *owner = (struct pm_balance_owner){ 0 };
    for (struct pm_stack_id at = stack; at.v != 0 && !owner->has_python;) {
        const struct pm_stack_node node = pm_stacks_node(&run->stacks, at);
        const struct pm_frame *frame = pm_frames_get(&run->frames, node.frame);
        at = node.parent;
        if (frame->kind == PM_FRAME_PYTHON) {
            owner->python = node.frame;
            owner->has_python = true;
        } else if (frame->kind == PM_FRAME_NATIVE && !owner->has_shown) {
            show(run, owner, node.frame);
        }
    }
    name_owner(run, owner, PM_BALANCE_INTERPRETER, "evaluation", NULL);
}

enum pm_watch_side pm_watch_side_of(struct pm_run *run, u64 address)
{
    const HChar *object;

    if (run->native.evaluator.v == 0 || !VG_(get_objname)(VG_(current_DiEpoch)(), address, &object))
        return PM_WATCH_NEITHER;
    if (address - run->native.ours_low < run->native.ours_high - run->native.ours_low)
        return PM_WATCH_INTERPRETER;
    if (is_system(object))
        return PM_WATCH_NEITHER;
    return pm_text_equal(object, pm_strings_text(&run->strings, run->native.evaluator))
        ? PM_WATCH_INTERPRETER : PM_WATCH_EXTENSION;
}

u64 pm_watch_birth_line(const struct pm_run *run, struct pm_stack_id stack)
{
    enum { NATIVE_BIT = 40 };
    u64 native = 0;

    for (struct pm_stack_id at = stack; at.v != 0;) {
        const struct pm_stack_node node = pm_stacks_node(&run->stacks, at);
        const struct pm_frame *frame = pm_frames_get(&run->frames, node.frame);
        if (frame->kind == PM_FRAME_PYTHON)
            return node.frame.v;
        if (native == 0 && !(frame->flags & PM_FRAME_ALLOCATOR))
            native = (u64)1 << NATIVE_BIT | node.frame.v;
        at = node.parent;
    }
    return native;
}
