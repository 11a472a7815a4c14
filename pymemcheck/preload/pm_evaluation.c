/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wrapper of the evaluation function. While the function runs, the thread's slot holds its first
   argument, from which the tool finds the Python frames. The wrapper enters the tool once for
   each thread; after that it only finds the slot by the thread pointer and stores into it. (The
   slots are not thread-local storage: that would make the C library allocate more for each
   thread, and our totals would differ from Memcheck's.)

   The wrapper also has a frame of its own on the native stack. It marks exactly where one call of
   the evaluation function ends, whatever the compiler called the function's parts.

   Valgrind's own way of calling a wrapped function leaves translated code and goes through the
   scheduler each time. But only the function's first address is redirected. So the wrapper
   executes the first instruction itself, nearly always the push of a register or the load of a
   global pointer, and enters the function at the second.

   Up to 3.10 each call of a Python function comes here, so the usual way is in assembler: three
   blocks of translated code and one jump through memory. pm_evaluate_slowly does the rest.

   Before the function is entered, the memory that its frame will have is cleared. The frame has words that it never
   or rarely writes to, and it lives long. What earlier calls left there would pass for pointers in a leak search:
   where a lost object has the memory of a dead one, they hide the leak. */
#include <valgrind/valgrind.h>

#include "base/pm_types.h"
#include "preload/pm_allocators.h"
#include "preload/pm_arenas.h"
#include "preload/pm_hello.h"
#include "preload/pm_requests.h"
#include "preload/pm_symbols.h"

/* An open hash table by thread pointer. Slots of ended threads are reused, so the table must have
   room for the threads that live at one time; Valgrind allows 500 unless --max-threads= says
   otherwise. */
#define PM_SLOT_BITS 12
#define PM_SLOT_HASH 0x9e3779b97f4a7c15

enum { SLOTS = 1 << PM_SLOT_BITS };

/* More than the frame of the evaluation function in any optimised build has. */
enum { CLEARED_BYTES = 512 };

/* Not static, since assembler uses them. */
__attribute__((visibility("hidden"))) struct pm_slot pm_slots[SLOTS];

/* The function that was wrapped first, if it begins with the push of a register that a function must
   preserve. Nearly always it is the only one. Written once, original last. */
struct known_function {
    u64 original;               /* its address; 0: none yet */
    const u8 *second;           /* its second instruction */
};
__attribute__((visibility("hidden"))) struct known_function pm_known_function;

static inline u64 thread_pointer(void)
{
    u64 pointer;
    __asm__("movq %%fs:0, %0" : "=r"(pointer));
    return pointer;
}

static inline u64 home_of(u64 owner)
{
    return (owner * PM_SLOT_HASH) >> (64 - PM_SLOT_BITS);
}

/* Acquires a slot for a thread that has none, and tells the tool. NULL if none is free. Another thread
   may be scheduled at any instruction in between. */
static __attribute__((noinline, cold)) struct pm_slot *acquire_slot(u64 owner)
{
    pm_introduce(true);
    pm_settle_arenas();
    pm_tell_allocators();
    for (u64 i = home_of(owner), tried = 0; tried < SLOTS; i = (i + 1) % SLOTS, tried++) {
        u64 seen = pm_slots[i].owner;
        if (seen > PM_SLOT_FREE || !__sync_bool_compare_and_swap(&pm_slots[i].owner, seen, owner))
            continue;
        pm_slots[i].anchor = 0;
        VALGRIND_DO_CLIENT_REQUEST_STMT(PM_REQUEST_SLOT, &pm_slots[i], 0, 0, 0, 0);
        return &pm_slots[i];
    }
    return 0;
}

/* The calling thread's slot, or NULL. */
static inline struct pm_slot *own_slot(void)
{
    u64 owner = thread_pointer();

    for (u64 i = home_of(owner), tried = 0; tried < SLOTS; i = (i + 1) % SLOTS, tried++) {
        if (__builtin_expect(pm_slots[i].owner == owner, 1))
            return &pm_slots[i];
        if (pm_slots[i].owner == PM_SLOT_NEVER)
            break;
    }
    return acquire_slot(owner);
}

/* Executes the first instruction of a function, and continues at the second one, whose address is the
   fourth argument. The fifth argument is the value that the first instruction loads, if it is a
   load. */
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

/* What the first instruction loads into %rax: the word at place, or place itself. */
struct load {
    const u8 *place;
    bool address;
};

static inline u64 value_of(const struct load *load)
{
    u64 value = (u64)load->place;

    if (!load->address)
        __builtin_memcpy(&value, load->place, sizeof value);
    return value;
}

/* The entrance for a function that starts with the instruction at *code, which is moved to the second
   one; NULL if the first is of another kind. Machine code: 0x50 + n pushes one of the first eight
   registers, with 0x41 before it one of the others; 48 8b 05 and a distance of four bytes loads
   %rax from memory (PyEval_EvalFrameEx starts so in optimised builds); 48 8d 05 loads the address
   of that memory, which a linker makes of a load from the table of addresses; f3 0f 1e fa is
   endbr64, which does nothing. */
static inline entrance *entrance_of(const u8 **code, struct load *load)
{
    const u8 *at = *code;

    if (at[0] == 0xf3 && at[1] == 0x0f && at[2] == 0x1e && at[3] == 0xfa)
        at += 4;
    if (at[0] == 0x48 && (at[1] == 0x8b || at[1] == 0x8d) && at[2] == 0x05) {
        i32 distance;
        __builtin_memcpy(&distance, at + 3, sizeof distance);
        *code = at + 7;
        *load = (struct load){ .place = *code + distance, .address = at[1] == 0x8d };
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
    struct load load = { 0, true };
    entrance *enter = entrance_of(&code, &load);
    void *result;

    if (__builtin_expect(enter != 0, 1))
        return enter(first, second, third, code, value_of(&load));
    CALL_FN_W_WWW(result, original, first, second, third);
    return result;
}

/* Remembers the function, if none is known yet and it begins with a push. */
static void note_function(u64 original)
{
    static u32 claimed;
    const u8 *code = (const u8 *)original;
    struct load load = { 0, true };
    entrance *enter = entrance_of(&code, &load);

    if (enter == 0 || enter == pm_enter_load || !__sync_bool_compare_and_swap(&claimed, 0, 1))
        return;
    pm_known_function.second = code;
    __atomic_store_n(&pm_known_function.original, original, __ATOMIC_RELEASE);
}

/* Clears CLEARED_BYTES below the caller's frame. */
static __attribute__((noinline)) void clear_stack(void)
{
    volatile u64 memory[CLEARED_BYTES / sizeof(u64)];

    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        memory[i] = 0;
}

/* The function takes (tstate, frame, throwflag) from 3.9 on and (frame,
   throwflag) before: three words cover both. */
static inline void *evaluate(OrigFn original, void *first, void *second, void *third)
{
    pm_find_symbols(original.nraddr);
    struct pm_slot *slot = own_slot(), none = { 0, 0 };

    if (__builtin_expect(slot == 0, 0))
        slot = &none;
    if (pm_known_function.original == 0)
        note_function(original.nraddr);
    u64 outer = slot->anchor;
    slot->anchor = (u64)first;
    clear_stack();
    void *result = call(original, first, second, third);
    slot->anchor = outer;
    return result;
}

__attribute__((visibility("hidden"))) void *pm_evaluate_slowly(OrigFn original, void *first,
                                                               void *second, void *third);

void *pm_evaluate_slowly(OrigFn original, void *first, void *second, void *third)
{
    return evaluate(original, first, second, third);
}

/* The wrapper, in assembler:

       original = VALGRIND_GET_ORIG_FN();
       slot = the place in pm_slots where the thread's own is if no other was there before it;
       if (original != pm_known_function.original || slot->owner != thread_pointer())
           return pm_evaluate_slowly(original, first, second, third);
       outer = slot->anchor;
       slot->anchor = first;
       clear_stack();
       result = the function, entered at its second instruction;
       slot->anchor = outer;
       return result;

   The function pushes a register first, which it restores before it returns. Which one does not
   matter: the wrapper pushes %rbp in its place, which is this frame's, and restores all of them.
   There is one byte before the address that the function returns to, since unwinders look for the
   caller in the instruction before. */
_Static_assert(sizeof(struct pm_slot) == 1 << 4 && offsetof(struct pm_slot, owner) == 0
               && offsetof(struct pm_slot, anchor) == 8
               && offsetof(struct known_function, original) == 0
               && offsetof(struct known_function, second) == 8, "as the assembler has them");

#define TEXT_(text) #text
#define TEXT(text) TEXT_(text)
/* VALGRIND_GET_ORIG_FN (valgrind.h, amd64), with the answer in %rax. */
#define GET_ORIGINAL "rolq $3, %rdi; rolq $13, %rdi; rolq $61, %rdi; rolq $51, %rdi; xchgq %rcx, %rcx\n"

/* Below the stack pointer a program may not write where the stack still has to grow. */
#define CLEAR_16(at) "movups %xmm0, " #at "(%rsp)\n"
#define CLEAR_128(at) CLEAR_16(at) CLEAR_16(at + 16) CLEAR_16(at + 32) CLEAR_16(at + 48) \
    CLEAR_16(at + 64) CLEAR_16(at + 80) CLEAR_16(at + 96) CLEAR_16(at + 112)
#define CLEAR_STACK "subq $512, %rsp\nxorps %xmm0, %xmm0\n" \
    CLEAR_128(0) CLEAR_128(128) CLEAR_128(256) CLEAR_128(384) "addq $512, %rsp\n"
_Static_assert(CLEARED_BYTES == 512, "as the assembler has it");

#define BEGIN_FUNCTION(name) \
    ".text\n.balign 16\n.globl " name "\n.type " name ", @function\n" name ":\n.cfi_startproc\n"
#define END_FUNCTION(name) ".cfi_endproc\n.size " name ", . - " name "\n"

#define WRAP(soname, function) WRAP_AS(TEXT(I_WRAP_SONAME_FNNAME_ZU(soname, function)))
#define WRAP_AS(name)                                                                     \
    __asm__(BEGIN_FUNCTION(name)                                                          \
            "pushq %rbp\n"                                                                \
            ".cfi_def_cfa_offset 16\n"                                                    \
            ".cfi_offset %rbp, -16\n"                                                     \
            "movq %rsp, %rbp\n"                                                           \
            ".cfi_def_cfa_register %rbp\n"                                                \
            "subq $64, %rsp\n"                                                            \
            "movq %rbx, -8(%rbp)\n"                                                       \
            ".cfi_offset %rbx, -24\n"                                                     \
            "movq %r12, -16(%rbp)\n"                                                      \
            ".cfi_offset %r12, -32\n"                                                     \
            "movq %r13, -24(%rbp)\n"                                                      \
            ".cfi_offset %r13, -40\n"                                                     \
            "movq %r14, -32(%rbp)\n"                                                      \
            ".cfi_offset %r14, -48\n"                                                     \
            "movq %r15, -40(%rbp)\n"                                                      \
            ".cfi_offset %r15, -56\n"                                                     \
            GET_ORIGINAL                                                                  \
            "movq %fs:0, %r10\n"                                                          \
            "movabsq $" TEXT(PM_SLOT_HASH) ", %r11\n"                                     \
            "imulq %r10, %r11\n"                                                          \
            "shrq $64 - " TEXT(PM_SLOT_BITS) ", %r11\n"                                   \
            "shlq $4, %r11\n"                                                             \
            "leaq pm_slots(%rip), %r8\n"                                                  \
            "addq %r8, %r11\n"                                                            \
            "xorq (%r11), %r10\n"                                                         \
            "movq pm_known_function(%rip), %r8\n"                                         \
            "xorq %rax, %r8\n"                                                            \
            "orq %r8, %r10\n"                                                             \
            "jne 2f\n"                                                                    \
            "movq 8(%r11), %r8\n"                                                         \
            "movq %r8, -48(%rbp)\n"                                                       \
            "movq %r11, -56(%rbp)\n"                                                      \
            "movq %rdi, 8(%r11)\n"                                                        \
            CLEAR_STACK                                                                   \
            "leaq 1f(%rip), %r11\n"                                                       \
            "pushq %r11\n"                                                                \
            "pushq %rbp\n"                                                                \
            "jmpq *pm_known_function+8(%rip)\n"                                           \
            "nop\n"                                                                       \
            "1:\n"                                                                        \
            "movq -56(%rbp), %rcx\n"                                                      \
            "movq -48(%rbp), %rsi\n"                                                      \
            "movq %rsi, 8(%rcx)\n"                                                        \
            "movq -8(%rbp), %rbx\n"                                                       \
            "movq -16(%rbp), %r12\n"                                                      \
            "movq -24(%rbp), %r13\n"                                                      \
            "movq -32(%rbp), %r14\n"                                                      \
            "movq -40(%rbp), %r15\n"                                                      \
            "leaveq\n"                                                                    \
            ".cfi_remember_state\n"                                                       \
            ".cfi_def_cfa %rsp, 8\n"                                                      \
            "retq\n"                                                                      \
            ".cfi_restore_state\n"                                                        \
            "2:\n"                                                                        \
            "movq %rdx, %rcx\n"                                                           \
            "movq %rsi, %rdx\n"                                                           \
            "movq %rdi, %rsi\n"                                                           \
            "movq %rax, %rdi\n"                                                           \
            "callq pm_evaluate_slowly\n"                                                  \
            "leaveq\n"                                                                    \
            ".cfi_def_cfa %rsp, 8\n"                                                      \
            "retq\n"                                                                      \
            END_FUNCTION(name))

/* NONE is an executable; libpythonZa is libpython*. In 2.7 the function has the older name. */
WRAP(NONE, _PyEval_EvalFrameDefault);
WRAP(libpythonZa, _PyEval_EvalFrameDefault);
WRAP(libpython2Za, PyEval_EvalFrameEx);

/* In 3.x PyEval_EvalFrameEx only calls the other function. It must not look like a call of the
   evaluation function then, so no frame is made for it. It is wrapped in executables only, since
   the name of a shared library already tells 2.7. Up to 3.8 each call of a Python function passes
   it. The first one that was passed is remembered if it begins with a load into %rax; original is
   written last. */
struct passed_function {
    u64 original;
    const u8 *second;
    const void *place;          /* of what is loaded */
    u64 value;                  /* the word at place, if an address is loaded */
};
__attribute__((visibility("hidden"))) struct passed_function pm_passed_function;

static void note_passed_function(u64 original)
{
    static u32 claimed;
    const u8 *code = (const u8 *)original;
    struct load load = { 0, true };

    if (entrance_of(&code, &load) != pm_enter_load || !__sync_bool_compare_and_swap(&claimed, 0, 1))
        return;
    pm_passed_function.second = code;
    pm_passed_function.value = (u64)load.place;
    pm_passed_function.place = load.address ? (const void *)&pm_passed_function.value : load.place;
    __atomic_store_n(&pm_passed_function.original, original, __ATOMIC_RELEASE);
}

/* Valgrind's own way of calling it makes a frame, which must have a name of its own. */
static __attribute__((noinline)) void *pm_pass_on(OrigFn original, void *first, void *second,
                                                  void *third)
{
    if (pm_passed_function.original == 0)
        note_passed_function(original.nraddr);
    return call(original, first, second, third);
}

/* In 2.7 its frame stands for the call, so it has that function's name. */
static __attribute__((used)) void *evaluate_or_pass_on(void *first, void *second, void *third)
    __asm__("PyEval_EvalFrameEx.wrapper");

static void *evaluate_or_pass_on(void *first, void *second, void *third)
{
    OrigFn original;

    VALGRIND_GET_ORIG_FN(original);
    pm_find_symbols(original.nraddr);
    if (pm_symbols._PyEval_EvalFrameDefault != 0)
        return pm_pass_on(original, first, second, third);
    return evaluate(original, first, second, third);
}

/* The wrapper: serves the remembered function, and leaves all others to evaluate_or_pass_on. */
_Static_assert(offsetof(struct passed_function, original) == 0
               && offsetof(struct passed_function, second) == 8
               && offsetof(struct passed_function, place) == 16, "as the assembler has them");

#define WRAP_PASSED(name)                                                                 \
    __asm__(BEGIN_FUNCTION(name)                                                          \
            GET_ORIGINAL                                                                  \
            "cmpq pm_passed_function(%rip), %rax\n"                                       \
            "jne PyEval_EvalFrameEx.wrapper\n"                                            \
            "movq pm_passed_function+16(%rip), %rax\n"                                    \
            "movq (%rax), %rax\n"                                                         \
            "jmpq *pm_passed_function+8(%rip)\n"                                          \
            END_FUNCTION(name))

WRAP_PASSED(TEXT(I_WRAP_SONAME_FNNAME_ZU(NONE, PyEval_EvalFrameEx)));
