/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/pm_json_types.h"

#include "base/pm_platform.h"

enum column { COLUMN_STACK, COLUMN_TYPE, COLUMN_BYTES, COLUMN_BLOCKS };

static u64 value_of(const struct pm_type_sum *sum, enum column column)
{
    switch (column) {
    case COLUMN_STACK:
        return sum->stack.v;
    case COLUMN_TYPE:
        return sum->type.v;
    case COLUMN_BYTES:
        return sum->bytes;
    case COLUMN_BLOCKS:
        return sum->blocks;
    }
    return 0;
}

void pm_json_write_types(struct pm_emitter *out, const struct pm_type_sums *sums)
{
    static const char *const names[] = {
        [COLUMN_STACK] = "stack",
        [COLUMN_TYPE] = "type",
        [COLUMN_BYTES] = "bytes",
        [COLUMN_BLOCKS] = "blocks",
    };

    pm_emitter_key(out, "in_use");
    if (!sums->counted) {
        pm_emitter_null(out);
        pm_emitter_key(out, "types");
        pm_emitter_null(out);
        return;
    }
    pm_emitter_list_begin(out, PM_EMITTER_INLINE);
    pm_emitter_u64(out, sums->in_use_bytes);
    pm_emitter_u64(out, sums->in_use_blocks);
    pm_emitter_list_end(out);
    pm_emitter_key(out, "types");
    pm_emitter_dict_begin(out, PM_EMITTER_LINES);
    for (u32 column = 0; column < PM_ARRAY_LENGTH(names); column++) {
        pm_emitter_key(out, names[column]);
        pm_emitter_list_begin(out, PM_EMITTER_WRAPPED);
        for (u32 i = 0; i < sums->count; i++)
            pm_emitter_u64(out, value_of(&sums->entries[i], (enum column)column));
        pm_emitter_list_end(out);
    }
    pm_emitter_dict_end(out);
}
