/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of files, functions, objects and frames as the text report shows them: short, harmless
   on a terminal, and different for different things. */
#ifndef PM_LABELS_H
#define PM_LABELS_H

#include "base/pm_buffer.h"
#include "heap/pm_profile.h"

/* Shown for an unknown name, as in Valgrind's own reports. */
#define PM_LABEL_UNKNOWN "???"

struct pm_labels {
    const struct pm_profile *profile;
    u16 *shown_parts;       /* by string id: how many trailing parts of a Python file's path are shown */
};

/* Looks at every Python file of the profile once: n log n in their number. The profile must
   not change while the labels are in use. */
void pm_labels_init(struct pm_labels *labels, const struct pm_profile *profile);
void pm_labels_release(struct pm_labels *labels);

/* A Python file: its whole path if full, else its last part, or as many parts as make it
   different from the other files of the profile. Names in angle brackets such as <string> stay
   as they are. */
void pm_labels_add_file(const struct pm_labels *labels, struct pm_buffer *out,
                        struct pm_string_id file, bool full);
/* A function, or ??? for the empty name. */
void pm_labels_add_function(const struct pm_labels *labels, struct pm_buffer *out,
                            struct pm_string_id function);
/* The last part of an ELF object's path, or ???. */
void pm_labels_add_object(const struct pm_labels *labels, struct pm_buffer *out,
                          struct pm_string_id object);
/* A line number, or ? for 0. */
void pm_labels_add_line(struct pm_buffer *out, u32 line);

/* A line of Python and its function: "job.py:12 (load)". full: as for pm_labels_add_file. */
void pm_labels_add_python_line(const struct pm_labels *labels, struct pm_buffer *out, struct pm_string_id file, u32 line,
                               struct pm_string_id function, bool full);

/* One frame of a stack: object`function+0x12; object`0x4a2b where the function is not known; [
   /path/file.py:28 (func) ]; or [ note ]. */
void pm_labels_add_frame(const struct pm_labels *labels, struct pm_buffer *out,
                         const struct pm_frame *frame, bool full);

#endif
