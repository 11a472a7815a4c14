/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of main holds a block while the program exits.
   Expected: reachable 77:1 */
#include "native.h"



int main(void)
{
    void *volatile block = make(77);

    scrub();
    exit(block == NULL);
}
