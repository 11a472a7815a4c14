/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lines_oracle FILE: prints a line for each address (hex) on standard input, as addr2line -e FILE
   does: "folder/file:line", or "??:0" if no line is known. Sections must not be compressed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dwarf/pm_elf.h"
#include "dwarf/pm_line_search.h"

struct input {
    FILE *file;
    struct pm_elf elf;
    struct pm_bytes sections[PM_DEBUG_SECTIONS];
};

static bool read_file(void *context, u64 offset, void *to, size_t bytes)
{
    struct input *input = context;
    return fseek(input->file, (long)offset, SEEK_SET) == 0
        && fread(to, 1, bytes, input->file) == bytes;
}

/* Each block is exactly as long as its section, so that the sanitizer finds reads beyond it. */
static void load(struct input *input, enum pm_debug_section which, const char *name)
{
    const struct pm_elf_file source = { read_file, input };
    struct pm_elf_section section;

    if (!pm_elf_find(&input->elf, &source, name, &section))
        return;
    u8 *bytes = malloc(section.bytes);
    if (section.compression != PM_ELF_PLAIN
            || !read_file(input, section.offset, bytes, section.bytes)) {
        fprintf(stderr, "lines_oracle: cannot read %s\n", name);
        exit(2);
    }
    input->sections[which] = (struct pm_bytes){ bytes, section.bytes };
}

static struct pm_bytes section_of(void *context, enum pm_debug_section section)
{
    const struct input *input = context;
    return input->sections[section];
}

static int compare(const void *a, const void *b)
{
    const struct pm_line_wanted *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

static int compare_tags(const void *a, const void *b)
{
    const struct pm_line_wanted *x = a, *y = b;
    return x->tag < y->tag ? -1 : x->tag > y->tag;
}

/* Whether the rows, read once, have the same answers as the search. */
static bool is_in_rows(const struct pm_debug_source *source, const struct pm_line_wanted *wanted, u32 count)
{
    struct pm_line_rows rows;
    bool good = true;

    pm_line_rows_read(source, &rows);
    for (u32 i = 0; i < count && good; i++) {
        struct pm_line_wanted found = { .address = wanted[i].address };
        pm_line_rows_find(&rows, &found);
        good = found.found == wanted[i].found && found.line == wanted[i].line && found.file == wanted[i].file
            && found.unit == wanted[i].unit && found.start == wanted[i].start;
        if (!good)
            fprintf(stderr, "%llx: line %u, not %u\n", (unsigned long long)wanted[i].address, found.line, wanted[i].line);
    }
    pm_line_rows_release(&rows);
    return good;
}

int main(int argc, char **argv)
{
    struct input input = { 0 };
    const struct pm_elf_file file = { read_file, &input };
    const struct pm_debug_source source = { section_of, &input };
    struct pm_line_wanted *wanted = NULL;
    struct pm_line_folders folders;
    unsigned long long address;
    u32 count = 0, capacity = 0;

    if (argc != 2 || (input.file = fopen(argv[1], "rb")) == NULL
            || !pm_elf_open(&input.elf, &file)) {
        fprintf(stderr, "lines_oracle: give one ELF file\n");
        return 2;
    }
    load(&input, PM_DEBUG_LINE, ".debug_line");
    load(&input, PM_DEBUG_LINE_STR, ".debug_line_str");
    load(&input, PM_DEBUG_STR, ".debug_str");
    load(&input, PM_DEBUG_INFO, ".debug_info");
    load(&input, PM_DEBUG_ABBREV, ".debug_abbrev");
    while (scanf("%llx", &address) == 1) {
        if (count == capacity) {
            capacity = capacity == 0 ? 1024 : 2 * capacity;
            wanted = realloc(wanted, capacity * sizeof *wanted);
        }
        wanted[count] = (struct pm_line_wanted){ .address = address, .tag = count };
        count++;
    }
    qsort(wanted, count, sizeof *wanted, compare);
    pm_line_search(&source, wanted, count);
    if (!is_in_rows(&source, wanted, count)) {
        fputs("rows that were read once have other answers\n", stderr);
        return 1;
    }
    qsort(wanted, count, sizeof *wanted, compare_tags);
    pm_line_folders_init(&folders);
    for (u32 i = 0; i < count; i++) {
        struct pm_buffer folder, name;
        pm_buffer_init(&folder);
        pm_buffer_init(&name);
        if (!pm_line_names(&source, &folders, &wanted[i], &folder, &name))
            puts("??:0");
        else if (name.bytes[0] == '/' || folder.length == 0)
            printf("%s:%u\n", name.bytes, wanted[i].line);
        else
            printf("%s/%s:%u\n", folder.bytes, name.bytes, wanted[i].line);
        pm_buffer_release(&folder);
        pm_buffer_release(&name);
    }
    pm_line_folders_release(&folders);
    pm_elf_release(&input.elf);
    for (int i = 0; i < PM_DEBUG_SECTIONS; i++)
        free((void *)input.sections[i].bytes);
    free(wanted);
    return fclose(input.file) != 0;
}
