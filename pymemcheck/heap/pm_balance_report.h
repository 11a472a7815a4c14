/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a report says of watched objects. A view: it owns nothing. */
#ifndef PM_BALANCE_REPORT_H
#define PM_BALANCE_REPORT_H

#include "heap/pm_balance_judge.h"
#include "heap/pm_frames.h"

struct pm_balance_report {
    const struct pm_balance *balance;
    const struct pm_frames *frames;
    bool all;                   /* also show what is balanced, and list living objects */
    u64 immortal;               /* chosen objects whose count never changes again */
    u32 not_found;              /* names that no object had (--watch-refs=object:) */
    /* Of living objects that are in no loss record, one for each group. */
    const struct pm_balance_verdict *const *others;
    u32 other_count;
};

#endif
