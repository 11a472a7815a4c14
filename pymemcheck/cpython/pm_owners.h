/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has a reference that was taken in a C function of the interpreter. A function that returns a new
   reference took it for its caller. What a container's function took belongs to the container,
   and its deallocator gives it back. Calls of functions pass arguments on, and frames keep them: all that is the evaluation.

   A new object belongs to the caller of whatever function makes it, so of births only PM_OWNER_EVALUATION
   counts. */
#ifndef PM_OWNERS_H
#define PM_OWNERS_H

#include "base/pm_types.h"

enum pm_owner {
    PM_OWNER_ITSELF,        /* nothing is known of the function: it stands for itself */
    PM_OWNER_CALLER,        /* it takes and gives references for its caller */
    PM_OWNER_CALL,          /* it passes a call on: arguments are the evaluation's, the result is the caller's */
    PM_OWNER_EVALUATION,    /* the evaluation of Python code: frames, generators */
    PM_OWNER_CONTAINER,     /* a container, or another object that refers to objects */
};

/* function: the whole symbol; suffixes of the compiler (.lto_priv.0, .part.0) are ignored. *container is set for
   PM_OWNER_CONTAINER: "dict". Cost: a comparison with each name. */
enum pm_owner pm_owner_of(const char *function, const char **container);

/* Whether a function of an extension takes and gives references for its caller: what static inline functions of
   Python's headers, Cython and pybind11 leave behind. */
bool pm_owner_is_helper(const char *function);

#endif
