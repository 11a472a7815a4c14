/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_options.h"

#include "tool/capture/pm_native.h"

#include "base/pm_buffer.h"
#include "base/pm_platform.h"

#define PRELOAD_NAME "vgpreload_pymemcheck"

void pm_native_init(struct pm_native *native, struct pm_strings *strings,
                    struct pm_frames *frames)
{
    *native = (struct pm_native){ .strings = strings, .frames = frames, .capacity = 1024 };
    native->known = pm_alloc("pm.native", native->capacity * sizeof *native->known);
    pm_map_init(&native->by_address);
    pm_map_init(&native->addresses);
}

u64 pm_native_address(const struct pm_native *native, struct pm_frame_id frame)
{
    const u64 *address = pm_map_get(&native->addresses, frame.v);
    return address != NULL ? *address : 0;
}

bool pm_native_epoch_changed(struct pm_native *native)
{
    u32 now = VG_(current_DiEpoch)().n;

    if (now == native->epoch)
        return false;
    native->epoch = now;
    native->count = 0;
    pm_map_clear(&native->by_address);
    return true;
}

/* The object whose function a replacement stands for: the program called libc or libstdc++, not
   us. */
static const char *replaced_object(const char *function)
{
    return VG_(strncmp)(function, "operator", 8) == 0 ? "libstdc++.so.6" : "libc.so.6";
}

/* Splits "name+0x1a" or "name-0x1a" (VG_(get_fnname_w_offset)) into the length of name and
   the offset. The offset is the last such suffix, since C++ names may hold '+'. */
static size_t split_offset(const char *text, u64 *offset)
{
    size_t length = pm_length(text);

    *offset = 0;
    for (size_t i = length; i-- > 0;) {
        if (text[i] == '+' || text[i] == '-') {
            HChar *end;
            const char *digits = text + i + 1;
            Long value = digits[0] == '0' && digits[1] == 'x'
                ? VG_(strtoll16)(digits + 2, &end) : VG_(strtoll10)(digits, &end);
            if (*digits == '\0' || *end != '\0' || i == 0)
                return length;
            *offset = text[i] == '+' ? (u64)value : 0 - (u64)value;
            return i;
        }
    }
    return length;
}

static struct pm_string_id intern_path(struct pm_native *native, const char *folder, const char *file)
{
    struct pm_buffer path;
    struct pm_string_id id;

    pm_buffer_init(&path);
    if (folder[0] != '\0' && file[0] != '/') {
        pm_buffer_add_text(&path, folder);
        pm_buffer_add_char(&path, '/');
    }
    pm_buffer_add_text(&path, file);
    id = pm_strings_take(native->strings, &path);
    pm_buffer_release(&path);
    return id;
}

static void set_source(struct pm_native *native, struct pm_frame_id frame, const char *folder,
                       const char *file, u32 line)
{
    pm_frames_set_source(native->frames, frame, intern_path(native, folder, file), line);
}

static void want_line(struct pm_native *native, const struct pm_lines_place *place,
                      struct pm_frame_id frame)
{
    if (native->line_count == native->line_capacity) {
        native->line_capacity = native->line_capacity == 0 ? 256 : 2 * native->line_capacity;
        native->lines = pm_realloc("pm.native.lines", native->lines,
                                   native->line_capacity * sizeof *native->lines);
    }
    native->lines[native->line_count++] = (struct pm_lines_wanted){ *place, frame.v };
}

/* Adds the source line of ip, if debug information has it: now, if the core has read it, else
   later. */
static void add_source(struct pm_native *native, u64 ip, struct pm_frame_id frame)
{
    const DiEpoch epoch = VG_(current_DiEpoch)();
    const HChar *file, *folder;
    struct pm_lines_place place;
    UInt line;

    if (pm_lines_place(epoch, ip, &place))
        want_line(native, &place, frame);
    else if (VG_(get_filename_linenum)(epoch, ip, &file, &folder, &line))
        set_source(native, frame, folder, file, line);
}

static void on_line(void *context, u32 tag, const char *folder, const char *file, u32 line,
                    const struct pm_lines_outer *outer)
{
    struct pm_native *native = context;
    const struct pm_frame_id frame = { tag };

    set_source(native, frame, folder, file, line);
    if (outer != NULL && outer->distance <= pm_frames_get(native->frames, frame)->offset)
        pm_frames_set_outer(native->frames, frame, intern_path(native, outer->folder, outer->file), outer->line);
}

void pm_native_add_lines(struct pm_native *native)
{
    pm_lines_find(native->lines, native->line_count, on_line, native);
    pm_free(native->lines);
    native->lines = NULL;
    native->line_count = native->line_capacity = native->lines_now = 0;
}

void pm_native_add_lines_now(struct pm_native *native)
{
    for (; native->lines_now < native->line_count; native->lines_now++) {
        const struct pm_lines_wanted *wanted = &native->lines[native->lines_now];
        pm_lines_find_now(&wanted->place, wanted->tag, on_line, native);
    }
}

/* The address of ip as its object's file was linked; 0 if it is in no object. */
static u64 linked_address(u64 ip)
{
    const DebugInfo *info = VG_(find_DebugInfo)(VG_(current_DiEpoch)(), ip);
    return info != NULL ? ip - (u64)VG_(DebugInfo_get_text_bias)(info) : 0;
}

/* Where the code of the object is that contains ip. */
static void find_code(u64 ip, u64 *low, u64 *high)
{
    const DebugInfo *info = VG_(find_DebugInfo)(VG_(current_DiEpoch)(), ip);

    if (info == NULL)
        return;
    *low = (u64)VG_(DebugInfo_get_text_avma)(info);
    *high = *low + VG_(DebugInfo_get_text_size)(info);
}

static struct pm_native_frame look_up(struct pm_native *native, u64 ip, bool innermost)
{
    DiEpoch epoch = VG_(current_DiEpoch)();
    const HChar *text;
    struct pm_frame frame = { .kind = PM_FRAME_NATIVE };
    struct pm_native_frame result = { .layer = PM_LAYER_NONE };
    bool ours = false;

    result.below_main = !VG_(clo_show_below_main)
        && VG_(get_fnname_kind_from_IP)(epoch, ip) == Vg_FnNameBelowMain;
    if (VG_(get_objname)(epoch, ip, &text)) {
        ours = VG_(strstr)(text, PRELOAD_NAME) != NULL;
        frame.object = pm_strings_intern_text(native->strings, text);
        if (ours)
            find_code(ip, &native->ours_low, &native->ours_high);
    }
    if (VG_(get_fnname_w_offset)(epoch, ip, &text)) {
        size_t length = split_offset(text, &frame.offset);
        frame.function = pm_strings_intern(native->strings, text, length);
        const char *name = pm_strings_text(native->strings, frame.function);
        result.layer = (u8)pm_layer_of(name);
        if (ours && result.layer == PM_LAYER_EVAL) {
            result.boundary = true;
        } else if (ours && !innermost) {
            result.hidden = true;
        } else if (ours) {
            frame.object = pm_strings_intern_text(native->strings, replaced_object(name));
            frame.offset = 0;
            result.layer = PM_LAYER_ALLOCATOR;
        }
        if (!ours)
            frame.address = linked_address(ip);
        if (!innermost && !ours)
            frame.offset++;     /* from the last byte of the call to the return address */
    } else {
        const u64 linked = linked_address(ip);
        frame.address = linked;
        frame.offset = (linked != 0 ? linked : ip) + !innermost;
    }
    if (result.layer == PM_LAYER_EVAL && !ours) {
        native->evaluator = frame.object;
        find_code(ip, &native->interpreter_low, &native->interpreter_high);
    }
    if (result.layer == PM_LAYER_EVAL)
        frame.flags |= PM_FRAME_EVAL;
    else if (result.layer != PM_LAYER_NONE)
        frame.flags |= PM_FRAME_ALLOCATOR;
    if (result.layer == PM_LAYER_DEBUG_HOOK)
        frame.flags |= PM_FRAME_DEBUG_HOOK;
    result.frame = pm_frames_intern(native->frames, &frame);
    if (frame.address != 0 && pm_native_address(native, result.frame) == 0)
        add_source(native, ip, result.frame);
    pm_map_put(&native->addresses, result.frame.v, ip);
    return result;
}

struct pm_native_frame pm_native_resolve(struct pm_native *native, u64 ip, bool innermost)
{
    u64 key = ip << 1 | innermost;
    const u64 *found = pm_map_get(&native->by_address, key);

    if (found != NULL)
        return native->known[*found];
    struct pm_native_frame frame = look_up(native, ip, innermost);
    if (native->count == native->capacity) {
        native->capacity *= 2;
        native->known = pm_realloc("pm.native", native->known,
                                   native->capacity * sizeof *native->known);
    }
    native->known[native->count] = frame;
    pm_map_put(&native->by_address, key, native->count++);
    return frame;
}
