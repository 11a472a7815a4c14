/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registrations: pointers by which an extension finds its objects again and that own nothing.

   Libraries for bindings keep a table from each C++ object to the Python object that wraps it (pybind11's
   registered_instances, for instance). The wrapper's constructor puts the wrapper into the table, and its
   deallocator takes it out. Such a pointer is no reference: if it were one, no such object could ever die. */
#ifndef PM_REGISTRATIONS_H
#define PM_REGISTRATIONS_H

#include "cpython/pm_object.h"
#include "heap/pm_block.h"
#include "heap/pm_leak_weak.h"
#include "heap/pm_leaks.h"

struct pm_run;

/* Adds the words of registrations to weak. leaks: blocks as they were described, before the search. blocks: the
   same ones, as they were allocated; is_part: of each, whether an object has it for a part of its own. Cost:
   for each block whose stack an extension is in, a look at up to 128 words; a sort of the objects. */
void pm_registrations_mark(struct pm_run *run, struct pm_objects *objects, const struct pm_leaks *leaks,
                           const struct pm_block *blocks, const bool *is_part, struct pm_leak_weak *weak);

#endif
