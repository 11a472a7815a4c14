/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Only a register holds the block when the process ends: the thread is gone,
   and its registers with it.
   Expected: definitely 79:1 */
#include "native.h"



int main(void)
{
    register void *block __asm__("r12") = make(79);

    scrub();
    __asm__ volatile("syscall" :: "a"(231), "D"(0), "r"(block) : "rcx", "r11", "memory");
}
