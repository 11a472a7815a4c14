/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes one JSON document from a sequence of calls, in one pass and with little memory. The
   emitter adds commas, quotes, escapes and line breaks.

   Order of calls: init, one dict or list, finish. In a dict each value follows its key. A
   wrong order is the caller's fault and ends the process. The output is ASCII, except for text
   that was UTF-8 before. */
#ifndef PM_EMITTER_H
#define PM_EMITTER_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"
#include "report/pm_sink.h"

#define PM_EMITTER_MAX_DEPTH 16

enum pm_emitter_layout {
    PM_EMITTER_LINES,       /* each item on its own line */
    PM_EMITTER_INLINE,      /* all items on one line */
    PM_EMITTER_WRAPPED,     /* items one after another, with a new line when a line gets long */
};

struct pm_emitter {
    const struct pm_sink *sink;
    char *chunk;                /* not yet given to the sink */
    size_t chunk_bytes, used;
    size_t line_start;          /* used - line_start is the column; may be negative (modulo) */
    struct pm_buffer escape;
    unsigned depth;
    bool after_key;
    struct pm_emitter_level {
        enum pm_emitter_layout layout;
        bool is_dict, has_items;
    } levels[PM_EMITTER_MAX_DEPTH];
};

/* Gives output to sink in pieces of about chunk_bytes (0: 64 KiB). That is also the memory
   needed, however long the strings are. */
void pm_emitter_init(struct pm_emitter *emitter, const struct pm_sink *sink, size_t chunk_bytes);
/* Ends the document with a newline, gives the rest to the sink and releases the emitter. */
void pm_emitter_finish(struct pm_emitter *emitter);

void pm_emitter_dict_begin(struct pm_emitter *emitter, enum pm_emitter_layout layout);
void pm_emitter_dict_end(struct pm_emitter *emitter);
void pm_emitter_list_begin(struct pm_emitter *emitter, enum pm_emitter_layout layout);
void pm_emitter_list_end(struct pm_emitter *emitter);

void pm_emitter_key(struct pm_emitter *emitter, const char *key);
void pm_emitter_u64(struct pm_emitter *emitter, u64 value);
/* Writes count values of a list. */
void pm_emitter_u64_items(struct pm_emitter *emitter, const u64 *values, size_t count);
void pm_emitter_i64(struct pm_emitter *emitter, i64 value);
void pm_emitter_bool(struct pm_emitter *emitter, bool value);
void pm_emitter_null(struct pm_emitter *emitter);

/* A string of any bytes. UTF-8 stays unchanged. What some JSON readers refuse is written as
   visible text: a byte that is not UTF-8, a NUL, or a lone surrogate that stands for a byte
   becomes a backslash, x and two digits; another lone surrogate becomes a backslash, u and
   four digits. A reader cannot tell this from a string that had such text before:
   pm_utf8_is_exact says whether a string is written unchanged, and pm_emitter_hex writes the
   exact bytes. */
void pm_emitter_bytes(struct pm_emitter *emitter, const char *bytes, size_t length);
/* Text that ends with a NUL; NULL is written as null. */
void pm_emitter_text(struct pm_emitter *emitter, const char *text);
/* A string with two hexadecimal digits for each byte. */
void pm_emitter_hex(struct pm_emitter *emitter, const char *bytes, size_t length);

/* A key and its value. */
void pm_emitter_key_u64(struct pm_emitter *emitter, const char *key, u64 value);
void pm_emitter_key_bool(struct pm_emitter *emitter, const char *key, bool value);
void pm_emitter_key_text(struct pm_emitter *emitter, const char *key, const char *text);

#endif
