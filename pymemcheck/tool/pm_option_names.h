/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of options as the usage text has them, to answer a misspelt one. */
#ifndef PM_OPTION_NAMES_H
#define PM_OPTION_NAMES_H

#include "base/pm_types.h"

struct pm_option_name {
    const char *text;       /* "--leak-check=no|summary|full", in the usage text */
    size_t length;
    u32 distance;           /* characters to add, leave out, replace, or swap; 0: the same name */
};

/* The option in usage whose name is nearest to that of arg ("--name" or "--name=value"); false if none is
   near. Each line of usage that begins with four spaces and "--" describes an option, up to the
   first space. */
bool pm_option_names_find(const char *usage, const char *arg, struct pm_option_name *found);

#endif
