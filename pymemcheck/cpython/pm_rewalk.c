/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_rewalk.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"

/* A frame outside has a shim beside it, and a call's own record. */
enum { STEPS_PER_FRAME = 2, SPARE_STEPS = 8, WORDS_PER_STEP = 6 };

void pm_rewalk_init(struct pm_rewalk *rewalk, struct pm_reader *reader, unsigned frames)
{
    *rewalk = (struct pm_rewalk){
        .reader = reader,
        .capacity = STEPS_PER_FRAME * frames + SPARE_STEPS,
    };
    rewalk->trace.capacity = rewalk->capacity * WORDS_PER_STEP;
    rewalk->steps = pm_alloc("pm.rewalk", rewalk->capacity * sizeof *rewalk->steps);
    rewalk->fresh = pm_alloc("pm.rewalk", rewalk->capacity * sizeof *rewalk->fresh);
    rewalk->words = pm_alloc("pm.rewalk", 2 * rewalk->trace.capacity * sizeof *rewalk->words);
    rewalk->addresses = pm_alloc("pm.rewalk", 2 * rewalk->trace.capacity * sizeof *rewalk->addresses);
    rewalk->trace.words = pm_alloc("pm.rewalk",
                                   rewalk->trace.capacity * sizeof *rewalk->trace.words);
}

void pm_rewalk_release(struct pm_rewalk *rewalk)
{
    pm_free(rewalk->steps);
    pm_free(rewalk->fresh);
    pm_free(rewalk->words);
    pm_free(rewalk->addresses);
    pm_free(rewalk->trace.words);
    *rewalk = (struct pm_rewalk){ 0 };
}

void pm_rewalk_forget(struct pm_rewalk *rewalk)
{
    rewalk->count = rewalk->word_count = rewalk->before = rewalk->valid = 0;
}

static u32 words_that_hold(const struct pm_rewalk *rewalk)
{
    const struct pm_rewalk_word *word = rewalk->words;
    const struct pm_rewalk_word *end = word + rewalk->word_count + rewalk->before;

    for (; word < end; word++) {
        u64 now;
        pm_copy(&now, word->place, sizeof now);
        if (((now ^ word->value) & word->mask) != 0)
            break;
    }
    return (u32)(word - rewalk->words);
}

bool pm_rewalk_begin(struct pm_rewalk *rewalk, u64 anchor, unsigned limit)
{
    if (rewalk->generation != rewalk->reader->generation)
        pm_rewalk_forget(rewalk);
    u32 hold = words_that_hold(rewalk), valid = rewalk->count;
    if (valid > 0 && hold == rewalk->word_count + rewalk->before && rewalk->anchor == anchor
            && rewalk->limit == limit)
        return true;
    while (valid > 0 && rewalk->steps[valid - 1].words > hold)
        valid--;
    rewalk->valid = valid;
    rewalk->fresh_count = 0;
    rewalk->too_many = false;
    rewalk->trace.count = 0;
    rewalk->trace.incomplete = false;
    rewalk->anchor = anchor;
    rewalk->limit = limit;
    return false;
}

static u32 place_of(u64 address)
{
    return (u32)(pm_hash_u64(address) % PM_REWALK_PLACES);
}

/* Whether a step reported a frame. */
static bool reports(const struct pm_rewalk *rewalk, u32 number)
{
    return rewalk->steps[number].frames > (number > 0 ? rewalk->steps[number - 1].frames : 0);
}

const struct pm_rewalk_step *pm_rewalk_find(const struct pm_rewalk *rewalk,
                                            const struct pm_rewalk_state *state,
                                            unsigned frames_inside, unsigned limit)
{
    u32 number = rewalk->by_address[place_of(state->address)];

    if (number >= rewalk->valid)
        return NULL;
    const struct pm_rewalk_step *step = &rewalk->steps[number];
    const struct pm_rewalk_state *known = &step->state;
    /* The end of the group would have to be noted at the next inner frame. */
    if (known->group_open && !reports(rewalk, number))
        return NULL;
    unsigned frames = frames_inside + step->frames;
    if (rewalk->cut ? frames != rewalk->total : frames > limit)
        return NULL;
    return known->address == state->address && known->cframe == state->cframe
                   && known->group_end == state->group_end
                   && known->empty_entries == state->empty_entries
                   && known->group_open == state->group_open && known->in_call == state->in_call
               ? step : NULL;
}

void pm_rewalk_take(struct pm_rewalk *rewalk, const struct pm_rewalk_state *state,
                    unsigned frames_inside)
{
    if (rewalk->fresh_count == rewalk->capacity) {
        rewalk->too_many = true;
        return;
    }
    rewalk->fresh[rewalk->fresh_count++] = (struct pm_rewalk_step){
        .state = *state,
        .frames = frames_inside,
        .words = rewalk->trace.count,
    };
}

/* Adds the words from first on, up to last; false if there is no room, or one is not there. */
static bool keep_words(struct pm_rewalk *rewalk, u32 first, u32 last)
{
    const u64 in_page = (1u << PM_READER_PAGE_BITS) - 1;

    if (last - first > 2 * rewalk->trace.capacity - rewalk->word_count)
        return false;
    for (u32 i = first; i < last; i++) {
        const struct pm_traced_word *word = &rewalk->trace.words[i];
        const u8 *page = pm_reader_page(rewalk->reader, word->address >> PM_READER_PAGE_BITS);
        if (page == NULL)
            return false;
        rewalk->addresses[rewalk->word_count] = word->address;
        rewalk->words[rewalk->word_count++] = (struct pm_rewalk_word){
            .place = page + (word->address & in_page),
            .value = word->value,
            .mask = word->mask,
        };
    }
    return true;
}

void pm_rewalk_end(struct pm_rewalk *rewalk, const struct pm_rewalk_step *rest, unsigned frames,
                   bool cut)
{
    u32 kept = rest != NULL ? (u32)(rest - rewalk->steps) + 1 : 0;
    u32 outside = rest != NULL ? rest->frames : 0, last = rewalk->trace.count;
    bool whole = !rewalk->too_many && !rewalk->trace.incomplete
        && kept + rewalk->fresh_count <= rewalk->capacity;

    rewalk->count = kept;
    rewalk->word_count = rest != NULL ? rest->words : 0;
    rewalk->total = outside + frames;
    rewalk->cut = rest != NULL ? rewalk->cut : cut;
    rewalk->generation = rewalk->reader->generation;
    for (u32 i = rewalk->fresh_count; whole && i-- > 0;) {
        struct pm_rewalk_step *step = &rewalk->steps[rewalk->count];
        *step = rewalk->fresh[i];
        whole = keep_words(rewalk, step->words, last);
        last = step->words;
        step->words = rewalk->word_count;
        step->frames = outside + frames - step->frames;
        rewalk->by_address[place_of(step->state.address)] = (u16)rewalk->count++;
    }
    const u32 words = rewalk->word_count;
    whole = whole && keep_words(rewalk, 0, last);
    rewalk->before = rewalk->word_count - words;
    rewalk->word_count = words;
    if (!whole)
        pm_rewalk_forget(rewalk);
}

bool pm_rewalk_trace(const struct pm_rewalk *rewalk, struct pm_trace *trace)
{
    if (rewalk->count == 0)
        return false;
    for (u32 i = rewalk->word_count + rewalk->before; i-- > 0;)
        pm_trace_add_word(trace, (struct pm_traced_word){
            .address = rewalk->addresses[i],
            .value = rewalk->words[i].value,
            .mask = rewalk->words[i].mask,
        });
    return true;
}
