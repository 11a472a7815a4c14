/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HEAP SUMMARY in the words and columns of Memcheck 3.19 (memcheck/mc_malloc_wrappers.c,
   MC_(print_malloc_stats)). Below it, in the same columns, is what a reader must know to trust
   the figures. */
#include "base/pm_platform.h"
#include "report/pm_text_parts.h"
#include "report/pm_utf8.h"

/* The column of the colon in " in use at exit:". */
enum { COLON_COLUMN = 18 };

static void add_heading(struct pm_text *text, const char *name)
{
    size_t length = pm_length(name);

    pm_buffer_add_repeated(&text->line, ' ', length < COLON_COLUMN ? COLON_COLUMN - length : 0);
    pm_text_add(text, name);
    pm_text_add(text, ": ");
}

/* A line for a count, unless it is zero. */
static void put_count(struct pm_text *text, const char *name, u64 count, const char *noun,
                      const char *explanation)
{
    if (count == 0)
        return;
    add_heading(text, name);
    pm_text_add_counted(text, count, noun);
    pm_text_put_line(text, explanation);
}

static void put_words(struct pm_text *text, const char *name, const char *words)
{
    if (words == NULL)
        return;
    add_heading(text, name);
    pm_utf8_add_harmless(&text->line, words, pm_length(words));
    pm_text_end_line(text);
}

static const char *signal_name(int number)
{
    static const char *const names[] = {
        [1] = "SIGHUP", [2] = "SIGINT", [3] = "SIGQUIT", [4] = "SIGILL", [5] = "SIGTRAP",
        [6] = "SIGABRT", [7] = "SIGBUS", [8] = "SIGFPE", [9] = "SIGKILL", [10] = "SIGUSR1",
        [11] = "SIGSEGV", [12] = "SIGUSR2", [13] = "SIGPIPE", [14] = "SIGALRM", [15] = "SIGTERM",
        [24] = "SIGXCPU", [25] = "SIGXFSZ", [31] = "SIGSYS",
    };
    if (number < 0 || (size_t)number >= PM_ARRAY_LENGTH(names))
        return NULL;
    return names[number];
}

static void write_signal(struct pm_text *text, int signal)
{
    const char *name = signal_name(signal);

    pm_text_add(text, "The process was killed by ");
    if (signal == 0) {
        pm_text_add(text, "the signal that is named above");
        return;
    }
    pm_text_add(text, "signal ");
    pm_buffer_add_i64(&text->line, signal);
    if (name != NULL) {
        pm_text_add(text, " (");
        pm_text_add(text, name);
        pm_text_add(text, ")");
    }
}

static void write_end(struct pm_text *text)
{
    const struct pm_profile *profile = text->profile;

    if (profile->end == PM_END_EXIT || profile->end == PM_END_RUNNING)
        return;
    if (profile->end == PM_END_EXEC) {
        pm_text_put_line(text, "The process is about to run another program (exec): "
                               "these are its figures so far.");
    } else {
        write_signal(text, profile->exit_status);
        pm_text_put_line(text, ": these are its figures up to then.");
    }
    pm_text_end_line(text);
    if (profile->end_stack.v != 0) {
        pm_text_put_line(text, "The stack of the thread that it killed:");
        pm_text_put_stack(text, profile->end_stack, true);
        pm_text_end_line(text);
    }
}

static void write_heap_summary(struct pm_text *text)
{
    const struct pm_profile *profile = text->profile;

    pm_text_put_line(text, "HEAP SUMMARY:");
    add_heading(text, "in use at exit");
    pm_text_add_bytes_in_blocks(text, profile->live_bytes, profile->live_blocks);
    pm_text_end_line(text);
    add_heading(text, "total heap usage");
    pm_text_add_number(text, profile->total_allocs);
    pm_text_add(text, " allocs, ");
    pm_text_add_number(text, profile->total_frees);
    pm_text_add(text, " frees, ");
    pm_text_add_number(text, profile->total_bytes);
    pm_text_put_line(text, " bytes allocated");
    add_heading(text, "peak heap usage");
    pm_text_add_bytes_in_blocks(text, profile->peak_bytes, profile->peak_blocks);
    if (profile->peak_since != 0) {
        pm_text_add(text, ", since allocation ");
        pm_text_add_number(text, profile->peak_since);
    }
    pm_text_end_line(text);
    put_count(text, "debug padding", profile->padding_bytes, "byte",
              " of those allocated were added by CPython's debug hooks");
}

void pm_text_write_summary(struct pm_text *text)
{
    const struct pm_profile *profile = text->profile;
    const struct pm_troubles *troubles = &profile->troubles;

    write_end(text);
    write_heap_summary(text);
    put_count(text, "reused", profile->reused_blocks, "block",
              " passed to the line that used the object again");
    put_count(text, "failed requests", troubles->failed_allocations, "allocation",
              " returned NULL");
    put_count(text, "unknown frees", troubles->unknown_frees, "free",
              " of an address that is no live block");
    put_count(text, "unreadable stacks", troubles->unreadable_stacks, "allocation",
              " whose Python frames could not all be read");
    put_count(text, "unreadable code", troubles->unreadable_code, "code object",
              " whose names or lines could not be read");
    put_words(text, "interpreter", profile->python);
    put_words(text, "no Python lines", profile->python_refused);
    if (profile->pymalloc)
        put_words(text, "pymalloc", "in use (--pymalloc=yes): small objects are hidden in its arenas");
    put_words(text, "hint", profile->hint);
    pm_text_end_line(text);
}
