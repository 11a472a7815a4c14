/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pm_selfobjects.so: runs the shared code on the objects of the interpreter that loads it.
   selfobjects.py compares the results with what that interpreter reports itself.

   It is also preloaded and records each block of malloc. So the allocator, and not the shared code,
   tells where an object's block starts. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cpython/pm_interpreter.h"
#include "cpython/pm_object.h"

enum { SLOTS = 1 << 22, EARLY_BYTES = 1 << 16 };

/* Blocks by address; freed ones have size zero. No lock is needed: threads of the interpreter
   allocate while they hold its lock, and the tests start no other threads. */
static struct {
    u64 address, bytes;
} *blocks;
static void *(*next_malloc)(size_t), *(*next_calloc)(size_t, size_t), *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);
static char early[EARLY_BYTES];
static size_t early_used;
static bool looking_up;

static void look_up(void)
{
    if (next_free != NULL || looking_up)
        return;
    looking_up = true;
    blocks = mmap(NULL, SLOTS * sizeof *blocks, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    next_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    next_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    next_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    next_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
    looking_up = false;
}

static size_t slot_of(u64 address)
{
    size_t slot = (address / 16 * 0x9e3779b97f4a7c15ull) >> 42;

    while (blocks[slot].address != 0 && blocks[slot].address != address)
        slot = (slot + 1) % SLOTS;
    return slot;
}

static void *noted(void *block, size_t bytes)
{
    if (block != NULL) {
        size_t slot = slot_of((u64)(uintptr_t)block);
        blocks[slot].address = (u64)(uintptr_t)block;
        blocks[slot].bytes = bytes == 0 ? 1 : bytes;
    }
    return block;
}

static void forget(void *block)
{
    if (block != NULL)
        blocks[slot_of((u64)(uintptr_t)block)].bytes = 0;
}

static bool is_early(const void *block)
{
    return (const char *)block >= early && (const char *)block < early + EARLY_BYTES;
}

static void *early_block(size_t bytes)
{
    void *block = early + early_used;

    early_used += (bytes + 15) & ~(size_t)15;
    return early_used <= EARLY_BYTES ? block : NULL;
}

__attribute__((visibility("default"))) void *malloc(size_t bytes)
{
    look_up();
    return next_malloc == NULL ? early_block(bytes) : noted(next_malloc(bytes), bytes);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t bytes)
{
    look_up();
    return next_calloc == NULL ? early_block(count * bytes)
                               : noted(next_calloc(count, bytes), count * bytes);
}

__attribute__((visibility("default"))) void *realloc(void *block, size_t bytes)
{
    look_up();
    forget(block);
    return noted(next_realloc(block, bytes), bytes);
}

__attribute__((visibility("default"))) void free(void *block)
{
    look_up();
    if (is_early(block))
        return;
    forget(block);
    next_free(block);
}

/* The rest is the library that selfobjects.py calls. */

static const u8 *map_own_page(void *context, u64 address)
{
    u8 byte;
    struct iovec here = { &byte, 1 }, there = { (void *)(uintptr_t)address, 1 };

    (void)context;
    if (process_vm_readv(getpid(), &here, 1, &there, 1, 0) != 1)
        return NULL;
    return (const u8 *)(uintptr_t)address;
}

static struct pm_reader reader;
static struct pm_interpreter interpreter;
static struct pm_objects objects;
static struct pm_strings strings;
static struct pm_buffer text;

/* NULL, or the reason for refusing the interpreter. */
__attribute__((visibility("default")))
const char *pm_selfobjects_start(const struct pm_interpreter_facts *facts, u64 anchor)
{
    static char why[256];

    pm_reader_init(&reader, map_own_page, NULL);
    pm_strings_init(&strings);
    pm_buffer_init(&text);
    if (!pm_interpreter_init(&interpreter, &reader, facts, why, sizeof why)
            || !pm_interpreter_check(&interpreter, &reader, anchor, why, sizeof why))
        return why;
    return pm_objects_init(&objects, &reader, &strings, &interpreter) ? NULL
           : "pm_objects_init failed";
}

/* Memory may have been unmapped since the last call. */
__attribute__((visibility("default")))
void pm_selfobjects_refresh(void)
{
    pm_reader_forget(&reader);
    pm_objects_release(&objects);
    pm_objects_init(&objects, &reader, &strings, &interpreter);
}

/* The size of the recorded block that begins at address, or 0. */
__attribute__((visibility("default")))
u64 pm_selfobjects_block(u64 address)
{
    return blocks == NULL ? 0 : blocks[slot_of(address)].bytes;
}

/* The recorded block that contains address less than far bytes behind its start; or 0. */
__attribute__((visibility("default")))
u64 pm_selfobjects_block_of(u64 address, u64 far)
{
    for (u64 before = 0; blocks != NULL && before < far; before++)
        if ((address - before) % 16 == 0 && blocks[slot_of(address - before)].bytes > before)
            return address - before;
    return 0;
}

/* Copies the addresses of all recorded blocks. Returns how many there are. */
__attribute__((visibility("default")))
u64 pm_selfobjects_blocks(u64 *addresses, u64 capacity)
{
    u64 count = 0;

    for (size_t i = 0; blocks != NULL && i < SLOTS && count < capacity; i++)
        if (blocks[i].bytes != 0)
            addresses[count++] = blocks[i].address;
    return count;
}

__attribute__((visibility("default")))
bool pm_selfobjects_identify(u64 block, u64 bytes, u64 hook, struct pm_object *object)
{
    memset(object, 0, sizeof *object);
    return pm_objects_identify(&objects, block, bytes, hook, object);
}

__attribute__((visibility("default")))
bool pm_selfobjects_at(u64 address, struct pm_object *object)
{
    memset(object, 0, sizeof *object);
    return pm_objects_at(&objects, address, object);
}

__attribute__((visibility("default")))
const char *pm_selfobjects_type_name(u64 type)
{
    return pm_strings_text(&strings, pm_objects_type_name(&objects, type));
}

__attribute__((visibility("default")))
const char *pm_selfobjects_preview(const struct pm_object *object)
{
    pm_buffer_clear(&text);
    pm_objects_preview(&objects, object, &text);
    return text.bytes;
}

/* NULL if not known. */
__attribute__((visibility("default")))
const char *pm_selfobjects_name_field(const struct pm_object *owner, u64 slot)
{
    pm_buffer_clear(&text);
    return pm_objects_name_field(&objects, owner, slot, &text) ? text.bytes : NULL;
}

__attribute__((visibility("default")))
u32 pm_selfobjects_parts(const struct pm_object *object, u64 *parts, u32 capacity)
{
    return pm_objects_parts(&objects, object, parts, capacity);
}
