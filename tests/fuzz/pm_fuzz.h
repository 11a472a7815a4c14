/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz targets, and the form of their input.

   A target takes any bytes. Its own checks, the sanitizers, and a time limit from outside find
   what is wrong. docs/fuzzing.md says how to run the targets. All numbers are little endian. */
#ifndef PM_FUZZ_H
#define PM_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "base/pm_buffer.h"
#include "base/pm_reader.h"
#include "cpython/pm_interpreter.h"
#include "pm_random.h"

struct pm_fuzz_target {
    const char *name;
    /* Whether inputs begin with a pm_fuzz_head. */
    bool image;
    /* Aborts if the code under test misbehaves. Bad input is no misbehaviour. */
    void (*attempt)(const u8 *data, size_t size);
    /* Appends what the input means, in the form in which capture.py writes it for a seed. */
    void (*describe)(const u8 *data, size_t size, struct pm_buffer *out);
};

extern const struct pm_fuzz_target pm_fuzz_strings, pm_fuzz_lines, pm_fuzz_walk, pm_fuzz_objects, pm_fuzz_source;

/* Longer input is ignored. */
enum { PM_FUZZ_MAX_BYTES = 1 << 15 };

/* For strings, walks and objects: pieces of an interpreter's memory. After the head come ranges,
   each a length (u16), an address (u64) and the bytes; the last may be cut. */
struct pm_fuzz_head {
    u32 version;        /* with build, chooses the layout as pm_layout_find; if there is none, */
    u32 build;          /* version chooses some row */
    u64 object;         /* strings: the object; walks: the anchor; objects: a block, and a thread state */
    u64 code_type;      /* walks and objects: the type of code objects; 0: not known */
    u64 version_text;   /* walks: its address; objects: _PyRuntime */
    u64 frames;         /* walks: how many are wanted, see PM_FUZZ_FRAMES; objects: the size of the
                           block in bytes, with the highest bit set if a debug hook padded it */
};

enum { PM_FUZZ_RANGE_HEAD = 10, PM_FUZZ_FRAMES = 64, PM_FUZZ_PAGES = 128 };

/* Client memory that has these pieces. The rest of their pages is zero. Each page is a block of
   its own, so that the sanitizer sees a read that leaves it. */
struct pm_fuzz_image {
    struct pm_fuzz_head head;
    const struct pm_layout *layout;
    struct pm_reader reader;
    size_t bytes, ranges;               /* of the pieces together; how many there are */
    size_t count;                       /* of pages */
    struct {
        u64 address;
        u8 *bytes;
    } pages[PM_FUZZ_PAGES];
};

/* False if the input has no head or is too long. Release in both cases. Pages beyond PM_FUZZ_PAGES are
   unreadable. */
bool pm_fuzz_image_init(struct pm_fuzz_image *image, const u8 *data, size_t size);
void pm_fuzz_image_release(struct pm_fuzz_image *image);

/* Changes one word of an image, at a multiple of 4 bytes from the start of a range: it becomes the
   address of its own or another piece or of a word, a copy of another word, or a number near a
   bound. */
void pm_fuzz_redirect(struct pm_random *random, u8 *data, size_t size);

/* Makes one pointer of the image point to the object that it lies in: to the start of its piece, or
   some words before. index chooses the change, from 0 on; false: there is no such change. */
bool pm_fuzz_close_circle(u8 *data, size_t size, size_t index);

/* Whether bytes are UTF-8, with surrogates, as pm_buffer_add_utf8 writes it. */
bool pm_fuzz_is_text(const char *bytes, size_t length);

/* Like assert, but always compiled. */
#define PM_FUZZ_EXPECT(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

#endif
