/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums of sites in random profiles, compared with sums over plain arrays. These know the
   frames of each stack without the stack tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_aggregate.h"
#include "pm_fixture.h"
#include "pm_random.h"

enum { MOST_FRAMES = 6, STACKS = 150, KEY = 400 };

/* A frame as plain text. With a file it is Python, with an object native, with neither a note. */
struct plain_frame {
    const char *object, *file, *function;
    u32 line;
    u64 offset;
    u8 flags;
};

struct plain_stack {
    struct plain_frame frames[MOST_FRAMES];     /* innermost first */
    size_t count;
    struct pm_stack_id id;
    u64 bytes_each, blocks, freed;
};

static struct pm_frame_id intern_frame(struct pm_fixture *fixture, const struct plain_frame *frame)
{
    if (frame->file != NULL)
        return pm_fixture_python(fixture, frame->file, frame->function, frame->line);
    if (frame->object != NULL)
        return pm_fixture_native(fixture, frame->object, frame->function, frame->offset,
                                 frame->flags);
    return pm_fixture_note(fixture, frame->function);
}

static struct pm_stack_id intern_stack(struct pm_fixture *fixture, const struct plain_stack *stack)
{
    struct pm_frame_id ids[MOST_FRAMES];

    for (size_t i = 0; i < stack->count; i++)
        ids[i] = intern_frame(fixture, &stack->frames[i]);
    return pm_stacks_intern(&fixture->stacks, ids, stack->count);
}

static const struct plain_frame *plain_python(const struct plain_stack *stack)
{
    for (size_t i = 0; i < stack->count; i++)
        if (stack->frames[i].file != NULL)
            return &stack->frames[i];
    return NULL;
}

/* The next native frame at place or after it; count if there is none. */
static size_t next_native(const struct plain_stack *stack, size_t place)
{
    while (place < stack->count && stack->frames[place].object == NULL)
        place++;
    return place;
}

/* The first frame that is not an allocator; if it has no name, the next name within its
   object. */
static const struct plain_frame *plain_caller(const struct plain_stack *stack)
{
    const struct plain_frame *last = NULL, *wanted = NULL;
    size_t i;

    for (i = next_native(stack, 0); i < stack->count; i = next_native(stack, i + 1)) {
        last = &stack->frames[i];
        if (!(last->flags & PM_FRAME_ALLOCATOR)) {
            wanted = last;
            break;
        }
    }
    if (wanted == NULL)
        return last;
    for (; i < stack->count; i = next_native(stack, i + 1)) {
        const struct plain_frame *frame = &stack->frames[i];
        if (strcmp(frame->object, wanted->object) != 0)
            break;
        if (frame->function[0] != '\0' && !(frame->flags & PM_FRAME_ALLOCATOR))
            return frame;
    }
    return wanted;
}

/* Adds one frame to the key of a stack. */
static int write_frame(char *to, size_t room, const char *object, const char *file,
                       const char *function, u32 line, u64 offset)
{
    return snprintf(to, room, "{%s|%s|%s|%u|%llu}", object, file, function, line,
                    (unsigned long long)offset);
}

/* The key of a stack's row; false if it has none in group. */
static bool plain_key(const struct plain_stack *stack, enum pm_group group, char key[KEY])
{
    const struct plain_frame *python = plain_python(stack), *caller = plain_caller(stack);
    size_t at = 0;

    key[0] = '\0';
    if (group == PM_GROUP_STACK) {
        for (size_t i = 0; i < stack->count; i++) {
            const struct plain_frame *frame = &stack->frames[i];
            at += (size_t)write_frame(key + at, KEY - at, frame->object ? frame->object : "",
                                      frame->file ? frame->file : "", frame->function,
                                      frame->line, frame->offset);
        }
        return true;
    }
    if (group == PM_GROUP_CALLER) {
        if (python == NULL)
            snprintf(key, KEY, "%s`%s", caller ? caller->object : "",
                     caller ? caller->function : "");
        return python == NULL;
    }
    if (python != NULL && group == PM_GROUP_FUNCTION)
        snprintf(key, KEY, "%s (%s)", python->file, python->function);
    else if (python != NULL)
        snprintf(key, KEY, "%s:%06u", python->file, python->line);
    return python != NULL;
}

/* The same key, from a row of the aggregate. */
static void row_key(const struct pm_profile *profile, enum pm_group group,
                    const struct pm_row *row, char key[KEY])
{
    const char *object = pm_strings_text(profile->strings, row->object);
    const char *file = pm_strings_text(profile->strings, row->file);
    const char *function = pm_strings_text(profile->strings, row->function);
    size_t at = 0;

    key[0] = '\0';
    if (group == PM_GROUP_CALLER)
        snprintf(key, KEY, "%s`%s", object, function);
    else if (group == PM_GROUP_FUNCTION)
        snprintf(key, KEY, "%s (%s)", file, function);
    else if (group == PM_GROUP_LINE)
        snprintf(key, KEY, "%s:%06u", file, row->line);
    else
        for (struct pm_stack_id id = row->stack; id.v != 0;) {
            struct pm_stack_node node = pm_stacks_node(profile->stacks, id);
            const struct pm_frame *frame = pm_frames_get(profile->frames, node.frame);
            at += (size_t)write_frame(key + at, KEY - at,
                                      pm_strings_text(profile->strings, frame->object),
                                      pm_strings_text(profile->strings, frame->file),
                                      pm_strings_text(profile->strings, frame->function),
                                      frame->line, frame->offset);
            id = node.parent;
        }
}

/* A profile of random stacks. It has few names and few sizes, so that rows share sites and
   sums are often equal. */
struct world {
    struct pm_random random;
    struct plain_stack stacks[STACKS];
    size_t count;
};

static struct plain_frame random_frame(struct pm_random *random)
{
    static const char *const objects[] = { "/lib/libc.so.6", "/bin/python3", "/bin/python3.11" };
    static const char *const functions[] = { "", "read", "list_new", "list_new_prealloc" };
    static const char *const allocators[] = { "malloc", "PyMem_Malloc" };
    static const char *const files[] = { "/a.py", "/a.pyx", "/b.py" };
    static const char *const python_functions[] = { "f", "g", "C.f" };
    u64 kind = pm_random_below(random, 10);

    if (kind == 0)
        return (struct plain_frame){ .function = "[frames are missing]" };
    if (kind == 1) {
        u64 line = pm_random_below(random, 9);
        return (struct plain_frame){
            .file = files[pm_random_below(random, 3)],
            .function = python_functions[line / 3],
            .line = (u32)(line * line),
        };
    }
    struct plain_frame frame = {
        .object = objects[pm_random_below(random, 3)],
        .offset = pm_random_below(random, 2) * 40,
    };
    if (kind < 5) {
        frame.function = allocators[kind % 2];
        frame.flags = PM_FRAME_ALLOCATOR;
    } else {
        frame.function = functions[pm_random_below(random, 4)];
    }
    return frame;
}

static bool same_stack(const struct plain_stack *a, const struct plain_stack *b)
{
    char x[KEY], y[KEY];

    plain_key(a, PM_GROUP_STACK, x);
    plain_key(b, PM_GROUP_STACK, y);
    return strcmp(x, y) == 0;
}

static void make_world(struct world *world)
{
    struct pm_random *random = &world->random;

    world->count = 0;
    for (int i = 0; i < STACKS; i++) {
        struct plain_stack *stack = &world->stacks[world->count];
        *stack = (struct plain_stack){ .count = pm_random_below(random, MOST_FRAMES + 1) };
        for (size_t k = 0; k < stack->count; k++)
            stack->frames[k] = random_frame(random);
        stack->bytes_each = pm_random_below(random, 4) * 50;
        stack->blocks = 1 + pm_random_below(random, 3);
        stack->freed = pm_random_below(random, stack->blocks + 1);
        bool fresh = true;
        for (size_t k = 0; k < world->count; k++)
            fresh = fresh && !same_stack(&world->stacks[k], stack);
        world->count += fresh;
    }
}

/* Fills a fixture with the world in a random order: ids differ each time. */
static void enact(struct world *world, struct pm_fixture *fixture)
{
    size_t order[STACKS];

    for (size_t i = 0; i < world->count; i++) {
        size_t j = pm_random_below(&world->random, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    pm_fixture_init(fixture);
    for (size_t i = world->count; i-- > 0;) {
        struct plain_stack *stack = &world->stacks[order[i]];
        stack->id = intern_stack(fixture, stack);
    }
    for (size_t i = 0; i < world->count; i++) {
        const struct plain_stack *stack = &world->stacks[order[i]];
        pm_fixture_allocate(fixture, stack->id, stack->blocks, stack->bytes_each, 24);
        pm_fixture_free(fixture, stack->id, stack->freed, stack->bytes_each, 24);
    }
}

/* Compares row with the sum over all plain stacks with its key; returns how many there are. */
static size_t check_row(const struct world *world, const struct pm_profile *profile,
                        enum pm_group group, const struct pm_row *row)
{
    u64 total_bytes = 0, total_blocks = 0, live_bytes = 0, live_blocks = 0, most = 0, of_stack = 0;
    u64 peak_bytes = 0, peak_blocks = 0, counts[PM_HISTOGRAM_BINS] = { 0 };
    char key[KEY], other[KEY];
    size_t sites = 0;

    row_key(profile, group, row, key);
    for (size_t i = 0; i < world->count; i++) {
        const struct plain_stack *stack = &world->stacks[i];
        u64 bytes = stack->bytes_each * stack->blocks;
        if (!plain_key(stack, group, other) || strcmp(key, other) != 0)
            continue;
        sites++;
        total_bytes += bytes;
        total_blocks += stack->blocks;
        live_bytes += stack->bytes_each * (stack->blocks - stack->freed);
        live_blocks += stack->blocks - stack->freed;
        counts[pm_histogram_bin(stack->bytes_each)] += stack->blocks;
        most = bytes > most ? bytes : most;
        if (stack->id.v == row->stack.v)
            of_stack = bytes;
        const struct pm_site *site = pm_sites_at(profile->sites,
                                                 profile->sites->by_stack[stack->id.v] - 1);
        peak_bytes += pm_sites_peak_bytes(profile->sites, site);
        peak_blocks += pm_sites_peak_blocks(profile->sites, site);
    }
    assert_true(sites > 0);
    assert_int_equal(row->figures.total_bytes, total_bytes);
    assert_int_equal(row->figures.total_blocks, total_blocks);
    assert_int_equal(row->figures.live_bytes, live_bytes);
    assert_int_equal(row->figures.live_blocks, live_blocks);
    assert_int_equal(row->figures.peak_bytes, peak_bytes);
    assert_int_equal(row->figures.peak_blocks, peak_blocks);
    assert_int_equal(of_stack, most);
    for (unsigned bin = 0; bin < PM_HISTOGRAM_BINS; bin++)
        assert_int_equal(pm_histogram_count(&row->figures.sizes, bin), counts[bin]);
    return sites;
}

static int compare_texts(const struct pm_profile *profile, struct pm_string_id a,
                         struct pm_string_id b)
{
    return strcmp(pm_strings_text(profile->strings, a), pm_strings_text(profile->strings, b));
}

/* Ascending by total, or descending by live bytes and then blocks; then by name and line.
   test_aggregate_rules.c has the order of stacks. */
static void check_order(const struct pm_profile *profile, enum pm_group group,
                        enum pm_order order, const struct pm_row *a, const struct pm_row *b)
{
    const struct pm_figures *x = &a->figures, *y = &b->figures;
    bool tie = order == PM_ORDER_TOTAL_BYTES ? x->total_bytes == y->total_bytes
        : x->live_bytes == y->live_bytes && x->live_blocks == y->live_blocks;

    if (order == PM_ORDER_TOTAL_BYTES)
        assert_true(x->total_bytes <= y->total_bytes);
    else
        assert_true(x->live_bytes > y->live_bytes
                    || (x->live_bytes == y->live_bytes && x->live_blocks >= y->live_blocks));
    if (!tie || group == PM_GROUP_STACK)
        return;
    int c = compare_texts(profile, a->object, b->object);
    if (c == 0)
        c = compare_texts(profile, a->file, b->file);
    if (c == 0)
        c = compare_texts(profile, a->function, b->function);
    assert_true(c < 0 || (c == 0 && a->line < b->line));
}

/* Every site that has a row in group is in one row only. LIVE leaves out sites without live
   blocks. */
static void check_group(const struct world *world, const struct pm_profile *profile,
                        enum pm_group group, enum pm_order order)
{
    struct pm_aggregate aggregate;
    u64 total_bytes = 0, total_blocks = 0, live_bytes = 0, live_blocks = 0;
    size_t sites = 0, expected_sites = 0;
    char key[KEY];

    pm_fixture_aggregate(&aggregate, profile, group, order, 0);
    for (size_t i = 0; i < aggregate.count; i++) {
        const struct pm_row *row = pm_aggregate_row(&aggregate, i);
        sites += check_row(world, profile, group, row);
        total_bytes += row->figures.total_bytes;
        total_blocks += row->figures.total_blocks;
        live_bytes += row->figures.live_bytes;
        live_blocks += row->figures.live_blocks;
        if (order == PM_ORDER_LIVE_BYTES)
            assert_true(row->figures.live_blocks > 0);
        if (i > 0)
            check_order(profile, group, order, pm_aggregate_row(&aggregate, i - 1), row);
    }
    assert_int_equal(aggregate.live_bytes, live_bytes);
    assert_int_equal(aggregate.live_blocks, live_blocks);
    for (size_t i = 0; i < world->count; i++)
        expected_sites += plain_key(&world->stacks[i], group, key);
    if (order == PM_ORDER_TOTAL_BYTES) {
        assert_int_equal(sites, expected_sites);
        assert_int_equal(aggregate.total_bytes, total_bytes);
        assert_int_equal(aggregate.total_blocks, total_blocks);
    }
    pm_aggregate_release(&aggregate);
}

/* If only the largest rows are wanted, they are the same, and the sums include the others. */
static void check_top(const struct pm_profile *profile, enum pm_group group, size_t top)
{
    struct pm_aggregate all, some;
    u64 bytes, blocks, rows;
    size_t asking = 0;

    pm_fixture_aggregate(&all, profile, group, PM_ORDER_TOTAL_BYTES, 0);
    pm_fixture_aggregate(&some, profile, group, PM_ORDER_TOTAL_BYTES, top);
    assert_int_equal(all.left_out, 0);
    assert_int_equal(some.total_bytes, all.total_bytes);
    assert_int_equal(some.total_blocks, all.total_blocks);
    bytes = some.left_out_bytes;
    blocks = some.left_out_blocks;
    rows = some.left_out;
    for (size_t i = 0; i < some.count; i++) {
        bytes += pm_aggregate_row(&some, i)->figures.total_bytes;
        blocks += pm_aggregate_row(&some, i)->figures.total_blocks;
        rows += pm_aggregate_row(&some, i)->figures.total_blocks > 0;
    }
    assert_int_equal(bytes, all.total_bytes);
    assert_int_equal(blocks, all.total_blocks);
    for (size_t i = 0; i < all.count; i++)
        asking += pm_aggregate_row(&all, i)->figures.total_blocks > 0;
    assert_int_equal(rows, asking);
    assert_true(some.count >= (top < all.count ? top : all.count));
    for (size_t i = 1; i <= top && i <= all.count; i++)
        assert_int_equal(pm_aggregate_row(&some, some.count - i)->stack.v,
                         pm_aggregate_row(&all, all.count - i)->stack.v);
    pm_aggregate_release(&all);
    pm_aggregate_release(&some);
}

/* Callers and functions together are the whole run; so are callers and lines, and so are
   stacks. */
static void check_totals(const struct pm_profile *profile)
{
    u64 bytes[4], blocks[4];

    for (int group = PM_GROUP_CALLER; group <= PM_GROUP_STACK; group++) {
        struct pm_aggregate aggregate;
        pm_fixture_aggregate(&aggregate, profile, (enum pm_group)group, PM_ORDER_TOTAL_BYTES, 0);
        bytes[group] = aggregate.total_bytes;
        blocks[group] = aggregate.total_blocks;
        pm_aggregate_release(&aggregate);
    }
    assert_int_equal(bytes[PM_GROUP_STACK], profile->total_bytes - profile->padding_bytes);
    assert_int_equal(blocks[PM_GROUP_STACK], profile->total_allocs);
    assert_int_equal(bytes[PM_GROUP_CALLER] + bytes[PM_GROUP_FUNCTION], bytes[PM_GROUP_STACK]);
    assert_int_equal(blocks[PM_GROUP_CALLER] + blocks[PM_GROUP_FUNCTION], blocks[PM_GROUP_STACK]);
    assert_int_equal(bytes[PM_GROUP_LINE], bytes[PM_GROUP_FUNCTION]);
    assert_int_equal(blocks[PM_GROUP_LINE], blocks[PM_GROUP_FUNCTION]);
}

static void test_random_profiles(void **state)
{
    struct world world = { .random = pm_random_start() };
    struct pm_fixture fixture;

    (void)state;
    for (int round = 0; round < 15; round++) {
        make_world(&world);
        enact(&world, &fixture);
        const struct pm_profile *profile = pm_fixture_profile(&fixture);
        for (int group = PM_GROUP_CALLER; group <= PM_GROUP_STACK; group++) {
            check_group(&world, profile, (enum pm_group)group, PM_ORDER_TOTAL_BYTES);
            check_group(&world, profile, (enum pm_group)group, PM_ORDER_LIVE_BYTES);
            for (size_t top = 1; top < 40; top += 5)
                check_top(profile, (enum pm_group)group, top);
        }
        check_totals(profile);
        pm_fixture_release(&fixture);
    }
}

/* All keys of all groups in both orders, one after another. */
static void write_keys(struct pm_fixture *fixture, struct pm_buffer *buffer)
{
    const struct pm_profile *profile = pm_fixture_profile(fixture);
    char key[KEY];

    pm_buffer_init(buffer);
    for (int group = PM_GROUP_CALLER; group <= PM_GROUP_STACK; group++)
        for (int order = PM_ORDER_TOTAL_BYTES; order <= PM_ORDER_LIVE_BYTES; order++) {
            struct pm_aggregate aggregate;
            pm_fixture_aggregate(&aggregate, profile, (enum pm_group)group,
                                 (enum pm_order)order, 0);
            for (size_t i = 0; i < aggregate.count; i++) {
                row_key(profile, (enum pm_group)group, pm_aggregate_row(&aggregate, i), key);
                pm_buffer_add_text(buffer, key);
                pm_buffer_add_char(buffer, '\n');
            }
            pm_aggregate_release(&aggregate);
        }
}

/* The same profile, seen in another order, has other ids but the same rows. */
static void test_ids_decide_nothing(void **state)
{
    struct world world = { .random = pm_random_start() };
    struct pm_fixture fixture;
    struct pm_buffer first, again;

    (void)state;
    for (int round = 0; round < 15; round++) {
        make_world(&world);
        enact(&world, &fixture);
        write_keys(&fixture, &first);
        pm_fixture_release(&fixture);
        enact(&world, &fixture);
        write_keys(&fixture, &again);
        pm_fixture_release(&fixture);
        assert_string_equal(first.bytes, again.bytes);
        pm_buffer_release(&first);
        pm_buffer_release(&again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_profiles),
        cmocka_unit_test(test_ids_decide_nothing),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
