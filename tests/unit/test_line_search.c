/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Line programs made by hand, of every version and with every opcode, and damaged ones. What
   compilers really make is compared with readelf in tests/oracle/test_lines.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dwarf/pm_line_search.h"
#include "pm_random.h"

struct section {
    u8 bytes[1024];
    size_t length;
};

/* Sections, given to the decoder as blocks of exactly their length. */
struct image {
    struct section sections[PM_DEBUG_SECTIONS];
    u8 *blocks[PM_DEBUG_SECTIONS];
};

static void put(struct section *section, u64 value, int bytes)
{
    assert_true(section->length + 8 < sizeof section->bytes);
    for (int i = 0; i < bytes; i++)
        section->bytes[section->length++] = (u8)(value >> (8 * i));
}

static void put_text(struct section *section, const char *text)
{
    memcpy(section->bytes + section->length, text, strlen(text) + 1);
    section->length += strlen(text) + 1;
}

static void put_bytes(struct section *section, const u8 *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        put(section, bytes[i], 1);
}

#define PUT(section, ...) \
    put_bytes(section, (const u8[]){ __VA_ARGS__ }, sizeof (const u8[]){ __VA_ARGS__ })

static void patch(struct section *section, size_t at, u64 value, int bytes)
{
    size_t length = section->length;

    section->length = at;
    put(section, value, bytes);
    section->length = length;
}

static struct pm_bytes section_of(void *context, enum pm_debug_section section)
{
    struct image *image = context;
    size_t length = image->sections[section].length;

    if (image->blocks[section] == NULL) {
        image->blocks[section] = malloc(length);
        if (length > 0)
            memcpy(image->blocks[section], image->sections[section].bytes, length);
    }
    return (struct pm_bytes){ image->blocks[section], length };
}

static void forget(struct image *image)
{
    for (int i = 0; i < PM_DEBUG_SECTIONS; i++) {
        free(image->blocks[i]);
        image->blocks[i] = NULL;
    }
}

/* Where the lengths of a unit are, to be filled in at its end. */
struct unit {
    u8 version;
    bool is64;
    size_t length_at, header_at;
};

enum { OPCODE_BASE = 14, LINE_BASE = -3, LINE_RANGE = 12 };

static size_t begin_length(struct section *section, bool is64)
{
    if (is64)
        put(section, 0xffffffff, 4);
    put(section, 0, is64 ? 8 : 4);
    return section->length;
}

static struct unit begin_unit(struct section *line, u8 version, bool is64)
{
    struct unit unit = { .version = version, .is64 = is64 };

    unit.length_at = begin_length(line, is64);
    put(line, version, 2);
    if (version >= 5)
        PUT(line, 8, 0);
    put(line, 0, is64 ? 8 : 4);
    unit.header_at = line->length;
    PUT(line, 1);
    if (version >= 4)
        PUT(line, 1);
    PUT(line, 1, (u8)LINE_BASE, LINE_RANGE, OPCODE_BASE);
    /* The last opcode is one that nobody knows, with two operands. */
    PUT(line, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 2);
    return unit;
}

static void end_header(struct section *line, const struct unit *unit)
{
    int bytes = unit->is64 ? 8 : 4;
    patch(line, unit->header_at - bytes, line->length - unit->header_at, bytes);
}

static void end_unit(struct section *line, const struct unit *unit)
{
    int bytes = unit->is64 ? 8 : 4;
    patch(line, unit->length_at - bytes, line->length - unit->length_at, bytes);
}

static void put_old_tables(struct section *line)
{
    put_text(line, "sub");
    put_text(line, "/usr/include");
    PUT(line, 0);
    put_text(line, "main.c");
    PUT(line, 0, 0, 0);
    put_text(line, "part.c");
    PUT(line, 1, 0x80, 1, 5);
    put_text(line, "header.h");
    PUT(line, 2, 0, 0);
    PUT(line, 0);
}

/* The same as the old ones; the first file is there twice, as compilers write it. */
static void put_new_tables(struct image *image, bool is64)
{
    struct section *line = &image->sections[PM_DEBUG_LINE];
    struct section *line_str = &image->sections[PM_DEBUG_LINE_STR];
    struct section *str = &image->sections[PM_DEBUG_STR];
    int bytes = is64 ? 8 : 4;

    put_text(line_str, "not this");
    size_t work = line_str->length;
    put_text(line_str, "/built");
    size_t sub = line_str->length;
    put_text(line_str, "sub");
    size_t include = line_str->length;
    put_text(line_str, "/usr/include");
    PUT(line, 1, 1, 0x1f);          /* path: line_strp */
    PUT(line, 3);
    put(line, work, bytes);
    put(line, sub, bytes);
    put(line, include, bytes);
    put_text(str, "");
    size_t main_c = str->length;
    put_text(str, "main.c");
    size_t part_c = str->length;
    put_text(str, "part.c");
    size_t header_h = str->length;
    put_text(str, "header.h");
    /* path: strp; folder: udata; MD5: data16; size: udata; something of a vendor: block */
    PUT(line, 5, 1, 0x0e, 2, 0x0f, 5, 0x1e, 4, 0x0f, 0x81, 0x40, 0x09);
    PUT(line, 4);
    const struct { size_t name; u8 folder; } files[] = {
        { main_c, 0 }, { main_c, 0 }, { part_c, 1 }, { header_h, 2 },
    };
    for (size_t i = 0; i < PM_ARRAY_LENGTH(files); i++) {
        put(line, files[i].name, bytes);
        PUT(line, files[i].folder);
        for (u8 j = 0; j < 16; j++)
            PUT(line, j);
        PUT(line, 0xff, 0x7f, 2, 1, 2);
    }
}

/* .debug_info with one unit that says where a unit of .debug_line was compiled. */
static void put_info(struct image *image, u64 line_unit, u8 version, bool is64)
{
    struct section *info = &image->sections[PM_DEBUG_INFO];
    struct section *abbrev = &image->sections[PM_DEBUG_ABBREV];
    int bytes = is64 ? 8 : 4;
    size_t abbreviations = abbrev->length;

    /* One that is not ours, with a constant in the abbreviation; then the unit: a block, an
       address, a flag without bytes, the lines, the folder. */
    PUT(abbrev, 1, 0x34, 0, 0x49, 0x21, 0x7f, 0, 0);
    PUT(abbrev, 2, 0x11, 1, 0x02, 0x0a, 0x11, 0x01, 0x3f, 0x19, 0x10, 0x17, 0x1b, 0x08, 0, 0, 0);
    size_t start = begin_length(info, is64);
    put(info, version, 2);
    put(info, abbreviations, bytes);
    PUT(info, 8, 2, 3, 9, 9, 9);
    put(info, 0x401000, 8);
    put(info, line_unit, bytes);
    put_text(info, "/built");
    patch(info, start - bytes, info->length - start, bytes);
}

static void set_address(struct section *line, u64 address)
{
    PUT(line, 0, 9, 2);
    put(line, address, 8);
}

static u8 special(int address, int line)
{
    return (u8)(address * LINE_RANGE + line - LINE_BASE + OPCODE_BASE);
}

/* Rows: 1000 main.c:10, 1004 part.c:7, 1006 the same with 8, 1106 header.h:300, 1117 main.c:1, end at 1120. */
static void put_program(struct section *line)
{
    set_address(line, 0x1000);
    PUT(line, 3, 9, 1);                         /* advance_line, copy */
    PUT(line, 4, 2, 2, 4, 3, 0x7d, 1);          /* set_file, advance_pc, advance_line -3 */
    PUT(line, 5, 0x81, 1, 6, 7, 10, 11, 12, 0x80, 0);   /* column, flags, isa */
    PUT(line, 0, 2, 4, 0x10);                   /* discriminator */
    PUT(line, 13, 0x80, 1, 9);                  /* the unknown one */
    PUT(line, 0, 3, 0x80, 1, 2);                /* of a vendor */
    PUT(line, special(2, 1));
    PUT(line, 4, 3, 9, 0, 1, 3, 0xa4, 2, 1);    /* fixed_advance_pc 256, line 8 + 292 */
    PUT(line, 8, 4, 1, 3, 0xd5, 0x7d, 1);       /* const_add_pc, line 300 - 299 */
    PUT(line, 2, 3, 0, 1, 1);                   /* end_sequence */
}

enum { CONST_ADD = (255 - OPCODE_BASE) / LINE_RANGE };

/* The rows, read once, have the same answers as the search. */
static void expect_in_rows(const struct pm_debug_source *source, const struct pm_line_wanted *wanted, u32 count)
{
    struct pm_line_rows rows;

    pm_line_rows_read(source, &rows);
    for (u32 i = 0; i < count; i++) {
        struct pm_line_wanted found = { .address = wanted[i].address };
        pm_line_rows_find(&rows, &found);
        assert_int_equal(found.found, wanted[i].found);
        assert_int_equal(found.line, wanted[i].line);
        assert_int_equal(found.file, wanted[i].file);
        assert_int_equal(found.unit, wanted[i].unit);
        assert_int_equal(found.start, wanted[i].start);
    }
    pm_line_rows_release(&rows);
}

static void expect(struct image *image, u64 address, const char *name, u32 line)
{
    const struct pm_debug_source source = { section_of, image };
    struct pm_line_wanted wanted = { .address = address };
    struct pm_line_folders folders;
    struct pm_buffer folder, file;

    pm_line_folders_init(&folders);
    pm_buffer_init(&folder);
    pm_buffer_init(&file);
    pm_line_search(&source, &wanted, 1);
    expect_in_rows(&source, &wanted, 1);
    if (name == NULL) {
        assert_false(wanted.found);
    } else {
        assert_true(wanted.found);
        assert_int_equal(wanted.line, line);
        assert_true(pm_line_names(&source, &folders, &wanted, &folder, &file));
        if (folder.length > 0)
            pm_buffer_add_char(&folder, '/');
        pm_buffer_add_text(&folder, file.bytes);
        assert_string_equal(folder.bytes, name);
    }
    pm_buffer_release(&folder);
    pm_buffer_release(&file);
    pm_line_folders_release(&folders);
    forget(image);
}

/* The address has a row, whose file or folder has no name. */
static void expect_nameless(struct image *image, u64 address)
{
    const struct pm_debug_source source = { section_of, image };
    struct pm_line_wanted wanted = { .address = address };
    struct pm_line_folders folders;
    struct pm_buffer text;

    pm_line_search(&source, &wanted, 1);
    assert_true(wanted.found);
    pm_line_folders_init(&folders);
    pm_buffer_init(&text);
    assert_false(pm_line_names(&source, &folders, &wanted, &text, &text));
    pm_buffer_release(&text);
    pm_line_folders_release(&folders);
}

static void expect_program(struct image *image)
{
    expect(image, 0xfff, NULL, 0);
    expect(image, 0x1000, "/built/main.c", 10);
    expect(image, 0x1003, "/built/main.c", 10);
    expect(image, 0x1004, "/built/sub/part.c", 7);
    expect(image, 0x1005, "/built/sub/part.c", 7);
    expect(image, 0x1006, "/built/sub/part.c", 8);
    expect(image, 0x1105, "/built/sub/part.c", 8);
    expect(image, 0x1106, "/usr/include/header.h", 300);
    expect(image, 0x1106 + CONST_ADD - 1, "/usr/include/header.h", 300);
    expect(image, 0x1106 + CONST_ADD, "/built/main.c", 1);
    expect(image, 0x1106 + CONST_ADD + 2, "/built/main.c", 1);
    expect(image, 0x1106 + CONST_ADD + 3, NULL, 0);
}

static void make(struct image *image, u8 version, bool is64)
{
    struct section *line = &image->sections[PM_DEBUG_LINE];

    *image = (struct image){ 0 };
    /* Units before it: of a version that is not known, and of no length. */
    put(line, 6, 4);
    put(line, 0x0105, 2);
    put(line, 0, 4);
    put(line, 0, 4);
    const u64 offset = line->length;
    struct unit unit = begin_unit(line, version, is64);
    if (version >= 5) {
        put_new_tables(image, is64);
    } else {
        put_old_tables(line);
        put_info(image, 0x7777, 3, false);
        put_info(image, offset, version, is64);
    }
    end_header(line, &unit);
    put_program(line);
    end_unit(line, &unit);
}

static void test_versions(void **state)
{
    struct image *image = malloc(sizeof *image);

    (void)state;
    for (u8 version = 2; version <= 5; version++) {
        make(image, version, false);
        expect_program(image);
        make(image, version, true);
        expect_program(image);
    }
    free(image);
}

/* A unit of DWARF 4 with the tables above, and a program that the caller puts. */
static struct unit begin_simple(struct image *image)
{
    struct section *line = &image->sections[PM_DEBUG_LINE];
    struct unit unit = begin_unit(line, 4, false);

    put_old_tables(line);
    end_header(line, &unit);
    return unit;
}

static void put_row(struct section *line, u64 address, u8 lines)
{
    set_address(line, address);
    PUT(line, 3, lines, 1);
}

static void put_end(struct section *line, u64 address)
{
    set_address(line, address);
    PUT(line, 0, 1, 1);
}

/* Without .debug_info the folder is not known. */
static void test_no_folder(void **state)
{
    struct image *image = calloc(1, sizeof *image);
    struct section *line = &image->sections[PM_DEBUG_LINE];
    struct unit unit = begin_simple(image);

    (void)state;
    put_row(line, 0x1000, 4);
    PUT(line, 4, 2);
    put_row(line, 0x1010, 4);
    PUT(line, 4, 9);
    put_row(line, 0x1020, 4);
    put_end(line, 0x1030);
    end_unit(line, &unit);
    expect(image, 0x1000, "./main.c", 5);
    expect(image, 0x1010, "sub/part.c", 9);

    /* A file that is not in the table. */
    expect_nameless(image, 0x1020);
    forget(image);
    free(image);
}

static void test_defined_files(void **state)
{
    struct image *image = calloc(1, sizeof *image);
    struct section *line = &image->sections[PM_DEBUG_LINE];
    struct unit unit = begin_simple(image);

    (void)state;
    PUT(line, 0, 8, 3);
    put_text(line, "a.y");
    PUT(line, 1, 0, 0);
    PUT(line, 0, 8, 3);
    put_text(line, "b.y");
    PUT(line, 2, 0, 0);
    PUT(line, 4, 4);
    put_row(line, 0x1000, 4);
    PUT(line, 4, 5);
    put_row(line, 0x1010, 4);
    put_end(line, 0x1020);
    end_unit(line, &unit);
    expect(image, 0x1000, "sub/a.y", 5);
    expect(image, 0x1010, "/usr/include/b.y", 9);
    free(image);
}

/* Rows of dropped functions, rows that overlap, addresses that go back. */
static void test_sequences(void **state)
{
    struct image *image = calloc(1, sizeof *image);
    struct section *line = &image->sections[PM_DEBUG_LINE];
    struct unit unit = begin_simple(image);

    (void)state;
    put_row(line, 0, 40);
    put_end(line, 0x8000);
    put_row(line, UINT64_MAX, 41);
    PUT(line, 2, 0x80, 0x80, 4, 0, 1, 1);
    PUT(line, 3, 42, 1, 2, 5, 0, 1, 1);         /* no address at all */
    put_row(line, 0x1000, 9);
    put_end(line, 0x2000);
    put_row(line, 0x1800, 19);
    put_end(line, 0x1900);
    put_row(line, 0x3000, 29);
    put_row(line, 0x2800, 1);
    put_end(line, 0x2810);
    put_row(line, 0x4000, 50);                  /* never ends */
    end_unit(line, &unit);
    expect(image, 0x10, NULL, 0);
    expect(image, 0x1000, "./main.c", 10);
    expect(image, 0x17ff, "./main.c", 10);
    expect(image, 0x1800, "./main.c", 20);
    expect(image, 0x18ff, "./main.c", 20);
    expect(image, 0x1900, "./main.c", 10);
    expect(image, 0x2800, "./main.c", 31);
    expect(image, 0x2810, NULL, 0);
    expect(image, 0x3000, NULL, 0);
    expect(image, 0x4000, NULL, 0);
    free(image);
}

/* Many at once, some twice, get the same answers as each alone. */
static void test_many(void **state)
{
    enum { FIRST = 0xff0, COUNT = 0x160 };
    struct image *image = malloc(sizeof *image);
    struct pm_line_wanted many[2 * COUNT];
    const struct pm_debug_source source = { section_of, image };

    (void)state;
    make(image, 5, false);
    for (u32 i = 0; i < 2 * COUNT; i++)
        many[i] = (struct pm_line_wanted){ .address = FIRST + i / 2, .tag = i };
    pm_line_search(&source, many, 2 * COUNT);
    for (u32 i = 0; i < 2 * COUNT; i++) {
        struct pm_line_wanted one = { .address = FIRST + i / 2, .tag = i };
        pm_line_search(&source, &one, 1);
        assert_memory_equal(&one, &many[i], sizeof one);
    }
    expect_in_rows(&source, many, 2 * COUNT);
    forget(image);
    free(image);
}

/* Headers that say nonsense end. */
static void test_bad_headers(void **state)
{
    struct image *image = malloc(sizeof *image);
    struct section *line = &image->sections[PM_DEBUG_LINE];

    (void)state;
    /* A table with very many entries of no bytes: no format at all, an address, a flag. */
    static const u8 formats[][3] = { { 0 }, { 1, 1, 0x19 }, { 1, 1, 0x21 }, { 1, 1, 0x01 } };
    for (size_t i = 0; i < PM_ARRAY_LENGTH(formats); i++) {
        *image = (struct image){ 0 };
        struct unit unit = begin_unit(line, 5, false);
        put_bytes(line, formats[i], formats[i][0] == 0 ? 1 : 3);
        PUT(line, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1);
        end_header(line, &unit);
        put_row(line, 0x1000, 4);
        put_end(line, 0x1010);
        end_unit(line, &unit);
        expect_nameless(image, 0x1000);
        forget(image);
    }
    /* No range of lines: such an opcode cannot be divided. */
    make(image, 4, false);
    line->bytes[14 + 4 + 2 + 4 + 4] = 0;
    expect(image, 0x1000, NULL, 0);
    /* Longer than the section. */
    make(image, 4, false);
    patch(line, 14, 0xfffffff0, 4);
    expect(image, 0x1000, NULL, 0);
    free(image);
}

/* Every byte changed, sections cut: no read outside (the sanitizer sees it), and an end. */
static void try_all(struct image *image)
{
    const struct pm_debug_source source = { section_of, image };
    struct pm_line_wanted wanted[64] = { 0 };
    struct pm_line_folders folders;
    struct pm_buffer text;

    for (u32 i = 0; i < PM_ARRAY_LENGTH(wanted); i++)
        wanted[i].address = 0xff8 + 8 * i;
    pm_line_search(&source, wanted, PM_ARRAY_LENGTH(wanted));
    expect_in_rows(&source, wanted, PM_ARRAY_LENGTH(wanted));
    pm_line_folders_init(&folders);
    pm_buffer_init(&text);
    for (u32 i = 0; i < PM_ARRAY_LENGTH(wanted); i++)
        pm_line_names(&source, &folders, &wanted[i], &text, &text);
    pm_buffer_release(&text);
    pm_line_folders_release(&folders);
    forget(image);
}

static void test_damage(void **state)
{
    struct image *whole = malloc(sizeof *whole), *image = malloc(sizeof *image);
    struct pm_random random = pm_random_start();

    (void)state;
    for (u8 version = 2; version <= 5; version++) {
        make(whole, version, version & 1);
        for (int section = 0; section < PM_DEBUG_SECTIONS; section++) {
            for (size_t at = 0; at < whole->sections[section].length; at++) {
                for (int round = 0; round < 12; round++) {
                    static const u8 bounds[] = { 0, 1, 0x7f, 0x80, 0xfe, 0xff };
                    *image = *whole;
                    struct section *damaged = &image->sections[section];
                    if (round < 6)
                        damaged->bytes[at] = bounds[round];
                    else
                        damaged->bytes[at] = (u8)pm_random_below(&random, 256);
                    if (round >= 9)
                        damaged->bytes[pm_random_below(&random, damaged->length)]
                            = (u8)pm_random_below(&random, 256);
                    try_all(image);
                }
                *image = *whole;
                image->sections[section].length = at;
                try_all(image);
            }
        }
    }
    free(whole);
    free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_no_folder),
        cmocka_unit_test(test_defined_files),
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_bad_headers),
        cmocka_unit_test(test_damage),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
