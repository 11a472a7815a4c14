/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tool keeps from one request of the program to the next. Part of struct pm_run. */
#ifndef PM_REQUESTS_STATE_H
#define PM_REQUESTS_STATE_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"
#include "preload/pymemcheck.h"

struct pm_requests_state {
    bool searching;                     /* a leak search is under way */
    bool searched;                      /* the rest is of the last one that a request made */
    struct pymemcheck_search search;    /* its results */
    struct pm_buffer records;           /* its JSON text */

    u32 profiles;                       /* files written under numbered names */
    u32 warnings;                       /* of unbalanced phases */
};

#endif
