/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suggested suppressions: the entry that would suppress a given error, as
   --gen-suppressions= prints it. */
#ifndef PM_SUGGESTIONS_H
#define PM_SUGGESTIONS_H

#include "heap/pm_suppressions.h"

#define PM_SUGGESTION_PLACEHOLDER "insert_a_suppression_name_here"

/* Appends the entry that matches subject and no other stack, with its braces and a placeholder for its
   name. Each line in the braces is indented by three blanks. */
void pm_suggestion_add(struct pm_buffer *out, const struct pm_tables *tables,
                       const struct pm_suppression_subject *subject);

/* One frame of such an entry: appends its pattern to out, and stores which field it is. False: the frame
   needs no line, since it stands for frames that are missing. */
bool pm_suggestion_add_frame(struct pm_buffer *out, const struct pm_strings *strings,
                             const struct pm_frame *frame, enum pm_suppression_field *field);

#endif
