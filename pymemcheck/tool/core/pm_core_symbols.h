/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Declares the symbols of pm_core_table.h. Only files in this folder include it: other rooms call
   the functions of pm_core.h. */
#ifndef PM_CORE_SYMBOLS_H
#define PM_CORE_SYMBOLS_H

#include "config.h"

#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"
#include "pub_tool_stacktrace.h"
#include "pub_tool_xarray.h"

#include "libvex_ir.h"

#include "base/pm_types.h"

/* UnwindStartRegs of coregrind/pub_core_basics.h on amd64, with room for what other machines have
   there. */
struct pm_core_unwind_registers {
    ULong r_pc, r_sp, r_rbp;
    ULong others[16];
};

/* OutputSink of coregrind/pub_core_libcprint.h. build-aux/check-core has a copy, for its size. */
struct pm_core_output_sink {
    Int fd;
    Int type;                   /* an enum */
    HChar *expanded_name;
};

/* Set when the core begins to die of a broken assertion (pm_core_lines.c, feature "lines"). */
extern bool pm_lines_core_dies;

#define PM_CORE_VARIABLE(feature, since, type, symbol) extern type symbol;
#define PM_CORE_FUNCTION(feature, since, result, symbol, arguments) extern result symbol arguments;
#define PM_CORE_WRAP(feature, since, result, symbol, arguments) \
    extern result __real_##symbol arguments; \
    extern result __wrap_##symbol arguments;
#define PM_CORE_JUMP(feature, since, symbol) extern void __wrap_##symbol(void);
#include "tool/core/pm_core_table.h"

#endif
