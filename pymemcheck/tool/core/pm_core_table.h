/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that the tool uses of Valgrind beyond its tool API: one row each, grouped by feature.

   Two readers expand this table. pm_core_symbols.h declares each symbol from its row. configure
   (build-aux/check-core) proves each row for the Valgrind at hand, and switches off the features
   that have a row it cannot prove. config.h then says PM_CORE_<FEATURE> 0, the linker gets no
   --wrap for the feature, and the code takes the other way that "without" describes.

   A reader defines the macros that it needs; the others expand to nothing. There is no include
   guard, since the table is meant to be read several times.

       PM_CORE_SERIES(series)
           A series of Valgrind releases that is known to agree with all rows. The sources of 3.19.0,
           3.20.0 ... 3.27.0 were compared row by row; whole test runs were made with 3.19.0, 3.24.0 and
           3.27.1.
       PM_CORE_FEATURE(feature, gain, without)
           What the feature gains, as measured, and what happens without it.
       PM_CORE_VARIABLE(feature, since, type, symbol)
       PM_CORE_FUNCTION(feature, since, result, symbol, arguments)
           A variable or function of the core that we use.
       PM_CORE_WRAP(feature, since, result, symbol, arguments)
           A function that we interpose: the linker (--wrap) leads calls from other files to
           __wrap_<symbol>, and ours calls __real_<symbol>.
       PM_CORE_JUMP(feature, since, symbol)
           The same for a function whose arguments ours passes on untouched: its type is not needed.
       PM_CORE_BEHAVIOUR(feature, since, what)
           What we rely on and no prototype tells. Only a known series proves it.
       PM_CORE_EXPANSION(feature, since, expression, text)
           valgrind.h expands expression to something that contains text.

   since: the first release that has it; 3.19 is the oldest that pymemcheck supports.

   A row is proved by the first of these that applies: the size of a variable in the static library; the
   installed headers, where they declare the symbol; DWARF of the static library, where it has any; the
   known series. Types of pointers are compared as pointers: what they point to is not.

   Not in this table: the tool API (pub_tool_*.h), VEX's public headers (libvex*.h, which tools
   include), and what valgrind.h promises to programs. */

#ifndef PM_CORE_SERIES
#define PM_CORE_SERIES(series)
#endif
#ifndef PM_CORE_FEATURE
#define PM_CORE_FEATURE(feature, gain, without)
#endif
#ifndef PM_CORE_VARIABLE
#define PM_CORE_VARIABLE(feature, since, type, symbol)
#endif
#ifndef PM_CORE_FUNCTION
#define PM_CORE_FUNCTION(feature, since, result, symbol, arguments)
#endif
#ifndef PM_CORE_WRAP
#define PM_CORE_WRAP(feature, since, result, symbol, arguments)
#endif
#ifndef PM_CORE_JUMP
#define PM_CORE_JUMP(feature, since, symbol)
#endif
#ifndef PM_CORE_BEHAVIOUR
#define PM_CORE_BEHAVIOUR(feature, since, what)
#endif
#ifndef PM_CORE_EXPANSION
#define PM_CORE_EXPANSION(feature, since, expression, text)
#endif

PM_CORE_SERIES("3.19")
PM_CORE_SERIES("3.20")
PM_CORE_SERIES("3.21")
PM_CORE_SERIES("3.22")
PM_CORE_SERIES("3.23")
PM_CORE_SERIES("3.24")
PM_CORE_SERIES("3.25")
PM_CORE_SERIES("3.26")
PM_CORE_SERIES("3.27")

/* --- Unwinding from where we choose (tool/capture/pm_unwind.c) --- */

PM_CORE_FEATURE(unwind,
    "import_heavy takes 0.97 of the CPU time with learned unwind rules, compared with remembering stacks"
    " (docs/decisions/unwind-rules.md)",
    "the core unwinds each stack from its innermost frame; reports are the same")
PM_CORE_FUNCTION(unwind, "3.19", UInt, vgPlain_get_StackTrace_wrk,
    (ThreadId thread, Addr *ips, UInt count, Addr *sps, Addr *fps,
     const struct pm_core_unwind_registers *start, Addr stack_max))
PM_CORE_FUNCTION(unwind, "3.19", void, vgPlain_stack_limits, (Addr sp, Addr *start, Addr *end))
PM_CORE_VARIABLE(unwind, "3.19", Int, vgPlain_clo_merge_recursive_frames)
PM_CORE_BEHAVIOUR(unwind, "3.19",
    "UnwindStartRegs (coregrind/pub_core_basics.h) begins with r_pc, r_sp and, on amd64, r_rbp, eight bytes each")
PM_CORE_BEHAVIOUR(unwind, "3.19",
    "a stack is not unwound from its last 512 bytes (coregrind/m_stacktrace.c)")

/* --- Source lines read when they are wanted (pm_core_lines.c, tool/capture/pm_lines.c) --- */

PM_CORE_FEATURE(lines,
    "start_up takes 0.59 s of CPU time instead of 0.81 s (docs/decisions/lines.md)",
    "the core reads all lines of each object as the program loads it; reports have the lines that the core knows")
PM_CORE_JUMP(lines, "3.19", vgModuleLocal_read_debuginfo_dwarf3)
PM_CORE_WRAP(lines, "3.19", void *, vgModuleLocal_img_from_local_file, (const HChar *path))
PM_CORE_WRAP(lines, "3.19", void *, vgModuleLocal_img_from_di_server, (const HChar *name, const HChar *server))
PM_CORE_WRAP(lines, "3.19", void, vgModuleLocal_img_done, (void *image))
PM_CORE_WRAP(lines, "3.19", Bool, vgPlain_get_filename_linenum,
    (DiEpoch epoch, Addr ip, const HChar **file, const HChar **folder, UInt *line))
PM_CORE_WRAP(lines, "3.19", Bool, vgPlain_get_filename, (DiEpoch epoch, Addr ip, const HChar **file))
PM_CORE_WRAP(lines, "3.19", Bool, vgPlain_get_linenum, (DiEpoch epoch, Addr ip, UInt *line))
PM_CORE_WRAP(lines, "3.19", const HChar *, vgPlain_describe_IP, (DiEpoch epoch, Addr ip, const InlIPCursor *cursor))
PM_CORE_WRAP(lines, "3.19", void, vgPlain_pp_StackTrace, (DiEpoch epoch, StackTrace ips, UInt count))
PM_CORE_WRAP(lines, "3.19", void, vgPlain_get_and_pp_StackTrace, (ThreadId thread, UInt most))
PM_CORE_JUMP(lines, "3.19", vgPlain_assert_fail)
PM_CORE_JUMP(lines, "3.19", vgPlain_core_panic)
PM_CORE_JUMP(lines, "3.19", vgPlain_core_panic_at)
PM_CORE_JUMP(lines, "3.19", vgPlain_tool_panic)
PM_CORE_VARIABLE(lines, "3.19", Bool, vgPlain_clo_read_inline_info)
PM_CORE_VARIABLE(lines, "3.19", Bool, vgPlain_clo_read_var_info)
PM_CORE_VARIABLE(lines, "3.19", Bool, vgPlain_clo_debug_dump_line)
PM_CORE_VARIABLE(lines, "3.19", XArray *, vgPlain_clo_fullpath_after)
/* m_debuginfo/tinfl.c. Returns how many bytes it inflated, or (SizeT)-1. */
PM_CORE_FUNCTION(lines, "3.19", SizeT, tinfl_decompress_mem_to_mem,
    (void *out, SizeT out_bytes, const void *in, SizeT in_bytes, Int flags))
PM_CORE_BEHAVIOUR(lines, "3.19",
    "ML_(read_debuginfo_dwarf3) gets the DebugInfo first, returns nothing, and reads only source lines")
PM_CORE_BEHAVIOUR(lines, "3.19",
    "VG_(describe_IP) ends an address without a line by ' (in OBJECT)', in XML by '</frame>'")

/* --- Sections compressed by zstd --- */

PM_CORE_FEATURE(zstd,
    "not measured: it is about lines, not about time",
    "objects with debug information compressed by zstd have no source lines, as under a core that has no zstd")
/* libzstd's own. Returns how many bytes it inflated, or a number near to (SizeT)-1. */
PM_CORE_FUNCTION(zstd, "3.25", SizeT, ZSTD_decompress, (void *out, SizeT out_bytes, const void *in, SizeT in_bytes))

/* --- Passes of translation left out (pm_core_passes.c) --- */

PM_CORE_FEATURE(passes,
    "start_up takes 0.80 of the CPU time of --tool=none instead of 0.89 (docs/decisions/core-defaults.md)",
    "VEX checks and cleans up also the blocks to which the tool added nothing")
PM_CORE_WRAP(passes, "3.19", IRSB *, cprop_BB, (IRSB *block))
PM_CORE_WRAP(passes, "3.19", void, do_deadcode_BB, (IRSB *block))
PM_CORE_WRAP(passes, "3.19", void, sanityCheckIRSB,
    (const IRSB *block, const HChar *caller, Bool require_flat, IRType guest_word))
PM_CORE_BEHAVIOUR(passes, "3.19",
    "LibVEX_Translate instruments a block, calls do_deadcode_BB, cprop_BB, do_deadcode_BB and sanityCheckIRSB last")

/* --- Quick comparison of symbols with patterns (pm_core_match.c) --- */

PM_CORE_FEATURE(match,
    "start_up takes 0.94 of the CPU time (docs/decisions/core-defaults.md)",
    "the core compares each symbol of each object in its own, slower way")
PM_CORE_WRAP(match, "3.19", Bool, vgPlain_string_match, (const HChar *pattern, const HChar *input))

/* --- Opening the log (pm_core_open.c) --- */

PM_CORE_FEATURE(open,
    "comfort, not time: a run goes on when its log cannot be created; processes can share one",
    "the core ends the process, also a forked child, whose log or XML file cannot be created; a program that is run empties"
    " the log of the one that runs it, if both have the same name")
PM_CORE_WRAP(open, "3.19", SysRes, vgPlain_open, (const HChar *path, Int flags, Int mode))
PM_CORE_VARIABLE(open, "3.19", const HChar *, vgPlain_clo_log_fname_unexpanded)
PM_CORE_VARIABLE(open, "3.19", const HChar *, vgPlain_clo_xml_fname_unexpanded)
PM_CORE_FUNCTION(open, "3.19", const HChar *, vgPlain_strerror, (UWord number))

/* --- Writing the log (pm_core_write.c) --- */

PM_CORE_FEATURE(write,
    "comfort, not time: one line on standard error says that the log or XML file takes no more; reports and records of"
    " processes that share a log come out whole",
    "the report is cut off without a word when the disk is full or the file may not grow; lines of processes that"
    " share a log mix")
PM_CORE_WRAP(write, "3.19", void, vgPlain_exit, (Int status))
PM_CORE_WRAP(write, "3.19", Int, vgPlain_write, (Int fd, const void *bytes, Int count))
PM_CORE_VARIABLE(write, "3.19", struct pm_core_output_sink, vgPlain_log_output_sink)
PM_CORE_VARIABLE(write, "3.19", struct pm_core_output_sink, vgPlain_xml_output_sink)
PM_CORE_BEHAVIOUR(write, "3.19", "OutputSink (coregrind/pub_core_libcprint.h) begins with the file descriptor")

/* --- An execve that will fail (pm_core_exec.c) --- */

PM_CORE_FEATURE(exec,
    "comfort, not time: the program gets its error when the interpreter that a file names is missing",
    "the core ends the program when the kernel refuses an execve that the core found possible")
PM_CORE_WRAP(exec, "3.19", SysRes, vgPlain_pre_exec_check, (const HChar *path, Int *fd, Bool allow_setuid))
PM_CORE_FUNCTION(exec, "3.19", SysRes, vgPlain_mk_SysRes_Error, (UWord error))

/* --- Memory for the report where the address space is limited (pm_core_reserve.c) --- */

PM_CORE_FEATURE(reserve,
    "comfort, not time: there is a report also where RLIMIT_AS leaves no more memory",
    "the core ends the process when the system gives it no more memory, and there is no report")
PM_CORE_WRAP(reserve, "3.19", SysRes, vgPlain_am_mmap_anon_float_valgrind, (SizeT bytes))
PM_CORE_FUNCTION(reserve, "3.19", SysRes, vgPlain_am_munmap_valgrind, (Addr start, SizeT bytes))

/* --- Default suppressions and suggestions (pm_core_suppressions.c) --- */

PM_CORE_FEATURE(suppressions,
    "comfort, not time: --gen-suppressions= with Python frames, and pymemcheck.supp read by itself",
    "pymemcheck.supp must be named by --suppressions=, and --gen-suppressions= prints what the core knows of an"
    " error, without Python frames; warnings say both")
/* 0: no, 1: ask, 2: all */
PM_CORE_VARIABLE(suppressions, "3.19", Int, vgPlain_clo_gen_suppressions)
PM_CORE_VARIABLE(suppressions, "3.19", Bool, vgPlain_clo_default_supp)
/* of HChar *, names of files */
PM_CORE_VARIABLE(suppressions, "3.19", XArray *, vgPlain_clo_suppressions)
PM_CORE_FUNCTION(suppressions, "3.19", void, vgPlain_add_suppression_file, (const HChar *file))
/* Asks the user; false if there is nobody to ask. Sets *clo to false if asked not to ask again. */
PM_CORE_FUNCTION(suppressions, "3.19", Bool, vgPlain_is_action_requested, (const HChar *action, Bool *clo))
PM_CORE_BEHAVIOUR(suppressions, "3.19",
    "the core puts default.supp on the list before the tool begins, and reads the files after that")

/* --- The tool's own checks by --sanity-level=2 --- */

PM_CORE_FEATURE(sanity,
    "checks, not time: at level 2 what is cached is computed anew and compared",
    "--sanity-level=2 and more make the core check itself, but not the tool")
PM_CORE_VARIABLE(sanity, "3.19", Int, vgPlain_clo_sanity_level)

/* --- Malloc without the scheduler (pm_shortcut.c) --- */

PM_CORE_FEATURE(shortcut,
    "alloc_heavy takes 0.85 of the CPU time (docs/decisions/shortcut.md)",
    "each malloc and free goes through the core's scheduler as a client request")
PM_CORE_EXPANSION(shortcut, "3.19", VALGRIND_DO_CLIENT_REQUEST_EXPR(0, 1, 2, 3, 4, 5, 6),
    "\"=d\" (_zzq_result) : \"a\" (&_zzq_args[0]), \"0\" (0)")

#undef PM_CORE_SERIES
#undef PM_CORE_FEATURE
#undef PM_CORE_VARIABLE
#undef PM_CORE_FUNCTION
#undef PM_CORE_WRAP
#undef PM_CORE_JUMP
#undef PM_CORE_BEHAVIOUR
#undef PM_CORE_EXPANSION
