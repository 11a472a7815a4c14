/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other rooms ask of Valgrind's core beyond its tool API. pm_core_table.h lists what stands behind
   these functions. Each feature of the table can be switched off by configure; each function here
   says what it does then. All are cheap: at most one call of the core. */
#ifndef PM_CORE_H
#define PM_CORE_H

#include "base/pm_types.h"
#include "dwarf/pm_unwind_rules.h"

/* --sanity-level=: above 1 the tool checks itself. Without the feature "sanity": always 1. */
unsigned pm_core_sanity_level(void);

/* --- Memory --- */

/* Whether the eight bytes at address can be read. Asks the kernel, and never faults. A page that was
   never touched is made readable by it, as a read would do. Cost: one system call, a tenth of a
   microsecond. */
bool pm_core_can_read(u64 address);

/* Sets bit 0 of vector[i] if page number i from address (a multiple of the page size) is in memory: in
   the page table, or in the cache of the file that is mapped there. Touches nothing. False, with vector
   unspecified, if some of these pages are not mapped. Cost: one system call. */
bool pm_core_pages_in_memory(u64 address, u64 pages, u8 *vector);

/* Takes a reserve of address space for the tool, if it has none. It is let go when the system gives the
   core no more memory: the core would end the process, without a report. It is mapped and never touched,
   so it takes no memory. False if that is not possible, and without the feature "reserve". */
bool pm_core_reserve_take(u64 bytes);
/* Returns it to the system, for what the tool asks for next. */
void pm_core_reserve_let_go(void);

/* --- The log (feature "write"; without it each line is written by itself) --- */

/* From begin to the end that belongs to it, lines of the log are kept, and then written by one call, so that those of another
   process with the same log do not come in between. Pairs may be nested: an inner end writes if much is kept, so that
   what an inner pair encloses stays together also where all is too long. Cost: a copy of the text. */
void pm_core_log_gather_begin(void);
void pm_core_log_gather_end(void);
/* While paused, nothing is kept: the user is asked something. */
void pm_core_log_pause_gathering(bool paused);

/* --- Unwinding --- */

/* The core does not unwind a stack whose end is nearer than this (feature "unwind"). */
enum { PM_CORE_STACK_END_BYTES = 512 };

/* Whether the functions below may be called: false without the feature "unwind", and with
   --merge-recursive-frames=, which drops frames. VG_(get_StackTrace) is the other way. */
bool pm_core_can_unwind(void);

/* Unwinds from start, not from where the thread is. Stores up to limit frames, the first of which is
   start itself, and returns their number. sps, fps: may be NULL. stack_high: the highest byte of the
   stack. tid: 0 if start is no frame of a thread. */
unsigned pm_core_unwind_from(u32 tid, const struct pm_unwind_frame *start, u64 stack_high, unsigned limit,
                             unsigned long *ips, unsigned long *sps, unsigned long *fps);

/* The lowest and highest byte of the stack that stack_pointer is in; both 0 if it is in none that is
   known. */
void pm_core_stack_limits(u64 stack_pointer, u64 *low, u64 *high);

/* --- Source lines (feature "lines"; without it nothing here is called) --- */

/* Whether the user asked for more of the debug information than source lines: the core has to read
   all of it. */
bool pm_core_reads_debug_info(void);

/* Inflates a section of debug information. True if it has exactly to_bytes. */
bool pm_core_inflate(void *to, u64 to_bytes, const void *from, u64 from_bytes);

/* The same for zstd; false without the feature "zstd". */
bool pm_core_inflate_zstd(void *to, u64 to_bytes, const void *from, u64 from_bytes);

/* --- Suppressions (feature "suppressions") --- */

enum pm_core_suggest {
    PM_CORE_SUGGEST_NONE,
    PM_CORE_SUGGEST_ASK,
    PM_CORE_SUGGEST_ALL,
};

/* Takes --gen-suppressions= away from the core and returns it, once, after the command line was read. Without the
   feature: PM_CORE_SUGGEST_NONE, and the core prints suppressions of its own. */
enum pm_core_suggest pm_core_take_suggestions(void);

/* Asks the user whether to do action; false if there is nobody to ask. Clears *again if the user wants not
   to be asked again. Without the feature: false. */
bool pm_core_ask(const char *action, bool *again);

/* Lets the core read file, a file beside the tool, with the other suppressions, unless
   --default-suppressions=no. Also takes Valgrind's own default.supp off the list if it is not there: VALGRIND_LIB may
   name a folder with nothing but our files, and the core would end the run. Warns of each file that is
   missing. To be called after the command line was read and before the core reads suppressions. False
   without the feature: nothing was done. */
bool pm_core_add_default_suppressions(const char *file);

#endif
