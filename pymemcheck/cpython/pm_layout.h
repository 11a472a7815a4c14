/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where CPython keeps what we read, as data: one row for each version and build.

   Numbers (offsets, sizes, bits) are generated from each interpreter's own
   headers by generate-layouts, those of debug and Py_TRACE_REFS builds from the
   same headers with the build's macros defined; what differs in behaviour is a kind in the row.
   No other code asks for a version. docs/layouts.md tells how to add a row. */
#ifndef PM_LAYOUT_H
#define PM_LAYOUT_H

#include "base/pm_platform.h"
#include "base/pm_types.h"
#include "cpython/pm_debug_offsets.h"
#include "cpython/pm_layout_objects.h"
#include "cpython/pm_linetable.h"

/* Every number of a layout. Offsets are in bytes from the start of the object
   named by the first word; PM_LAYOUT_ABSENT where this version has no such
   thing. This list makes the struct, the generator's output and any dump. */
#define PM_LAYOUT_FIELDS(FIELD) \
    FIELD(gc_head_bytes)            /* size of PyGC_Head, before an object that is collected */ \
    FIELD(object_type)              /* PyObject.ob_type */ \
    FIELD(bytes_length)             /* PyBytesObject (2.7: PyStringObject) ob_size */ \
    FIELD(bytes_data)               /* ... ob_sval */ \
    FIELD(unicode_length)           /* PyASCIIObject.length, in code points */ \
    FIELD(unicode_state)            /* PyASCIIObject.state, 32 bits */ \
    FIELD(unicode_kind_shift)       /* lowest bit of state.kind, which has three */ \
    FIELD(unicode_compact_shift)    /* bit state.compact */ \
    FIELD(unicode_ascii_shift)      /* bit state.ascii */ \
    FIELD(unicode_ready_shift)      /* bit state.ready, up to 3.11 */ \
    FIELD(unicode_ascii_data)       /* characters of a compact ASCII string */ \
    FIELD(unicode_compact_data)     /* characters of any other compact string */ \
    FIELD(unicode_legacy_data)      /* PyUnicodeObject.data, a pointer */ \
    FIELD(thread_frame)             /* PyThreadState: what the anchor kind says */ \
    FIELD(thread_next)              /* PyThreadState.next */ \
    FIELD(thread_interpreter)       /* ... interp */ \
    FIELD(thread_exception)         /* ... curexc_type, 3.12 on current_exception: NULL if none is raised */ \
    FIELD(thread_chunk)             /* ... datastack_chunk, 3.11 on */ \
    FIELD(thread_data_top)          /* ... datastack_top */ \
    FIELD(thread_data_limit)        /* ... datastack_limit */ \
    FIELD(chunk_previous)           /* _PyStackChunk.previous, 3.11 on */ \
    FIELD(chunk_size)               /* ... size, of the whole chunk in bytes */ \
    FIELD(chunk_top)                /* ... top, an index into data, set when a newer chunk is begun */ \
    FIELD(chunk_data)               /* ... data */ \
    FIELD(interpreter_next)         /* PyInterpreterState.next, 3.11 on */ \
    FIELD(interpreter_threads)      /* ... threads.head */ \
    FIELD(runtime_interpreters)     /* _PyRuntimeState.interpreters.head, 3.11 on */ \
    FIELD(cframe_frame)             /* _PyCFrame.current_frame */ \
    FIELD(cframe_previous)          /* _PyCFrame.previous */ \
    FIELD(frame_back)               /* frame: the next outer one */ \
    FIELD(frame_code)               /* frame: its code object */ \
    FIELD(frame_position)           /* frame: what the position kind says */ \
    FIELD(frame_trace)              /* PyFrameObject.f_trace, 3.10 only */ \
    FIELD(frame_stack_depth)        /* ... f_stackdepth, 32 bits, 3.10 only */ \
    FIELD(frame_owner)              /* _PyInterpreterFrame.owner, one byte */ \
    FIELD(frame_bytes)              /* end of the last frame field above, in whole words */ \
    FIELD(owner_generator)          /* value of owner: FRAME_OWNED_BY_GENERATOR */ \
    FIELD(owner_shim)               /* value of owner: FRAME_OWNED_BY_CSTACK, 3.14 on \
                                       FRAME_OWNED_BY_INTERPRETER */ \
    FIELD(code_tag_bits)            /* bits of frame_code that are no part of the pointer */ \
    FIELD(code_first_line)          /* PyCodeObject.co_firstlineno, 32 bits */ \
    FIELD(code_filename)            /* ... co_filename */ \
    FIELD(code_name)                /* ... co_name */ \
    FIELD(code_qualname)            /* ... co_qualname */ \
    FIELD(code_lines)               /* ... co_lnotab or co_linetable */ \
    FIELD(code_first_traceable)     /* ... _co_firsttraceable, 32 bits, in code units */ \
    FIELD(code_instructions)        /* ... co_code_adaptive */ \
    FIELD(code_bytes)               /* end of the last code field above */ \
    PM_LAYOUT_OBJECT_FIELDS(FIELD)

enum { PM_LAYOUT_ABSENT = -1 };

/* Upper bounds of frame_bytes and code_bytes in any row. */
enum { PM_LAYOUT_FRAME_BYTES = 160, PM_LAYOUT_CODE_BYTES = 256 };

struct pm_layout_numbers {
#define PM_LAYOUT_DECLARE(name) i32 name;
    PM_LAYOUT_FIELDS(PM_LAYOUT_DECLARE)
#undef PM_LAYOUT_DECLARE
};

/* What the first argument of the evaluation function leads to. */
enum pm_anchor_kind {
    PM_ANCHOR_FRAME,        /* it is the frame */
    PM_ANCHOR_THREAD,       /* a thread state, which points to the frame */
    PM_ANCHOR_CFRAME,       /* a thread state, which points to a _PyCFrame, which points to it */
};

enum pm_position_kind {
    PM_POSITION_BYTES,      /* 32-bit index of a byte in the code, -1 before the first */
    PM_POSITION_UNITS,      /* the same in code units of two bytes */
    PM_POSITION_POINTER,    /* a pointer into the code object */
};

/* How to tell which frame a C call of the evaluation function was made for. A
   throw() into a generator that waits in a "yield from" is handed on to the
   inner generator, and meanwhile _gen_throw (Objects/genobject.c, 3.9 and
   later) puts the waiting generator's frame in the chain though no call runs it. */
enum pm_entry_kind {
    PM_ENTRY_EACH,          /* every frame has a call of its own */
    PM_ENTRY_RUNNING,       /* the same, but for a frame that waits: its stack depth is saved
                               (-1 in one that runs), and not for a trace function's sake */
    PM_ENTRY_CFRAME,        /* each call has a _PyCFrame with its innermost frame; its frames end
                               where those of the previous _PyCFrame begin. The last, without
                               a previous one, belongs to the thread state and to no call */
    PM_ENTRY_SHIM,          /* a frame without Python code, owned by the C stack, lies outside it */
    PM_ENTRY_SHIM_BASE,     /* the same, and outermost lies one of the thread state's, of no call */
};

enum pm_complete_kind {
    PM_COMPLETE_ALWAYS,
    PM_COMPLETE_TRACEABLE,  /* _PyFrame_IsIncomplete: not before the first traceable
                               instruction, unless a generator owns it */
};

enum pm_string_kind {
    PM_STRING_BYTES,        /* str of 2.7 */
    PM_STRING_UNICODE,      /* PEP 393 */
};

/* What a frame is, for what has frames in it. */
enum pm_frames_kind {
    PM_FRAMES_OBJECTS,        /* a PyFrameObject */
    PM_FRAMES_STRUCTS,        /* a _PyInterpreterFrame: in the thread's memory, inside a generator, or in
                               the frame object that outlives it */
};

/* How a frame object that no call runs says which part of its evaluation stack is in use. */
enum pm_values_kind {
    PM_VALUES_UNTOLD,       /* it has no stack of its own, or does not say whether it runs */
    PM_VALUES_TOP,          /* a pointer to the stack's top, NULL if the frame runs or is done; and a
                               byte that says whether it runs */
    PM_VALUES_DEPTH,        /* a count, negative if it runs */
};

/* How objects wait in free lists. */
enum pm_free_list_kind {
    PM_FREE_LIST_ARRAYS,    /* arrays of pointers, which stay when an object is taken out; and lists
                               linked through a field behind the count */
    PM_FREE_LIST_LINKED,    /* lists linked through the place of the reference count */
};

/* Flags of a build that change a layout, or that were tried apart. */
enum {
    PM_BUILD_DEBUG = 1,         /* Py_DEBUG */
    PM_BUILD_TRACE_REFS = 2,    /* Py_TRACE_REFS; implied by Py_DEBUG up to 3.7 */
};

struct pm_layout {
    u32 version_first;      /* as PY_VERSION_HEX, both ends included */
    u32 version_last;
    u32 build;
    enum pm_anchor_kind anchor;
    enum pm_position_kind position;
    enum pm_entry_kind entry;
    enum pm_complete_kind complete;
    enum pm_linetable_kind lines;
    enum pm_string_kind strings;
    enum pm_frames_kind frames;
    enum pm_values_kind values;
    enum pm_free_list_kind free_lists;
    u32 hook_prefix_bytes;  /* what a debug hook keeps before the memory it hands out */
    u32 hook_padding_bytes; /* what it adds to a request, before and after together */
    u32 kept_references;    /* to each of the modules sys, builtins and _warnings: the interpreter's
                               start takes them and nothing gives them back */
    u32 kept_texts;         /* references to each of the texts that the first warning makes and keeps, likewise */
    u32 gc_head_other_bytes;    /* what else PyGC_Head takes in some builds of the version, by which
                                   alone they differ; 0: nothing */
    u32 gc_refs_unit;       /* what the word behind gc_prev counts in; it is -2 of these if the collector does not
                               track the object, whose links then are what was in memory. 0: it tells nothing */
    bool mixes_domains;     /* a block may go back to another interface than it came from */
    bool leaves_garbage;    /* finalization does not run the collector after the modules are gone */
    struct pm_layout_numbers at;
    struct pm_offsets_places offsets;   /* of the interpreter's own table, 3.13 and later */
};

/* The row for a version (as PY_VERSION_HEX) and build flags, or NULL: there is
   no nearest match. */
const struct pm_layout *pm_layout_find(u32 version, u32 build);

/* Whether version is an alpha, a beta or a candidate. A row may hold for them; but their structs
   still move, so that the interpreter's own table is needed besides. */
bool pm_layout_is_preview(u32 version);

/* The rows in order; NULL from index's end on. For tests and dumps. */
const struct pm_layout *pm_layout_row(size_t index);

/* The layout's hook_padding_bytes; the newest row's where no layout is known (NULL). */
u32 pm_layout_hook_padding(const struct pm_layout *layout);

/* Fields of an object that was copied to block, at an offset of the layout. */
static inline u64 pm_layout_u64(const u8 *block, i32 offset)
{
    u64 value;
    pm_copy(&value, block + offset, sizeof value);
    return value;
}

static inline i32 pm_layout_i32(const u8 *block, i32 offset)
{
    i32 value;
    pm_copy(&value, block + offset, sizeof value);
    return value;
}

#endif
