/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds sections of a 64-bit little-endian ELF file by name, and how they are
   compressed. Layouts: System V ABI, "Object Files" (ELF-64 header, section header, Chdr);
   the older compression of sections named .zdebug_...: "ZLIB" and the size, as GNU binutils
   documents at --compress-debug-sections=zlib-gnu. */
#ifndef PM_ELF_H
#define PM_ELF_H

#include "base/pm_types.h"

/* A file that is read piece by piece. */
struct pm_elf_file {
    /* Reads bytes at offset; false if there are not so many, or they cannot be read. */
    bool (*read)(void *context, u64 offset, void *to, size_t bytes);
    void *context;
};

/* The section headers and their names. Must be released, also after a failure. */
struct pm_elf {
    u8 *headers;
    u32 count;
    char *names;        /* ends with NUL */
    u64 names_length;   /* without it */
};

enum pm_elf_compression {
    PM_ELF_PLAIN,
    PM_ELF_ZLIB,
    PM_ELF_ZSTD,
};

struct pm_elf_section {
    u64 address;        /* 0: not loaded */
    u64 offset, bytes;  /* its contents in the file, without the header of a compressed section */
    u64 full_bytes;     /* after decompression */
    enum pm_elf_compression compression;
};

/* False if the file is not such an ELF file or is damaged. */
bool pm_elf_open(struct pm_elf *elf, const struct pm_elf_file *file);
void pm_elf_release(struct pm_elf *elf);

/* False if there is no such section with contents in the file, or its compression is unknown.
   ".debug_x" finds ".zdebug_x" as well. */
bool pm_elf_find(const struct pm_elf *elf, const struct pm_elf_file *file, const char *name,
                 struct pm_elf_section *section);

/* The address of a section, whether it has contents or not; false if there is none. */
bool pm_elf_address(const struct pm_elf *elf, const char *name, u64 *address);

#endif
