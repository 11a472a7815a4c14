/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions of CPython's allocator domains: the interfaces that C code calls, and what is behind them: those that stand in the interpreter's table of
   allocators (Objects/obmalloc.c, 3.6 to 3.14: PyMemAllocatorEx _PyMem_Raw, _PyMem, _PyObject; from 3.12
   on in _PyRuntime), beneath debug hooks. */
#ifndef PM_DOMAIN_FUNCTIONS_H
#define PM_DOMAIN_FUNCTIONS_H

#include "base/pm_types.h"

enum pm_domain_operation {
    PM_DOMAIN_MALLOC,       /* (context, bytes) */
    PM_DOMAIN_CALLOC,       /* (context, count, bytes of each) */
    PM_DOMAIN_REALLOC,      /* (context, address, bytes) */
    PM_DOMAIN_FREE,         /* (context, address) */
    PM_DOMAIN_OPERATIONS,
};

/* In the order of PyMemAllocatorDomain. */
enum pm_domain_slot { PM_SLOT_RAW, PM_SLOT_MEM, PM_SLOT_OBJECT, PM_DOMAIN_SLOTS };

struct pm_domain_function {
    const char *name;               /* without a suffix of the compiler; static */
    enum pm_domain_operation operation;
    bool interface;                 /* such as PyMem_Malloc: without the context */
    u32 slots;                      /* bits 1 << enum pm_domain_slot: which domains it serves by default */
};

/* What the function of that symbol is; false: none of these. Suffixes of the compiler (.lto_priv.0) are
   ignored. */
bool pm_domain_function_of(const char *symbol, struct pm_domain_function *function);

/* The name that CPython gives to the function in a slot of the table, if it has no symbol. is_raw: the same
   function serves the raw domain. */
const char *pm_domain_function_name(enum pm_domain_slot slot, enum pm_domain_operation operation, bool is_raw);

/* Whether the table's entry is a debug hook, by the first byte of its context (debug_alloc_api_t, api_id). The
   entry beneath it follows after eight bytes. */
bool pm_domain_is_hook(u8 api_id);

#endif
