/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names for native instruction addresses.

   A name is looked up once, when an address is first met, and kept, since shared objects can be
   unloaded before the report. The core gives each state of loaded objects an epoch; when the
   epoch changes, everything known of addresses is dropped (interned names stay). Source lines
   are looked up later, for all frames together (tool/capture/pm_lines.h). */
#ifndef PM_NATIVE_H
#define PM_NATIVE_H

#include "base/pm_map.h"
#include "base/pm_strings.h"
#include "base/pm_types.h"
#include "cpython/pm_layers.h"
#include "heap/pm_frames.h"
#include "tool/capture/pm_lines.h"

struct pm_native_frame {
    struct pm_frame_id frame;
    u8 layer;               /* enum pm_layer */
    bool boundary;          /* our wrapper round the evaluation function */
    bool hidden;            /* another function of ours, between two of the program's */
    bool below_main;        /* it calls main: readers want neither it nor its callers */
};

struct pm_native {
    struct pm_strings *strings;
    struct pm_frames *frames;
    struct pm_map by_address;       /* ip -> index into known */
    struct pm_map addresses;        /* frame -> the address at which it was last met */
    struct pm_native_frame *known;
    u32 count, capacity;
    u32 epoch;
    struct pm_lines_wanted *lines;  /* frames whose source lines are still to be looked up */
    u32 line_count, line_capacity;
    u32 lines_now;                  /* so many of them were looked up at once */
    u64 ours_low, ours_high;        /* where our preloaded object's code is; equal: not met yet */
    u64 interpreter_low, interpreter_high;  /* and the code of the object with CPython's evaluation */
    struct pm_string_id evaluator;  /* the object with CPython's evaluation function; "": not met yet */
};

void pm_native_init(struct pm_native *native, struct pm_strings *strings,
                    struct pm_frames *frames);

/* The frame of ip as VG_(get_StackTrace) gives it: for frame 0 the
   instruction itself, for others the last byte of the call. */
struct pm_native_frame pm_native_resolve(struct pm_native *native, u64 ip, bool innermost);

/* Whether ip, of a frame other than the innermost one, is in our wrapper round the evaluation
   function. Cheap for addresses outside of our preloaded object. That object must have been met:
   the replacement of malloc is in it, too. */
static inline bool pm_native_is_boundary(struct pm_native *native, u64 ip)
{
    return ip - native->ours_low < native->ours_high - native->ours_low
        && pm_native_resolve(native, ip, false).boundary;
}

/* Whether ip is in the object with CPython's evaluation function, once that was met. */
static inline bool pm_native_is_interpreter(const struct pm_native *native, u64 ip)
{
    return ip - native->interpreter_low < native->interpreter_high - native->interpreter_low;
}

/* An address of the frame, for the XML report; 0 if the frame is not native. */
u64 pm_native_address(const struct pm_native *native, struct pm_frame_id frame);

/* Looks up the source lines of all frames met since the last call. Needed before frames are shown
   or matched with suppressions. */
void pm_native_add_lines(struct pm_native *native);

/* The lines only, for who needs them as frames are met; pm_native_add_lines may add more to the same frames later. Cost: that
   of pm_lines_find_now for each new frame. */
void pm_native_add_lines_now(struct pm_native *native);

/* True once after objects were loaded or unloaded: then all caches of what addresses mean must be
   dropped. */
bool pm_native_epoch_changed(struct pm_native *native);

#endif
