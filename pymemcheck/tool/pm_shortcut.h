/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A short way from the program's malloc to ours.

   The core's replacement of malloc calls the tool by a client request, which
   leaves translated code, goes through the scheduler and comes back. Here the
   end of such a block is given a helper call that carries the request out on
   the spot; any other request still takes the core's way. */
#ifndef PM_SHORTCUT_H
#define PM_SHORTCUT_H

#include "pub_tool_basics.h"
#include "pub_tool_tooliface.h"

/* If block ends in a client request, returns a copy that tries the short way
   first; else block itself. */
IRSB *pm_shortcut_instrument(IRSB *block, const VexGuestLayout *layout);

#endif
