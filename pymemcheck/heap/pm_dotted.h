/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dotted name of a Python frame, "pkg.module.function": what pyfun: lines of
   suppressions are compared with. It is made from the file's path, since a frame
   does not say which module it belongs to. */
#ifndef PM_DOTTED_H
#define PM_DOTTED_H

#include "base/pm_buffer.h"
#include "base/pm_strings.h"
#include "heap/pm_frames.h"

/* Appends the parts of the file's path and the function, joined by dots. The leading slash, ".py" and a
   final "__init__" are left out. A file in angle brackets keeps its name, except that
   "<frozen importlib._bootstrap>" becomes "importlib._bootstrap". */
void pm_dotted_add(struct pm_buffer *out, const struct pm_strings *strings,
                   const struct pm_frame *frame);

/* The same from the module's own name on: what follows the last import folder
   (site-packages, dist-packages, python3.11), else the file's last part. */
void pm_dotted_add_module(struct pm_buffer *out, const struct pm_strings *strings,
                          const struct pm_frame *frame);

#endif
