/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which mmap asks for an arena is found by trial, since compilers inline and move the functions in
   between (new_arena and, from 3.4 on, _PyObject_ArenaMmap, Objects/obmalloc.c). Before the
   interpreter starts it owns no arena. So its first request for a small object leads to exactly
   one mmap, whose return address is the place. Each public function is tried, because each may
   have a copy of its own.

   Link-time optimisation can make more copies (29 in Debian 11's python2.7). So an mmap of the same
   size from the interpreter's code is treated as a request for an arena too: always before the
   first Python frame runs, and later if the size is a constant in the instructions before the
   call. The module mmap, which may be in the same program, gets the size from its caller. */
#include <valgrind/valgrind.h>

#include "preload/pm_arenas.h"

#include "base/pm_types.h"
#include "preload/pm_symbols.h"

enum {
    MAP_PRIVATE_ANONYMOUS = 0x22,   /* MAP_PRIVATE | MAP_ANONYMOUS, Linux */
    ARENA_BYTES = 256 << 10,        /* Objects/obmalloc.c, 2.5 to 3.9 */
    SMALL_BYTES = 16,
    MAX_PLACES = 64,
    NEAR_BYTES = 4 << 20,           /* larger than the code of an interpreter */
    CALL_BYTES = 48,                /* a compiler sets the arguments of a call within so many bytes */
};

static u64 places[MAX_PLACES];
static unsigned place_count;
static bool looking, settled, allowed;

void pm_allow_arenas(void)
{
    allowed = true;
}

static void note_place(u64 place)
{
    for (unsigned i = 0; i < place_count; i++)
        if (places[i] == place)
            return;
    if (place_count < MAX_PLACES)
        places[place_count++] = place;
}

/* Whether "mov $ARENA_BYTES, %esi" (the second argument) is among the instructions before place. */
static bool has_constant_size(u64 place)
{
    static const u8 set_size[] = { 0xbe, 0, ARENA_BYTES >> 8 & 0xff, ARENA_BYTES >> 16, 0 };

    for (u64 start = place - CALL_BYTES; start + sizeof set_size <= place; start++) {
        const u8 *code = (const u8 *)start;
        unsigned same = 0;
        while (same < sizeof set_size && code[same] == set_size[same])
            same++;
        if (same == sizeof set_size)
            return true;
    }
    return false;
}

static bool asks_for_arena(u64 place, u64 address, u64 bytes, u64 flags, u64 file)
{
    if (address != 0 || bytes != ARENA_BYTES || flags != MAP_PRIVATE_ANONYMOUS || (int)file != -1)
        return false;
    if (looking && place - pm_symbols.PyObject_Malloc + NEAR_BYTES < 2 * NEAR_BYTES
            && (!settled || has_constant_size(place)))
        note_place(place);
    for (unsigned i = 0; i < place_count && !allowed; i++)
        if (places[i] == place)
            return true;
    return false;
}

/* glibc's mmap and mmap64 are one function. */
#define WRAP_MMAP(name) \
    void *I_WRAP_SONAME_FNNAME_ZU(libcZdsoZa, name)(u64 address, u64 bytes, u64 protection, \
                                                    u64 flags, u64 file, u64 offset); \
    void *I_WRAP_SONAME_FNNAME_ZU(libcZdsoZa, name)(u64 address, u64 bytes, u64 protection, \
                                                    u64 flags, u64 file, u64 offset) \
    { \
        OrigFn original; \
        void *result; \
        VALGRIND_GET_ORIG_FN(original); \
        if (__builtin_expect(asks_for_arena((u64)__builtin_return_address(0), address, bytes, \
                                            flags, file), 0)) \
            return (void *)-1; \
        CALL_FN_W_6W(result, original, address, bytes, protection, flags, file, offset); \
        return result; \
    }

WRAP_MMAP(mmap)
WRAP_MMAP(mmap64)

void pm_refuse_arenas(void)
{
    void *(*allocate)(size_t) = (void *(*)(size_t))pm_symbols.PyObject_Malloc;
    void *(*clear)(size_t, size_t) = (void *(*)(size_t, size_t))pm_symbols.PyObject_Calloc;
    void *(*resize)(void *, size_t) = (void *(*)(void *, size_t))pm_symbols.PyObject_Realloc;
    void (*release)(void *) = (void (*)(void *))pm_symbols.PyObject_Free;

    /* From 3.8 on what PyMem_SetAllocator did is not undone. */
    if (pm_symbols.Py_BytesMain != 0 || allocate == 0 || resize == 0 || release == 0)
        return;
    looking = true;
    release(allocate(SMALL_BYTES));
    release(resize(0, SMALL_BYTES));
    if (clear != 0)
        release(clear(1, SMALL_BYTES));
}

void pm_settle_arenas(void)
{
    settled = true;
}
