/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The evaluation function is wrapped. While it runs, the thread's slot holds its
   first argument, from which the tool finds the Python frames. The wrapper
   enters the tool once for each thread; after that it only finds the slot by
   the thread pointer and stores into it. (The slots are not thread-local
   storage: a library with such storage makes the C library allocate more for
   each thread, and our totals would not be Memcheck's.)

   The wrapper also leaves a frame of its own on the native stack, which marks
   exactly where one call of the evaluation function ends, whatever the
   compiler called its parts.

   Valgrind's own way of calling a wrapped function leaves translated code and
   goes through the scheduler, each time. What is redirected is only the
   function's first address, so it can also be entered at its second instruction
   if somebody carries out the first: nearly always the push of a register, or
   the load of a global pointer. */
#include <valgrind/valgrind.h>

#include "base/pm_types.h"
#include "preload/pm_arenas.h"
#include "preload/pm_hello.h"
#include "preload/pm_requests.h"
#include "preload/pm_symbols.h"

/* An open hash table by thread pointer. Slots of threads that ended are used
   again, so it must hold the threads that live at one time; Valgrind allows
   500 unless told otherwise (--max-threads). */
enum { SLOT_BITS = 12, SLOTS = 1 << SLOT_BITS };

static struct pm_slot slots[SLOTS];

static inline u64 thread_pointer(void)
{
    u64 pointer;
    __asm__("movq %%fs:0, %0" : "=r"(pointer));
    return pointer;
}

static inline u64 home_of(u64 owner)
{
    return (owner * 0x9e3779b97f4a7c15ull) >> (64 - SLOT_BITS);
}

/* Takes a slot for a thread that has none and tells the tool; NULL if all are
   taken. Another thread may be scheduled in between at any instruction. */
static __attribute__((noinline, cold)) struct pm_slot *take_slot(u64 owner)
{
    pm_introduce(true);
    pm_settle_arenas();
    for (u64 i = home_of(owner), tried = 0; tried < SLOTS; i = (i + 1) % SLOTS, tried++) {
        u64 seen = slots[i].owner;
        if (seen > PM_SLOT_FREE || !__sync_bool_compare_and_swap(&slots[i].owner, seen, owner))
            continue;
        slots[i].anchor = 0;
        VALGRIND_DO_CLIENT_REQUEST_STMT(PM_REQUEST_SLOT, &slots[i], 0, 0, 0, 0);
        return &slots[i];
    }
    return 0;
}

/* The calling thread's slot, or NULL. */
static inline struct pm_slot *own_slot(void)
{
    u64 owner = thread_pointer();

    for (u64 i = home_of(owner), tried = 0; tried < SLOTS; i = (i + 1) % SLOTS, tried++) {
        if (__builtin_expect(slots[i].owner == owner, 1))
            return &slots[i];
        if (slots[i].owner == PM_SLOT_NEVER)
            break;
    }
    return take_slot(owner);
}

/* Carries out the first instruction of a function, and goes on at the second,
   whose address is the fourth argument. The fifth is what the first one loads, if it is a load. */
typedef void *entrance(void *first, void *second, void *third, const u8 *second_instruction,
                       u64 loaded);

#define ENTRANCE(name, register_name)                   \
    entrance name;                                      \
    __asm__(".text\n"                                   \
            ".type " #name ", @function\n"              \
            #name ":\n"                                 \
            ".cfi_startproc\n"                          \
            "pushq %" register_name "\n"                \
            ".cfi_adjust_cfa_offset 8\n"                \
            "jmpq *%rcx\n"                              \
            ".cfi_endproc\n"                            \
            ".size " #name ", . - " #name "\n")

ENTRANCE(pm_enter_rbx, "rbx");
ENTRANCE(pm_enter_rbp, "rbp");
ENTRANCE(pm_enter_r12, "r12");
ENTRANCE(pm_enter_r13, "r13");
ENTRANCE(pm_enter_r14, "r14");
ENTRANCE(pm_enter_r15, "r15");

entrance pm_enter_load;
__asm__(".text\n"
        ".type pm_enter_load, @function\n"
        "pm_enter_load:\n"
        ".cfi_startproc\n"
        "movq %r8, %rax\n"
        "jmpq *%rcx\n"
        ".cfi_endproc\n"
        ".size pm_enter_load, . - pm_enter_load\n");

/* The entrance for a function that starts with the instruction at *code, moved
   on to the second one; NULL if the first is of another kind. Machine code: 0x50 + n pushes
   one of the first eight registers, 0x41 before it one of the others; 48 8b 05 loads %rax from
   a distance of four bytes after the instruction (PyEval_EvalFrameEx starts so in optimised builds);
   f3 0f 1e fa is endbr64, which does nothing. */
static inline entrance *entrance_of(const u8 **code, u64 *loaded)
{
    const u8 *at = *code;

    if (at[0] == 0xf3 && at[1] == 0x0f && at[2] == 0x1e && at[3] == 0xfa)
        at += 4;
    if (at[0] == 0x48 && at[1] == 0x8b && at[2] == 0x05) {
        i32 distance;
        __builtin_memcpy(&distance, at + 3, sizeof distance);
        *code = at + 7;
        __builtin_memcpy(loaded, *code + distance, sizeof *loaded);
        return pm_enter_load;
    }
    bool extended = at[0] == 0x41;
    at += extended;
    *code = at + 1;
    switch (at[0]) {
    case 0x53:
        return extended ? 0 : pm_enter_rbx;
    case 0x54:
        return extended ? pm_enter_r12 : 0;
    case 0x55:
        return extended ? pm_enter_r13 : pm_enter_rbp;
    case 0x56:
        return extended ? pm_enter_r14 : 0;
    case 0x57:
        return extended ? pm_enter_r15 : 0;
    default:
        return 0;
    }
}

static inline void *call(OrigFn original, void *first, void *second, void *third)
{
    const u8 *code = (const u8 *)original.nraddr;
    u64 loaded = 0;
    entrance *enter = entrance_of(&code, &loaded);
    void *result;

    if (__builtin_expect(enter != 0, 1))
        return enter(first, second, third, code, loaded);
    CALL_FN_W_WWW(result, original, first, second, third);
    return result;
}

/* The function takes (tstate, frame, throwflag) from 3.9 on and (frame,
   throwflag) before: three words cover both. */
static inline void *evaluate(OrigFn original, void *first, void *second, void *third)
{
    pm_find_symbols(original.nraddr);
    struct pm_slot *slot = own_slot(), none = { 0, 0 };

    if (__builtin_expect(slot == 0, 0))
        slot = &none;
    u64 outer = slot->anchor;
    slot->anchor = (u64)first;
    void *result = call(original, first, second, third);
    slot->anchor = outer;
    return result;
}

#define WRAP(soname, name)                                                                \
    void *I_WRAP_SONAME_FNNAME_ZU(soname, name)(void *first, void *second, void *third);  \
    void *I_WRAP_SONAME_FNNAME_ZU(soname, name)(void *first, void *second, void *third)   \
    {                                                                                     \
        OrigFn original;                                                                  \
        VALGRIND_GET_ORIG_FN(original);                                                   \
        return evaluate(original, first, second, third);                                  \
    }

/* NONE is an executable; libpythonZa is libpython*. */
WRAP(NONE, _PyEval_EvalFrameDefault)
WRAP(libpythonZa, _PyEval_EvalFrameDefault)

/* In 3.x PyEval_EvalFrameEx only calls the other. It must not look like a call
   of the evaluation function then: this one's frame has a name of its own. It is wrapped there in
   executables only: a shared library tells 2.7 by its name. Up to 3.8 each call of a Python function
   passes it. */
static __attribute__((noinline)) void *pm_pass_on(OrigFn original, void *first, void *second,
                                                  void *third)
{
    return call(original, first, second, third);
}

#define WRAP_2_7(soname)                                                                  \
    void *I_WRAP_SONAME_FNNAME_ZU(soname, PyEval_EvalFrameEx)(void *first, void *second,  \
                                                              void *third);               \
    void *I_WRAP_SONAME_FNNAME_ZU(soname, PyEval_EvalFrameEx)(void *first, void *second,  \
                                                              void *third)                \
    {                                                                                     \
        OrigFn original;                                                                  \
        VALGRIND_GET_ORIG_FN(original);                                                   \
        pm_find_symbols(original.nraddr);                                                 \
        if (pm_symbols._PyEval_EvalFrameDefault != 0)                                     \
            return pm_pass_on(original, first, second, third);                            \
        return evaluate(original, first, second, third);                                  \
    }

WRAP_2_7(NONE)
WRAP_2_7(libpython2Za)
