/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suppression files: which are read by default, and what the core asks about
   entries of ours. The core reads the files and decides when to ask. */
#ifndef PM_SUPPRESSION_FILES_H
#define PM_SUPPRESSION_FILES_H

#include "tool/errors/pm_suppression_entries.h"

/* After options were read, before the core reads the files. Entries are added to *entries, which must
   stay where it is. False: this build cannot read the default files by itself. */
bool pm_suppression_files_begin(struct pm_suppression_entries *entries);

#endif
