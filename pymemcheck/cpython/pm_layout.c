/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_layout.h"

#include "cpython/pm_layout_table.h"

/* All final releases of one minor version. */
#define MINOR(major, minor) \
    .version_first = ((u32)(major) << 24) | ((u32)(minor) << 16) | 0xf0, \
    .version_last = ((u32)(major) << 24) | ((u32)(minor) << 16) | 0xffff

/* The alphas, betas and candidates too, by their own tables. */
#define MINOR_AND_PREVIEWS(major, minor) \
    .version_first = ((u32)(major) << 24) | ((u32)(minor) << 16) | 0xa0, \
    .version_last = ((u32)(major) << 24) | ((u32)(minor) << 16) | 0xffff

/* What a debug hook puts around the memory that it returns (_PyMem_DebugRawAlloc, Objects/obmalloc.c).
   Before it: a word with the size, and a word with the letter of the domain and guard bytes.
   Behind it: a word of guard bytes and, up to 3.7, a word with a serial number. Later versions have
   the serial number only with PYMEM_DEBUG_SERIALNO, which no build option defines. */
#define HOOK_OF_4_WORDS .hook_prefix_bytes = 16, .hook_padding_bytes = 32
#define HOOK_OF_3_WORDS .hook_prefix_bytes = 16, .hook_padding_bytes = 24

#define ONE_CALL_A_FRAME \
    .entry = PM_ENTRY_EACH, .complete = PM_COMPLETE_ALWAYS
#define FRAME_ARGUMENT \
    .anchor = PM_ANCHOR_FRAME, .position = PM_POSITION_BYTES, ONE_CALL_A_FRAME

/* Up to 3.8 Python/pylifecycle.c (_Py_InitializeEx_Private, new_interpreter) never releases what
   _PySys_Create, _PyBuiltin_Init and _PyWarnings_Init return. In 2.7 these return borrowed references. */
#define KEEPS_START_MODULES .kept_references = 1

/* Python/pythonrun.c (Py_Finalize): "This is disabled because it caused too many problems". */
#define LEAVES_GARBAGE .leaves_garbage = true

/* In 2.7 PyMem_MALLOC and others are macros for the C library's functions or for PyObject_MALLOC, as the
   build was configured, and stand beside functions of these names (Include/pymem.h, objimpl.h). */
#define MIXES_DOMAINS .mixes_domains = true

/* Objects/frameobject.c, 3.6 to 3.9; 3.10. */
#define VALUES_TOP .values = PM_VALUES_TOP
#define VALUES_DEPTH .values = PM_VALUES_DEPTH

/* _PyFreeList_PushObj, Include/internal/pycore_freelist.h. */
#define LINKED_FREE_LISTS .free_lists = PM_FREE_LIST_LINKED

/* Include/objimpl.h: PyGC_Head is aligned as a double up to 3.7.3, and as a long double from 3.7.4 on and in
   2.7. Some distributions of older versions have the newer header (pyenv's 3.6.15), so that the version
   does not tell. */
#define GC_HEAD_OF_3_WORDS .gc_head_other_bytes = 24

/* Include/objimpl.h: gc_refs; from 3.4 to 3.7 its lowest bit is a flag (_PyGC_REFS_SHIFT). */
#define GC_REFS .gc_refs_unit = 1
#define GC_REFS_AND_FLAG .gc_refs_unit = 2

/* Python/_warnings.c (is_internal_frame), 3.6 to 3.10. */
#define KEEPS_WARNING_TEXTS .kept_texts = 1

#define WITH_LOCATIONS \
    .position = PM_POSITION_POINTER, .complete = PM_COMPLETE_TRACEABLE, \
    .lines = PM_LINETABLE_LOCATIONS, .strings = PM_STRING_UNICODE, .frames = PM_FRAMES_STRUCTS, \
    HOOK_OF_3_WORDS

/* What all builds of a minor version have in common. */
#define COMMON_2_7 \
    MINOR(2, 7), FRAME_ARGUMENT, LEAVES_GARBAGE, MIXES_DOMAINS, GC_REFS, \
    .lines = PM_LINETABLE_UNSIGNED, .strings = PM_STRING_BYTES, HOOK_OF_4_WORDS
#define COMMON_3_6 \
    MINOR(3, 6), FRAME_ARGUMENT, KEEPS_WARNING_TEXTS, KEEPS_START_MODULES, \
    VALUES_TOP, GC_HEAD_OF_3_WORDS, GC_REFS_AND_FLAG, \
    .lines = PM_LINETABLE_SIGNED, .strings = PM_STRING_UNICODE, HOOK_OF_4_WORDS
#define COMMON_3_7 \
    MINOR(3, 7), FRAME_ARGUMENT, KEEPS_WARNING_TEXTS, KEEPS_START_MODULES, \
    VALUES_TOP, GC_HEAD_OF_3_WORDS, GC_REFS_AND_FLAG, \
    .lines = PM_LINETABLE_SIGNED, .strings = PM_STRING_UNICODE, HOOK_OF_4_WORDS
#define COMMON_3_8 \
    MINOR(3, 8), FRAME_ARGUMENT, KEEPS_WARNING_TEXTS, KEEPS_START_MODULES, VALUES_TOP, \
    .lines = PM_LINETABLE_SIGNED, .strings = PM_STRING_UNICODE, HOOK_OF_3_WORDS
#define COMMON_3_9 \
    MINOR(3, 9), ONE_CALL_A_FRAME, KEEPS_WARNING_TEXTS, VALUES_TOP, \
    .anchor = PM_ANCHOR_THREAD, .position = PM_POSITION_BYTES, \
    .lines = PM_LINETABLE_SIGNED, .strings = PM_STRING_UNICODE, HOOK_OF_3_WORDS
#define COMMON_3_10 \
    MINOR(3, 10), KEEPS_WARNING_TEXTS, VALUES_DEPTH, .anchor = PM_ANCHOR_THREAD, .position = PM_POSITION_UNITS, \
    .entry = PM_ENTRY_RUNNING, .complete = PM_COMPLETE_ALWAYS, \
    .lines = PM_LINETABLE_RANGES, .strings = PM_STRING_UNICODE, HOOK_OF_3_WORDS
#define COMMON_3_11 \
    MINOR(3, 11), .anchor = PM_ANCHOR_CFRAME, .entry = PM_ENTRY_CFRAME, WITH_LOCATIONS
#define COMMON_3_12 \
    MINOR(3, 12), .anchor = PM_ANCHOR_CFRAME, .entry = PM_ENTRY_SHIM, WITH_LOCATIONS
#define COMMON_3_13 \
    MINOR(3, 13), .anchor = PM_ANCHOR_THREAD, .entry = PM_ENTRY_SHIM, WITH_LOCATIONS, \
    .offsets = PM_LAYOUT_OFFSETS_3_13
#define COMMON_3_14 \
    MINOR(3, 14), .anchor = PM_ANCHOR_THREAD, .entry = PM_ENTRY_SHIM, WITH_LOCATIONS, \
    LINKED_FREE_LISTS, .offsets = PM_LAYOUT_OFFSETS_3_14
#define COMMON_3_15 \
    MINOR_AND_PREVIEWS(3, 15), .anchor = PM_ANCHOR_THREAD, .entry = PM_ENTRY_SHIM_BASE, \
    WITH_LOCATIONS, LINKED_FREE_LISTS, .offsets = PM_LAYOUT_OFFSETS_3_15

#define ROW(name, build_, numbers) \
    { COMMON_##name, .build = build_, .at = PM_LAYOUT_NUMBERS_##numbers }

/* Up to 3.7 Py_DEBUG implies Py_TRACE_REFS. */
#define BUILDS_UNTIL_3_7(name) \
    ROW(name, 0, name), \
    ROW(name, PM_BUILD_TRACE_REFS, name##_TRACE_REFS), \
    ROW(name, PM_BUILD_DEBUG | PM_BUILD_TRACE_REFS, name##_DEBUG_TRACE_REFS)

#define BUILDS(name) \
    ROW(name, 0, name), \
    ROW(name, PM_BUILD_DEBUG, name##_DEBUG), \
    ROW(name, PM_BUILD_TRACE_REFS, name##_TRACE_REFS), \
    ROW(name, PM_BUILD_DEBUG | PM_BUILD_TRACE_REFS, name##_DEBUG_TRACE_REFS)

static const struct pm_layout rows[] = {
    BUILDS_UNTIL_3_7(2_7),
    BUILDS_UNTIL_3_7(3_6),
    BUILDS_UNTIL_3_7(3_7),
    BUILDS(3_8),
    BUILDS(3_9),
    BUILDS(3_10),
    BUILDS(3_11),
    BUILDS(3_12),
    BUILDS(3_13),
    BUILDS(3_14),
    BUILDS(3_15),
};

const struct pm_layout *pm_layout_find(u32 version, u32 build)
{
    for (size_t i = 0; i < PM_ARRAY_LENGTH(rows); i++)
        if (rows[i].version_first <= version && version <= rows[i].version_last
                && rows[i].build == build)
            return &rows[i];
    return NULL;
}

bool pm_layout_is_preview(u32 version)
{
    return (version & 0xf0) < 0xf0;
}

const struct pm_layout *pm_layout_row(size_t index)
{
    return index < PM_ARRAY_LENGTH(rows) ? &rows[index] : NULL;
}

u32 pm_layout_hook_padding(const struct pm_layout *layout)
{
    if (layout == NULL)
        layout = &rows[PM_ARRAY_LENGTH(rows) - 1];
    return layout->hook_padding_bytes;
}
