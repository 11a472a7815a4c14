/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Through which interface the memory of each site was requested: the C library's malloc, one of CPython's three, or
   C++'s new.

   A release build of CPython leaves no trace of PyMem_Malloc on the stack, which ends in a jump to malloc. So the call
   instruction is read, in the first function that is no allocator and in the wrappers below it. Inside the interpreter
   a call of malloc itself tells nothing: compilers put it in the place of PyMem_RawMalloc and PyObject_Malloc.

   It is found out when a file is written, so it costs nothing while the program runs; of code that is unloaded by then
   it is not known. */
#ifndef PM_SITE_DOMAINS_H
#define PM_SITE_DOMAINS_H

#include "base/pm_types.h"

struct pm_run;

/* As in docs/file-format.md. */
enum pm_site_domain {
    PM_SITE_DOMAIN_UNKNOWN,
    PM_SITE_DOMAIN_LIBC,
    PM_SITE_DOMAIN_RAW,
    PM_SITE_DOMAIN_MEM,
    PM_SITE_DOMAIN_OBJECT,
    PM_SITE_DOMAIN_CXX,
};

/* For each site an enum pm_site_domain; free it by pm_free. */
u8 *pm_site_domains(struct pm_run *run);

#endif
