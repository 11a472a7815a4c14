/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocates below an assembler function without unwind information. The function has no frame, and its frame
   pointer leads nowhere. When it calls, only its return address is on top of the stack. */
#include <stdlib.h>

extern void bare(void *kept[2]);
void keep(void *kept[2]);

__asm__(".text\n"
        ".globl bare\n"
        ".type bare, @function\n"
        "bare:\n"
        "movq %rbp, saved(%rip)\n"
        "xorl %ebp, %ebp\n"
        "call keep\n"
        "movq saved(%rip), %rbp\n"
        "ret\n"
        ".size bare, . - bare\n"
        ".local saved\n"
        ".comm saved, 8, 8\n");

void keep(void *kept[2])
{
    kept[0] = malloc(100);
    kept[1] = malloc(200);
}

int main(void)
{
    static void *kept[4];
    volatile char far_from_the_end_of_the_stack[100000];

    far_from_the_end_of_the_stack[0] = 1;
    bare(kept);
    bare(kept + 2);
    return kept[3] == NULL || far_from_the_end_of_the_stack[0] != 1;
}
