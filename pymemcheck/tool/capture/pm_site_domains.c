/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"

#include "tool/capture/pm_site_domains.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"
#include "cpython/pm_domains.h"
#include "tool/capture/pm_callsite.h"
#include "tool/pm_run.h"

/* What was found out about frames: frame -> 1 + enum pm_site_domain of the function that it called. */
struct search {
    struct pm_run *run;
    struct pm_map called;
};

static enum pm_site_domain of_domain(enum pm_domain domain)
{
    switch (domain) {
    case PM_DOMAIN_LIBC:
        return PM_SITE_DOMAIN_LIBC;
    case PM_DOMAIN_RAW:
        return PM_SITE_DOMAIN_RAW;
    case PM_DOMAIN_MEM:
        return PM_SITE_DOMAIN_MEM;
    case PM_DOMAIN_OBJECT:
        return PM_SITE_DOMAIN_OBJECT;
    default:
        return PM_SITE_DOMAIN_UNKNOWN;
    }
}

static enum pm_site_domain of_function(const char *name)
{
    if (name == NULL)
        return PM_SITE_DOMAIN_UNKNOWN;
    if (pm_text_starts(name, "operator new") || pm_text_starts(name, "_Zn"))
        return PM_SITE_DOMAIN_CXX;
    if (pm_domain_makes_objects(name))
        return PM_SITE_DOMAIN_OBJECT;
    return of_domain(pm_domain_of_allocator(name));
}

/* Of the function that this frame called. */
static enum pm_site_domain called_by(struct search *search, struct pm_frame_id id)
{
    const u64 *known = pm_map_get(&search->called, id.v);

    if (known != NULL)
        return (enum pm_site_domain)(*known - 1);
    const u64 address = pm_native_address(&search->run->native, id);
    const enum pm_site_domain domain = address == 0 ? PM_SITE_DOMAIN_UNKNOWN
        : of_function(pm_callsite_function(&search->run->reader, address + 1));
    pm_map_put(&search->called, id.v, 1 + (u64)domain);
    return domain;
}

static bool is_inside(const struct pm_run *run, const struct pm_frame *frame)
{
    return run->native.evaluator.v != 0 && frame->object.v == run->native.evaluator.v;
}

/* By the frame's own name if it is an allocator, else by what it called. innermost: the replaced function, which
   PyMem_Malloc jumped to for all we know; only new says something. */
static enum pm_site_domain of_frame(struct search *search, struct pm_frame_id id, bool innermost)
{
    const struct pm_run *run = search->run;
    const struct pm_frame frame = *pm_frames_get(&run->frames, id);
    enum pm_site_domain domain = PM_SITE_DOMAIN_UNKNOWN;

    if (frame.flags & PM_FRAME_ALLOCATOR) {
        const char *name = pm_strings_text(&run->strings, frame.function);
        domain = of_function(name);
        /* It is known even where an interface was called through a pointer, as by _Py_hashtable_set. */
        if (domain == PM_SITE_DOMAIN_UNKNOWN && name != NULL)
            domain = of_domain(pm_domain_of_tracemalloc(name));
    }
    if (innermost)
        return domain == PM_SITE_DOMAIN_CXX ? domain : PM_SITE_DOMAIN_UNKNOWN;
    if (domain == PM_SITE_DOMAIN_UNKNOWN)
        domain = called_by(search, id);
    return domain == PM_SITE_DOMAIN_LIBC && is_inside(run, &frame) ? PM_SITE_DOMAIN_UNKNOWN : domain;
}

/* The outermost allocator that is known decides: PyObject_Malloc calls _PyMem_RawMalloc, which calls malloc. */
static enum pm_site_domain of_stack(struct search *search, struct pm_stack_id stack)
{
    const struct pm_run *run = search->run;
    enum pm_site_domain found = PM_SITE_DOMAIN_UNKNOWN;
    bool allocator = true;

    for (bool innermost = true; allocator && stack.v != 0; innermost = false) {
        const struct pm_stack_node node = pm_stacks_node(&run->stacks, stack);
        const struct pm_frame *frame = pm_frames_get(&run->frames, node.frame);
        if (frame->kind != PM_FRAME_NATIVE)
            break;
        allocator = (frame->flags & PM_FRAME_ALLOCATOR) != 0;
        const enum pm_site_domain here = of_frame(search, node.frame, innermost);
        if (here != PM_SITE_DOMAIN_UNKNOWN)
            found = here;
        stack = node.parent;
    }
    return found;
}

u8 *pm_site_domains(struct pm_run *run)
{
    struct search search = { .run = run };
    u8 *domains = pm_alloc("pm.site_domains", run->sites.count + (size_t)1);

    pm_map_init(&search.called);
    for (u32 i = 0; i < run->sites.count; i++)
        domains[i] = (u8)of_stack(&search, pm_site_stack(pm_sites_at(&run->sites, i)));
    pm_map_release(&search.called);
    return domains;
}
