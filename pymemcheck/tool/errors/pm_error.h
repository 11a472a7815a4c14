/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the core's error manager keeps for us with an error. Private to tool/errors/. */
#ifndef PM_ERROR_H
#define PM_ERROR_H

#include "pub_tool_basics.h"
#include "pub_tool_errormgr.h"

#include "heap/pm_freed.h"
#include "heap/pm_suppressions.h"
#include "heap/pm_tables.h"
#include "tool/errors/pm_errors.h"

enum pm_error_kind {
    PM_ERROR_FREE,
    PM_ERROR_LEAK,
};

/* The core copies the bytes. */
struct pm_error {
    struct pm_run *run;
    struct pm_tables tables;        /* of the ids in the others */
    struct pm_suppression_subject subject;
    /* A wrong free. */
    struct pm_wrong_free wrong;
    void (*describe)(struct pm_run *run, struct pm_wrong_free *wrong);
    /* A leak, else NULL. Not copied: the core forgets a leak once it has reported it. */
    const struct pm_loss_report *loss;
};

static inline struct pm_error *pm_error_of(const Error *error)
{
    return VG_(get_error_extra)(error);
}

/* Callbacks of the core. */

/* Gives the error to the writers, and to the user the suppression for it if asked to. */
void pm_error_print(const Error *error);

Bool pm_suppression_files_recognise(const HChar *name, Supp *suppression);
Bool pm_suppression_files_read_entry(Int fd, HChar **line, SizeT *line_bytes, Int *line_number,
                                     Supp *suppression);
Bool pm_suppression_files_match(const Error *error, const Supp *suppression);
void pm_suppression_files_note_use(const Error *error, const Supp *suppression);
SizeT pm_suppression_files_describe_use(const Supp *suppression, HChar *text, Int bytes);

#endif
