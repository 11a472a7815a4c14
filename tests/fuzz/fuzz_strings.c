/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The string reader, on the memory of one string object. */
#include "pm_fuzz.h"

#include <string.h>

#include "cpython/pm_pystring.h"

/* The text must be appended whole or not at all, be UTF-8, and not be too long. */
static void attempt(const u8 *data, size_t size)
{
    static const char before[] = "before";
    struct pm_fuzz_image image;
    struct pm_buffer text;

    if (pm_fuzz_image_init(&image, data, size)) {
        pm_buffer_init(&text);
        pm_buffer_add_text(&text, before);
        bool read = pm_pystring_append(image.layout, &image.reader, image.head.object, &text);

        PM_FUZZ_EXPECT(text.length >= strlen(before));
        size_t added = text.length - strlen(before);
        PM_FUZZ_EXPECT(read ? added <= PM_PYSTRING_MAX_BYTES : added == 0);
        PM_FUZZ_EXPECT(memcmp(text.bytes, before, strlen(before)) == 0);
        PM_FUZZ_EXPECT(text.bytes[text.length] == '\0' && text.length < text.capacity);
        PM_FUZZ_EXPECT(pm_fuzz_is_text(text.bytes, text.length));
        pm_buffer_release(&text);
    }
    pm_fuzz_image_release(&image);
}

static void describe(const u8 *data, size_t size, struct pm_buffer *out)
{
    struct pm_fuzz_image image;

    if (!pm_fuzz_image_init(&image, data, size)
            || !pm_pystring_append(image.layout, &image.reader, image.head.object, out))
        pm_buffer_add_text(out, "refused");
    pm_fuzz_image_release(&image);
}

const struct pm_fuzz_target pm_fuzz_strings = { "strings", true, attempt, describe };
