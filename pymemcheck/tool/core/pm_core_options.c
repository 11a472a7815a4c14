/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of the core that the core does not show to tools. */
#include "tool/core/pm_core_symbols.h"

#include "tool/core/pm_core.h"

unsigned pm_core_sanity_level(void)
{
#if PM_CORE_SANITY
    return vgPlain_clo_sanity_level < 0 ? 0 : (unsigned)vgPlain_clo_sanity_level;
#else
    return 1;
#endif
}

bool pm_core_reads_debug_info(void)
{
#if PM_CORE_LINES
    return vgPlain_clo_read_inline_info || vgPlain_clo_read_var_info || vgPlain_clo_debug_dump_line;
#else
    return true;
#endif
}
