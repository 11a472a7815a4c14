/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Characters in bytes. Writing one is pm_buffer_add_utf8. */
#ifndef PM_CHARACTERS_H
#define PM_CHARACTERS_H

#include "base/pm_types.h"

/* Reads the character at bytes (length > 0 of them) and returns how many bytes
   it takes, or 0 if they are not UTF-8 (cut short, overlong, above U+10FFFF).
   Lone surrogates are taken, as three bytes. */
unsigned pm_utf8_decode(const char *bytes, size_t length, u32 *code_point);

/* Whether a character moves the cursor, ends a line, turns its direction, or is half of one: not to be shown as it
   is on a terminal or in a log. */
bool pm_character_is_harmful(u32 code_point);

#endif
