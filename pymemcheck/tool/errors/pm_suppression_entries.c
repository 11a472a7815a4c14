/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_errormgr.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_vki.h"

#include "tool/errors/pm_suppression_entries.h"

#include "base/pm_platform.h"

#define FRAME_OF_EVERY_ERROR "obj:*"

static char *name_of_file(Int fd)
{
    HChar link[40];
    size_t capacity = 256;

    VG_(sprintf)(link, "/proc/self/fd/%d", fd);
    for (;;) {
        char *name = pm_alloc("pm.suppression_entries", capacity);
        SSizeT length = VG_(readlink)(link, name, capacity);
        if (length < 0)
            length = 0;
        if ((size_t)length < capacity) {
            name[length] = '\0';
            return name;
        }
        pm_free(name);
        capacity *= 2;
    }
}

/* Reads all of fd and restores its position. The core has read ahead of the line that it gave
   us, so the file must be one that can be read twice. */
static bool read_whole(Int fd, char **text, size_t *length)
{
    Off64T position = VG_(lseek)(fd, 0, VKI_SEEK_CUR);
    size_t capacity = 4096;
    Int got;

    if (position < 0 || VG_(lseek)(fd, 0, VKI_SEEK_SET) != 0)
        return false;
    *text = pm_alloc("pm.suppression_entries", capacity);
    *length = 0;
    while ((got = VG_(read)(fd, *text + *length, (Int)(capacity - *length))) > 0) {
        *length += (size_t)got;
        if (*length == capacity) {
            capacity *= 2;
            *text = pm_realloc("pm.suppression_entries", *text, capacity);
        }
    }
    return VG_(lseek)(fd, position, VKI_SEEK_SET) == position && got == 0;
}

static bool load(struct pm_suppression_file *file, Int fd)
{
    struct vg_stat status;

    if (VG_(fstat)(fd, &status) != 0)
        return false;
    if (file->text != NULL && file->device == status.dev && file->inode == status.ino
            && file->bytes == (u64)status.size)
        return true;
    pm_free(file->text);
    *file = (struct pm_suppression_file){
        .name = name_of_file(fd),
        .device = status.dev,
        .inode = status.ino,
        .bytes = (u64)status.size,
    };
    return read_whole(fd, &file->text, &file->length);
}

/* Where the line after line number (from 1) begins. Also stores the last line before number
   that is neither empty nor a remark: the name of an entry, if number is the line of its kind. */
static size_t skip_lines(const struct pm_suppression_file *file, u32 number, char **name, u32 *name_line)
{
    size_t at = 0, name_start = 0, name_length = 0;

    for (u32 line = 1; line <= number && at < file->length; line++) {
        size_t start = at, end = start;
        while (end < file->length && file->text[end] != '\n')
            end++;
        at = end < file->length ? end + 1 : end;
        while (start < end && VG_(isspace)(file->text[start]))
            start++;
        while (end > start && VG_(isspace)(file->text[end - 1]))
            end--;
        if (line == number || start == end || file->text[start] == '#')
            continue;
        name_start = start;
        name_length = end - start;
        *name_line = line;
    }
    *name = pm_copy_text("pm.suppression_entries", file->text + name_start, name_length);
    return at;
}

static struct pm_suppression_entry *keep(struct pm_suppression_entries *entries,
                                         const struct pm_suppression_entry *entry)
{
    if (entries->count == entries->capacity) {
        entries->capacity = entries->capacity == 0 ? 16 : 2 * entries->capacity;
        entries->list = pm_realloc("pm.suppression_entries", entries->list,
                                   entries->capacity * sizeof *entries->list);
    }
    struct pm_suppression_entry *kept = pm_alloc("pm.suppression_entries", sizeof *kept);
    *kept = *entry;
    return entries->list[entries->count++] = kept;
}

struct pm_suppression_entry *pm_suppression_entries_read(
    struct pm_suppression_entries *entries, enum pm_suppression_kind kind, Int fd, HChar **line,
    SizeT *line_bytes, Int *line_number)
{
    struct pm_suppression_file *file = &entries->file;
    struct pm_suppression_entry entry = { 0 };
    struct pm_buffer problem;
    u32 wrong;

    if (!load(file, fd)) {
        VG_(umsg)("pymemcheck: error: %s: cannot read entries for pymemcheck from a pipe; use a regular"
                  " file\n", file->name != NULL ? file->name : "suppressions");
        return NULL;
    }
    entry.file = file->name;
    size_t at = skip_lines(file, (u32)*line_number, &entry.name, &entry.line);
    pm_buffer_init(&problem);
    if (!pm_suppression_parse(&entry.suppression, kind, file->text + at, file->length - at, &wrong,
                              &problem)) {
        *line_number += (Int)wrong;
        VG_(umsg)("pymemcheck: error: %s:%d: %s\n", entry.file, *line_number, problem.bytes);
        pm_buffer_release(&problem);
        pm_free(entry.name);
        return NULL;
    }
    pm_buffer_release(&problem);
    /* The core continues with the closing brace. */
    const Int last = *line_number + (Int)entry.suppression.lines;
    while (*line_number < last) {
        VG_(get_line)(fd, line, line_bytes, line_number);
        if ((*line)[0] == '\0')
            break;
    }
    VG_(strcpy)(*line, FRAME_OF_EVERY_ERROR);
    return keep(entries, &entry);
}

void pm_suppression_entries_list_unused(const struct pm_suppression_entries *entries)
{
    for (u32 i = 0; i < entries->count; i++) {
        const struct pm_suppression_entry *entry = entries->list[i];
        if (entry->used == 0)
            VG_(dmsg)("unused_suppression: %s %s:%u\n", entry->name, entry->file, entry->line);
    }
}
