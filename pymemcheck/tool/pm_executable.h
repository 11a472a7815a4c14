/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether an exec of a file will succeed, as far as can be told before. */
#ifndef PM_EXECUTABLE_H
#define PM_EXECUTABLE_H

#include "base/pm_types.h"

/* The error that execve of path will give (ENOENT ...), 0 if none is seen before: path is a regular file that somebody
   may execute, an ELF file or a script (execve refuses all else; a shell is then asked by
   execvp), and so is the interpreter that it names. Paths are relative to the working folder, as execve takes
   them. */
int pm_executable_error(const char *path);

#endif
