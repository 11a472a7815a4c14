/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which function a call instruction called, from its return address: the stack does not say, since a
   function that ends with a call of another jumps there and is not on it. PyMem_Free is such a one. */
#ifndef PM_CALLSITE_H
#define PM_CALLSITE_H

#include "base/pm_reader.h"
#include "base/pm_types.h"

/* The name of the function, good until the next question about debug information; NULL when it
   cannot be known: the call was through a register or a table, or the target is no function's
   start. Calls through the procedure linkage table are followed. */
const char *pm_callsite_function(struct pm_reader *reader, u64 return_address);

#endif
