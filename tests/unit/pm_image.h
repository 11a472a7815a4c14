/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A made-up client memory behind a pm_reader, and CPython objects in it, built by the
   numbers of any layout row. */
#ifndef PM_IMAGE_H
#define PM_IMAGE_H

#include "base/pm_reader.h"
#include "cpython/pm_layout.h"

enum { PM_IMAGE_PAGES = 256 };

struct pm_image {
    struct pm_reader reader;
    struct {
        u64 address;
        u8 *bytes;
    } pages[PM_IMAGE_PAGES];
    size_t count;
};

void pm_image_init(struct pm_image *image);
void pm_image_release(struct pm_image *image);
/* Makes the page of address unreadable. */
void pm_image_unmap(struct pm_image *image, u64 address);

/* Writing maps what it touches. */
void pm_image_put(struct pm_image *image, u64 address, const void *bytes, size_t length);
void pm_image_put_u64(struct pm_image *image, u64 address, u64 value);
void pm_image_put_u32(struct pm_image *image, u64 address, u32 value);
void pm_image_put_u8(struct pm_image *image, u64 address, u8 value);

/* An ASCII string (str of 2.7 for that layout), a bytes object, a code object. */
void pm_image_put_text(struct pm_image *image, const struct pm_layout *layout, u64 address,
                       const char *text);
void pm_image_put_bytes(struct pm_image *image, const struct pm_layout *layout, u64 address,
                        const void *bytes, size_t length);

/* Writes a code object with objects of its own for its parts, from address on,
   within two pages. Its instructions begin at first_traceable 2; qualname is
   stored where the layout has it. */
struct pm_image_code {
    u64 type;
    const char *file, *name, *qualname;
    const void *table;
    size_t table_length;
    i32 first_line;
};
void pm_image_put_code(struct pm_image *image, const struct pm_layout *layout, u64 address,
                       const struct pm_image_code *code);

enum { PM_IMAGE_FIRST_TRACEABLE = 2 };

#endif
