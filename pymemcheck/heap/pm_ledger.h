/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A second set of books, kept from events alone.

   A listener (pm_events.h) that replays each event in a table of its own. At any time its live
   blocks must be those of the real tables. The tool keeps one with --sanity-level=2: it shows
   that events are complete, so that other listeners can rely on them.

   Cost: one look-up and about 40 bytes for each live block. */
#ifndef PM_LEDGER_H
#define PM_LEDGER_H

#include "base/pm_types.h"
#include "heap/pm_blocks.h"
#include "heap/pm_events.h"
#include "heap/pm_sites.h"

struct pm_ledger {
    struct pm_blocks blocks;    /* without slabs */
    struct pm_blocks custom;    /* of PM_BLOCK_CUSTOM: they may lie where others lie */
    u64 live_bytes;             /* padding included */
    u64 events;
    u64 serial;                 /* of the newest allocation */
    const char *wrong;          /* the first contradiction; NULL: none */
};

void pm_ledger_init(struct pm_ledger *ledger);
void pm_ledger_release(struct pm_ledger *ledger);

/* Replays an event; to be given to pm_events_listen with the ledger as context. What contradicts
   earlier events is kept in ledger->wrong. */
void pm_ledger_on_event(void *ledger, const struct pm_event *event);

/* What is wrong: of earlier events, or where the ledger and the tables differ. NULL: nothing. */
const char *pm_ledger_compare(const struct pm_ledger *ledger, const struct pm_blocks *blocks,
                              const struct pm_sites *sites);

#endif
