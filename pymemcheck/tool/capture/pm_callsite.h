/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which function a call instruction called, found from its return address. The stack does not say
   so: a function that ends with a call of another one jumps there, and leaves the stack before.
   PyMem_Free is such a function. */
#ifndef PM_CALLSITE_H
#define PM_CALLSITE_H

#include "base/pm_reader.h"
#include "base/pm_types.h"

/* The name of the function, valid until the next question about debug information. NULL if it is not
   known: the call went through a register or a table, or its target is not the start of a
   function. Calls through the procedure linkage table are followed. */
const char *pm_callsite_function(struct pm_reader *reader, u64 return_address);

/* The address that was called; false as above, except that it need not be the start of a function. */
bool pm_callsite_target(struct pm_reader *reader, u64 return_address, u64 *target);

#endif
