/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tool wraps FUNCTION, which begins with FIRST and ends with LAST. It returns the sum of its
   arguments and of START, which FIRST leaves in %rax. The wrapper must execute the first instruction
   once and preserve the callee-saved registers. The exit code is 0 if it does. */
#include <stdio.h>

long loaded_value = 1000000;

#define TEXT_(text) #text
#define TEXT(text) TEXT_(text)
#define NAME TEXT(FUNCTION)

__asm__(".text\n"
        ".globl " NAME "\n"
        ".type " NAME ", @function\n"
        NAME ":\n"
        FIRST "\n"
        "addq %rdi, %rax\n"
        "addq %rsi, %rax\n"
        "addq %rdx, %rax\n"
        LAST "\n"
        "ret\n"
        ".size " NAME ", . - " NAME "\n");

#ifdef AS_IN_3
/* If this exists, PyEval_EvalFrameEx is not the evaluation function. */
void _PyEval_EvalFrameDefault(void)
{
}
#endif

/* Calls the function with a different value in each callee-saved register. Returns the function's result, or
   -1 if one of these registers changed. */
long call_it(long first, long second, long third);

#define KEPT(DO) DO(rbx, 0x1bb1) DO(rbp, 0x2bb2) DO(r12, 0x12cc) DO(r13, 0x13cc) DO(r14, 0x14cc) \
    DO(r15, 0x15cc)
#define PUSH(name, value) "pushq %" #name "\n"
#define SET(name, value) "movq $" #value ", %" #name "\n"
#define CHECK(name, value) "cmpq $" #value ", %" #name "\n" "cmovneq %rcx, %rax\n"

__asm__(".text\n"
        "call_it:\n"
        KEPT(PUSH)
        "subq $8, %rsp\n"
        KEPT(SET)
        "call " NAME "\n"
        "movq $-1, %rcx\n"
        KEPT(CHECK)
        "addq $8, %rsp\n"
        "popq %r15\n" "popq %r14\n" "popq %r13\n" "popq %r12\n" "popq %rbp\n" "popq %rbx\n"
        "ret\n");

int main(void)
{
    for (long i = 0; i < 1000; i++) {
        long expected = START + i + 2 * i + 3, got = call_it(i, 2 * i, 3);
        if (got != expected) {
            printf("call %ld: %ld instead of %ld\n", i, got, expected);
            return 1;
        }
        loaded_value++;
    }
    return 0;
}
