/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interpreter inside the program: which threads run Python, what their
   frames are, and what the frames are called.

   Code objects die and their addresses are reused. Each address of a code object has a tag that
   changes when its block is freed (pm_python_forget_code). Whoever remembers raw frames must
   remember the tags of their code objects too (pm_python_code_tag). */
#ifndef PM_PYTHON_H
#define PM_PYTHON_H

#include "base/pm_reader.h"
#include "base/pm_strings.h"
#include "base/pm_types.h"
#include "cpython/pm_code.h"
#include "cpython/pm_interpreter.h"
#include "cpython/pm_walk.h"
#include "heap/pm_blocks.h"
#include "heap/pm_frames.h"
#include "heap/pm_profile.h"

enum { PM_PYTHON_MAX_WHY = 256, PM_PYTHON_CODE_TAGS = 4096,
       PM_PYTHON_RECENT_FRAMES = 16384, PM_PYTHON_OPEN_CODES = 64 };

struct pm_thread {
    u64 slot;           /* client address of its struct pm_slot; 0: never ran Python */
    u32 ordinal;        /* 1 for the first thread, 2 for the next ... */
};

/* A raw frame that was resolved, as long as its code object's tag is the same. */
struct pm_recent_frame {
    u64 code;               /* 0: empty */
    u32 position;           /* in the code */
    u32 tag;
    struct pm_frame_id frame;
};

/* A code object that was read, as long as its tag is the same. */
struct pm_open_code {
    u64 code;               /* 0: empty */
    u32 tag;
    struct pm_string_id file, function;
    struct pm_code_location location;
};

enum pm_python_state {
    PM_PYTHON_NONE,     /* no interpreter made itself known */
    PM_PYTHON_UNCHECKED,    /* one did and has a layout, but no frame was seen yet to check it */
    PM_PYTHON_READY,
    PM_PYTHON_REFUSED,  /* the field why says why */
};

enum { PM_PYTHON_GENERATOR_TYPES = 3 };

struct pm_python {
    struct pm_reader *reader;
    struct pm_strings *strings;
    struct pm_frames *frames;
    struct pm_blocks *blocks;
    struct pm_troubles *troubles;

    enum pm_python_state state;
    struct pm_interpreter interpreter;
    u64 frame_type;             /* &PyFrame_Type; 0: not known */
    u64 generator_types[PM_PYTHON_GENERATOR_TYPES];     /* of generators, coroutines ...; 0: not known */
    char why[PM_PYTHON_MAX_WHY];

    struct pm_thread *threads;  /* by ThreadId */
    u32 threads_capacity, threads_started;

    struct pm_recent_frame *recent;     /* direct-mapped */
    struct pm_open_code open[PM_PYTHON_OPEN_CODES];     /* likewise */
    u32 code_tags[PM_PYTHON_CODE_TAGS];
    u32 code_deaths;            /* increases whenever a tag changes */
};

void pm_python_init(struct pm_python *python, struct pm_reader *reader,
                    struct pm_strings *strings, struct pm_frames *frames,
                    struct pm_blocks *blocks, struct pm_troubles *troubles);

/* Whether an exception is raised and not yet handled in the thread. Known from 3.9 on,
   while the thread evaluates Python code. */
bool pm_python_is_raising(const struct pm_python *python, u32 tid);

/* Whether the block of bytes at address is a generator or coroutine that contains its frame (3.11 and
   later). */
bool pm_python_contains_frame(const struct pm_python *python, u64 address, u64 bytes);

/* The interpreter's state (PyInterpreterState) of the thread, while it evaluates Python code in 3.9 or
   later; 0: not known. */
u64 pm_python_interpreter_state(const struct pm_python *python, u32 tid);

/* Thread tid (the core's number) began or ended. */
void pm_python_thread_starts(struct pm_python *python, u32 tid);
void pm_python_thread_ends(struct pm_python *python, u32 tid);
/* In a fork child, where only tid continues: all other threads ended. */
void pm_python_forked(struct pm_python *python, u32 tid);

/* The interpreter starts, or is seen for the first time. hello is the client address of its struct
   pm_hello (preload/pm_requests.h). Chooses the layout, which is needed at the first frame; if
   there is none, one message says why. */
void pm_python_meet(struct pm_python *python, u64 hello);
/* The thread entered the evaluation function for the first time; slot is the
   client address of its struct pm_slot. */
void pm_python_register(struct pm_python *python, u32 tid, u64 slot);

/* The frames that tid runs now, innermost first; 0 if it runs no Python. The first frame of the
   process is used to check the interpreter; if it is refused, one message says why. trace, if
   not NULL, gets what the result depends on, besides the thread's slot. */
unsigned pm_python_walk(struct pm_python *python, u32 tid, struct pm_raw_frame *frames,
                        unsigned capacity, enum pm_walk_end *end, struct pm_trace *trace);

/* As pm_python_walk, but the outermost *same frames are those of the last such walk with rewalk, and
   only the frames inside of them are stored (pm_walk_again). */
unsigned pm_python_walk_again(struct pm_python *python, u32 tid, struct pm_rewalk *rewalk,
                              struct pm_raw_frame *frames, unsigned capacity,
                              enum pm_walk_end *end, unsigned *same);

/* Adds to trace the words of client memory that the last pm_python_walk_again relied on, which must
   have been of the same thread, just now. False, with trace unchanged, if they are not known. */
bool pm_python_trace_again(struct pm_python *python, u32 tid, const struct pm_rewalk *rewalk,
                           struct pm_trace *trace);

/* The thread's slot, or 0; and a number that stands for its position in Python code
   (pm_walk_peek). */
u64 pm_python_slot(const struct pm_python *python, u32 tid);
u64 pm_python_peek(const struct pm_python *python, u64 slot);

/* What the thread's slot has now: the first argument of the evaluation function that runs; 0: none
   runs. */
u64 pm_python_anchor(const struct pm_python *python, u32 tid);

/* Prefetches for pm_python_resolve. */
void pm_python_prefetch(const struct pm_python *python, const struct pm_raw_frame *raw);

/* The interned frame of one raw frame. Sets *unsteady if the raw frame may change its meaning
   unnoticed: its code object is in no block whose end we see, or could not be read. */
struct pm_frame_id pm_python_resolve(struct pm_python *python, const struct pm_raw_frame *raw,
                                     bool *unsteady);

/* The block that held the code object at code was freed. */
void pm_python_forget_code(struct pm_python *python, u64 code);

static inline u64 pm_python_tag_place(u64 code)
{
    return (code >> 4) * 0x9e3779b97f4a7c15ull >> 52;
}

/* A number that changes when the code object at code dies (and sometimes when
   another does). */
static inline u32 pm_python_code_tag(const struct pm_python *python, u64 code)
{
    return python->code_tags[pm_python_tag_place(code)];
}

/* The thread's number in the order in which threads began, from 1. */
u32 pm_python_thread_ordinal(const struct pm_python *python, u32 tid);

#endif
