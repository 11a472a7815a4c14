/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_layout.h"

#include "cpython/pm_layout_table.h"

/* All final releases of one minor version. Alphas, betas and candidates have no
   row: their structs still move. */
#define MINOR(major, minor) \
    .version_first = ((u32)(major) << 24) | ((u32)(minor) << 16) | 0xf0, \
    .version_last = ((u32)(major) << 24) | ((u32)(minor) << 16) | 0xffff

/* What Objects/obmalloc.c (_PyMem_DebugRawAlloc) puts round the memory that a
   debug hook hands out. Before it: a word with the size, and a word with the
   letter of the domain and guard bytes. After it: a word of guard bytes and, up
   to 3.7, a word with a serial number; later that needs PYMEM_DEBUG_SERIALNO,
   which no build option defines. */
#define HOOK_OF_4_WORDS .hook_prefix_bytes = 16, .hook_padding_bytes = 32
#define HOOK_OF_3_WORDS .hook_prefix_bytes = 16, .hook_padding_bytes = 24

#define ONE_CALL_A_FRAME \
    .entry = PM_ENTRY_EACH, .complete = PM_COMPLETE_ALWAYS
#define FRAME_ARGUMENT \
    .anchor = PM_ANCHOR_FRAME, .position = PM_POSITION_BYTES, ONE_CALL_A_FRAME

/* Each row was tried by tests/oracle/test_layouts.py on the releases that
   pm_layout_table.h names above its numbers. */
static const struct pm_layout rows[] = {
    {
        MINOR(2, 7), FRAME_ARGUMENT,
        .lines = PM_LINETABLE_UNSIGNED, .strings = PM_STRING_BYTES,
        HOOK_OF_4_WORDS,
        .at = PM_LAYOUT_NUMBERS_2_7,
    },
    {
        MINOR(3, 6), FRAME_ARGUMENT,
        .lines = PM_LINETABLE_SIGNED, .strings = PM_STRING_UNICODE,
        HOOK_OF_4_WORDS,
        .at = PM_LAYOUT_NUMBERS_3_6,
    },
    {
        MINOR(3, 7), FRAME_ARGUMENT,
        .lines = PM_LINETABLE_SIGNED, .strings = PM_STRING_UNICODE,
        HOOK_OF_4_WORDS,
        .at = PM_LAYOUT_NUMBERS_3_7,
    },
    {
        MINOR(3, 8), FRAME_ARGUMENT,
        .lines = PM_LINETABLE_SIGNED, .strings = PM_STRING_UNICODE,
        HOOK_OF_3_WORDS,
        .at = PM_LAYOUT_NUMBERS_3_8,
    },
    {
        MINOR(3, 9), ONE_CALL_A_FRAME,
        .anchor = PM_ANCHOR_THREAD, .position = PM_POSITION_BYTES,
        .lines = PM_LINETABLE_SIGNED, .strings = PM_STRING_UNICODE,
        HOOK_OF_3_WORDS,
        .at = PM_LAYOUT_NUMBERS_3_9,
    },
    {
        MINOR(3, 10),
        .anchor = PM_ANCHOR_THREAD, .position = PM_POSITION_UNITS,
        .entry = PM_ENTRY_RUNNING, .complete = PM_COMPLETE_ALWAYS,
        .lines = PM_LINETABLE_RANGES, .strings = PM_STRING_UNICODE,
        HOOK_OF_3_WORDS,
        .at = PM_LAYOUT_NUMBERS_3_10,
    },
    {
        MINOR(3, 11),
        .anchor = PM_ANCHOR_CFRAME, .position = PM_POSITION_POINTER,
        .entry = PM_ENTRY_CFRAME, .complete = PM_COMPLETE_TRACEABLE,
        .lines = PM_LINETABLE_LOCATIONS, .strings = PM_STRING_UNICODE,
        HOOK_OF_3_WORDS,
        .at = PM_LAYOUT_NUMBERS_3_11,
    },
    {
        MINOR(3, 11), .build = PM_BUILD_DEBUG,
        .anchor = PM_ANCHOR_CFRAME, .position = PM_POSITION_POINTER,
        .entry = PM_ENTRY_CFRAME, .complete = PM_COMPLETE_TRACEABLE,
        .lines = PM_LINETABLE_LOCATIONS, .strings = PM_STRING_UNICODE,
        HOOK_OF_3_WORDS,
        .at = PM_LAYOUT_NUMBERS_3_11_DEBUG,
    },
    {
        MINOR(3, 12),
        .anchor = PM_ANCHOR_CFRAME, .position = PM_POSITION_POINTER,
        .entry = PM_ENTRY_SHIM, .complete = PM_COMPLETE_TRACEABLE,
        .lines = PM_LINETABLE_LOCATIONS, .strings = PM_STRING_UNICODE,
        HOOK_OF_3_WORDS,
        .at = PM_LAYOUT_NUMBERS_3_12,
    },
    {
        MINOR(3, 13),
        .anchor = PM_ANCHOR_THREAD, .position = PM_POSITION_POINTER,
        .entry = PM_ENTRY_SHIM, .complete = PM_COMPLETE_TRACEABLE,
        .lines = PM_LINETABLE_LOCATIONS, .strings = PM_STRING_UNICODE,
        HOOK_OF_3_WORDS,
        .at = PM_LAYOUT_NUMBERS_3_13,
    },
};

const struct pm_layout *pm_layout_find(u32 version, u32 build)
{
    for (size_t i = 0; i < PM_ARRAY_LENGTH(rows); i++)
        if (rows[i].version_first <= version && version <= rows[i].version_last
                && rows[i].build == build)
            return &rows[i];
    return NULL;
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
