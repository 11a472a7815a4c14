/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FUNCTION, which the tool wraps, begins with FIRST and ends with LAST. It answers the sum of its
   arguments and of START, which FIRST leaves in %rax. The wrapper must carry the first instruction out
   once, and lose nothing, and the registers that a function keeps must be as before. Exit code 0 if so. */
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
/* Where this is, PyEval_EvalFrameEx is not the evaluation function. */
void _PyEval_EvalFrameDefault(void)
{
}
#endif

/* Calls the function with a value of its own in each register that it must keep; the answer is then the
   function's, else -1. */
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
