/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fills and copies memory in pieces of 16 bytes. For large or frequent pieces: the functions of
   Valgrind's core go by four bytes. */
#ifndef PM_BYTES_H
#define PM_BYTES_H

#include "base/pm_types.h"

/* Writes value bytes times. */
void pm_bytes_fill(void *to, u8 value, size_t bytes);

/* Copies from the first byte to the last. If the areas overlap, to must not lie behind from. */
void pm_bytes_copy(void *to, const void *from, size_t bytes);

#endif
