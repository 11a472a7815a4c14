/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dwarf/pm_elf.h"

#include "base/pm_platform.h"
#include "dwarf/pm_cursor.h"

enum {
    FILE_HEADER_BYTES = 64,
    SECTION_HEADER_BYTES = 64,
    COMPRESSION_HEADER_BYTES = 24,
    OLD_COMPRESSION_BYTES = 12,
    MAX_SECTIONS = 1 << 20,
    MAX_NAMES_BYTES = 1 << 28,
    CLASS_64 = 2,
    LITTLE_ENDIAN_DATA = 1,
    SHT_NOBITS = 8,
    SHF_COMPRESSED = 1 << 11,
    ELFCOMPRESS_ZLIB = 1,
    ELFCOMPRESS_ZSTD = 2,
};

struct header {
    u32 name, type;
    u64 flags, address, offset, bytes, link;
};

static u64 number_at(const u8 *bytes, unsigned size)
{
    struct pm_cursor cursor = { .at = bytes, .end = bytes + size };
    return pm_cursor_uint(&cursor, size);
}

static struct header parse_header(const u8 *bytes)
{
    return (struct header){
        .name = (u32)number_at(bytes, 4),
        .type = (u32)number_at(bytes + 4, 4),
        .flags = number_at(bytes + 8, 8),
        .address = number_at(bytes + 16, 8),
        .offset = number_at(bytes + 24, 8),
        .bytes = number_at(bytes + 32, 8),
        .link = number_at(bytes + 40, 4),
    };
}

static struct header header_of(const struct pm_elf *elf, u32 index)
{
    return parse_header(elf->headers + (size_t)index * SECTION_HEADER_BYTES);
}

static bool read_names(struct pm_elf *elf, const struct pm_elf_file *file, u64 index)
{
    if (index >= elf->count)
        return false;
    const struct header names = header_of(elf, (u32)index);
    if (names.bytes > MAX_NAMES_BYTES || names.type == SHT_NOBITS)
        return false;
    elf->names = pm_alloc("pm.elf.names", names.bytes + 1);
    elf->names[names.bytes] = '\0';
    elf->names_length = names.bytes;
    return file->read(file->context, names.offset, elf->names, names.bytes);
}

bool pm_elf_open(struct pm_elf *elf, const struct pm_elf_file *file)
{
    u8 head[FILE_HEADER_BYTES], first[SECTION_HEADER_BYTES];

    *elf = (struct pm_elf){ 0 };
    if (!file->read(file->context, 0, head, sizeof head)
            || pm_compare(head, "\177ELF", 4) != 0 || head[4] != CLASS_64
            || head[5] != LITTLE_ENDIAN_DATA)
        return false;
    const u64 start = number_at(head + 40, 8);
    u64 count = number_at(head + 60, 2), names = number_at(head + 62, 2);
    if (start == 0 || number_at(head + 58, 2) != SECTION_HEADER_BYTES
            || !file->read(file->context, start, first, sizeof first))
        return false;
    /* Numbers that do not fit in there are in the first section header. */
    if (count == 0)
        count = parse_header(first).bytes;
    if (names == 0xffff)
        names = parse_header(first).link;
    if (count == 0 || count > MAX_SECTIONS)
        return false;
    elf->headers = pm_alloc("pm.elf.headers", count * SECTION_HEADER_BYTES);
    elf->count = (u32)count;
    return file->read(file->context, start, elf->headers, count * SECTION_HEADER_BYTES)
        && read_names(elf, file, names);
}

void pm_elf_release(struct pm_elf *elf)
{
    pm_free(elf->headers);
    pm_free(elf->names);
    *elf = (struct pm_elf){ 0 };
}

/* The section's index, or count. */
static u32 index_of(const struct pm_elf *elf, const char *name)
{
    u32 i;

    for (i = 0; i < elf->count; i++) {
        u32 at = header_of(elf, i).name;
        if (at < elf->names_length && pm_text_equal(elf->names + at, name))
            break;
    }
    return i;
}

static bool find_compressed(const struct pm_elf_file *file, struct pm_elf_section *section)
{
    u8 head[COMPRESSION_HEADER_BYTES];

    if (section->bytes < sizeof head
            || !file->read(file->context, section->offset, head, sizeof head))
        return false;
    switch (number_at(head, 4)) {
    case ELFCOMPRESS_ZLIB: section->compression = PM_ELF_ZLIB; break;
    case ELFCOMPRESS_ZSTD: section->compression = PM_ELF_ZSTD; break;
    default: return false;
    }
    section->full_bytes = number_at(head + 8, 8);
    section->offset += sizeof head;
    section->bytes -= sizeof head;
    return true;
}

static bool find_old_compressed(const struct pm_elf_file *file, struct pm_elf_section *section)
{
    u8 head[OLD_COMPRESSION_BYTES];

    if (section->bytes < sizeof head
            || !file->read(file->context, section->offset, head, sizeof head)
            || pm_compare(head, "ZLIB", 4) != 0)
        return false;
    section->full_bytes = 0;
    for (int i = 4; i < OLD_COMPRESSION_BYTES; i++)     /* the highest byte first */
        section->full_bytes = section->full_bytes << 8 | head[i];
    section->compression = PM_ELF_ZLIB;
    section->offset += sizeof head;
    section->bytes -= sizeof head;
    return true;
}

bool pm_elf_find(const struct pm_elf *elf, const struct pm_elf_file *file, const char *name,
                 struct pm_elf_section *section)
{
    u32 index = index_of(elf, name);
    char old_name[32] = ".z";
    bool old = false;

    if (index == elf->count && name[0] == '.' && pm_length(name) < sizeof old_name - 1) {
        pm_copy(old_name + 2, name + 1, pm_length(name));
        index = index_of(elf, old_name);
        old = true;
    }
    if (index == elf->count)
        return false;
    const struct header header = header_of(elf, index);
    *section = (struct pm_elf_section){
        .address = header.address,
        .offset = header.offset,
        .bytes = header.bytes,
        .full_bytes = header.bytes,
    };
    if (header.type == SHT_NOBITS)
        return false;
    if (header.flags & SHF_COMPRESSED)
        return find_compressed(file, section);
    return !old || find_old_compressed(file, section);
}

bool pm_elf_address(const struct pm_elf *elf, const char *name, u64 *address)
{
    const u32 index = index_of(elf, name);

    if (index == elf->count)
        return false;
    *address = header_of(elf, index).address;
    return true;
}
