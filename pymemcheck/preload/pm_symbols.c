/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE     /* dl_iterate_phdr */
#include "preload/pm_symbols.h"

#include <elf.h>
#include <link.h>

#include "base/pm_platform.h"

#define WEAK_REFERENCE(name) extern char name[] __attribute__((weak));
PM_SYMBOLS(WEAK_REFERENCE)
extern __typeof__(dl_iterate_phdr) dl_iterate_phdr __attribute__((weak));

struct pm_symbols pm_symbols;

/* The dynamic symbols of one object. */
struct object {
    u64 address;                /* that must lie in it */
    bool found;
    u64 base;
    const Elf64_Sym *symbols;
    const char *names;
    const u32 *hash;            /* DT_GNU_HASH: buckets, first symbol, filter words, filter shift */
};

/* Addresses in the dynamic section were relocated by the C library, except in the vdso. */
static void read_dynamic(struct object *object, const Elf64_Dyn *entry)
{
    for (; entry->d_tag != DT_NULL; entry++) {
        u64 address = entry->d_un.d_ptr;
        if (address < object->base)
            address += object->base;
        if (entry->d_tag == DT_SYMTAB)
            object->symbols = (const Elf64_Sym *)address;
        else if (entry->d_tag == DT_STRTAB)
            object->names = (const char *)address;
        else if (entry->d_tag == DT_GNU_HASH)
            object->hash = (const u32 *)address;
    }
    object->found = object->symbols != 0 && object->names != 0 && object->hash != 0;
}

static int visit(struct dl_phdr_info *info, size_t size, void *data)
{
    struct object *object = data;
    const Elf64_Phdr *dynamic = 0;
    bool inside = false;

    (void)size;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const Elf64_Phdr *header = &info->dlpi_phdr[i];
        u64 start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_LOAD && object->address >= start
                && object->address - start < header->p_memsz)
            inside = true;
        if (header->p_type == PT_DYNAMIC)
            dynamic = header;
    }
    if (!inside || dynamic == 0)
        return inside;
    object->base = info->dlpi_addr;
    read_dynamic(object, (const Elf64_Dyn *)(info->dlpi_addr + dynamic->p_vaddr));
    return 1;
}

static u32 hash_of(const char *name)
{
    u32 hash = 5381;

    for (; *name != '\0'; name++)
        hash = hash * 33 + (u8)*name;
    return hash;
}

static u64 look_up(const struct object *object, const char *name)
{
    u32 bucket_count = object->hash[0], first = object->hash[1], filter_words = object->hash[2];
    const u32 *buckets = object->hash + 4 + 2 * filter_words, *chain = buckets + bucket_count;
    u32 hash = hash_of(name);
    u32 index = bucket_count != 0 ? buckets[hash % bucket_count] : 0;

    if (index < first)
        return 0;
    for (;; index++) {
        u32 entry = chain[index - first];
        const Elf64_Sym *symbol = &object->symbols[index];
        if ((entry | 1) == (hash | 1) && symbol->st_shndx != SHN_UNDEF
                && pm_text_equal(object->names + symbol->st_name, name))
            return object->base + symbol->st_value;
        if (entry & 1)
            return 0;
    }
}

void pm_find_symbols_slowly(u64 function)
{
    struct object object = { .address = function };

    if (Py_GetVersion != 0) {
#define TAKE(name) pm_symbols.name = (u64)name;
        PM_SYMBOLS(TAKE)
        return;
    }
    if (function == 0 || dl_iterate_phdr == 0)
        return;
    dl_iterate_phdr(visit, &object);
    if (!object.found)
        return;
#define LOOK_UP(name) pm_symbols.name = look_up(&object, #name);
    PM_SYMBOLS(LOOK_UP)
}
