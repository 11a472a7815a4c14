/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcsetjmp.h"
#include "pub_tool_libcsignal.h"
#include "pub_tool_signals.h"
#include "pub_tool_vki.h"

#include "tool/pm_memory.h"

/* Memcheck's VTABLE_MAX_CHECK: one more word than this is looked at. */
enum { VTABLE_WORDS = 20 };

/* The core passes no context to a catcher of faults. */
static VG_MINIMAL_JMP_BUF(after_fault);

static void on_fault(Int signal, Addr address)
{
    vki_sigset_t mask;

    (void)address;
    /* We leave the handler by a jump, so nobody else unblocks the signal again. */
    VG_(sigprocmask)(VKI_SIG_SETMASK, NULL, &mask);
    VG_(sigdelset)(&mask, signal);
    VG_(sigprocmask)(VKI_SIG_SETMASK, &mask, NULL);
    VG_MINIMAL_LONGJMP(after_fault);
}

/* A page of a mapping that lies behind the file's end gives SIGBUS, and only a try tells. */
static bool can_touch(u64 address)
{
    fault_catcher_t before = VG_(set_fault_catcher)(on_fault);
    volatile bool touched = false;

    if (VG_MINIMAL_SETJMP(after_fault) == 0) {
        (void)*(const volatile u8 *)address;
        touched = true;
    }
    VG_(set_fault_catcher)(before);
    return touched;
}

const u8 *pm_memory_map_page(void *context, u64 address)
{
    const NSegment *segment;

    (void)context;
    if (!VG_(am_is_valid_for_client)(address, 1 << PM_READER_PAGE_BITS, VKI_PROT_READ))
        return NULL;
    segment = VG_(am_find_nsegment)(address);
    if (segment != NULL && segment->kind == SkFileC && !can_touch(address))
        return NULL;
    return (const u8 *)address;
}

bool pm_memory_is_vtable(struct pm_reader *reader, u64 address)
{
    const NSegment *segment = VG_(am_find_nsegment)(address);
    u64 word, last = address + VTABLE_WORDS * sizeof word;
    u32 functions = 0;

    if (segment == NULL || segment->kind != SkFileC || !segment->hasR)
        return false;
    if (last > segment->end - sizeof word)
        last = segment->end - sizeof word;
    for (u64 at = address; at <= last; at += sizeof word) {
        if (!pm_reader_read_u64(reader, at, &word))
            return false;
        if (word == 0)
            continue;
        segment = VG_(am_find_nsegment)(word);
        if (segment == NULL || segment->kind != SkFileC || !segment->hasT)
            return false;
        if (++functions == 2)
            return true;
    }
    return false;
}
