/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_domain_functions.h"

#include "base/pm_platform.h"

enum { RAW = 1 << PM_SLOT_RAW, SMALL = 1 << PM_SLOT_MEM | 1 << PM_SLOT_OBJECT };

#define FOUR(prefix, interface, slots)                      \
    { prefix "Malloc", PM_DOMAIN_MALLOC, interface, slots },  \
    { prefix "Calloc", PM_DOMAIN_CALLOC, interface, slots },  \
    { prefix "Realloc", PM_DOMAIN_REALLOC, interface, slots }, \
    { prefix "Free", PM_DOMAIN_FREE, interface, slots }

static const struct pm_domain_function known[] = {
    FOUR("_PyMem_Raw", false, RAW),
    FOUR("_PyObject_", false, SMALL),                       /* pymalloc */
    FOUR("_PyMem_Mi", false, 1 << PM_SLOT_MEM),             /* mimalloc, of free-threaded builds */
    FOUR("_PyObject_Mi", false, 1 << PM_SLOT_OBJECT),
    FOUR("PyMem_Raw", true, RAW),
    FOUR("PyMem_", true, 1 << PM_SLOT_MEM),
    FOUR("PyObject_", true, 1 << PM_SLOT_OBJECT),
};

/* Length of a symbol without the suffix of the compiler or linker. */
static size_t stem_length(const char *symbol)
{
    size_t length = 0;

    while (symbol[length] != '\0' && symbol[length] != '.' && symbol[length] != '@')
        length++;
    return length;
}

bool pm_domain_function_of(const char *symbol, struct pm_domain_function *function)
{
    if (symbol[0] != 'P' && (symbol[0] != '_' || symbol[1] != 'P'))
        return false;
    const size_t length = stem_length(symbol);
    for (size_t i = 0; i < PM_ARRAY_LENGTH(known); i++)
        if (pm_length(known[i].name) == length && pm_compare(known[i].name, symbol, length) == 0) {
            *function = known[i];
            return true;
        }
    return false;
}

const char *pm_domain_function_name(enum pm_domain_slot slot, enum pm_domain_operation operation, bool is_raw)
{
    const u32 wanted = is_raw ? RAW : 1u << slot;

    for (size_t i = 0; i < PM_ARRAY_LENGTH(known); i++)
        if ((known[i].slots & wanted) != 0 && known[i].operation == operation)
            return known[i].name;
    return "?";
}

bool pm_domain_is_hook(u8 api_id)
{
    return api_id == 'r' || api_id == 'm' || api_id == 'o';
}
