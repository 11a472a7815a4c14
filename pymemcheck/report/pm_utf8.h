/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names come from the program and may hold any byte. A file name that is not
   UTF-8 reaches us as Python holds it: each bad byte 80-ff is a lone surrogate
   U+DC80-U+DCFF ("surrogateescape"), kept as its three-byte encoding. */
#ifndef PM_UTF8_H
#define PM_UTF8_H

#include "base/pm_buffer.h"
#include "base/pm_characters.h"
#include "base/pm_types.h"

/* True when the bytes are UTF-8 that every JSON reader accepts and gives back
   unchanged: no bad bytes, no surrogates, no NUL. */
bool pm_utf8_is_exact(const char *bytes, size_t length);

/* Appends what stands for a character or byte that cannot be shown: \n, \r,
   \t, \x1b, \u202e; a surrogate that stands for a byte becomes that byte. */
void pm_utf8_add_escape(struct pm_buffer *out, u32 code_point);

/* Appends bytes in a form that is harmless on a terminal and in a log: control
   characters, line separators, direction overrides and bad bytes are escaped. */
void pm_utf8_add_harmless(struct pm_buffer *out, const char *bytes, size_t length);

#endif
