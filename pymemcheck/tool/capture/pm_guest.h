/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What additions to translated code need: values, and which of the program's registers a helper call reads or changes,
   which VEX must be told. */
#ifndef PM_GUEST_H
#define PM_GUEST_H

#include "pub_tool_basics.h"
#include "pub_tool_tooliface.h"

/* Adds the value of expression, of that type, to block; returns it as an atom. */
IRExpr *pm_guest_assign(IRSB *block, IRType type, IRExpr *expression);

/* Declares that call reads the registers from which the unwinder starts, so that VEX writes them
   back before the call. */
void pm_guest_reads_stack(IRDirty *call, const VexGuestLayout *layout);

/* The same for all general registers and the instruction pointer: roots of a leak search. */
void pm_guest_reads_registers(IRDirty *call, const VexGuestLayout *layout);

/* Declares that call reads bytes of the register state at offset. */
void pm_guest_reads(IRDirty *call, Int offset, Int bytes);

/* Declares that call changes bytes of the register state at offset. */
void pm_guest_modifies(IRDirty *call, Int offset, Int bytes);

#endif
