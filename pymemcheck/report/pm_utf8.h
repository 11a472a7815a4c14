/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names come from the program and may hold any bytes. In a file name that is not UTF-8, Python
   replaces each bad byte 80-ff by a lone surrogate U+DC80-U+DCFF ("surrogateescape"). We keep
   it as the surrogate's three-byte encoding. */
#ifndef PM_UTF8_H
#define PM_UTF8_H

#include "base/pm_buffer.h"
#include "base/pm_characters.h"
#include "base/pm_types.h"

/* True if the bytes are UTF-8 that every JSON reader accepts and returns unchanged: no bad
   bytes, no surrogates, no NUL. */
bool pm_utf8_is_exact(const char *bytes, size_t length);

/* Appends an escape for a character or byte that cannot be shown: \n, \r, \t, \x1b, \u202e. A
   surrogate that stands for a byte is written as that byte. */
void pm_utf8_add_escape(struct pm_buffer *out, u32 code_point);

/* Appends bytes so that they do no harm on a terminal or in a log: control characters, line
   separators, direction overrides and bad bytes are escaped. */
void pm_utf8_add_harmless(struct pm_buffer *out, const char *bytes, size_t length);

#endif
