/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What helper calls in translated code must say of the program's registers. */
#ifndef PM_GUEST_H
#define PM_GUEST_H

#include "pub_tool_basics.h"
#include "pub_tool_tooliface.h"

/* Declares that call reads the registers from which the unwinder starts: they
   must be up to date when it is made. */
void pm_guest_reads_stack(IRDirty *call, const VexGuestLayout *layout);

/* The same for all general registers and the instruction pointer: what a leak search
   starts from. */
void pm_guest_reads_registers(IRDirty *call, const VexGuestLayout *layout);

/* Declares that call reads bytes of the register state at offset. */
void pm_guest_reads(IRDirty *call, Int offset, Int bytes);

/* Declares that call changes bytes of the register state at offset. */
void pm_guest_modifies(IRDirty *call, Int offset, Int bytes);

#endif
