/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the small programs in this folder. Each leaves blocks behind in one
   particular way, and no dead pointers to them: run() does the work, and its
   caller then overwrites the dead part of the stack and the registers.

   The comment "Expected:" of a program gives bytes:blocks of each kind that is not
   empty, as Memcheck finds them without heuristics, or ? if they depend on the C library.
   tests/oracle/test_leak_kinds.py asks Memcheck and compares. */
#ifndef NATIVE_H
#define NATIVE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

/* A block of zeros, so that no word of it is left from an earlier block. */
static inline void *make(size_t bytes)
{
    return memset(malloc(bytes), 0, bytes);
}

/* Clears 64 KB of stack below the caller, and the registers that a call may change. */
static __attribute__((noinline, unused)) void scrub(void)
{
    volatile char stack[65536];

    for (size_t i = 0; i < sizeof stack; i++)
        stack[i] = 0;
    __asm__ volatile("xor %%eax, %%eax\n xor %%ecx, %%ecx\n xor %%edx, %%edx\n"
                     "xor %%esi, %%esi\n xor %%edi, %%edi\n xor %%r8d, %%r8d\n"
                     "xor %%r9d, %%r9d\n xor %%r10d, %%r10d\n xor %%r11d, %%r11d\n"
                     ::: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
}

#define RUN_AND_SCRUB \
    int main(void) \
    { \
        run(); \
        scrub(); \
        return 0; \
    }

#endif
