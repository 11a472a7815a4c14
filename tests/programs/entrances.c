/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A function that the tool wraps, which begins with FIRST and ends with LAST. It answers the sum of its
   arguments and of START, which FIRST leaves in %rax. The wrapper must carry the first instruction out
   once, and lose nothing. Exit code 0 if so. */
#include <stdio.h>

long loaded_value = 1000000;

long _PyEval_EvalFrameDefault(long first, long second, long third);

__asm__(".text\n"
        ".globl _PyEval_EvalFrameDefault\n"
        ".type _PyEval_EvalFrameDefault, @function\n"
        "_PyEval_EvalFrameDefault:\n"
        FIRST "\n"
        "addq %rdi, %rax\n"
        "addq %rsi, %rax\n"
        "addq %rdx, %rax\n"
        LAST "\n"
        "ret\n"
        ".size _PyEval_EvalFrameDefault, . - _PyEval_EvalFrameDefault\n");

int main(void)
{
    for (long i = 0; i < 1000; i++) {
        long expected = START + i + 2 * i + 3, got = _PyEval_EvalFrameDefault(i, 2 * i, 3);
        if (got != expected) {
            printf("call %ld: %ld instead of %ld\n", i, got, expected);
            return 1;
        }
        loaded_value++;
    }
    return 0;
}
