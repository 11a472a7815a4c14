/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing byte string with typed appends, in place of printf (the two
   libcs of our two builds do not format alike). The bytes are always followed
   by a NUL that is not counted. */
#ifndef PM_BUFFER_H
#define PM_BUFFER_H

#include "base/pm_types.h"

struct pm_buffer {
    char *bytes;      /* never NULL after init */
    size_t length;    /* without the final NUL */
    size_t capacity;
};

void pm_buffer_init(struct pm_buffer *buffer);
void pm_buffer_release(struct pm_buffer *buffer);
/* Empties the buffer and keeps its memory. */
void pm_buffer_clear(struct pm_buffer *buffer);

/* Adds length bytes and returns where they are, for the caller to fill; valid until the next
   addition. */
char *pm_buffer_extend(struct pm_buffer *buffer, size_t length);
void pm_buffer_add_bytes(struct pm_buffer *buffer, const void *bytes, size_t length);
void pm_buffer_add_text(struct pm_buffer *buffer, const char *text);
void pm_buffer_add_char(struct pm_buffer *buffer, char c);
void pm_buffer_add_u64(struct pm_buffer *buffer, u64 value);
void pm_buffer_add_i64(struct pm_buffer *buffer, i64 value);
/* Decimal with a comma between groups of three digits, as Valgrind's %'llu. */
void pm_buffer_add_u64_grouped(struct pm_buffer *buffer, u64 value);
/* Lower-case hexadecimal without 0x and without leading zeros. */
void pm_buffer_add_hex(struct pm_buffer *buffer, u64 value);
/* The same with leading zeros: always 16 digits. */
void pm_buffer_add_hex16(struct pm_buffer *buffer, u64 value);
/* count copies of c. */
void pm_buffer_add_repeated(struct pm_buffer *buffer, char c, size_t count);
/* Text padded with spaces to width columns (counted in UTF-8 characters) on
   the right (left-aligned) or on the left (right-aligned). */
void pm_buffer_add_left(struct pm_buffer *buffer, const char *text, size_t width);
void pm_buffer_add_u64_right(struct pm_buffer *buffer, u64 value, size_t width);
/* Encodes one code point as UTF-8; a surrogate is written as its three bytes. */
void pm_buffer_add_utf8(struct pm_buffer *buffer, u32 code_point);

#endif
