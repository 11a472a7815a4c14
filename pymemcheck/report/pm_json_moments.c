/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/pm_json_moments.h"

#include "base/pm_platform.h"

enum column { COLUMN_NAME, COLUMN_SERIAL, COLUMN_ELAPSED, COLUMN_TOTAL_BYTES, COLUMN_LIVE_BYTES, COLUMN_LIVE_BLOCKS };

static u64 value_of(const struct pm_moment *moment, enum column column)
{
    switch (column) {
    case COLUMN_NAME:
        return moment->name.v;
    case COLUMN_SERIAL:
        return moment->serial;
    case COLUMN_ELAPSED:
        return moment->elapsed_ms;
    case COLUMN_TOTAL_BYTES:
        return moment->total_bytes;
    case COLUMN_LIVE_BYTES:
        return moment->live_bytes;
    case COLUMN_LIVE_BLOCKS:
        return moment->live_blocks;
    }
    return 0;
}

static void write_column(struct pm_emitter *out, const struct pm_moments *moments, enum column column)
{
    pm_emitter_list_begin(out, PM_EMITTER_WRAPPED);
    for (u32 i = 0; i < moments->count; i++)
        pm_emitter_u64(out, value_of(&moments->list[i], column));
    pm_emitter_list_end(out);
}

/* [site, bytes, blocks, site, bytes, blocks, ...] */
static void write_changes(struct pm_emitter *out, const struct pm_moment *moment)
{
    pm_emitter_list_begin(out, PM_EMITTER_WRAPPED);
    for (u32 i = 0; i < moment->change_count; i++) {
        const struct pm_moment_change *change = &moment->changes[i];
        const u64 values[] = { change->site, change->bytes, change->blocks };
        pm_emitter_u64_items(out, values, PM_ARRAY_LENGTH(values));
    }
    pm_emitter_list_end(out);
}

void pm_json_write_moments(struct pm_emitter *out, const struct pm_moments *moments)
{
    static const char *const names[] = {
        [COLUMN_NAME] = "name",
        [COLUMN_SERIAL] = "serial",
        [COLUMN_ELAPSED] = "elapsed_ms",
        [COLUMN_TOTAL_BYTES] = "total_bytes",
        [COLUMN_LIVE_BYTES] = "live_bytes",
        [COLUMN_LIVE_BLOCKS] = "live_blocks",
    };

    pm_emitter_key(out, "snapshots");
    if (moments == NULL || moments->count == 0) {
        pm_emitter_null(out);
        return;
    }
    pm_emitter_dict_begin(out, PM_EMITTER_LINES);
    for (size_t column = 0; column < PM_ARRAY_LENGTH(names); column++) {
        pm_emitter_key(out, names[column]);
        write_column(out, moments, (enum column)column);
    }
    pm_emitter_key(out, "changes");
    pm_emitter_list_begin(out, PM_EMITTER_LINES);
    for (u32 i = 0; i < moments->count; i++)
        write_changes(out, &moments->list[i]);
    pm_emitter_list_end(out);
    pm_emitter_dict_end(out);
}
