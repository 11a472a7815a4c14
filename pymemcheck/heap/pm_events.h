/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to the program's blocks, told to whoever listens.

   Each call of malloc's family, and each object that CPython puts into an old block, is one
   event. The table of blocks, the sites and the queue of freed blocks are updated for every
   event by tool/allocator/pm_allocator.c itself; listeners come in addition. They are told in
   the order in which they were added:

       PM_EVENT_ALLOCATED, _RESIZED, _REUSED    after the tables were updated
       PM_EVENT_FREED                           before: the block is still in the tables and its
                                                contents can be read
       PM_EVENT_FAILED, _UNKNOWN_FREE           the tables do not change

   Events come in the order of the program's calls. block->serial numbers allocations, ascending
   from 1; frees and failures have no number. A number is skipped at a fork, and for each block in
   a memory pool; all from PM_BLOCK_MAX_SERIAL on are that one.

   Blocks of the program's own allocators (PM_BLOCK_CUSTOM, VALGRIND_MALLOCLIKE_BLOCK) are told too,
   with PM_CALL_NONE; only their PM_EVENT_FREED comes when they are out of the table already, and
   their PM_EVENT_RESIZED keeps the serial. They may lie in blocks of malloc's, even at the same
   address. Blocks in memory pools are not told.

   A listener may read the tables and client memory, and may capture a stack of event->tid
   (pm_capture_stack). It must not allocate or free client memory, change the tables, or add
   listeners. The event and its blocks are valid during the call only.

   Cost: without listeners one branch for each event; each listener costs one indirect call. */
#ifndef PM_EVENTS_H
#define PM_EVENTS_H

#include "base/pm_types.h"
#include "heap/pm_block.h"

enum pm_event_kind {
    PM_EVENT_ALLOCATED,         /* block is new */
    PM_EVENT_FREED,             /* before is freed */
    PM_EVENT_RESIZED,           /* realloc: before became block, at the same address or another */
    PM_EVENT_REUSED,            /* a new object began in before, which is now block: its site and
                                   serial say who made the object */
    PM_EVENT_FAILED,            /* nothing was allocated; of a realloc, before is what lives on */
    PM_EVENT_UNKNOWN_FREE,      /* no live block begins at the address to be freed, or realloced */
};

/* Which function the program called. new and delete stand for all their variants. */
enum pm_event_call {
    PM_CALL_MALLOC,             /* arguments: bytes */
    PM_CALL_CALLOC,             /* count, bytes of each */
    PM_CALL_MEMALIGN,           /* alignment, bytes; posix_memalign and others, too */
    PM_CALL_REALLOC,            /* address, bytes */
    PM_CALL_NEW,                /* bytes, alignment or 0 */
    PM_CALL_NEW_ARRAY,          /* bytes, alignment or 0 */
    PM_CALL_FREE,               /* address */
    PM_CALL_DELETE,             /* address */
    PM_CALL_DELETE_ARRAY,       /* address */
    PM_CALL_NONE,               /* address: of the object (PM_EVENT_REUSED), or of a block of
                                   the program's own allocator, or that it frees */
};

struct pm_event {
    enum pm_event_kind kind;
    enum pm_event_call call;
    u32 tid;                        /* the core's number of the calling thread */
    const struct pm_block *block;   /* as it is from now on; NULL if there is none */
    const struct pm_block *before;  /* as it was until now; NULL if there was none */
    u64 arguments[2];               /* of the call, see enum pm_event_call */
};

struct pm_listener {
    void (*on_event)(void *context, const struct pm_event *event);
    void *context;
};

enum { PM_EVENTS_MAX_LISTENERS = 8 };

struct pm_events {
    struct pm_listener listeners[PM_EVENTS_MAX_LISTENERS];
    u32 count;
};

void pm_events_init(struct pm_events *events);

/* Adds a listener for the rest of the run. context is borrowed. Best before the program starts:
   a later listener meets frees of blocks whose allocation it was not told. */
void pm_events_listen(struct pm_events *events,
                      void (*on_event)(void *context, const struct pm_event *event),
                      void *context);

/* The slow path of pm_events_tell. */
void pm_events_deliver(const struct pm_events *events, const struct pm_event *event);

/* Tells all listeners. */
static inline void pm_events_tell(const struct pm_events *events, const struct pm_event *event)
{
    if (__builtin_expect(events->count != 0, 0))
        pm_events_deliver(events, event);
}

#endif
