/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading characters. pm_buffer_add_utf8 writes one. */
#ifndef PM_CHARACTERS_H
#define PM_CHARACTERS_H

#include "base/pm_types.h"

/* Reads the character at bytes (length > 0 of them) and returns how many bytes
   it takes, or 0 if they are not UTF-8 (cut short, overlong, above U+10FFFF).
   Lone surrogates are accepted, as three bytes. */
unsigned pm_utf8_decode(const char *bytes, size_t length, u32 *code_point);

/* Whether a character moves the cursor, ends a line, changes the direction of writing, or is a lone
   surrogate: a terminal or a log must not get it as it is. */
bool pm_character_is_harmful(u32 code_point);

#endif
