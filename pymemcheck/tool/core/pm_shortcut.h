/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A short way from the program's malloc to ours.

   The core's replacement of malloc calls the tool by a client request, which
   leaves translated code, goes through the scheduler and comes back. Here the
   end of such a block is given a helper call that carries the request out on
   the spot; any other request still takes the core's way.

   What small requests need is done even before: at the entry of the replacements of
   malloc, calloc and free, which then return at once. */
#ifndef PM_SHORTCUT_H
#define PM_SHORTCUT_H

#include "pub_tool_basics.h"
#include "pub_tool_tooliface.h"

/* address: of the block's first instruction. If block ends in a client request or is an entry of the core's malloc, calloc or free,
   returns a copy that tries the short way first; else block itself. */
IRSB *pm_shortcut_instrument(IRSB *block, Addr address, const VexGuestLayout *layout);

#endif
