/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unused words at both ends of a collections.deque, for pm_object*.c only. */
#ifndef PM_OBJECT_DEQUE_H
#define PM_OBJECT_DEQUE_H

#include "cpython/pm_object_state.h"

struct pm_object_deque_ends {
    u64 left, first_used;           /* the leftmost block; unused up to first_used */
    u64 right, end_used, end;       /* the rightmost block; unused from end_used up to end */
};

/* Fills ends for the deque at an address; false: they are not known. */
bool pm_object_deque_ends(struct pm_objects *objects, u64 deque, struct pm_object_deque_ends *ends);

#endif
