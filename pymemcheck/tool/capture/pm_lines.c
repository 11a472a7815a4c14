/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core passes no context, so what is open and what was deferred is kept here. An object that was
   loaded again from the same files to the same place is one object. No object is ever dropped,
   since frames refer to them. */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_vki.h"

#include "tool/capture/pm_lines.h"

#include "base/pm_grow.h"
#include "base/pm_map.h"
#include "base/pm_platform.h"
#include "base/pm_sort.h"
#include "dwarf/pm_elf.h"
#include "dwarf/pm_line_search.h"
#include "tool/core/pm_core.h"

/* The object's own file, the file with its debug information, and a file that several share. */
enum { MAX_FILES = 3, MAX_SECTION_BYTES = 1 << 30 };

struct file {
    char *path;
    struct vg_stat status;      /* as it was loaded */
};

/* A file that rows name. */
struct row_file {
    char *folder, *file;        /* file: NULL if it has no name */
};

/* All lines of an object, for pm_lines_find_now. */
struct kept_lines {
    struct pm_line_rows rows;
    u64 shift;                  /* an address in the file with .debug_line less the one in the object's own */
    struct pm_map file_of;      /* unit and file -> index of files */
    struct row_file *files;
    u32 file_count, file_capacity;
};

struct object {
    const DebugInfo *info;      /* NULL: unloaded, as far as we know */
    char *name;
    u64 bias;                   /* the address in memory less the address in the file */
    struct file files[MAX_FILES];
    u32 file_count;
    bool is_gone;               /* a message said that a file cannot be read any more */
    struct kept_lines *kept;    /* NULL: not read yet */
};

struct image {
    const void *image;          /* the core's handle */
    char *path;                 /* NULL: not a local file */
};

static struct image images[MAX_FILES + 1];
static u32 image_count;         /* can be more than fit in images */
static struct object *objects;
static u32 object_count, object_capacity;

static char *copy_text(const char *text)
{
    return pm_copy_text("pm.lines.text", text, pm_length(text));
}

/* --- What the core has open --- */

void pm_lines_opened(const void *image, const char *path)
{
    if (image_count < PM_ARRAY_LENGTH(images))
        images[image_count] = (struct image){
            image, path != NULL ? copy_text(path) : NULL,
        };
    image_count++;
}

void pm_lines_closed(const void *image)
{
    for (u32 i = 0; i < image_count && i < PM_ARRAY_LENGTH(images); i++) {
        if (images[i].image != image)
            continue;
        pm_free(images[i].path);
        for (; i + 1 < PM_ARRAY_LENGTH(images); i++)
            images[i] = images[i + 1];
        images[i] = (struct image){ NULL, NULL };
        break;
    }
    if (image_count > 0)
        image_count--;
}

static void release_files(struct object *object)
{
    for (u32 i = 0; i < object->file_count; i++)
        pm_free(object->files[i].path);
    object->file_count = 0;
}

/* False if one of the files cannot be opened again. */
static bool take_files(struct object *object)
{
    if (image_count == 0 || image_count > MAX_FILES)
        return false;
    for (u32 i = 0; i < image_count; i++) {
        struct file *file = &object->files[i];
        if (images[i].path == NULL || sr_isError(VG_(stat)(images[i].path, &file->status))) {
            release_files(object);
            return false;
        }
        file->path = copy_text(images[i].path);
        object->file_count++;
    }
    return true;
}

static bool is_same_file(const struct vg_stat *a, const struct vg_stat *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime == b->mtime
        && a->mtime_nsec == b->mtime_nsec;
}

static bool is_same_object(const struct object *a, const struct object *b)
{
    if (a->bias != b->bias || a->file_count != b->file_count || !pm_text_equal(a->name, b->name))
        return false;
    for (u32 i = 0; i < a->file_count; i++)
        if (!pm_text_equal(a->files[i].path, b->files[i].path)
                || !is_same_file(&a->files[i].status, &b->files[i].status))
            return false;
    return true;
}

static void add_object(const struct object *object)
{
    if (object_count == object_capacity) {
        object_capacity = object_capacity == 0 ? 64 : 2 * object_capacity;
        objects = pm_realloc("pm.lines.objects", objects, object_capacity * sizeof *objects);
    }
    objects[object_count++] = *object;
}

bool pm_lines_defer(const DebugInfo *info)
{
    struct object object = {
        .info = info,
        .bias = (u64)VG_(DebugInfo_get_text_bias)(info),
    };

    for (u32 i = 0; i < object_count; i++)
        if (objects[i].info == info)
            objects[i].info = NULL;     /* the handle was another object's before */
    if (pm_core_reads_debug_info() || !take_files(&object))
        return false;
    object.name = copy_text(VG_(DebugInfo_get_filename)(info));
    for (u32 i = 0; i < object_count; i++) {
        if (is_same_object(&objects[i], &object)) {
            objects[i].info = info;
            release_files(&object);
            pm_free(object.name);
            return true;
        }
    }
    add_object(&object);
    return true;
}

bool pm_lines_place(DiEpoch epoch, u64 ip, struct pm_lines_place *place)
{
    const DebugInfo *info = VG_(find_DebugInfo)(epoch, ip);

    if (info == NULL)
        return false;
    for (u32 i = 0; i < object_count; i++) {
        const struct object *object = &objects[i];
        /* The handle may belong to another object by now, which has no lines. */
        if (object->info == info && object->bias == (u64)VG_(DebugInfo_get_text_bias)(info)
                && pm_text_equal(object->name, VG_(DebugInfo_get_filename)(info))) {
            *place = (struct pm_lines_place){ i, ip - object->bias };
            return true;
        }
    }
    return false;
}

/* --- Reading --- */

struct open_file {
    Int fd;             /* negative: not open */
    u64 bytes;
    bool is_elf;
    struct pm_elf elf;
};

/* An object whose lines are being looked up. */
struct reading {
    struct open_file files[MAX_FILES];
    u32 count;
    u32 lines;                      /* the file with .debug_line */
    u64 shift;                      /* an address in that file less the one in the object's own */
    struct pm_bytes sections[PM_DEBUG_SECTIONS];
    bool was_read[PM_DEBUG_SECTIONS];
};

static bool read_file(void *context, u64 offset, void *to, size_t bytes)
{
    const struct open_file *file = context;
    u8 *at = to;

    if (offset > INT64_MAX || VG_(lseek)(file->fd, (Off64T)offset, VKI_SEEK_SET) != (Off64T)offset)
        return false;
    while (bytes > 0) {
        Int got = VG_(read)(file->fd, at, bytes < (1u << 30) ? (Int)bytes : 1 << 30);
        if (got <= 0)
            return false;
        at += got;
        bytes -= (size_t)got;
    }
    return true;
}

static bool decompress(const struct pm_elf_section *section, const u8 *from, u8 *to)
{
    switch (section->compression) {
    case PM_ELF_ZLIB:
        return pm_core_inflate(to, section->full_bytes, from, section->bytes);
    case PM_ELF_ZSTD:
        return pm_core_inflate_zstd(to, section->full_bytes, from, section->bytes);
    case PM_ELF_PLAIN:
        break;
    }
    return false;
}

/* Whether a section's sizes are possible. They will be allocated. */
static bool is_possible(const struct open_file *file, const struct pm_elf_section *section)
{
    enum { MOST_INFLATED = 1032 };      /* what a byte of deflated data can become */

    return section->offset <= file->bytes && section->bytes <= file->bytes - section->offset
        && section->full_bytes <= MAX_SECTION_BYTES
        && (section->compression == PM_ELF_ZSTD
            || section->full_bytes / MOST_INFLATED <= section->bytes);
}

/* The contents of a section, allocated; empty if it is missing or damaged. */
static struct pm_bytes read_section(struct open_file *file, const char *name)
{
    const struct pm_elf_file source = { read_file, file };
    struct pm_elf_section section;

    if (!file->is_elf || !pm_elf_find(&file->elf, &source, name, &section)
            || !is_possible(file, &section))
        return (struct pm_bytes){ NULL, 0 };
    u8 *bytes = pm_alloc("pm.lines.section", section.bytes);
    bool good = read_file(file, section.offset, bytes, section.bytes);
    if (good && section.compression != PM_ELF_PLAIN) {
        u8 *full = pm_alloc("pm.lines.section", section.full_bytes);
        good = decompress(&section, bytes, full);
        pm_free(bytes);
        bytes = full;
    }
    if (!good) {
        pm_free(bytes);
        return (struct pm_bytes){ NULL, 0 };
    }
    return (struct pm_bytes){ bytes, section.full_bytes };
}

static struct pm_bytes section_of(void *context, enum pm_debug_section section)
{
    static const char *const names[PM_DEBUG_SECTIONS] = {
        [PM_DEBUG_LINE] = ".debug_line",
        [PM_DEBUG_LINE_STR] = ".debug_line_str",
        [PM_DEBUG_STR] = ".debug_str",
        [PM_DEBUG_INFO] = ".debug_info",
        [PM_DEBUG_ABBREV] = ".debug_abbrev",
        [PM_DEBUG_STR_ALT] = ".debug_str",
    };
    struct reading *reading = context;

    if (!reading->was_read[section]) {
        /* The file that several share is opened last. */
        u32 file = section == PM_DEBUG_STR_ALT ? reading->count - 1 : reading->lines;
        reading->was_read[section] = true;
        if (section != PM_DEBUG_STR_ALT || file != reading->lines)
            reading->sections[section] = read_section(&reading->files[file], names[section]);
    }
    return reading->sections[section];
}

/* False if the file is gone or has changed. */
static bool open_file(struct open_file *open, const struct file *file)
{
    struct vg_stat status;

    *open = (struct open_file){
        .fd = VG_(fd_open)(file->path, VKI_O_RDONLY, 0),
    };
    if (open->fd < 0)
        return false;
    if (VG_(fstat)(open->fd, &status) != 0 || !is_same_file(&status, &file->status))
        return false;
    open->bytes = (u64)status.size;
    const struct pm_elf_file source = { read_file, open };
    open->is_elf = pm_elf_open(&open->elf, &source);
    return true;
}

static void end_reading(struct reading *reading)
{
    for (u32 i = 0; i < reading->count; i++) {
        pm_elf_release(&reading->files[i].elf);
        if (reading->files[i].fd >= 0)
            VG_(close)(reading->files[i].fd);
    }
    for (int i = 0; i < PM_DEBUG_SECTIONS; i++)
        pm_free((void *)reading->sections[i].bytes);
}

static bool has_lines(struct open_file *file)
{
    const struct pm_elf_file source = { read_file, file };
    struct pm_elf_section section;

    return file->is_elf && pm_elf_find(&file->elf, &source, ".debug_line", &section);
}

/* False, with a message once, if a file is gone. */
static bool begin_reading(struct reading *reading, struct object *object)
{
    *reading = (struct reading){ 0 };
    for (u32 i = 0; i < object->file_count; i++) {
        reading->count++;
        if (open_file(&reading->files[i], &object->files[i]))
            continue;
        if (!object->is_gone)
            VG_(umsg)("pymemcheck: warning: no source lines for %s: %s was changed or removed"
                      " since it was loaded.\n", object->name, object->files[i].path);
        object->is_gone = true;
        return false;
    }
    while (reading->lines + 1 < reading->count && !has_lines(&reading->files[reading->lines]))
        reading->lines++;
    /* The object may have been linked to another address after its debug information was split
       off. */
    u64 own, split;
    if (reading->lines > 0 && reading->files[0].is_elf && reading->files[reading->lines].is_elf
            && pm_elf_address(&reading->files[0].elf, ".text", &own)
            && pm_elf_address(&reading->files[reading->lines].elf, ".text", &split))
        reading->shift = split - own;
    return true;
}

/* --- Finding --- */

/* Whether a file is one of Python's headers with Py_INCREF and its like, which compilers inline. The line that says Py_INCREF
   is what a reader looks for. */
static bool counts_references(const struct pm_buffer *file)
{
    static const char *const names[] = { "object.h", "refcount.h" };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(names); i++) {
        const size_t length = pm_length(names[i]);
        if (file->length >= length && pm_compare(file->bytes + file->length - length, names[i], length) == 0
                && (file->length == length || file->bytes[file->length - length - 1] == '/'))
            return true;
    }
    return false;
}

/* Gives a line that was found. */
static void give_one(const struct pm_debug_source *source, struct pm_line_folders *folders,
                     const struct pm_line_wanted *line, pm_lines_found *found, void *context)
{
    struct pm_line_wanted caller = *line;
    struct pm_buffer folder, file, outer_folder, outer_file;

    pm_buffer_init(&folder);
    pm_buffer_init(&file);
    pm_buffer_init(&outer_folder);
    pm_buffer_init(&outer_file);
    if (pm_line_names(source, folders, line, &folder, &file)) {
        caller.file = line->outer_file;
        caller.line = line->outer_line;
        const bool inlined = line->outer_line != 0 && counts_references(&file)
            && pm_line_names(source, folders, &caller, &outer_folder, &outer_file);
        const struct pm_lines_outer outer = {
            .folder = outer_folder.bytes, .file = outer_file.bytes, .line = caller.line,
            .distance = line->address - line->outer_start,
        };
        found(context, line->tag, folder.bytes, file.bytes, line->line, inlined ? &outer : NULL);
    }
    pm_buffer_release(&folder);
    pm_buffer_release(&file);
    pm_buffer_release(&outer_folder);
    pm_buffer_release(&outer_file);
}

static void give(const struct pm_debug_source *source, const struct pm_line_wanted *lines,
                 u32 count, pm_lines_found *found, void *context)
{
    struct pm_line_folders folders;

    pm_line_folders_init(&folders);
    for (u32 i = 0; i < count; i++)
        if (lines[i].found)
            give_one(source, &folders, &lines[i], found, context);
    pm_line_folders_release(&folders);
}

/* lines: those of one object, with the addresses of its own file, sorted. */
static void find_in(struct object *object, struct pm_line_wanted *lines, u32 count,
                    pm_lines_found *found, void *context)
{
    struct reading reading;

    if (begin_reading(&reading, object)) {
        const struct pm_debug_source source = { section_of, &reading };
        for (u32 i = 0; i < count; i++)
            lines[i].address += reading.shift;
        pm_line_search(&source, lines, count);
        give(&source, lines, count, found, context);
    }
    end_reading(&reading);
}

static int compare_places(const void *context, u32 a, u32 b)
{
    const struct pm_lines_wanted *wanted = context;
    const struct pm_lines_place *x = &wanted[a].place, *y = &wanted[b].place;

    if (x->object != y->object)
        return x->object < y->object ? -1 : 1;
    return x->address < y->address ? -1 : x->address > y->address;
}

void pm_lines_find(const struct pm_lines_wanted *wanted, u32 count, pm_lines_found *found,
                   void *context)
{
    u32 *order = pm_alloc("pm.lines.order", count * sizeof *order);
    struct pm_line_wanted *lines = pm_alloc("pm.lines.wanted", count * sizeof *lines);
    u32 start = 0;

    for (u32 i = 0; i < count; i++)
        order[i] = i;
    pm_sort_u32(order, count, compare_places, wanted);
    for (u32 i = 0; i < count; i++) {
        const struct pm_lines_wanted *one = &wanted[order[i]];
        lines[i] = (struct pm_line_wanted){ .address = one->place.address, .tag = one->tag };
    }
    for (u32 i = 1; i <= count; i++) {
        const u32 object = wanted[order[start]].place.object;
        if (i < count && wanted[order[i]].place.object == object)
            continue;
        find_in(&objects[object], lines + start, i - start, found, context);
        start = i;
    }
    pm_free(lines);
    pm_free(order);
}

/* --- One at a time --- */

static u64 file_key(u64 unit, u32 file)
{
    enum { FILE_BITS = 24 };
    return unit << FILE_BITS | (file & ((1u << FILE_BITS) - 1));
}

/* Keeps the names of the file of a row, if it is new. */
static void keep_file(struct kept_lines *kept, const struct pm_debug_source *source, struct pm_line_folders *folders,
                      const struct pm_line_row *row)
{
    const u64 key = file_key(row->unit, row->file);
    const struct pm_line_wanted line = { .found = true, .unit = row->unit, .file = row->file };
    struct pm_buffer folder, file;

    if (pm_map_get(&kept->file_of, key) != NULL)
        return;
    const u32 index = kept->file_count++;
    kept->files = pm_grow_to("pm.lines.files", kept->files, &kept->file_capacity, index, sizeof *kept->files);
    pm_map_put(&kept->file_of, key, index);
    pm_buffer_init(&folder);
    pm_buffer_init(&file);
    if (pm_line_names(source, folders, &line, &folder, &file))
        kept->files[index] = (struct row_file){ copy_text(folder.bytes), copy_text(file.bytes) };
    pm_buffer_release(&folder);
    pm_buffer_release(&file);
}

static struct kept_lines *keep_lines(struct object *object)
{
    struct kept_lines *kept = pm_alloc_zero("pm.lines.kept", sizeof *kept);
    struct pm_line_folders folders;
    struct reading reading;

    pm_map_init(&kept->file_of);
    if (begin_reading(&reading, object)) {
        const struct pm_debug_source source = { section_of, &reading };
        kept->shift = reading.shift;
        pm_line_rows_read(&source, &kept->rows);
        pm_line_folders_init(&folders);
        for (u32 i = 0; i < kept->rows.count; i++)
            keep_file(kept, &source, &folders, &kept->rows.rows[i]);
        pm_line_folders_release(&folders);
    }
    end_reading(&reading);
    return kept;
}

void pm_lines_find_now(const struct pm_lines_place *place, u32 tag, pm_lines_found *found, void *context)
{
    struct object *object = &objects[place->object];

    if (object->kept == NULL)
        object->kept = keep_lines(object);
    struct pm_line_wanted wanted = { .address = place->address + object->kept->shift };
    pm_line_rows_find(&object->kept->rows, &wanted);
    if (!wanted.found)
        return;
    const struct row_file *file =
        &object->kept->files[*pm_map_get(&object->kept->file_of, file_key(wanted.unit, wanted.file))];
    if (file->file != NULL)
        found(context, tag, file->folder, file->file, wanted.line, NULL);
}
