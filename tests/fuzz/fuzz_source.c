/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input is an ELF file: its sections and line programs. Compressed sections are not unpacked. */
#include "pm_fuzz.h"

#include <string.h>

#include "dwarf/pm_elf.h"
#include "dwarf/pm_line_search.h"

enum { WANTED = 64, STEP = 3 };

struct input {
    const u8 *bytes;
    size_t length;
    struct pm_bytes sections[PM_DEBUG_SECTIONS];
    u64 start;          /* of .text */
};

static bool read_input(void *context, u64 offset, void *to, size_t bytes)
{
    const struct input *input = context;

    if (offset > input->length || bytes > input->length - offset)
        return false;
    if (bytes > 0)
        memcpy(to, input->bytes + offset, bytes);
    return true;
}

static struct pm_bytes section_of(void *context, enum pm_debug_section section)
{
    const struct input *input = context;
    return input->sections[section];
}

/* Each section is a block of exactly its length. */
static void load(struct input *input, const u8 *data, size_t size)
{
    static const char *const names[PM_DEBUG_SECTIONS] = {
        ".debug_line", ".debug_line_str", ".debug_str", ".debug_info", ".debug_abbrev", ".debug_str",
    };
    const struct pm_elf_file file = { read_input, input };
    struct pm_elf elf;

    *input = (struct input){ .bytes = data, .length = size, .start = 0x1000 };
    if (pm_elf_open(&elf, &file)) {
        pm_elf_address(&elf, ".text", &input->start);
        for (int i = 0; i < PM_DEBUG_SECTIONS; i++) {
            struct pm_elf_section section;
            if (!pm_elf_find(&elf, &file, names[i], &section) || section.bytes == 0
                    || section.offset > size || section.bytes > size - section.offset)
                continue;
            u8 *block = malloc(section.bytes);
            PM_FUZZ_EXPECT(block != NULL);
            memcpy(block, data + section.offset, section.bytes);
            input->sections[i] = (struct pm_bytes){ block, section.bytes };
        }
    }
    pm_elf_release(&elf);
}

static void release(struct input *input)
{
    for (int i = 0; i < PM_DEBUG_SECTIONS; i++)
        free((void *)input->sections[i].bytes);
}

static void search(struct input *input, struct pm_line_wanted *wanted)
{
    const struct pm_debug_source source = { section_of, input };

    memset(wanted, 0, WANTED * sizeof *wanted);
    /* They must be sorted even where they would wrap around. */
    for (u32 i = 0; i < WANTED; i++)
        wanted[i].address = input->start > UINT64_MAX - WANTED * STEP ? UINT64_MAX
                                                                      : input->start + i * STEP;
    pm_line_search(&source, wanted, WANTED);
}

/* A look-up of this address alone must give the same. */
static void expect_alone(struct input *input, const struct pm_line_wanted *wanted)
{
    const struct pm_debug_source source = { section_of, input };
    struct pm_line_wanted alone;

    memset(&alone, 0, sizeof alone);
    alone.address = wanted->address;
    pm_line_search(&source, &alone, 1);
    PM_FUZZ_EXPECT(alone.found == wanted->found && alone.line == wanted->line
                   && alone.file == wanted->file && alone.unit == wanted->unit
                   && alone.start == wanted->start);
}

static void attempt(const u8 *data, size_t size)
{
    struct input input;
    struct pm_line_wanted wanted[WANTED];
    struct pm_line_folders folders;
    struct pm_buffer folder, file;

    if (size > PM_FUZZ_MAX_BYTES)
        return;
    load(&input, data, size);
    search(&input, wanted);
    for (u32 i = 0; i < WANTED; i += 8)
        expect_alone(&input, &wanted[i]);
    const struct pm_debug_source source = { section_of, &input };
    pm_line_folders_init(&folders);
    pm_buffer_init(&folder);
    pm_buffer_init(&file);
    for (u32 i = 0; i < WANTED; i++) {
        pm_buffer_clear(&folder);
        pm_buffer_clear(&file);
        PM_FUZZ_EXPECT(!wanted[i].found || wanted[i].start <= wanted[i].address);
        bool named = pm_line_names(&source, &folders, &wanted[i], &folder, &file);
        PM_FUZZ_EXPECT(wanted[i].found || !named);
        PM_FUZZ_EXPECT(named || (folder.length == 0 && file.length == 0));
        PM_FUZZ_EXPECT(strlen(folder.bytes) == folder.length && strlen(file.bytes) == file.length);
    }
    pm_line_folders_get(&folders, &source, 0);
    pm_line_folders_release(&folders);
    pm_buffer_release(&folder);
    pm_buffer_release(&file);
    release(&input);
}

/* "part.h:12 part.h:12 -": for each address, without folders. */
static void describe(const u8 *data, size_t size, struct pm_buffer *out)
{
    struct input input;
    struct pm_line_wanted wanted[WANTED];
    struct pm_line_folders folders;

    load(&input, data, size);
    search(&input, wanted);
    const struct pm_debug_source source = { section_of, &input };
    pm_line_folders_init(&folders);
    for (u32 i = 0; i < WANTED; i++) {
        struct pm_buffer folder, file;
        pm_buffer_init(&folder);
        pm_buffer_init(&file);
        if (i > 0)
            pm_buffer_add_char(out, ' ');
        if (pm_line_names(&source, &folders, &wanted[i], &folder, &file)) {
            const char *slash = strrchr(file.bytes, '/');
            pm_buffer_add_text(out, slash != NULL ? slash + 1 : file.bytes);
            pm_buffer_add_char(out, ':');
            pm_buffer_add_u64(out, wanted[i].line);
        } else {
            pm_buffer_add_char(out, '-');
        }
        pm_buffer_release(&folder);
        pm_buffer_release(&file);
    }
    pm_line_folders_release(&folders);
    release(&input);
}

const struct pm_fuzz_target pm_fuzz_source = { "source", false, attempt, describe };
