/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_rewalk.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"

/* An entry frame may have a shim beside it and a record of its C call. */
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
    pm_watched_words_init(&rewalk->watched);
    pm_watched_words_reserve(&rewalk->watched, 2 * rewalk->trace.capacity);
    rewalk->trace.words = pm_alloc("pm.rewalk",
                                   rewalk->trace.capacity * sizeof *rewalk->trace.words);
}

void pm_rewalk_release(struct pm_rewalk *rewalk)
{
    pm_free(rewalk->steps);
    pm_free(rewalk->fresh);
    pm_watched_words_release(&rewalk->watched);
    pm_free(rewalk->trace.words);
    *rewalk = (struct pm_rewalk){ 0 };
}

void pm_rewalk_forget(struct pm_rewalk *rewalk)
{
    rewalk->count = rewalk->valid = 0;
    pm_watched_words_truncate(&rewalk->watched, 0);
}

bool pm_rewalk_begin(struct pm_rewalk *rewalk, u64 anchor, unsigned limit)
{
    if (!pm_watched_words_readable(&rewalk->watched, rewalk->reader))
        pm_rewalk_forget(rewalk);
    u32 unchanged = pm_watched_words_unchanged(&rewalk->watched), valid = rewalk->count;
    if (valid > 0 && unchanged == rewalk->watched.count && rewalk->anchor == anchor
            && rewalk->limit == limit)
        return true;
    while (valid > 0 && rewalk->steps[valid - 1].words > unchanged)
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

static u32 hash_of(u64 address)
{
    return (u32)(pm_hash_u64(address) % PM_REWALK_HASHES);
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
    u32 number = rewalk->by_address[hash_of(state->address)];

    if (number >= rewalk->valid)
        return NULL;
    const struct pm_rewalk_step *step = &rewalk->steps[number];
    const struct pm_rewalk_state *known = &step->state;
    /* The next inner frame would have to record the end of the group. */
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

/* Watches the traced words from first up to last. False if there is no room, or a word cannot
   be read. */
static bool watch_words(struct pm_rewalk *rewalk, u32 first, u32 last)
{
    return pm_watched_words_add(&rewalk->watched, rewalk->reader, rewalk->trace.words + first,
                                last - first);
}

void pm_rewalk_end(struct pm_rewalk *rewalk, const struct pm_rewalk_step *rest, unsigned frames,
                   bool cut)
{
    u32 kept = rest != NULL ? (u32)(rest - rewalk->steps) + 1 : 0;
    u32 outside = rest != NULL ? rest->frames : 0, last = rewalk->trace.count;
    bool whole = !rewalk->too_many && !rewalk->trace.incomplete
        && kept + rewalk->fresh_count <= rewalk->capacity;

    rewalk->count = kept;
    pm_watched_words_truncate(&rewalk->watched, rest != NULL ? rest->words : 0);
    rewalk->total = outside + frames;
    rewalk->cut = rest != NULL ? rewalk->cut : cut;
    for (u32 i = rewalk->fresh_count; whole && i-- > 0;) {
        struct pm_rewalk_step *step = &rewalk->steps[rewalk->count];
        *step = rewalk->fresh[i];
        whole = watch_words(rewalk, step->words, last);
        last = step->words;
        step->words = rewalk->watched.count;
        step->frames = outside + frames - step->frames;
        rewalk->by_address[hash_of(step->state.address)] = (u16)rewalk->count++;
    }
    if (!whole || !watch_words(rewalk, 0, last))
        pm_rewalk_forget(rewalk);
}

bool pm_rewalk_trace(const struct pm_rewalk *rewalk, struct pm_trace *trace)
{
    if (rewalk->count == 0)
        return false;
    for (u32 i = rewalk->watched.count; i-- > 0;)
        pm_trace_add_word(trace, pm_watched_words_at(&rewalk->watched, i));
    return true;
}
