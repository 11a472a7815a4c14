/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks that end where they meet the last walk, against whole walks: for every layout row, chains that
   grow, shrink and change at random in the same memory. */
#include "pm_chain.h"
#include "pm_random.h"

enum { DEEPEST = 12, ROUNDS = 3000, LIMIT = 8 };

/* The chain at one moment. Its outermost frame is always the one with index DEEPEST - 1. */
struct moment {
    struct made_frame frames[DEEPEST];
    size_t first;               /* the innermost frame's index; DEEPEST: there is none */
    u64 last;                   /* what the outermost frame points back to */
};

static struct made_frame random_frame(struct pm_random *random)
{
    return (struct made_frame){
        .unit = (i32)pm_random_below(random, 10),
        .entry = pm_random_below(random, 3) == 0,
        .generator = pm_random_below(random, 4) == 0,
    };
}

static void put_calls(struct chain *chain, const struct moment *moment)
{
    const struct pm_layout *layout = chain->interpreter.layout;
    size_t group = DEEPEST;     /* from the outside, so that outer calls stay where they are */
    u64 innermost = moment->last;

    put_cframe(chain, group, moment->last, 0);
    for (size_t i = DEEPEST; i-- > moment->first;) {
        bool begins = i == moment->first || moment->frames[i - 1].entry;
        innermost = frame_address(i);
        if (!begins)
            continue;
        group--;
        put_cframe(chain, group, innermost, cframe_address(group + 1));
    }
    pm_image_put_u64(&chain->image, ANCHOR + (u64)layout->at.thread_frame, cframe_address(group));
}

/* Writes the chain over what was there before. */
static void put_moment(struct chain *chain, const struct moment *moment)
{
    const struct pm_layout *layout = chain->interpreter.layout;
    u64 innermost = moment->first < DEEPEST ? frame_address(moment->first) : moment->last;

    if (layout->anchor == PM_ANCHOR_THREAD)
        pm_image_put_u64(&chain->image, ANCHOR + (u64)layout->at.thread_frame, innermost);
    else if (layout->entry == PM_ENTRY_CFRAME)
        put_calls(chain, moment);
    else
        put_anchor(chain, innermost);
    for (size_t i = moment->first; i < DEEPEST; i++) {
        u64 back = i + 1 < DEEPEST ? frame_address(i + 1) : moment->last;
        if (layout->at.owner_shim != PM_LAYOUT_ABSENT && moment->frames[i].entry) {
            put_shim(chain, frame_address(i) + SHIM, back);
            back = frame_address(i) + SHIM;
        }
        put_frame(chain, i, &moment->frames[i], back);
    }
}

static void change(struct moment *moment, struct pm_random *random, u64 base)
{
    switch (pm_random_below(random, 8)) {
    case 0:
    case 1:     /* a call */
        if (moment->first > 0)
            moment->frames[--moment->first] = random_frame(random);
        break;
    case 2:
    case 3:     /* a return */
        if (moment->first < DEEPEST)
            moment->first++;
        break;
    case 4:     /* a few at once, and perhaps as many calls as returns */
        moment->first = (size_t)pm_random_below(random, DEEPEST + 1);
        break;
    case 5:     /* somewhere within */
        moment->frames[pm_random_below(random, DEEPEST)] = random_frame(random);
        break;
    case 6:     /* a chain in a circle, which has no end */
        moment->last = pm_random_below(random, 3) == 0 && moment->first < DEEPEST
            ? frame_address(moment->first) : base;
        break;
    default:    /* nothing */
        break;
    }
}

static u64 anchor_at(const struct pm_layout *layout, const struct moment *moment)
{
    return layout->anchor == PM_ANCHOR_FRAME ? frame_address(moment->first) : (u64)ANCHOR;
}

/* The result of walks that remember: fresh frames, and outside of them those of the last walk. */
struct remembered {
    struct pm_rewalk rewalk;
    struct pm_raw_frame frames[MAX];    /* outermost first */
    unsigned count, same, most_same;
};

static bool has_word(const struct pm_trace *trace, struct pm_traced_word word)
{
    for (unsigned i = 0; i < trace->count; i++)
        if (trace->words[i].address == word.address && trace->words[i].value == word.value
                && trace->words[i].field == word.field)
            return true;
    return false;
}

/* The words that the last walk relied on, as it says, are those that a whole walk relies on. */
static void check_trace(struct chain *chain, const struct pm_rewalk *rewalk, u64 anchor)
{
    struct pm_traced_word words[256], words_again[256];
    struct pm_trace trace = { .words = words, .capacity = PM_ARRAY_LENGTH(words) };
    struct pm_trace again = { .words = words_again, .capacity = PM_ARRAY_LENGTH(words_again) };
    struct pm_raw_frame frames[MAX];
    enum pm_walk_end end;

    pm_walk_traced(&chain->interpreter, &chain->image.reader, anchor, frames, LIMIT, &end, &trace);
    if (!pm_rewalk_trace(rewalk, &again)) {
        assert_int_equal(again.count, 0);
        return;
    }
    assert_false(trace.incomplete || again.incomplete);
    for (unsigned i = 0; i < trace.count; i++)
        assert_true(has_word(&again, trace.words[i]));
    for (unsigned i = 0; i < again.count; i++)
        assert_true(has_word(&trace, again.words[i]));
}

static void walk_both(struct chain *chain, struct remembered *remembered, u64 anchor)
{
    struct pm_raw_frame whole[MAX], fresh[MAX];
    enum pm_walk_end end, end_again;
    unsigned count = pm_walk_frames(&chain->interpreter, &chain->image.reader, anchor, whole, LIMIT,
                                    &end);
    unsigned fresh_count = pm_walk_again(&chain->interpreter, &remembered->rewalk, anchor, fresh, LIMIT,
                                         &end_again, &remembered->same);

    check_trace(chain, &remembered->rewalk, anchor);
    assert_int_equal(end_again, end);
    assert_true(remembered->same <= remembered->count);
    assert_int_equal(fresh_count + remembered->same, count);
    for (unsigned i = 0; i < fresh_count; i++)
        remembered->frames[remembered->same + i] = fresh[fresh_count - 1 - i];
    remembered->count = count;
    for (unsigned i = 0; i < count; i++)
        assert_true(pm_raw_frame_equal(&remembered->frames[i], &whole[count - 1 - i]));
    if (remembered->same > remembered->most_same)
        remembered->most_same = remembered->same;
}

/* A random chain, whose innermost frame is the one with index first. */
static void begin(struct chain *chain, const struct pm_layout *layout, struct moment *moment, size_t first,
                  struct remembered *remembered, struct pm_random *random)
{
    *chain = (struct chain){ .interpreter = { .layout = layout } };
    *moment = (struct moment){ .first = first };
    *remembered = (struct remembered){ .count = 0 };
    pm_image_init(&chain->image);
    pm_rewalk_init(&remembered->rewalk, &chain->image.reader, LIMIT);
    if (layout->entry == PM_ENTRY_SHIM_BASE) {
        moment->last = BASE;
        put_shim(chain, BASE, 0);
    }
    for (size_t i = 0; i < DEEPEST; i++)
        moment->frames[i] = random_frame(random);
}

static void end(struct chain *chain, struct remembered *remembered)
{
    pm_rewalk_release(&remembered->rewalk);
    pm_image_release(&chain->image);
}

static void test_same_as_whole_walks(void **state)
{
    struct pm_random random = pm_random_start();

    FOR_EACH_ROW(layout) {
        struct chain chain;
        struct moment moment;
        struct remembered remembered;
        enum pm_walk_end ignored;
        unsigned useful = 0;

        begin(&chain, layout, &moment, DEEPEST - 3, &remembered, &random);
        const u64 base = moment.last;
        for (unsigned round = 0; round < ROUNDS; round++) {
            change(&moment, &random, base);
            put_moment(&chain, &moment);
            if (pm_random_below(&random, 50) == 0)
                pm_reader_forget(&chain.image.reader);
            if (layout->anchor == PM_ANCHOR_FRAME && moment.first == DEEPEST)
                continue;
            /* Where a circle is noticed depends on the steps taken before. */
            if (moment.last != base) {
                pm_walk_again(&chain.interpreter, &remembered.rewalk, anchor_at(layout, &moment),
                              remembered.frames, LIMIT, &ignored, &remembered.same);
                pm_rewalk_forget(&remembered.rewalk);
                continue;
            }
            walk_both(&chain, &remembered, anchor_at(layout, &moment));
            useful += remembered.same > 0;
        }
        assert_true(useful > ROUNDS / 4);
        assert_true(remembered.most_same == LIMIT);
        end(&chain, &remembered);
    }
}

/* Changes each single word that a walk may look at: the next walk is never misled. */
static void test_each_word(void **state)
{
    struct pm_random random = pm_random_start();

    FOR_EACH_ROW(layout) {
        struct chain chain;
        struct moment moment;
        struct remembered remembered;

        begin(&chain, layout, &moment, DEEPEST - 5, &remembered, &random);
        put_moment(&chain, &moment);
        u64 anchor = anchor_at(layout, &moment);
        for (size_t page = 0; page < chain.image.count; page++) {
            const u64 address = chain.image.pages[page].address;
            if (address >= CODE && address < FRAMES)
                continue;       /* a living code object does not change */
            for (u64 at = 0; at < PAGE; at += 8) {
                u64 word;
                assert_true(pm_reader_read_u64(&chain.image.reader, address + at, &word));
                if (word == 0 && pm_random_below(&random, 16) != 0)
                    continue;
                walk_both(&chain, &remembered, anchor);
                pm_image_put_u64(&chain.image, address + at, word ^ 1ull << pm_random_below(&random, 64));
                walk_both(&chain, &remembered, anchor);
                pm_image_put_u64(&chain.image, address + at, word);
            }
        }
        end(&chain, &remembered);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_whole_walks),
        cmocka_unit_test(test_each_word),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
