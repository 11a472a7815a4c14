/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The splice on made-up stacks: an execution is invented as one mixed stack, and divided into what the
   unwinder and the frame walk would see. The splice must give the mixed stack again. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_splice.h"
#include "pm_random.h"

enum { MOST = 64 };

/* Letters in the hand-made cases: lower case is native, '|' a boundary, upper case
   Python, '.' after it an entry, a digit before it so many empty entries. */
struct stacks {
    struct pm_splice_native native[MOST];
    struct pm_splice_python python[MOST];
    size_t native_count, python_count;
};

static void add_native(struct stacks *stacks, u32 frame, bool boundary)
{
    assert_true(stacks->native_count < MOST);
    stacks->native[stacks->native_count++] = (struct pm_splice_native){ { frame }, boundary };
}

static void add_python(struct stacks *stacks, u32 frame, u32 empty_entries, bool entry)
{
    assert_true(stacks->python_count < MOST);
    stacks->python[stacks->python_count++] =
        (struct pm_splice_python){ { frame }, empty_entries, entry };
}

static void expect(const char *native, const char *python, const char *joined)
{
    struct stacks stacks = { 0 };

    for (const char *p = native; *p != '\0'; p++)
        add_native(&stacks, (u32)*p, *p == '|');
    for (const char *p = python; *p != '\0'; p++) {
        u32 empty_entries = *p >= '0' && *p <= '9' ? (u32)(*p++ - '0') : 0;
        u32 frame = (u32)*p;
        bool entry = p[1] == '.';
        p += entry;
        add_python(&stacks, frame, empty_entries, entry);
    }
    /* Of the size the header asks for, so that a frame too many is seen. */
    size_t capacity = stacks.native_count + stacks.python_count;
    struct pm_frame_id *out = malloc((capacity + 1) * sizeof *out);
    char text[2 * MOST + 1];
    size_t length = pm_splice(stacks.native, stacks.native_count, stacks.python,
                              stacks.python_count, out);
    assert_true(length <= capacity);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)out[i].v;
    text[length] = '\0';
    assert_string_equal(text, joined);
    free(out);
}

static void test_plain_functions(void **state)
{
    (void)state;
    /* One call of the loop that runs one function, then three (3.11 and later). */
    expect("me|xs", "A.", "meAxs");
    expect("me|xs", "ABC.", "meABCxs");
    /* A call for each function (before 3.11), and a C function between. */
    expect("me|e|e|s", "A.B.C.", "meAeBeCs");
    expect("me|qe|xs", "AB.CD.", "meABqeCDxs");
}

static void test_generators(void **state)
{
    (void)state;
    /* next(g): the generator's frame is an entry of its own; then a chain of
       generators (yield from), each resumed by the loop that runs the one outside. */
    expect("me|ne|xs", "G.A.", "meGneAxs");
    expect("me|ge|ge|xs", "G.H.AB.", "meGgeHgeABxs");
}

static void test_cut_short(void **state)
{
    (void)state;
    expect("me|q", "AB.CD.E.", "meABqCDE");
    expect("me|", "AB.CD.E.", "meABCDE");
    expect("me", "AB.C.", "meABC");
    expect("", "AB.C.", "ABC");
    /* The outermost frame says nothing of entries (its end could not be read). */
    expect("me|xs", "ABC", "meABCxs");
    expect("me|qe|s", "A.BC", "meAqeBCs");
}

static void test_empty_entries(void **state)
{
    (void)state;
    /* Memory is asked for before the innermost call of the loop has its frame. */
    expect("me|e|xs", "1A.", "meeAxs");
    expect("me|qe|re|xs", "2AB.", "meqereABxs");
    expect("me|e|qe|e|xs", "1A.1B.", "meeAqeeBxs");
    /* The native stack ends inside them. */
    expect("me|", "3AB.C.", "meABC");
}

static void test_nothing_to_join(void **state)
{
    (void)state;
    expect("", "", "");
    expect("mxs", "", "mxs");
    /* Boundaries without Python frames: a foreign thread's, or an interpreter
       whose frames cannot be read. */
    expect("me|qe|xs", "", "meqexs");
    expect("|||", "", "");
    expect("me|qe|xs", "A.", "meAqexs");
    expect("|", "A.", "A");
}

/* An invented execution: frame numbers count up from the inside to the outside. */
struct invention {
    struct stacks stacks;
    struct {
        u32 frame;
        size_t native_place;    /* how many native entries come before a native frame */
        bool is_native;
    } joined[2 * MOST];
    size_t joined_count;
};

static void invent_native(struct invention *made, u32 frame)
{
    made->joined[made->joined_count].frame = frame;
    made->joined[made->joined_count].native_place = made->stacks.native_count;
    made->joined[made->joined_count++].is_native = true;
    add_native(&made->stacks, frame, false);
}

/* One call of the loop with its frames, the empty calls inside it first. */
static void invent_call(struct invention *made, struct pm_random *random, u32 *frame)
{
    u32 empty_entries = (u32)(pm_random_below(random, 4) ? 0 : 1 + pm_random_below(random, 2));
    u64 frames = 1 + pm_random_below(random, 3);

    for (u32 i = 0; i < empty_entries; i++) {
        add_native(&made->stacks, 0, true);
        if (pm_random_below(random, 2))
            invent_native(made, ++*frame);
    }
    add_native(&made->stacks, 0, true);
    for (u64 i = 0; i < frames; i++) {
        made->joined[made->joined_count++].frame = ++*frame;
        add_python(&made->stacks, *frame, i == 0 ? empty_entries : 0, i + 1 == frames);
    }
}

static void invent(struct invention *made, struct pm_random *random)
{
    u32 frame = 0;

    *made = (struct invention){ 0 };
    for (u64 calls = pm_random_below(random, 7); calls > 0; calls--) {
        for (u64 natives = pm_random_below(random, 4); natives > 0; natives--)
            invent_native(made, ++frame);
        invent_call(made, random, &frame);
    }
    for (u64 natives = pm_random_below(random, 4); natives > 0; natives--)
        invent_native(made, ++frame);
}

/* The unwinder gives the first native frames only: the mixed stack lacks the native frames beyond them,
   and nothing else. */
static void check_cut(const struct invention *made, size_t native_count)
{
    const struct stacks *stacks = &made->stacks;
    size_t capacity = native_count + stacks->python_count, at = 0;
    struct pm_frame_id *out = malloc((capacity + 1) * sizeof *out);
    size_t length = pm_splice(stacks->native, native_count, stacks->python, stacks->python_count,
                              out);

    for (size_t i = 0; i < made->joined_count; i++) {
        if (made->joined[i].is_native && made->joined[i].native_place >= native_count)
            continue;
        assert_true(at < length);
        assert_int_equal(out[at++].v, made->joined[i].frame);
    }
    assert_int_equal(at, length);
    free(out);
}

static void test_invented(void **state)
{
    struct pm_random random = pm_random_start();
    struct invention made;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        invent(&made, &random);
        for (size_t cut = 0; cut <= made.stacks.native_count; cut++)
            check_cut(&made, cut);
    }
}

/* Stacks that do not match: no frame is lost or doubled, and all are in order. */
static void test_anything(void **state)
{
    struct pm_random random = pm_random_start();

    (void)state;
    for (int round = 0; round < 50000; round++) {
        struct pm_frame_id out[2 * MOST];
        struct stacks stacks = { 0 };
        u32 natives = 0, next_native = 1000, next_python = 2000;
        for (u64 i = pm_random_below(&random, MOST); i > 0; i--) {
            bool boundary = pm_random_below(&random, 3) == 0;
            add_native(&stacks, boundary ? 0 : 1000 + natives++, boundary);
        }
        for (u64 i = pm_random_below(&random, MOST); i > 0; i--)
            add_python(&stacks, 2000 + (u32)stacks.python_count,
                       (u32)(pm_random_below(&random, 2) * pm_random_u64(&random)),
                       pm_random_below(&random, 2));
        size_t length = pm_splice(stacks.native, stacks.native_count, stacks.python,
                                  stacks.python_count, out);
        assert_int_equal(length, natives + stacks.python_count);
        for (size_t i = 0; i < length; i++)
            assert_int_equal(out[i].v, out[i].v < 2000 ? next_native++ : next_python++);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_functions),
        cmocka_unit_test(test_generators),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_empty_entries),
        cmocka_unit_test(test_nothing_to_join),
        cmocka_unit_test(test_invented),
        cmocka_unit_test(test_anything),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
