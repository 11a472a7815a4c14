/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The code put before each store of the program, and the table that it looks at: a byte for each address, by a hash. It is
   not 0 if a watched count may be there. Addresses on the stack, which is seen from the code, are
   not looked up. */
#ifndef PM_WATCH_CODE_H
#define PM_WATCH_CODE_H

#include "pub_tool_basics.h"
#include "pub_tool_tooliface.h"

#include "base/pm_types.h"

struct pm_run;

/* Returns block with the tests added; itself if it has no store, or nothing is watched. While the watch sleeps
   (pm_watch_wake.h) the one test added is whether it does. */
IRSB *pm_watch_instrument(struct pm_run *run, IRSB *block, const VexGuestLayout *layout);

/* From now on stores are tested. Code that was translated before is translated again, before it stores
   anything. */
void pm_watch_code_wake(void);

/* Counts how many watched counts share the byte of an address. */
void pm_watch_code_mark(u64 address);
void pm_watch_code_unmark(u64 address);
bool pm_watch_code_is_marked(u64 address);

#endif
