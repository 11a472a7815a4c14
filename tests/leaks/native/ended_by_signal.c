/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A signal ends the program: its frames hold a block.
   Expected: definitely 106:1, reachable 105:1 */
#include "native.h"

#include <signal.h>



int main(void)
{
    void *volatile block = make(105);

    make(106);
    scrub();
    raise(SIGTERM);
    return block == NULL;
}
