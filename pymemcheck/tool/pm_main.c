/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tool as Valgrind sees it: its name, what it needs from the core, how a run begins and ends. */
#include "config.h"

#include "pub_tool_basics.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_clreq.h"
#include "pub_tool_libcassert.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_machine.h"
#include "pub_tool_options.h"
#include "pub_tool_tooliface.h"
#include "pub_tool_vki.h"

#include "base/pm_platform.h"
#include "preload/pm_requests.h"
#include "tool/errors/pm_errors.h"
#include "tool/allocator/pm_allocator.h"
#include "tool/allocator/pm_custom_requests.h"
#include "tool/leaks/pm_leak_report.h"
#include "tool/leaks/pm_monitor.h"
#include "tool/pm_memory.h"
#include "tool/pm_memory_limit.h"
#include "tool/pm_output.h"
#include "tool/core/pm_core.h"
#include "tool/pm_report.h"
#include "tool/core/pm_core_passes.h"
#include "tool/capture/pm_probe.h"
#include "tool/pm_process.h"
#include "tool/pm_run.h"
#include "tool/requests/pm_client_requests.h"
#include "tool/pm_timeline.h"
#include "tool/core/pm_shortcut.h"
#include "tool/watch/pm_watch_code.h"
#include "tool/trace/pm_trace_probes.h"

static struct pm_run the_run;

/* Also called for brk, which is no part of the heap that the tool hands out. The core calls it
   once before the program runs. */
static void forget_memory(Addr start, SizeT bytes)
{
    pm_roots_unmapped(&the_run.roots, start, bytes);
    pm_reader_forget_range(&the_run.reader, start, bytes);
}

/* What the program did not map itself may be a part of its heap. */
static void forget_mapping(Addr start, SizeT bytes)
{
    the_run.heap_protected |= pm_ranges_at(&the_run.roots.mapped, start) == NULL;
    forget_memory(start, bytes);
}

static void note_mapping(Addr start, SizeT bytes, Bool r, Bool w, Bool x, ULong debug_info)
{
    (void)r;
    (void)w;
    (void)x;
    (void)debug_info;
    if (pm_ranges_overlap(&the_run.roots.mapped, start, bytes))
        pm_reader_forget_range(&the_run.reader, start, bytes);
    pm_roots_mapped(&the_run.roots, start, bytes);
}

static void forget_protection(Addr start, SizeT bytes, Bool r, Bool w, Bool x)
{
    const NSegment *segment = VG_(am_find_nsegment)(start);

    (void)x;
    the_run.heap_protected |= (!r || !w) && segment != NULL && segment->isCH;
    if (!r)
        pm_reader_forget_range(&the_run.reader, start, bytes);
}

static void thread_starts(ThreadId parent, ThreadId child)
{
    (void)parent;
    the_run.threads_alive++;
    pm_trace_probes_thread_starts(&the_run, child);
    pm_python_thread_starts(&the_run.python, child);
}

/* A stack that overflowed goes on below the memory that it has, where the core's unwinder would fault. */
static bool has_stack(ThreadId tid)
{
    return VG_(am_is_valid_for_client)(VG_(get_SP)(tid), sizeof(UWord), VKI_PROT_READ);
}

/* A thread that a fatal signal killed is the last one: the core ends the others first. The core's list of
   threads does not tell: one that has ended stays in it for a moment. */
static void thread_ends(ThreadId tid)
{
    the_run.threads_alive--;
    if (!the_run.exiting && the_run.threads_alive == 0 && has_stack(tid))
        the_run.end_stack = pm_capture_stack(&the_run, tid).stack;
    pm_roots_thread_ends(&the_run.roots, tid, pm_python_thread_ordinal(&the_run.python, tid));
    /* What is open when the process ends is open in the report. */
    if (!the_run.exiting && the_run.threads_alive > 0)
        pm_client_requests_thread_ends(&the_run, tid);
    pm_python_thread_ends(&the_run.python, tid);
}

static Bool on_client_request(ThreadId tid, UWord *args, UWord *answer)
{
    struct pm_run *run = &the_run;

    switch (args[0]) {
    case PM_REQUEST_SLOT:
        pm_python_register(&run->python, tid, args[1]);
        *answer = 0;
        return True;
    case PM_REQUEST_HELLO:
        pm_python_meet(&run->python, args[1]);
        *answer = 0;
        return True;
    case PM_REQUEST_SHOW_OBJECTS:
        *answer = !run->options.pymalloc;
        return True;
    case PM_REQUEST_MAY_HIDE_OBJECTS:
        run->may_hide_objects = true;
        *answer = 0;
        return True;
    case PM_REQUEST_WANTS_ALLOCATORS:
        *answer = pm_domain_calls_wanted(run);
        return True;
    case PM_REQUEST_ALLOCATORS:
        pm_domain_calls_meet(run, args[1]);
        *answer = 0;
        return True;
    case VG_USERREQ__GDB_MONITOR_COMMAND:
        *answer = pm_monitor_command(run, (const char *)args[1]);
        return *answer != 0;
    default:
        return pm_client_requests_answer(run, tid, args, answer)
            || pm_custom_request(run, tid, args, answer) || pm_leak_report_request(run, args, answer);
    }
}

static Bool process_option(const HChar *arg)
{
    return pm_options_process(&the_run.options, arg);
}

/* With --sanity-level=2 a second set of books is kept, from events alone. */
static void open_ledger(struct pm_run *run)
{
    if (pm_core_sanity_level() < 2)
        return;
    pm_ledger_init(&run->ledger);
    pm_events_listen(&run->events, pm_ledger_on_event, &run->ledger);
}

static void check_ledger(const struct pm_run *run)
{
    if (pm_core_sanity_level() < 2)
        return;
    const char *wrong = pm_ledger_compare(&run->ledger, &run->blocks, &run->sites);
    if (wrong != NULL)
        VG_(tool_panic)(wrong);
    if (VG_(clo_verbosity) > 1)
        VG_(umsg)("The ledger agrees: %lu events, %lu live blocks.\n", run->ledger.events,
                  run->ledger.blocks.count);
}

static void after_options(void)
{
    open_ledger(&the_run);
    pm_timeline_begin(&the_run);
    pm_freed_init(&the_run.freed, the_run.options.freelist_bytes, the_run.options.freelist_blocks,
                  the_run.options.freelist_small);
    pm_capture_init(&the_run);
    pm_output_init(&the_run);
    pm_memory_limit_note(&the_run);
    pm_errors_begin(&the_run);
    pm_event_log_init(&the_run);
    pm_watch_init(&the_run);
    pm_trace_probes_init(&the_run);
    the_run.start_ms = VG_(read_millisecond_timer)();
}

static void finish(Int exit_code)
{
    struct pm_run *run = &the_run;

    (void)exit_code;
    check_ledger(run);
    pm_report_write(run, run->exiting ? PM_END_EXIT : PM_END_SIGNAL, run->exit_status);
    pm_errors_end(run);
}

static IRSB *instrument(VgCallbackClosure *closure, IRSB *block, const VexGuestLayout *layout,
                        const VexGuestExtents *extents, const VexArchInfo *host,
                        IRType guest_word, IRType host_word)
{
    (void)closure;
    (void)host;
    if (guest_word != host_word)
        VG_(tool_panic)("host and guest word sizes differ");
    IRSB *changed = pm_watch_instrument(&the_run, block, layout);
    changed = pm_probe_instrument(&the_run, changed, layout);
    changed = pm_shortcut_instrument(changed, extents->base[0], layout);
    changed = pm_trace_probes_instrument(&the_run, changed, extents->base[0], layout);
    pm_core_passes_instrumented(changed != block);
    return changed;
}

/* Cheaper defaults than the core's, measured on CPython (tests/bench). The command line is read after
   this and can change all of them. Not chasing jumps keeps the translations of the huge evaluation
   function small. Registers other than the stack pointer need not be up to date at memory
   accesses: only a signal handler could see that. */
static void set_core_defaults(void)
{
    VG_(clo_vex_control).guest_chase = False;
    VG_(clo_vex_control).iropt_register_updates_default = VexRegUpdSpAtMemAccess;
    VG_(clo_px_file_backed) = VexRegUpdSpAtMemAccess;
}

static void init_tables(struct pm_run *run)
{
    pm_options_init(&run->options);
    pm_reader_init(&run->reader, pm_memory_map_page, NULL);
    pm_strings_init(&run->strings);
    pm_frames_init(&run->frames);
    pm_stacks_init(&run->stacks);
    pm_sites_init(&run->sites);
    pm_blocks_init(&run->blocks);
    pm_custom_blocks_init(&run->custom);
    pm_events_init(&run->events);
    pm_phases_init(&run->phases);
    pm_native_init(&run->native, &run->strings, &run->frames);
    pm_python_init(&run->python, &run->reader, &run->strings, &run->frames, &run->blocks,
                   &run->troubles);
    pm_free_lists_init(&run->free_lists, &run->reader, &run->blocks, &run->python);
}

static void before_options(void)
{
    VG_(details_name)("pymemcheck");
    VG_(details_version)(PM_VERSION);
    VG_(details_description)("malloc by Python source line");
    VG_(details_copyright_author)("Copyright (C) 2026, and GNU GPL'd, by the pymemcheck authors.");
    VG_(details_bug_reports_to)("the pymemcheck issue tracker");
    VG_(details_avg_translation_sizeB)(275);

    VG_(basic_tool_funcs)(after_options, instrument, finish);
    VG_(needs_libc_freeres)();
    VG_(needs_cxx_freeres)();
    VG_(needs_command_line_options)(process_option, pm_options_print_usage,
                                    pm_options_print_debug_usage);
    VG_(needs_client_requests)(on_client_request);
    VG_(track_new_mem_mmap)(note_mapping);
    VG_(track_die_mem_munmap)(forget_mapping);
    VG_(track_die_mem_brk)(forget_memory);
    VG_(track_change_mem_mprotect)(forget_protection);
    VG_(track_pre_thread_ll_create)(thread_starts);
    VG_(track_pre_thread_ll_exit)(thread_ends);

    set_core_defaults();
    init_tables(&the_run);
    pm_allocator_register(&the_run);
    pm_errors_register();
    pm_process_register(&the_run);
}

VG_DETERMINE_INTERFACE_VERSION(before_options)
