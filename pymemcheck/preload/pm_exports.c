/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the program may call: the requests of pymemcheck.h as a function, for languages without its
   macros. Python finds it by ctypes.CDLL(None), under the tool and nowhere else. */
#include "preload/pymemcheck.h"

/* Numbers of one tool's requests have 16 bits. */
enum { MOST_NUMBER = 0xffff };

long pymemcheck_request(unsigned long number, long a, long b, long c, long d);

long pymemcheck_request(unsigned long number, long a, long b, long c, long d)
{
    return number <= MOST_NUMBER ? PYMEMCHECK_REQUEST(number, a, b, c, d) : PYMEMCHECK_NOT_SUPPORTED;
}
