/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nine cases of Memcheck's manual, section "Memory leak detection".
   Expected: definitely 64:3, indirectly 144:2, possibly 544:6, reachable 176:4 */
#include "native.h"

/* A1 is the block of 16 bytes in case 1, and so on; sizes grow by 16. */
void *root1, *root2, *root6, *root5, *root7, *root8;

static NOINLINE void run(void)
{
    char **b, *a;

    root1 = make(16);                           /* 1: root -> A */
    b = (char **)make(32);                      /* 2: root -> B -> A */
    b[0] = (char *)make(48);
    root2 = b;
    make(8);                                    /* 3: A */
    b = (char **)make(24);                      /* 4: B -> A */
    b[0] = (char *)make(64);
    root5 = (char *)make(96) + 8;               /* 5: root -?> A */
    b = (char **)make(80);                      /* 6: root -> B -?> A */
    a = (char *)make(112);
    b[1] = a + 8;
    root6 = b;
    b = (char **)make(104);                     /* 7: root -?> B -> A */
    b[1] = (char *)make(120);
    root7 = (char *)b + 8;
    b = (char **)make(56);                      /* 8: root -?> B -?> A */
    b[1] = (char *)make(56) + 8;
    root8 = (char *)b + 8;
    b = (char **)make(32);                      /* 9: B -?> A */
    b[1] = (char *)make(80) + 8;
}

RUN_AND_SCRUB
