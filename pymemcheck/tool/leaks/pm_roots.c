/* SPDX-License-Identifier: GPL-2.0-or-later */
/* To the core a thread's stack is a mapping like any other. What lies below the
   stack pointer (and the red zone under it) is dead: old return addresses and
   locals there must not keep blocks alive. We cut that part out of the mapping, both for
   threads that run and for those that ended while their stack stays mapped (the
   C library keeps stacks for the next thread).

   The core takes the whole segment below a thread's stack pointer for its stack. Where no
   guard page is between stacks (the C library from 2.42 on has guards that are no mappings)
   that holds other threads' stacks. So for us a stack begins where the program's mmap put
   it, or later.

   A thread that runs on another stack than its own (an alternate signal stack, makecontext, a
   greenlet that switched) has a stack pointer outside its stack. Then all of its stack counts as
   live. */
#include "pub_tool_basics.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_machine.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_vki.h"

#include "libvex_guest_offsets.h"

#include "tool/leaks/pm_roots.h"

#include "base/pm_platform.h"
#include "base/pm_sort.h"
#include "tool/capture/pm_python.h"
#include "tool/pm_memory.h"

enum { MAX_REGISTERS = 64, MAX_DATA_PARTS = 4096 };

static void add_dead(struct pm_roots *roots, u64 low, u64 end, u32 thread)
{
    if (low >= end)
        return;
    if (roots->dead_count == roots->dead_capacity) {
        roots->dead_capacity = roots->dead_capacity ? roots->dead_capacity * 2 : 16;
        roots->dead = pm_realloc("pm.roots", roots->dead,
                                 roots->dead_capacity * sizeof *roots->dead);
    }
    roots->dead[roots->dead_count++] = (struct pm_dead_stack){ low, end, thread };
}

/* Forgets what is dead in this memory. */
static void forget_dead(struct pm_roots *roots, u64 start, u64 bytes)
{
    u32 left = 0;

    for (u32 i = 0; i < roots->dead_count; i++)
        if (roots->dead[i].low >= start + bytes || roots->dead[i].end <= start)
            roots->dead[left++] = roots->dead[i];
    roots->dead_count = left;
}

/* Where frames were inherited: this memory is another's now. */
static void forget_inherited(struct pm_roots *roots, u64 start, u64 bytes)
{
    u32 left = 0;

    for (u32 i = 0; i < roots->inherited_count; i++)
        if (roots->frames[i].start >= start + bytes || roots->frames[i].end <= start)
            roots->frames[left++] = roots->frames[i];
    roots->inherited_count = roots->frames_count = left;
}

/* Whether the segment is of the dynamic loader's file. */
static bool is_of_loader(const NSegment *segment)
{
    const HChar *path = segment != NULL && segment->kind == SkFileC ? VG_(am_get_filename)(segment) : NULL;
    const HChar *name = path == NULL ? NULL : VG_(strrchr)(path, '/');

    return name != NULL && VG_(strncmp)(name, "/ld-", 4) == 0;
}

/* Whether the dynamic loader maps this anonymous memory just now, for tables of its own
   (elf/dl-minimal-malloc.c). All else that it maps has a fixed address: files and their uninitialised data. */
static bool is_loader_table(u64 start)
{
    const NSegment *segment = VG_(am_find_nsegment)(start);
    const ThreadId tid = VG_(get_running_tid)();
    ULong flags;

    if (tid == VG_INVALID_THREADID || segment == NULL || segment->kind != SkAnonC
            || !is_of_loader(VG_(am_find_nsegment)(VG_(get_IP)(tid))))
        return false;
    /* The fourth argument of mmap is still in its register. */
    VG_(get_shadow_regs_area)(tid, (UChar *)&flags, 0, OFFSET_amd64_R10, sizeof flags);
    return (flags & VKI_MAP_FIXED) == 0;
}

void pm_roots_mapped(struct pm_roots *roots, u64 start, u64 bytes)
{
    pm_ranges_add(&roots->mapped, start, bytes);
    pm_ranges_remove(&roots->loader, start, bytes);
    if (is_loader_table(start))
        pm_ranges_add(&roots->loader, start, bytes);
}

void pm_roots_unmapped(struct pm_roots *roots, u64 start, u64 bytes)
{
    pm_ranges_remove(&roots->mapped, start, bytes);
    pm_ranges_remove(&roots->loader, start, bytes);
    forget_dead(roots, start, bytes);
    forget_inherited(roots, start, bytes);
}

/* Thread tid's stack, low to top (the last byte). */
static bool find_stack(const struct pm_roots *roots, u32 tid, u64 *low, u64 *top)
{
    const u64 bytes = VG_(thread_get_stack_size)(tid);

    *top = VG_(thread_get_stack_max)(tid);
    if (bytes == 0 || *top < bytes)
        return false;
    const struct pm_range *mapped = pm_ranges_at(&roots->mapped, *top);
    *low = *top - bytes + 1;
    if (mapped != NULL && mapped->start > *low)
        *low = mapped->start;
    return true;
}

/* If thread tid's stack pointer is in its stack, the part below it is dead. A running function may
   use red_zone bytes below it. */
static void hide_dead_part(struct pm_roots *roots, u32 tid, u32 ordinal, u64 red_zone)
{
    u64 pointer = VG_(get_SP)(tid), low, top;

    if (!find_stack(roots, tid, &low, &top))
        return;
    forget_dead(roots, low, top - low + 1);
    if (pointer >= low && pointer <= top)
        add_dead(roots, low, (pointer - red_zone) & ~(u64)7, ordinal);
}

/* Notes where threads keep frames. The parent drops it at its next fork. */
static void note_frames(struct pm_roots *roots, const struct pm_python *python)
{
    roots->frames_count = roots->inherited_count;
    if (python->state != PM_PYTHON_READY)
        return;
    roots->frames = pm_realloc("pm.roots", roots->frames,
                               (roots->inherited_count + MAX_DATA_PARTS) * sizeof *roots->frames);
    roots->frames_count += pm_threads_data(&python->interpreter, python->reader, roots->frames + roots->inherited_count,
                                           MAX_DATA_PARTS);
    roots->frames = pm_realloc("pm.roots", roots->frames, (roots->frames_count + 1) * sizeof *roots->frames);
}

/* The core forgets these threads before it tells the tool of the child. */
void pm_roots_forks(struct pm_roots *roots, const struct pm_python *python, u32 tid)
{
    ThreadId other;
    Addr start, end;
    u64 low, top;

    note_frames(roots, python);
    pm_free(roots->others);
    roots->others = NULL;
    roots->other_count = 0;
    VG_(thread_stack_reset_iter)(&other);
    while (VG_(thread_stack_next)(&other, &start, &end)) {
        if (other == tid || !find_stack(roots, other, &low, &top))
            continue;
        roots->others = pm_realloc("pm.roots", roots->others, (roots->other_count + 1) * sizeof *roots->others);
        roots->others[roots->other_count++] =
            (struct pm_dead_stack){ low, top + 1, pm_python_thread_ordinal(python, other) };
    }
}

void pm_roots_forked(struct pm_roots *roots)
{
    for (u32 i = 0; i < roots->other_count; i++) {
        const struct pm_dead_stack *other = &roots->others[i];
        forget_dead(roots, other->low, other->end - other->low);
        add_dead(roots, other->low, other->end, other->thread);
    }
    roots->inherited_count = roots->frames_count;
    pm_free(roots->others);
    roots->others = NULL;
    roots->other_count = 0;
}

void pm_roots_thread_ends(struct pm_roots *roots, u32 tid, u32 ordinal)
{
    hide_dead_part(roots, tid, ordinal, 0);
}

static void add_root(struct pm_roots *roots, struct pm_leak_root root)
{
    if (roots->count == roots->capacity) {
        roots->capacity = roots->capacity ? roots->capacity * 2 : 128;
        roots->entries = pm_realloc("pm.roots", roots->entries,
                                    roots->capacity * sizeof *roots->entries);
    }
    roots->entries[roots->count++] = root;
}

/* The core passes no context to its visitor of registers. */
static struct {
    const struct pm_python *python;
    struct pm_roots *roots;
} visit;

static void add_register(ThreadId tid, const HChar *name, UWord value)
{
    struct pm_roots *roots = visit.roots;
    u32 thread = pm_python_thread_ordinal(visit.python, tid);

    if (roots->value_count == roots->value_capacity) {
        roots->value_capacity = roots->value_capacity ? roots->value_capacity * 2 : MAX_REGISTERS;
        roots->values = pm_realloc("pm.roots", roots->values,
                                   roots->value_capacity * sizeof *roots->values);
        roots->names = pm_realloc("pm.roots", roots->names,
                                  roots->value_capacity * sizeof *roots->names);
    }
    roots->values[roots->value_count] = value;
    roots->names[roots->value_count] = name;
    if (roots->count == 0 || roots->entries[roots->count - 1].thread != thread)
        add_root(roots, (struct pm_leak_root){ .kind = PM_LEAK_ROOT_REGISTERS, .thread = thread,
                                               .start = roots->value_count });
    roots->entries[roots->count - 1].bytes += sizeof *roots->values;
    roots->value_count++;
}

static void collect_registers(struct pm_roots *roots, const struct pm_python *python)
{
    visit.python = python;
    visit.roots = roots;
    VG_(apply_to_GP_regs)(add_register);
    for (u32 i = 0; i < roots->count; i++) {
        roots->entries[i].values = roots->values + roots->entries[i].start;
        roots->entries[i].start = 0;
    }
}

/* As in Memcheck (mc_leakcheck.c, scan_memory_root_set, 3.19): readable and writable
   mappings, but neither the client heap nor devices, where a read might hang. */
static bool is_searched(const NSegment *segment)
{
    if (segment == NULL || !segment->hasR || !segment->hasW || segment->isCH)
        return false;
    if (segment->kind == SkFileC
            && (VKI_S_ISCHR(segment->mode) || VKI_S_ISBLK(segment->mode))) {
        const HChar *name = VG_(am_get_filename)(segment);
        return name != NULL && VG_STREQ(name, "/dev/zero");
    }
    return true;
}

/* Adds root.start .. end. The search numbers a root's words by 32 bits, so a mapping of many gigabytes (address space that
   is hardly used, mostly) becomes several roots. */
static void add_pieces(struct pm_roots *roots, struct pm_leak_root root, u64 end)
{
    const u64 most = (u64)16 << 30;

    while (root.start < end) {
        root.bytes = end - root.start < most ? end - root.start : most - root.start % sizeof(u64);
        add_root(roots, root);
        root.start += root.bytes;
    }
}

/* Adds root.start .. end without the dead parts, which are sorted. */
static void add_alive(struct pm_roots *roots, const struct pm_dead_stack *dead, u32 dead_count,
                      struct pm_leak_root root, u64 end)
{
    u64 start = root.start;

    for (u32 i = 0; i < dead_count && start < end; i++) {
        if (dead[i].end <= start || dead[i].low >= end)
            continue;
        if (dead[i].low > start) {
            root.start = start;
            add_pieces(roots, root, dead[i].low);
        }
        start = dead[i].end;
    }
    root.start = start;
    add_pieces(roots, root, end);
}

/* Adds root.start .. end in pieces. The dynamic loader's own tables are foreign: the loader points to no
   objects, but it has numbers that look like addresses in the heap, which begins low under Valgrind. It counts how
   many ticks of the clock it took to load and to relocate (elf/rtld.c, load_time, relocate_time), and keeps hashes of
   the names of symbol versions (struct r_found_version, include/link.h). */
static void add_segment(struct pm_roots *roots, struct pm_leak_root root, u64 end)
{
    const u32 dead_count = roots->dead_count;
    const struct pm_ranges *loader = &roots->loader;
    const bool foreign = root.foreign;

    for (u32 i = 0; i < loader->count && root.start < end; i++) {
        const struct pm_range *table = &loader->entries[i];
        if (table->end <= root.start || table->start >= end)
            continue;
        add_alive(roots, roots->dead, dead_count, root, table->start);
        root.start = table->start > root.start ? table->start : root.start;
        root.foreign = true;
        add_alive(roots, roots->dead, dead_count, root, table->end < end ? table->end : end);
        root.start = table->end;
        root.foreign = foreign;
    }
    add_alive(roots, roots->dead, dead_count, root, end);
}

static void sort_dead(struct pm_dead_stack *dead, u32 count)
{
    struct pm_keyed *order = pm_alloc("pm.roots", (count + 1) * sizeof *order);
    struct pm_dead_stack *unsorted = pm_alloc("pm.roots", (count + 1) * sizeof *unsorted);

    for (u32 i = 0; i < count; i++) {
        order[i] = (struct pm_keyed){ dead[i].low, i };
        unsorted[i] = dead[i];
    }
    pm_sort_keyed(order, count);
    for (u32 i = 0; i < count; i++)
        dead[i] = unsorted[order[i].item];
    pm_free(unsorted);
    pm_free(order);
}

/* The ordinal of the thread whose stack the mapping is, or 0. The dead part tells it also for
   threads that ended; when the process exits all have ended. */
static u32 stack_owner(const struct pm_roots *roots, const NSegment *segment)
{
    for (u32 i = 0; i < roots->dead_count; i++)
        if (roots->dead[i].thread != 0 && roots->dead[i].end >= segment->start
                && roots->dead[i].end <= segment->end)
            return roots->dead[i].thread;
    return 0;
}

static void collect_mappings(struct pm_roots *roots)
{
    u32 count;
    u64 *starts = pm_memory_segments(SkFileC | SkAnonC | SkShmC, &count);

    for (u32 i = 0; i < count; i++) {
        const NSegment *segment = VG_(am_find_nsegment)(starts[i]);
        if (!is_searched(segment))
            continue;
        u32 owner = stack_owner(roots, segment);
        const struct pm_leak_root root = {
            .kind = owner != 0 ? PM_LEAK_ROOT_STACK : PM_LEAK_ROOT_DATA,
            .thread = owner,
            .start = segment->start,
            .foreign = is_of_loader(segment),
        };
        add_segment(roots, root, segment->end + 1);
    }
    pm_free(starts);
}

static bool is_in_parts(const struct pm_dead_data *parts, u32 count, u64 address)
{
    for (u32 i = 0; i < count; i++)
        if (address >= parts[i].start && address < parts[i].end)
            return true;
    return false;
}

/* What returned frames left above the top of the interpreter's own stacks, and all that is left of stacks whose threads are
   the parent's only. */
static void hide_dead_data(struct pm_roots *roots, const struct pm_roots_request *request)
{
    struct pm_dead_data *parts;
    u32 count;

    if (!request->python_frames)
        return;
    parts = pm_alloc("pm.roots", MAX_DATA_PARTS * sizeof *parts);
    count = pm_threads_dead_data(&request->python->interpreter, request->reader, parts,
                                 MAX_DATA_PARTS);
    for (u32 i = 0; i < count; i++)
        add_dead(roots, parts[i].start, parts[i].end, 0);
    count = roots->inherited_count == 0
        ? 0 : pm_threads_data(&request->python->interpreter, request->reader, parts, MAX_DATA_PARTS);
    for (u32 i = 0; i < roots->inherited_count; i++)
        if (!is_in_parts(parts, count, roots->frames[i].start))
            add_dead(roots, roots->frames[i].start, roots->frames[i].end, 0);
    pm_free(parts);
}

static void hide_ranges(struct pm_roots *roots, const struct pm_range *ranges, u32 count)
{
    for (u32 i = 0; i < count; i++)
        add_dead(roots, ranges[i].start, ranges[i].end, 0);
}

/* Dead parts of threads that run, hidden ranges and dead data hold for one collection only:
   afterwards the dead parts of ended threads are put back as they were. */
void pm_roots_collect(struct pm_roots *roots, const struct pm_roots_request *request)
{
    u32 ended = roots->dead_count;
    ThreadId tid;
    Addr low, high;

    pm_roots_clear(roots);
    collect_registers(roots, request->python);
    struct pm_dead_stack *known = pm_alloc("pm.roots", (ended + 1) * sizeof *known);
    if (ended > 0)
        pm_copy(known, roots->dead, ended * sizeof *known);
    VG_(thread_stack_reset_iter)(&tid);
    while (VG_(thread_stack_next)(&tid, &low, &high))
        hide_dead_part(roots, tid, pm_python_thread_ordinal(request->python, tid),
                       VG_STACK_REDZONE_SZB);
    hide_ranges(roots, request->hidden, request->hidden_count);
    hide_dead_data(roots, request);
    sort_dead(roots->dead, roots->dead_count);
    collect_mappings(roots);
    if (ended > 0)
        pm_copy(roots->dead, known, ended * sizeof *known);
    roots->dead_count = ended;
    pm_free(known);
}

void pm_roots_clear(struct pm_roots *roots)
{
    pm_free(roots->entries);
    pm_free(roots->values);
    pm_free(roots->names);
    roots->entries = NULL;
    roots->values = NULL;
    roots->names = NULL;
    roots->count = roots->capacity = roots->value_count = roots->value_capacity = 0;
}

const char *pm_roots_register_name(const struct pm_roots *roots, const struct pm_leak_root *root,
                                   u64 index)
{
    return roots->names[(u64)(root->values - roots->values) + index];
}
