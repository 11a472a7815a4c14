/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections of ELF files: of this program itself, and of a small file made by hand, also damaged. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dwarf/pm_elf.h"
#include "pm_random.h"

struct memory {
    u8 *bytes;
    size_t length;
};

static bool read_memory(void *context, u64 offset, void *to, size_t bytes)
{
    const struct memory *memory = context;

    if (offset > memory->length || bytes > memory->length - offset)
        return false;
    if (bytes > 0)
        memcpy(to, memory->bytes + offset, bytes);
    return true;
}

static bool read_stdio(void *context, u64 offset, void *to, size_t bytes)
{
    return fseek(context, (long)offset, SEEK_SET) == 0 && fread(to, 1, bytes, context) == bytes;
}

enum { MADE_BYTES = 1024, HEADERS_AT = 512, NAMES_AT = 64, DATA_AT = 256 };

enum { NAMES = 1, PLAIN, PACKED, ZSTD, OLD, UNKNOWN, EMPTY, TEXT, COUNT };

/* A file with one section of each kind. */
static void make(u8 *bytes)
{
    static const char *const names[COUNT] = {
        "", ".shstrtab", ".debug_line", ".debug_info", ".debug_abbrev", ".zdebug_str",
        ".debug_types", ".debug_line_str", ".text",
    };
    ElfW(Ehdr) *head = (ElfW(Ehdr) *)bytes;
    ElfW(Shdr) *headers = (ElfW(Shdr) *)(bytes + HEADERS_AT);
    size_t name = 0;

    memset(bytes, 0, MADE_BYTES + COUNT * sizeof *headers);
    memcpy(head->e_ident, "\177ELF\2\1\1", 7);
    head->e_shoff = HEADERS_AT;
    head->e_shentsize = sizeof *headers;
    head->e_shnum = COUNT;
    head->e_shstrndx = NAMES;
    for (int i = 0; i < COUNT; i++) {
        headers[i].sh_name = (ElfW(Word))name;
        headers[i].sh_type = SHT_PROGBITS;
        headers[i].sh_offset = DATA_AT;
        headers[i].sh_size = 32;
        strcpy((char *)bytes + NAMES_AT + name, names[i]);
        name += strlen(names[i]) + 1;
    }
    headers[NAMES].sh_offset = NAMES_AT;
    headers[NAMES].sh_size = name;
    headers[PLAIN].sh_size = 7;
    headers[PACKED].sh_flags = headers[ZSTD].sh_flags = headers[UNKNOWN].sh_flags = SHF_COMPRESSED;
    headers[ZSTD].sh_offset = DATA_AT + 32;
    headers[UNKNOWN].sh_offset = DATA_AT + 64;
    headers[OLD].sh_offset = DATA_AT + 96;
    headers[EMPTY].sh_type = SHT_NOBITS;
    headers[TEXT].sh_addr = 0x401000;
    for (u8 i = 0; i < 3; i++) {
        ElfW(Chdr) *chdr = (ElfW(Chdr) *)(bytes + DATA_AT + 32 * i);
        *chdr = (ElfW(Chdr)){ .ch_type = i == 2 ? 99 : i + 1u, .ch_size = 1000u + i };
    }
    memcpy(bytes + DATA_AT + 96, "ZLIB\0\0\0\0\0\1\2\3", 12);
}

static void test_made(void **state)
{
    u8 bytes[MADE_BYTES + COUNT * sizeof(ElfW(Shdr))] __attribute__((aligned(8)));
    struct memory memory = { bytes, sizeof bytes };
    const struct pm_elf_file file = { read_memory, &memory };
    struct pm_elf_section section;
    struct pm_elf elf;
    u64 address;

    (void)state;
    make(bytes);
    assert_true(pm_elf_open(&elf, &file));
    assert_true(pm_elf_find(&elf, &file, ".debug_line", &section));
    assert_int_equal(section.compression, PM_ELF_PLAIN);
    assert_int_equal(section.offset, DATA_AT);
    assert_int_equal(section.bytes, 7);
    assert_int_equal(section.full_bytes, 7);
    assert_true(pm_elf_find(&elf, &file, ".debug_info", &section));
    assert_int_equal(section.compression, PM_ELF_ZLIB);
    assert_int_equal(section.offset, DATA_AT + 24);
    assert_int_equal(section.bytes, 8);
    assert_int_equal(section.full_bytes, 1000);
    assert_true(pm_elf_find(&elf, &file, ".debug_abbrev", &section));
    assert_int_equal(section.compression, PM_ELF_ZSTD);
    assert_int_equal(section.full_bytes, 1001);
    assert_true(pm_elf_find(&elf, &file, ".debug_str", &section));
    assert_int_equal(section.compression, PM_ELF_ZLIB);
    assert_int_equal(section.offset, DATA_AT + 96 + 12);
    assert_int_equal(section.bytes, 20);
    assert_int_equal(section.full_bytes, 0x010203);
    assert_false(pm_elf_find(&elf, &file, ".debug_types", &section));
    assert_false(pm_elf_find(&elf, &file, ".debug_line_str", &section));
    assert_false(pm_elf_find(&elf, &file, ".debug_lin", &section));
    assert_true(pm_elf_address(&elf, ".text", &address));
    assert_int_equal(address, 0x401000);
    assert_false(pm_elf_address(&elf, ".data", &address));
    pm_elf_release(&elf);
}

static void test_this_program(void **state)
{
    FILE *self = fopen("/proc/self/exe", "rb");
    const struct pm_elf_file file = { read_stdio, self };
    struct pm_elf_section section;
    struct pm_elf elf;
    u64 address;

    (void)state;
    assert_non_null(self);
    assert_true(pm_elf_open(&elf, &file));
    assert_true(pm_elf_find(&elf, &file, ".text", &section));
    assert_true(pm_elf_address(&elf, ".text", &address));
    assert_int_equal(section.address, address);
    /* This function is in it, at the same bytes. */
    u8 code[16];
    Dl_info info;
    assert_int_not_equal(dladdr((void *)(uintptr_t)test_this_program, &info), 0);
    u64 linked = (u64)(uintptr_t)test_this_program - (u64)(uintptr_t)info.dli_fbase;
    if (section.address >= 0x400000)
        linked = (u64)(uintptr_t)test_this_program;
    assert_in_range(linked, section.address, section.address + section.bytes - 1);
    assert_true(read_stdio(self, section.offset + linked - section.address, code, sizeof code));
    assert_memory_equal(code, (void *)(uintptr_t)test_this_program, sizeof code);
    pm_elf_release(&elf);
    fclose(self);
}

static void try_all(const struct memory *memory)
{
    static const char *const names[] = {
        ".debug_line", ".debug_info", ".debug_abbrev", ".debug_str", ".debug_types", ".text", "",
    };
    struct memory copy = { malloc(memory->length), memory->length };
    const struct pm_elf_file file = { read_memory, &copy };
    struct pm_elf_section section;
    struct pm_elf elf;
    u64 address;

    memcpy(copy.bytes, memory->bytes, memory->length);
    if (pm_elf_open(&elf, &file))
        for (size_t i = 0; i < PM_ARRAY_LENGTH(names); i++) {
            pm_elf_find(&elf, &file, names[i], &section);
            pm_elf_address(&elf, names[i], &address);
        }
    pm_elf_release(&elf);
    free(copy.bytes);
}

static void test_damage(void **state)
{
    u8 whole[MADE_BYTES + COUNT * sizeof(ElfW(Shdr))] __attribute__((aligned(8)));
    u8 bytes[sizeof whole];
    struct pm_random random = pm_random_start();

    (void)state;
    make(whole);
    for (int round = 0; round < 30000; round++) {
        struct memory memory = { bytes, sizeof bytes };
        memcpy(bytes, whole, sizeof bytes);
        for (int i = 0; i < 1 + round % 4; i++)
            bytes[pm_random_below(&random, sizeof bytes)] = (u8)pm_random_below(&random, 256);
        if (round % 5 == 0)
            memory.length = pm_random_below(&random, sizeof bytes) + 1;
        try_all(&memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made),
        cmocka_unit_test(test_this_program),
        cmocka_unit_test(test_damage),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
