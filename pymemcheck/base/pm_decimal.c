/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shortest digits: R. G. Burger and R. K. Dybvig, "Printing floating-point numbers
   quickly and accurately", 1996, free-format algorithm, with exact natural numbers. */
#include "base/pm_decimal.h"

#include "base/pm_platform.h"

enum {
    WORDS = PM_DECIMAL_BITS_MAX / 32,
    FRACTION_BITS = 52,
    EXPONENT_MASK = 0x7ff,
    EXPONENT_BIAS = 1075,           /* of the fraction taken as a whole number */
    DIGITS_MAX = 20,                /* 17 are ever needed */
    FIXED_MAX = 16, FIXED_MIN = -3, /* places of the point that repr writes without exponent */
    NATURAL_DIGITS_MAX = 400,
};

/* A natural number, least word first. */
struct natural {
    u32 words[WORDS];
};

static void multiply_add(struct natural *n, u32 factor, u32 more)
{
    u64 carry = more;

    for (size_t i = 0; i < WORDS; i++) {
        carry += (u64)n->words[i] * factor;
        n->words[i] = (u32)carry;
        carry >>= 32;
    }
    PM_ASSERT(carry == 0);
}

static void shift_left(struct natural *n, unsigned bits)
{
    unsigned whole = bits / 32, rest = bits % 32;

    for (size_t i = WORDS; i-- > 0;) {
        u64 high = i >= whole ? n->words[i - whole] : 0;
        u64 low = i >= whole + 1 ? n->words[i - whole - 1] : 0;
        n->words[i] = (u32)((high << 32 | low) << rest >> 32);
    }
}

static int compare(const struct natural *a, const struct natural *b)
{
    for (size_t i = WORDS; i-- > 0;)
        if (a->words[i] != b->words[i])
            return a->words[i] < b->words[i] ? -1 : 1;
    return 0;
}

static struct natural sum(const struct natural *a, const struct natural *b)
{
    struct natural result;
    u64 carry = 0;

    for (size_t i = 0; i < WORDS; i++) {
        carry += (u64)a->words[i] + b->words[i];
        result.words[i] = (u32)carry;
        carry >>= 32;
    }
    return result;
}

static void subtract(struct natural *a, const struct natural *b)
{
    i64 borrow = 0;

    for (size_t i = 0; i < WORDS; i++) {
        borrow += (i64)a->words[i] - b->words[i];
        a->words[i] = (u32)borrow;
        borrow >>= 32;
    }
}

static struct natural small(u64 value)
{
    struct natural result = { { (u32)value, (u32)(value >> 32) } };
    return result;
}

/* The number is r / s; above and below are half the gaps to its neighbours, over s. */
struct ratio {
    struct natural r, s, above, below;
    bool even;      /* a number just at the end of a gap reads back as this one */
};

static struct ratio ratio_of(u64 fraction, int exponent)
{
    /* The next smaller number is nearer just above a power of two. */
    bool uneven = fraction == (u64)1 << FRACTION_BITS && exponent > 1 - EXPONENT_BIAS;
    unsigned up = exponent > 0 ? (unsigned)exponent : 0;
    unsigned down = exponent < 0 ? (unsigned)-exponent : 0;
    struct ratio ratio = { small(fraction), small(1), small(1), small(1), fraction % 2 == 0 };

    shift_left(&ratio.r, up + 1u + uneven);
    shift_left(&ratio.s, down + 1u + uneven);
    shift_left(&ratio.above, up + uneven);
    shift_left(&ratio.below, up);
    return ratio;
}

static bool reaches(const struct natural *sum_of, const struct ratio *ratio)
{
    int order = compare(sum_of, &ratio->s);

    return ratio->even ? order >= 0 : order > 0;
}

static void times_ten(struct ratio *ratio)
{
    multiply_add(&ratio->r, 10, 0);
    multiply_add(&ratio->above, 10, 0);
    multiply_add(&ratio->below, 10, 0);
}

/* Brings the number into [0.1, 1) and returns the place of the point. */
static int scale(struct ratio *ratio)
{
    int point = 0;
    struct natural top = sum(&ratio->r, &ratio->above);

    for (; reaches(&top, ratio); point++)
        multiply_add(&ratio->s, 10, 0);
    for (;; point--) {
        struct ratio next = *ratio;
        times_ten(&next);
        top = sum(&next.r, &next.above);
        if (reaches(&top, &next))
            return point;
        *ratio = next;
    }
}

/* order: of what is left, against a half. The half goes to the even digit. */
static bool rounds_up(int order, char digit)
{
    return order > 0 || (order == 0 && (digit - '0') % 2 != 0);
}

static unsigned generate(struct ratio *ratio, char *digits)
{
    unsigned count = 0;

    for (;;) {
        bool low, high;
        struct natural top, twice;
        char digit = '0';

        times_ten(ratio);
        for (; compare(&ratio->r, &ratio->s) >= 0; digit++)
            subtract(&ratio->r, &ratio->s);
        low = ratio->even ? compare(&ratio->r, &ratio->below) <= 0
                          : compare(&ratio->r, &ratio->below) < 0;
        top = sum(&ratio->r, &ratio->above);
        high = reaches(&top, ratio);
        twice = sum(&ratio->r, &ratio->r);
        if (high && (!low || rounds_up(compare(&twice, &ratio->s), digit)))
            digit++;
        PM_ASSERT(count < DIGITS_MAX);
        digits[count++] = digit;
        if (low || high)
            return count;
    }
}

static void add_fixed(struct pm_buffer *buffer, const char *digits, unsigned count, int point)
{
    if (point <= 0) {
        pm_buffer_add_text(buffer, "0.");
        pm_buffer_add_repeated(buffer, '0', (size_t)-point);
        pm_buffer_add_bytes(buffer, digits, count);
    } else if ((unsigned)point >= count) {
        pm_buffer_add_bytes(buffer, digits, count);
        pm_buffer_add_repeated(buffer, '0', (size_t)point - count);
        pm_buffer_add_text(buffer, ".0");
    } else {
        pm_buffer_add_bytes(buffer, digits, (size_t)point);
        pm_buffer_add_char(buffer, '.');
        pm_buffer_add_bytes(buffer, digits + point, count - (size_t)point);
    }
}

static void add_with_exponent(struct pm_buffer *buffer, const char *digits, unsigned count,
                              int exponent)
{
    unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);

    pm_buffer_add_char(buffer, digits[0]);
    if (count > 1) {
        pm_buffer_add_char(buffer, '.');
        pm_buffer_add_bytes(buffer, digits + 1, count - 1);
    }
    pm_buffer_add_text(buffer, exponent < 0 ? "e-" : "e+");
    if (magnitude < 10)
        pm_buffer_add_char(buffer, '0');
    pm_buffer_add_u64(buffer, magnitude);
}

void pm_buffer_add_double(struct pm_buffer *buffer, u64 bits)
{
    u64 fraction = bits & (((u64)1 << FRACTION_BITS) - 1);
    int exponent = (int)((bits >> FRACTION_BITS) & EXPONENT_MASK);
    char digits[DIGITS_MAX];
    struct ratio ratio;
    unsigned count;
    int point;

    if (exponent == EXPONENT_MASK && fraction != 0) {
        pm_buffer_add_text(buffer, "nan");
        return;
    }
    if (bits >> 63)
        pm_buffer_add_char(buffer, '-');
    if (exponent == EXPONENT_MASK) {
        pm_buffer_add_text(buffer, "inf");
        return;
    }
    if (exponent == 0 && fraction == 0) {
        pm_buffer_add_text(buffer, "0.0");
        return;
    }
    if (exponent != 0)
        fraction |= (u64)1 << FRACTION_BITS;
    else
        exponent = 1;
    ratio = ratio_of(fraction, exponent - EXPONENT_BIAS);
    point = scale(&ratio);
    count = generate(&ratio, digits);
    if (FIXED_MIN <= point && point <= FIXED_MAX)
        add_fixed(buffer, digits, count, point);
    else
        add_with_exponent(buffer, digits, count, point - 1);
}

/* Divides by ten and returns the remainder. */
static u32 divide_by_ten(struct natural *n)
{
    u64 rest = 0;

    for (size_t i = WORDS; i-- > 0;) {
        rest = rest << 32 | n->words[i];
        n->words[i] = (u32)(rest / 10);
        rest %= 10;
    }
    return (u32)rest;
}

void pm_buffer_add_natural(struct pm_buffer *buffer, const u32 *digits, unsigned count,
                           unsigned digit_bits)
{
    const struct natural zero = { { 0 } };
    struct natural n = zero;
    char text[NATURAL_DIGITS_MAX];
    size_t start = sizeof text;

    PM_ASSERT(digit_bits <= 32 && count * digit_bits < PM_DECIMAL_BITS_MAX);
    for (unsigned i = count; i-- > 0;) {
        shift_left(&n, digit_bits);
        n.words[0] |= digits[i];
    }
    do
        text[--start] = (char)('0' + divide_by_ten(&n));
    while (compare(&n, &zero) != 0);
    pm_buffer_add_bytes(buffer, text + start, sizeof text - start);
}
