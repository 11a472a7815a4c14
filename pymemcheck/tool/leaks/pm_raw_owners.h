/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which object blocks of raw memory belong to. An object's own memory (the items of an extension's container, a C++ object
   and what that holds) is reached from the object by way of raw memory only; a table of a whole module or program is reached
   from variables, modules, types and capsules.

   Order of calls: begin, add for each block in question, find, any number of questions, release.

   Cost: one look at all words of the program's blocks for each link of a chain, at most MAX_LINKS. */
#ifndef PM_RAW_OWNERS_H
#define PM_RAW_OWNERS_H

#include "tool/leaks/pm_leak_stages.h"

/* Objects of several addresses lead to the block. */
#define PM_RAW_SHARED (PM_LEAK_NONE - 1)

struct pm_raw_owners {
    struct pm_leak_state *check;
    struct pm_map places;           /* block -> place in nodes */
    struct pm_raw_node {
        u32 block;
        u32 owner;                  /* block with the object, PM_RAW_SHARED, or PM_LEAK_NONE */
        u32 links;                  /* between it and a block that was added */
        u32 edge;                   /* its first one, PM_LEAK_NONE: it has none */
    } *nodes;
    u32 count, capacity;
    struct pm_raw_edge {
        u32 to;                     /* node */
        u32 next;                   /* edge of the same node, or PM_LEAK_NONE */
    } *edges;
    u32 edge_count, edge_capacity;
    u8 *pages;                      /* a bit for each page, by the low bits of its number: blocks in question are there */
};

/* check: with its blocks, objects and their memory found. */
void pm_raw_owners_begin(struct pm_raw_owners *owners, struct pm_leak_state *check);
void pm_raw_owners_release(struct pm_raw_owners *owners);

/* A block that holds no object and belongs to none that is known (pm_leak_owner). */
void pm_raw_owners_add(struct pm_raw_owners *owners, u32 block);

void pm_raw_owners_find(struct pm_raw_owners *owners);

/* The block with the only object that leads to this block, PM_RAW_SHARED, or PM_LEAK_NONE: no object does, except for modules,
   types and capsules. block was added. */
u32 pm_raw_owners_of(const struct pm_raw_owners *owners, u32 block);

#endif
