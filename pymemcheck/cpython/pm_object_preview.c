/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Previews of objects. Sources: as pm_object_type.h, and
   Include/longintrepr.h (3.12+: cpython/longintrepr.h). */
#include "base/pm_characters.h"
#include "base/pm_decimal.h"
#include "base/pm_platform.h"
#include "cpython/pm_object.h"
#include "cpython/pm_object_dict.h"
#include "cpython/pm_object_text.h"
#include "cpython/pm_object_type.h"
#include "cpython/pm_pystring.h"

enum {
    COLUMNS_MAX = 60,
    TEXT_COLUMNS = 48,          /* of a string, without quotes and dots */
    DIGITS_MAX = 6,             /* of an int, that are written in decimal */
    LONG_SIGN_MASK = 3,         /* of lv_tag, 3.12+: 0 positive, 1 zero, 2 negative */
    LONG_NEGATIVE = 2,
    LONG_COUNT_SHIFT = 3,
    WIDE_FROM = 0x1100,         /* characters from here on may take two columns */
    FIRST_PRINTABLE = ' ', DELETE = 0x7f, LAST_CONTROL = 0x9f,
    SURROGATE_FIRST = 0xd800, SURROGATE_LOW = 0xdc00, SURROGATE_LAST = 0xdfff, SURROGATE_BYTE = 0xdc80,
    SURROGATE_BITS = 10, SURROGATE_MASK = 0x3ff, BEYOND_TWO_BYTES = 0x10000,
};

static char hex_digit(u32 value)
{
    return (char)(value < 10 ? '0' + value : 'a' + (value - 10));
}

static void add_hex(struct pm_buffer *out, char letter, u32 value, int digits)
{
    pm_buffer_add_char(out, '\\');
    pm_buffer_add_char(out, letter);
    while (digits-- > 0)
        pm_buffer_add_char(out, hex_digit((value >> (digits * 4)) & 15));
}

/* Appends a character as repr writes it, and returns its columns. ascii: escapes all that is not ASCII. */
static unsigned add_character(struct pm_buffer *out, u32 c, char quote, bool ascii)
{
    size_t before = out->length;

    switch (c) {
    case '\n': pm_buffer_add_text(out, "\\n"); return 2;
    case '\r': pm_buffer_add_text(out, "\\r"); return 2;
    case '\t': pm_buffer_add_text(out, "\\t"); return 2;
    case '\\': pm_buffer_add_text(out, "\\\\"); return 2;
    default: break;
    }
    if (quote != '\0' && c == (u32)quote) {
        pm_buffer_add_char(out, '\\');
        pm_buffer_add_char(out, quote);
    } else if (c < FIRST_PRINTABLE || (DELETE <= c && (c <= LAST_CONTROL || (ascii && c <= 0xff)))) {
        add_hex(out, 'x', c, 2);
    } else if ((SURROGATE_FIRST <= c && c <= SURROGATE_LAST) || (ascii && 0xff < c && c <= 0xffff)) {
        add_hex(out, 'u', c, 4);
    } else if (ascii && c > 0xffff) {
        add_hex(out, 'U', c, 8);
    } else {
        pm_buffer_add_utf8(out, c);
        return c >= WIDE_FROM ? 2 : 1;
    }
    return (unsigned)(out->length - before);
}

static char choose_quote(const struct pm_buffer *text)
{
    bool single = false, twofold = false;

    for (size_t i = 0; i < text->length; i++) {
        single = single || text->bytes[i] == '\'';
        twofold = twofold || text->bytes[i] == '"';
    }
    return single && !twofold ? '"' : '\'';
}

/* text is UTF-8. raw: its surrogates stand for bytes that are not ASCII. */
static void add_quoted(struct pm_buffer *out, const struct pm_buffer *text, bool raw, bool ascii)
{
    char quote = choose_quote(text);
    unsigned columns = 0, taken;
    u32 c;

    pm_buffer_add_char(out, quote);
    for (size_t i = 0; i < text->length; i += taken) {
        taken = pm_utf8_decode(text->bytes + i, text->length - i, &c);
        if (taken == 0)
            break;
        if (columns >= TEXT_COLUMNS) {
            pm_buffer_add_char(out, quote);
            pm_buffer_add_text(out, "...");
            return;
        }
        if (raw && SURROGATE_BYTE <= c && c <= SURROGATE_LAST)
            c -= SURROGATE_LOW;
        columns += add_character(out, c, quote, ascii);
    }
    pm_buffer_add_char(out, quote);
}

/* Reads bytes itself, as pm_pystring_append does so only for 2.7. */
static bool read_bytes(struct pm_objects *objects, u64 address, struct pm_buffer *text)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 length = pm_object_word(objects, address, at->bytes_length);
    u8 byte;

    if ((i64)length < 0)
        return false;
    for (u64 i = 0; i < length && i <= TEXT_COLUMNS; i++) {
        if (!pm_reader_read(objects->reader, address + (u64)at->bytes_data + i, &byte, 1))
            return false;
        pm_buffer_add_utf8(text, byte < 0x80 ? byte : (u32)(SURROGATE_LOW + byte));
    }
    return true;
}

/* Only where characters have two bytes, repr takes a pair of surrogates for one character
   (unicodeescape_string, Objects/unicodeobject.c of 2.7). */
static void add_two_byte(struct pm_buffer *text, const u16 *units, u64 count)
{
    for (u64 i = 0; i < count; i++) {
        u32 c = units[i];

        if (SURROGATE_FIRST <= c && c < SURROGATE_LOW && i + 1 < count
                && SURROGATE_LOW <= units[i + 1] && units[i + 1] <= SURROGATE_LAST)
            c = BEYOND_TWO_BYTES + ((c & SURROGATE_MASK) << SURROGATE_BITS)
                + (units[++i] & SURROGATE_MASK);
        pm_buffer_add_utf8(text, c);
    }
}

/* Reads unicode of 2.7. A build has characters of two or of four bytes, and nothing in memory says which. Two
   characters of two bytes, read as one of four, are above the highest character. */
static bool read_wide(struct pm_objects *objects, u64 address, struct pm_buffer *text)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 length = pm_object_word(objects, address, at->wide_length);
    u64 data = pm_object_word(objects, address, at->wide_data);
    u64 shown = length < TEXT_COLUMNS + 1 ? length : TEXT_COLUMNS + 1;
    u32 four[TEXT_COLUMNS + 1];
    u16 two[TEXT_COLUMNS + 1];
    bool wide;

    if (data == 0 || (i64)length < 0 || !pm_reader_read(objects->reader, data, two, shown * 2))
        return false;
    wide = pm_reader_read(objects->reader, data, four, shown * 4);
    for (u64 i = 0; wide && i < shown; i++)
        wide = four[i] <= 0x10ffff;
    if (!wide) {
        add_two_byte(text, two, shown);
        return true;
    }
    for (u64 i = 0; i < shown; i++)
        pm_buffer_add_utf8(text, four[i]);
    return true;
}

static void add_text(struct pm_objects *objects, u64 address, enum pm_shape shape,
                     struct pm_buffer *out)
{
    bool old = objects->layout->strings == PM_STRING_BYTES;
    bool raw = shape == PM_SHAPE_BYTES;
    struct pm_buffer text;
    bool read;

    pm_buffer_init(&text);
    if (raw)
        read = read_bytes(objects, address, &text);
    else if (shape == PM_SHAPE_WIDE)
        read = read_wide(objects, address, &text);
    else
        read = pm_pystring_append(objects->layout, objects->reader, address, &text);
    if (read) {
        if (raw && !old)
            pm_buffer_add_char(out, 'b');
        else if (!raw && old)
            pm_buffer_add_char(out, 'u');
        add_quoted(out, &text, raw, raw || old);
    }
    pm_buffer_release(&text);
}

static void add_long(struct pm_objects *objects, u64 address, struct pm_buffer *out)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u32 digits[DIGITS_MAX] = { 0 };
    bool negative;
    u64 count;

    if (at->long_tag != PM_LAYOUT_ABSENT) {
        u64 tag = pm_object_word(objects, address, at->long_tag);
        count = tag >> LONG_COUNT_SHIFT;
        negative = (tag & LONG_SIGN_MASK) == LONG_NEGATIVE;
    } else {
        i64 size = (i64)pm_object_word(objects, address, at->object_size);
        negative = size < 0;
        count = negative ? -(u64)size : (u64)size;
    }
    if (count > DIGITS_MAX) {
        pm_buffer_add_text(out, "int of about ");
        pm_buffer_add_u64(out, count * (u64)at->long_digit_bits);
        pm_buffer_add_text(out, " bits");
        return;
    }
    if (!pm_reader_read(objects->reader, address + (u64)at->long_digits, digits, count * sizeof(u32)))
        return;
    if (negative)
        pm_buffer_add_char(out, '-');
    pm_buffer_add_natural(out, digits, (unsigned)count, (unsigned)at->long_digit_bits);
}

static void add_bool(struct pm_objects *objects, u64 address, struct pm_buffer *out)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u32 digit = 0;
    bool truth;

    if (at->int_value != PM_LAYOUT_ABSENT)
        truth = pm_object_word(objects, address, at->int_value) != 0;
    else
        truth = pm_reader_read_u32(objects->reader, address + (u64)at->long_digits, &digit) && digit != 0;
    pm_buffer_add_text(out, truth ? "True" : "False");
}

static void add_length(struct pm_objects *objects, u64 address, i32 field, struct pm_buffer *out)
{
    i64 length = (i64)pm_object_word(objects, address, field);

    if (length < 0)
        return;
    pm_buffer_add_text(out, "len ");
    pm_buffer_add_u64(out, (u64)length);
}

/* Appends a name without quotes, cut, with what cannot be printed escaped. */
static void add_name(const struct pm_buffer *name, struct pm_buffer *out)
{
    unsigned columns = 0, taken;
    u32 c;

    for (size_t i = 0; i < name->length; i += taken) {
        taken = pm_utf8_decode(name->bytes + i, name->length - i, &c);
        if (taken == 0)
            return;
        if (columns >= COLUMNS_MAX - 5) {
            pm_buffer_add_text(out, "...");
            return;
        }
        columns += add_character(out, c, '\0', false);
    }
}

/* Appends the string object at an address as a name. */
static void add_name_of(struct pm_objects *objects, u64 string, struct pm_buffer *out)
{
    struct pm_buffer name;

    pm_buffer_init(&name);
    if (string != 0 && pm_object_text_append(objects, string, &name))
        add_name(&name, out);
    pm_buffer_release(&name);
}

static u64 module_name(struct pm_objects *objects, u64 address)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 name = 0, dict = pm_object_word(objects, address, at->module_dict);

    if (at->module_name != PM_LAYOUT_ABSENT)
        name = pm_object_word(objects, address, at->module_name);
    if (name == 0 && dict != 0)
        name = pm_object_dict_get(objects, dict, "__name__");
    return name;
}

u64 pm_objects_modules(struct pm_objects *objects, const struct pm_object *object)
{
    const struct pm_object_type *type = pm_object_type_find(objects, object->type);
    u64 name, dict;

    if (type == NULL || type->shape != PM_SHAPE_MODULE)
        return 0;
    name = module_name(objects, object->address);
    dict = pm_object_word(objects, object->address, objects->layout->at.module_dict);
    return name != 0 && dict != 0 && pm_object_text_is(objects, name, "sys")
        ? pm_object_dict_get(objects, dict, "modules") : 0;
}

static void add_c_name(struct pm_objects *objects, u64 text, struct pm_buffer *out)
{
    struct pm_buffer name;
    char bytes[COLUMNS_MAX * 2];

    if (!pm_reader_read_text(objects->reader, text, bytes, sizeof bytes))
        return;
    pm_buffer_init(&name);
    pm_buffer_add_text(&name, bytes);
    add_name(&name, out);
    pm_buffer_release(&name);
}

static void add_type_name(struct pm_objects *objects, u64 address, struct pm_buffer *out)
{
    struct pm_string_id id = pm_objects_type_name(objects, address);
    struct pm_buffer name;

    pm_buffer_init(&name);
    pm_buffer_add_bytes(&name, pm_strings_text(objects->strings, id),
                        pm_strings_length(objects->strings, id));
    add_name(&name, out);
    pm_buffer_release(&name);
}

static void add_code_name(struct pm_objects *objects, u64 address, struct pm_buffer *out)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    i32 field = at->code_qualname != PM_LAYOUT_ABSENT ? at->code_qualname : at->code_name;

    add_name_of(objects, pm_object_word(objects, address, field), out);
}

static void add_number(struct pm_objects *objects, u64 address, enum pm_shape shape,
                       struct pm_buffer *out)
{
    const struct pm_layout_numbers *at = &objects->layout->at;

    switch (shape) {
    case PM_SHAPE_LONG: add_long(objects, address, out); break;
    case PM_SHAPE_INT:
        pm_buffer_add_i64(out, (i64)pm_object_word(objects, address, at->int_value));
        break;
    case PM_SHAPE_BOOL: add_bool(objects, address, out); break;
    default:
        pm_buffer_add_double(out, pm_object_word(objects, address, at->float_value));
        break;
    }
}

void pm_objects_preview(struct pm_objects *objects, const struct pm_object *object,
                        struct pm_buffer *out)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    const struct pm_object_type *type = pm_object_type_find(objects, object->type);
    enum pm_shape shape = type == NULL ? PM_SHAPE_OTHER : type->shape;
    u64 address = object->address;

    switch (shape) {
    case PM_SHAPE_BYTES:
    case PM_SHAPE_TEXT:
    case PM_SHAPE_WIDE:
        add_text(objects, address, shape, out);
        break;
    case PM_SHAPE_LONG:
    case PM_SHAPE_INT:
    case PM_SHAPE_BOOL:
    case PM_SHAPE_FLOAT:
        add_number(objects, address, shape, out);
        break;
    case PM_SHAPE_BYTE_ARRAY:
    case PM_SHAPE_LIST:
    case PM_SHAPE_TUPLE:
        add_length(objects, address, at->object_size, out);
        break;
    case PM_SHAPE_DICT:
        add_length(objects, address, at->dict_used, out);
        break;
    case PM_SHAPE_SET:
        add_length(objects, address, at->set_used, out);
        break;
    case PM_SHAPE_TYPE:
        add_type_name(objects, address, out);
        break;
    case PM_SHAPE_MODULE:
        add_name_of(objects, module_name(objects, address), out);
        break;
    case PM_SHAPE_FUNCTION:
        add_name_of(objects, pm_object_word(objects, address, at->function_name), out);
        break;
    case PM_SHAPE_CODE:
        add_code_name(objects, address, out);
        break;
    case PM_SHAPE_BUILTIN:
        add_c_name(objects, pm_object_word(objects, pm_object_word(objects, address, at->builtin_method),
                                           0), out);
        break;
    default:
        break;
    }
}
