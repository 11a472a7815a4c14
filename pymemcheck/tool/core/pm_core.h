/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tool uses of Valgrind's core beyond the headers made for tools: the
   core is linked in, and these have been there with the same meaning from 3.19
   to 3.27 (coregrind/pub_core_options.h, pub_core_errormgr.h, pub_core_clientstate.h,
   pub_core_stacktrace.h, pub_core_stacks.h). A core that lacks one does not link.
   docs/decisions/suppressions.md says why the options are needed, pm_unwind.c why the others are. */
#ifndef PM_CORE_H
#define PM_CORE_H

#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"
#include "pub_tool_xarray.h"

/* --gen-suppressions=: 0 no, 1 ask, 2 all. */
extern Int VG_(clo_gen_suppressions);
/* --default-suppressions= */
extern Bool VG_(clo_default_supp);
/* Names of suppression files (HChar *), which the core reads after the tool has begun. */
extern XArray *VG_(clo_suppressions);
/* --sanity-level=, 1 by default. */
extern Int VG_(clo_sanity_level);
/* --read-inline-info=, --read-var-info=, --debug-dump=line: the core's own reading of lines. */
extern Bool VG_(clo_read_inline_info);
extern Bool VG_(clo_read_var_info);
extern Bool VG_(clo_debug_dump_line);
/* --fullpath-after=: HChar *. */
extern XArray *VG_(clo_fullpath_after);
/* --log-file= and --xml-file= as they were given; NULL if they were not. */
extern const HChar *VG_(clo_log_fname_unexpanded);
extern const HChar *VG_(clo_xml_fname_unexpanded);
/* Where the log and the XML output go: OutputSink of pub_core_libcprint.h, whose first field this has been
   from 3.4 on. */
struct pm_output_sink {
    Int fd;
};
extern struct pm_output_sink VG_(log_output_sink), VG_(xml_output_sink);
/* What errno number means. */
extern const HChar *VG_(strerror)(UWord number);
/* The folder with the tools' own files. */
extern const HChar *VG_(libdir);

/* --merge-recursive-frames=, 0: not at all. */
extern Int VG_(clo_merge_recursive_frames);

/* Where an unwinding begins: UnwindStartRegs of pub_core_basics.h, on amd64, with room for what other
   machines have there. */
struct pm_unwind_start {
    ULong r_pc, r_sp, r_rbp;
    ULong others[16];
};

/* Where thread is. */
extern void VG_(get_UnwindStartRegs)(struct pm_unwind_start *start, ThreadId thread);
/* Unwinds from start, and not from where thread is. stack_max: the highest byte of the stack. */
extern UInt VG_(get_StackTrace_wrk)(ThreadId thread, Addr *ips, UInt count, Addr *sps, Addr *fps,
                                    const struct pm_unwind_start *start, Addr stack_max);
/* The limits of the stack that sp is in; not changed if it is in none that is known. */
extern void VG_(stack_limits)(Addr sp, Addr *start, Addr *end);

/* Reads filename with the others given by --suppressions=. Ends the process if it cannot. */
extern void VG_(add_suppression_file)(const HChar *filename);
/* Asks the user; false if there is nobody to ask. Sets *clo to false if asked not to ask again. */
extern Bool VG_(is_action_requested)(const HChar *action, Bool *clo);

/* m_debuginfo/tinfl.c: inflates, and returns how many bytes that gave, or (SizeT)-1. flags: */
extern SizeT tinfl_decompress_mem_to_mem(void *out, SizeT out_bytes, const void *in, SizeT in_bytes,
                                         Int flags);
enum {
    PM_TINFL_PARSE_ZLIB_HEADER = 1,
    PM_TINFL_USING_NON_WRAPPING_OUTPUT_BUF = 4,
};
/* libzstd's own, which cores that read such sections (3.27, not 3.24) contain; returns how many bytes that
   gave, or a number near to (SizeT)-1. */
extern SizeT ZSTD_decompress(void *out, SizeT out_bytes, const void *in, SizeT in_bytes)
    __attribute__((weak));

#endif
