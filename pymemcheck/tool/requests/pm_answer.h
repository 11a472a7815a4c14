/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all requests of pymemcheck.h need to answer: memory of the program, read and written only where that is
   possible, and JSON text. */
#ifndef PM_ANSWER_H
#define PM_ANSWER_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"
#include "cpython/pm_object.h"
#include "heap/pm_block.h"
#include "heap/pm_stacks.h"
#include "report/pm_emitter.h"

struct pm_run;

enum { PM_ANSWER_NAME_BYTES = 256, PM_ANSWER_DONE = 1 };

/* A name that the program gave, a text with a NUL. A longer one is cut. False: it is empty or cannot be
   read. */
bool pm_answer_name(struct pm_run *run, u64 address, char name[PM_ANSWER_NAME_BYTES]);

/* Gives the text and its NUL to the program if size bytes at address are enough for it; nothing is written if
   not. Returns how many bytes the text needs, or PYMEMCHECK_BAD_ARGUMENT: they cannot be written. */
long pm_answer_text(const struct pm_buffer *text, u64 address, u64 size);

/* Begins JSON text that goes to text. *sink must live until pm_answer_finish. */
void pm_answer_begin(struct pm_emitter *out, struct pm_sink *sink, struct pm_buffer *text);
void pm_answer_finish(struct pm_emitter *out);

/* A key and "0x5204a30". */
void pm_answer_add_address(struct pm_emitter *out, const char *key, u64 address);
/* Of a block: address, bytes, padding_bytes, serial, thread, raising, origin, recorded. */
void pm_answer_add_block(struct pm_emitter *out, struct pm_run *run, const struct pm_block *block);
/* "object": address, type, note, references (null: immortal). object: NULL: there is none. */
void pm_answer_add_object(struct pm_emitter *out, struct pm_objects *objects, const struct pm_object *object);
/* "stack": a list of frames, innermost first. */
void pm_answer_add_stack(struct pm_emitter *out, struct pm_run *run, struct pm_stack_id stack);

#endif
