/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One running CPython: which layout it has, and whether we may trust it.

   Order of calls: pm_interpreter_init as soon as the facts are known, even before
   a frame runs; pm_interpreter_check at the first allocation inside the evaluation
   function, and again as long as it sets too_early. If either returns false for
   another reason, this interpreter's code stays unattributed, and why names the check
   that failed. After both, pm_walk_frames and pm_code_resolve may be called. */
#ifndef PM_INTERPRETER_H
#define PM_INTERPRETER_H

#include "base/pm_reader.h"
#include "base/pm_types.h"
#include "cpython/pm_layout.h"

/* What our preloaded object found in the program. All are client addresses; 0 if the symbol
   does not exist. */
struct pm_interpreter_facts {
    u64 version_text;       /* what Py_GetVersion() returns, NUL-terminated */
    u64 code_type;          /* &PyCode_Type */
    u64 runtime;            /* &_PyRuntime */
    u64 debug_marker;       /* a symbol that only Py_DEBUG builds define */
    u64 trace_refs_marker;  /* a symbol that only Py_TRACE_REFS builds define */
};

struct pm_interpreter {
    const struct pm_layout *layout;     /* NULL: refused, or not yet initialized */
    u64 code_type;
    u64 runtime;                        /* &_PyRuntime, 0 if not known */
    bool debug;
    bool too_early;                     /* refused only because no frame runs yet: the evaluation
                                           function was entered but has not linked its frame */
    u32 early_checks;                   /* how often that was so */
    char version[32];                   /* "3.11.2" */
    struct pm_layout own_layout;        /* the row, corrected by the interpreter's own table or by what
                                           was measured; layout then points here */
};

/* Chooses the layout row: the version text must name a version that has one. From 3.13 on the
   interpreter's own _Py_DebugOffsets must pass its checks; it overrides the row
   (cpython/pm_debug_offsets.h). The struct must not be moved afterwards.
   False: layout is NULL, and why is one sentence, without a full stop, that names what failed. */
bool pm_interpreter_init(struct pm_interpreter *interpreter, struct pm_reader *reader,
                         const struct pm_interpreter_facts *facts, char *why, size_t why_capacity);

/* Checks the chosen row against the first frames: the walk from anchor (the
   first argument of the evaluation function) ends, or goes on sanely for many
   frames; each frame's code object has the type PyCode_Type (or, where that
   address is not known, one type shared by all); the innermost code object's file
   name is readable and its line plausible. Where builds of the version differ in the size of
   PyGC_Head, the size is then measured. False: as pm_interpreter_init, but the
   layout stays if the only failure is too_early. */
bool pm_interpreter_check(struct pm_interpreter *interpreter, struct pm_reader *reader, u64 anchor,
                          char *why, size_t why_capacity);

#endif
