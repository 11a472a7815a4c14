/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trace of a walk has all words that the result depends on, and few others. For every layout row, the
   memory that a walk may read is changed piece by piece. */
#include "pm_chain.h"

/* The result of a walk, to compare with that of another. */
static bool same_walk(const struct chain *a, const struct chain *b)
{
    if (a->count != b->count || a->end != b->end)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (!pm_raw_frame_equal(&a->found[i], &b->found[i]))
            return false;
    return true;
}

static u64 word_of(struct chain *chain, u64 address)
{
    u64 word;

    assert_true(pm_reader_read_u64(&chain->image.reader, address, &word));
    return word;
}

/* Whether the walk has another result while a word is changed. */
static bool matters(struct chain *chain, unsigned capacity, u64 address, u64 bits)
{
    struct chain before = *chain;
    u64 word = word_of(chain, address);

    pm_image_put_u64(&chain->image, address, word ^ bits);
    walk(chain, capacity);
    bool other = !same_walk(chain, &before);
    pm_image_put_u64(&chain->image, address, word);
    walk(chain, capacity);
    assert_true(same_walk(chain, &before));
    return other;
}

/* Bits that are not traced do not matter. */
static void expect_rest_is_unused(struct chain *chain, unsigned capacity,
                                  const struct pm_trace *trace, u64 address)
{
    u64 untraced = ~0ull, word;

    if (!pm_reader_read_u64(&chain->image.reader, address, &word))
        return;

    for (unsigned i = 0; i < trace->count; i++)
        if (trace->words[i].address == address)
            untraced &= ~pm_traced_word_mask(&trace->words[i]);
    if (untraced == 0)
        return;
    assert_false(matters(chain, capacity, address, untraced));
    for (u64 byte = 0xff; byte != 0; byte <<= 8)
        if ((untraced & byte) != 0)
            assert_false(matters(chain, capacity, address, untraced & byte));
}

static void walk_traced(struct chain *chain, unsigned capacity, struct pm_trace *trace)
{
    struct chain untraced;

    walk(chain, capacity);
    untraced = *chain;
    chain->count = pm_walk_traced(&chain->interpreter, &chain->image.reader,
                                  anchor_of(chain->interpreter.layout), chain->found, capacity,
                                  &chain->end, trace);
    assert_true(same_walk(chain, &untraced));
    assert_false(trace->incomplete);
    for (unsigned i = 0; i < trace->count; i++)
        assert_int_equal(word_of(chain, trace->words[i].address) & pm_traced_word_mask(&trace->words[i]),
                         trace->words[i].value);
}

/* All of the memory that a walk might look at is changed, word by word and byte by byte, but
   for code objects of frames that are reported. */
static void expect_exact_trace(struct chain *chain, unsigned capacity, size_t frames)
{
    const struct pm_layout *layout = chain->interpreter.layout;
    struct pm_traced_word words[128];
    struct pm_trace trace = { .words = words, .capacity = PM_ARRAY_LENGTH(words) };

    walk_traced(chain, capacity, &trace);
    for (size_t i = 0; i < frames; i++) {
        for (u64 at = 0; at < (u64)layout->at.frame_bytes; at += 8) {
            expect_rest_is_unused(chain, capacity, &trace, frame_address(i) + at);
            if (layout->entry == PM_ENTRY_SHIM)
                expect_rest_is_unused(chain, capacity, &trace, frame_address(i) + SHIM + at);
        }
        for (u64 at = 0; layout->anchor == PM_ANCHOR_CFRAME && at < 32; at += 8)
            if (i == 0 || layout->entry == PM_ENTRY_CFRAME)
                expect_rest_is_unused(chain, capacity, &trace, cframe_address(i) + at);
        bool reported = false;
        for (unsigned k = 0; k < chain->count; k++)
            reported |= chain->found[k].code == CODE + i * PAGE;
        if (!reported && layout->complete == PM_COMPLETE_TRACEABLE)
            expect_rest_is_unused(chain, capacity, &trace,
                                  CODE + i * PAGE + ((u64)layout->at.code_first_traceable & ~7ull));
    }
    for (u64 at = 0; layout->anchor != PM_ANCHOR_FRAME && at < PAGE; at += 8)
        expect_rest_is_unused(chain, capacity, &trace, ANCHOR + at);

    /* And what is traced is used, where it always is: whole words of frames within the limit. A
       shim's position is traced and not used, a group without end ends with the chain, and what
       shows a 3.10 frame to wait is a threshold. */
    if (chain->end == PM_WALK_LIMIT || layout->entry == PM_ENTRY_RUNNING)
        return;
    for (unsigned i = 0; i < trace.count; i++)
        if (pm_traced_word_mask(&words[i]) == ~0ull && words[i].address >= FRAMES && (words[i].address & SHIM) == 0)
            assert_true(matters(chain, capacity, words[i].address, ~0ull));
}

static void test_trace(void **state)
{
    const struct made_frame frames[] = {
        { 0, true, false }, { 7, false, false }, { 1, false, true }, { 8, true, false },
        { 0, false, false }, { 9, true, false },
    };
    const struct made_frame waiting[] = { { 7, true, false }, { 8, false, true }, { 9, false, true } };
    struct chain chain;

    FOR_EACH_ROW(layout) {
        for (unsigned capacity = 1; capacity <= MAX; capacity += capacity < 7 ? 1 : MAX) {
            make(&chain, layout, frames, 6, 0);
            expect_exact_trace(&chain, capacity, 6);
            pm_image_release(&chain.image);
            make(&chain, layout, waiting, 3, 0);
            expect_exact_trace(&chain, capacity, 3);
            pm_image_release(&chain.image);
        }
    }
}

/* A trace that is full says so. */
static void test_small_trace(void **state)
{
    const struct made_frame frames[] = { { 7, true, false }, { 8, true, false } };
    struct pm_traced_word words[128];
    struct chain chain;

    FOR_EACH_ROW(layout) {
        struct pm_trace trace = { .words = words, .capacity = PM_ARRAY_LENGTH(words) };
        make(&chain, layout, frames, 2, 0);
        walk_traced(&chain, MAX, &trace);
        trace.capacity = trace.count - 1;
        trace.count = 0;
        pm_walk_traced(&chain.interpreter, &chain.image.reader, anchor_of(layout), chain.found, MAX,
                       &chain.end, &trace);
        assert_true(trace.incomplete);
        pm_image_release(&chain.image);
    }
}

/* The number of a thread's position differs between the usual positions. */
static void test_peek(void **state)
{
    const struct made_frame here[] = { { 7, true, false }, { 8, true, false } };
    const struct made_frame there[] = { { 9, true, false }, { 8, true, false } };
    const struct made_frame other_caller[] = { { 7, false, false }, { 5, true, false } };
    const struct made_frame *chains[] = { here, there, other_caller };
    u64 positions[PM_ARRAY_LENGTH(chains)];
    struct chain chain;

    FOR_EACH_ROW(layout) {
        for (size_t i = 0; i < PM_ARRAY_LENGTH(chains); i++) {
            make(&chain, layout, chains[i], 2, 0);
            positions[i] = pm_walk_peek(&chain.interpreter, &chain.image.reader, anchor_of(layout));
            pm_image_unmap(&chain.image, anchor_of(layout));
            pm_walk_peek(&chain.interpreter, &chain.image.reader, anchor_of(layout));
            pm_image_release(&chain.image);
        }
        assert_int_not_equal(positions[0], positions[1]);
        assert_int_not_equal(positions[0], positions[2]);
        assert_int_not_equal(positions[1], positions[2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace),
        cmocka_unit_test(test_small_trace),
        cmocka_unit_test(test_peek),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
