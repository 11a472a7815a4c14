/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes one JSON document from a sequence of events, in one pass and with
   little memory: commas, quotes, escapes and line breaks are its business.

   Order of calls: init, one dict or list, finish. In a dict each value follows
   its key. Breaking that order is a fault of the caller and ends the process.
   The result is ASCII but for text that was UTF-8 before. */
#ifndef PM_EMITTER_H
#define PM_EMITTER_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"
#include "report/pm_sink.h"

#define PM_EMITTER_MAX_DEPTH 16

enum pm_emitter_layout {
    PM_EMITTER_LINES,       /* each item on its own line */
    PM_EMITTER_INLINE,      /* all items on one line */
    PM_EMITTER_WRAPPED,     /* items one after another, a new line when one gets long */
};

struct pm_emitter {
    const struct pm_sink *sink;
    char *chunk;                /* what the sink has not got yet */
    size_t chunk_bytes, used;
    size_t line_start;          /* used - line_start is the column, also below 0 (modulo) */
    struct pm_buffer escape;
    unsigned depth;
    bool after_key;
    struct pm_emitter_level {
        enum pm_emitter_layout layout;
        bool is_dict, has_items;
    } levels[PM_EMITTER_MAX_DEPTH];
};

/* Output is handed to sink in pieces of about chunk_bytes (0: 64 KiB); that is
   also the memory it takes, however long the strings are. */
void pm_emitter_init(struct pm_emitter *emitter, const struct pm_sink *sink, size_t chunk_bytes);
/* Ends the document with a newline, hands over what is left and releases. */
void pm_emitter_finish(struct pm_emitter *emitter);

void pm_emitter_dict_begin(struct pm_emitter *emitter, enum pm_emitter_layout layout);
void pm_emitter_dict_end(struct pm_emitter *emitter);
void pm_emitter_list_begin(struct pm_emitter *emitter, enum pm_emitter_layout layout);
void pm_emitter_list_end(struct pm_emitter *emitter);

void pm_emitter_key(struct pm_emitter *emitter, const char *key);
void pm_emitter_u64(struct pm_emitter *emitter, u64 value);
/* count values of a list. */
void pm_emitter_u64_items(struct pm_emitter *emitter, const u64 *values, size_t count);
void pm_emitter_i64(struct pm_emitter *emitter, i64 value);
void pm_emitter_bool(struct pm_emitter *emitter, bool value);
void pm_emitter_null(struct pm_emitter *emitter);

/* A string of any bytes. UTF-8 passes unchanged. What some JSON readers refuse
   is shown as text instead, and cannot be told from such text any more: a byte
   that is no UTF-8, a NUL, or a lone surrogate that stands for a byte as a
   backslash, x and two digits; another lone surrogate as a backslash, u and
   four. Use pm_utf8_is_exact to know, and pm_emitter_hex to give the bytes. */
void pm_emitter_bytes(struct pm_emitter *emitter, const char *bytes, size_t length);
/* NUL-terminated, or NULL for null. */
void pm_emitter_text(struct pm_emitter *emitter, const char *text);
/* A string of two hexadecimal digits for each byte. */
void pm_emitter_hex(struct pm_emitter *emitter, const char *bytes, size_t length);

/* A key and its value. */
void pm_emitter_key_u64(struct pm_emitter *emitter, const char *key, u64 value);
void pm_emitter_key_bool(struct pm_emitter *emitter, const char *key, bool value);
void pm_emitter_key_text(struct pm_emitter *emitter, const char *key, const char *text);

#endif
