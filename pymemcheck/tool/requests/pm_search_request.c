/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/requests/pm_search_request.h"

#include "report/pm_json_excerpt.h"
#include "tool/leaks/pm_leak_report.h"
#include "tool/pm_memory.h"
#include "tool/pm_run.h"
#include "tool/requests/pm_answer.h"
#include "tool/requests/pm_phase_requests.h"

/* Where results begin in struct pymemcheck_search. What a program cannot do without comes before. */
#define RESULTS_AT __builtin_offsetof(struct pymemcheck_search, needed)

#define KNOWN_FLAGS ((u64)(PYMEMCHECK_SEARCH_SINCE_LAST | PYMEMCHECK_SEARCH_SILENT | PYMEMCHECK_SEARCH_REACHABLE \
                           | PYMEMCHECK_SEARCH_REPEAT | PYMEMCHECK_SEARCH_COLLECTED))

/* Numbers of the public header never change; those of the tool are in the order of its reports. */
static const u8 public_kinds[PM_LOSS_KINDS] = {
    [PM_LOSS_DEFINITE] = PYMEMCHECK_DEFINITE,
    [PM_LOSS_CYCLE] = PYMEMCHECK_CYCLE,
    [PM_LOSS_SURPLUS] = PYMEMCHECK_SURPLUS,
    [PM_LOSS_DEFICIT] = PYMEMCHECK_DEFICIT,
    [PM_LOSS_POSSIBLE] = PYMEMCHECK_POSSIBLE,
    [PM_LOSS_INDIRECT] = PYMEMCHECK_INDIRECT,
    [PM_LOSS_INTERPRETER] = PYMEMCHECK_INTERPRETER,
    [PM_LOSS_REACHABLE] = PYMEMCHECK_REACHABLE,
};

static void add_to_text(void *context, const char *bytes, size_t length)
{
    pm_buffer_add_bytes(context, bytes, length);
}

static struct pymemcheck_sum public_sum(const struct pm_loss_sum *sum)
{
    return (struct pymemcheck_sum){ sum->bytes, sum->blocks };
}

/* Keeps the results of a search. */
static void take(void *context, const struct pm_losses *losses)
{
    struct pm_run *run = context;
    struct pm_requests_state *state = &run->requests;
    const struct pm_tables tables = { &run->strings, &run->frames, &run->stacks };
    const struct pm_sink sink = { .write = add_to_text, .context = &state->records };

    for (int kind = 0; kind < PM_LOSS_KINDS; kind++)
        state->search.kinds[public_kinds[kind]] = public_sum(&losses->sums[kind]);
    state->search.kinds[PYMEMCHECK_SUPPRESSED] = public_sum(&losses->suppressed);
    state->search.kinds[PYMEMCHECK_LEFT_OUT] = public_sum(&losses->left_out);
    state->search.records = losses->count;
    if (state->records.bytes == NULL)
        pm_buffer_init(&state->records);
    pm_buffer_clear(&state->records);
    pm_json_excerpt_write(&tables, losses, &sink);
    state->search.needed = state->records.length + 1;
}

static bool make_search(struct pm_run *run, const struct pymemcheck_search *asked)
{
    struct pm_requests_state *state = &run->requests;
    struct pm_finalization *finalization = &run->finalization;
    const struct pm_finalization before = *finalization;
    struct pm_leak_report_asked request = {
        .after_serial = asked->since,
        .reachable = (asked->flags & PYMEMCHECK_SEARCH_REACHABLE) != 0,
        .silent = (asked->flags & PYMEMCHECK_SEARCH_SILENT) != 0,
        .take = take,
        .context = run,
    };

    if ((asked->flags & PYMEMCHECK_SEARCH_SINCE_LAST) && state->searched && state->search.mark > request.after_serial)
        request.after_serial = state->search.mark;
    const u64 mark = pm_phase_mark(run);
    if ((asked->flags & PYMEMCHECK_SEARCH_COLLECTED) && finalization->collector == PM_COLLECTOR_WAITS) {
        finalization->collector = PM_COLLECTOR_RAN;
        finalization->collection_serial = mark;
    }
    state->searching = true;
    const bool made = pm_leak_report_search(run, &request);
    state->searching = false;
    *finalization = before;
    if (made) {
        state->search.mark = mark;
        state->searched = true;
    }
    return made;
}

/* Gives the program the results, as far as its struct goes. */
static long tell(const struct pm_requests_state *state, u64 address, const struct pymemcheck_search *asked)
{
    struct pymemcheck_search results = state->search;
    const u64 bytes = (asked->size < sizeof results ? asked->size : sizeof results) - RESULTS_AT;
    const long needed = pm_answer_text(&state->records, (u64)asked->buffer, asked->buffer_size);

    if (needed < 0 || !pm_memory_write(address + RESULTS_AT, (const char *)&results + RESULTS_AT, bytes))
        return PYMEMCHECK_BAD_ARGUMENT;
    return PM_ANSWER_DONE;
}

long pm_search_request(struct pm_run *run, u64 address)
{
    struct pm_requests_state *state = &run->requests;
    struct pymemcheck_search asked;

    pm_reader_forget(&run->reader);
    if (!pm_reader_read(&run->reader, address, &asked, RESULTS_AT)
            || asked.size < RESULTS_AT + sizeof asked.needed || (asked.flags & ~KNOWN_FLAGS) != 0
            || !pm_memory_can_write(address, asked.size < sizeof asked ? asked.size : sizeof asked)
            || (asked.buffer_size > 0 && !pm_memory_can_write((u64)asked.buffer, asked.buffer_size)))
        return PYMEMCHECK_BAD_ARGUMENT;
    if (state->searching)
        return PYMEMCHECK_SEARCHING;
    if (asked.flags & PYMEMCHECK_SEARCH_REPEAT ? !state->searched : !make_search(run, &asked))
        return PYMEMCHECK_NOT_SUPPORTED;
    return tell(state, address, &asked);
}

void pm_search_forked(struct pm_run *run)
{
    run->requests.searched = false;
}
