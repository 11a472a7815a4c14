/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A short way from the program's malloc to ours (feature "shortcut").

   The core's replacement of malloc calls the tool by a client request, which leaves translated code,
   goes through the scheduler and comes back. We add a helper call to the end of such a block, which
   carries the request out on the spot. Any other request still takes the core's way.

   Small requests are carried out even earlier: at the entry of the replacements of malloc, calloc and
   free, which then return at once. docs/decisions/shortcut.md has more. */
#ifndef PM_SHORTCUT_H
#define PM_SHORTCUT_H

#include "pub_tool_basics.h"
#include "pub_tool_tooliface.h"

/* address: the block's first instruction. If block ends in a client request, or is an entry of the core's
   malloc, calloc or free, returns a copy that tries the short way first. Else, and without the
   feature, returns block itself. */
IRSB *pm_shortcut_instrument(IRSB *block, Addr address, const VexGuestLayout *layout);

#endif
