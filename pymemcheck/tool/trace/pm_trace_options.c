/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_libcassert.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_options.h"

#include "tool/trace/pm_trace_options.h"

#include "base/pm_platform.h"

#define DEFAULT_FILE "pymemcheck.trace.%p"

void pm_trace_options_init(struct pm_trace_settings *settings)
{
    *settings = (struct pm_trace_settings){ 0 };
    pm_event_filter_init(&settings->filter);
}

static const char parts_expected[] =
    "expected 'none', 'all', or some of 'malloc', 'raw', 'mem', 'object', separated by commas\n";

/* The bits of one word of --trace=. */
static u32 part_of(const char *arg, const char *word, size_t length)
{
    static const struct {
        const char *name;
        u32 parts;
    } known[] = {
        { "malloc", PM_TRACE_PART_MALLOC }, { "raw", PM_TRACE_PART_RAW }, { "mem", PM_TRACE_PART_MEM },
        { "object", PM_TRACE_PART_OBJECT }, { "all", PM_TRACE_PART_MALLOC | PM_TRACE_DOMAINS }, { "none", 0 },
    };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(known); i++)
        if (pm_length(known[i].name) == length && pm_compare(known[i].name, word, length) == 0)
            return known[i].parts;
    VG_(fmsg_bad_option)(arg, "%s", parts_expected);
    return 0;
}

static void parse_parts(struct pm_trace_settings *settings, const char *arg, const char *value)
{
    settings->parts &= PM_TRACE_PART_CALLS;
    for (;;) {
        size_t length = 0;
        while (value[length] != '\0' && value[length] != ',')
            length++;
        settings->parts |= part_of(arg, value, length);
        if (value[length] == '\0')
            break;
        value += length + 1;
    }
}

static u64 unit_of(char letter)
{
    return letter == 'k' ? 1ull << 10 : letter == 'M' ? 1ull << 20 : letter == 'G' ? 1ull << 30 : 0;
}

/* A number at *text, which moves behind it. False if there is none, or it is too large. */
static bool parse_digits(const char **text, u64 *number)
{
    const char *at = *text;

    *number = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(*number, 10u, number) || __builtin_add_overflow(*number, (u64)(*at - '0'), number))
            return false;
    const bool any = at != *text;
    *text = at;
    return any;
}

static u64 parse_bytes(const char *arg, const char *value)
{
    u64 number = 0;
    const char *at = value;
    bool good = parse_digits(&at, &number);

    if (good && *at != '\0') {
        const u64 unit = unit_of(*at);
        good = unit != 0 && at[1] == '\0' && !__builtin_mul_overflow(number, unit, &number);
    }
    if (!good)
        VG_(fmsg_bad_option)(arg, "expected a number of bytes, such as 1000000 or 500M\n");
    if (number != 0 && number < PM_TRACE_LEAST_LIMIT)
        VG_(fmsg_bad_option)(arg, "expected at least %d bytes, or 0 for no limit\n", PM_TRACE_LEAST_LIMIT);
    return number;
}

static void parse_sizes(struct pm_event_filter *filter, const char *arg, const char *value)
{
    const char *at = value;
    bool good = parse_digits(&at, &filter->least_bytes);

    filter->most_bytes = ~0ull;
    if (good && at[0] == '\0')
        filter->most_bytes = filter->least_bytes;
    else if (good && at[0] == '.' && at[1] == '.' && at[2] != '\0') {
        at += 2;
        good = parse_digits(&at, &filter->most_bytes) && *at == '\0';
    } else
        good = good && at[0] == '.' && at[1] == '.';
    if (!good || filter->least_bytes > filter->most_bytes)
        VG_(fmsg_bad_option)(arg, "expected bytes from least to most, such as 512..4096, 512.. or 512\n");
}

static void add_pattern(struct pm_event_patterns *patterns, const char *arg, const char *value)
{
    if (value[0] == '\0')
        VG_(fmsg_bad_option)(arg, "expected a pattern\n");
    if (patterns->count == PM_EVENT_FILTER_MOST)
        VG_(fmsg_bad_option)(arg, "expected at most %d of these\n", PM_EVENT_FILTER_MOST);
    patterns->patterns[patterns->count++] = value;
}

static void add_thread(struct pm_event_filter *filter, const char *arg, const char *value)
{
    u64 number;
    const char *at = value;

    if (!parse_digits(&at, &number) || *at != '\0' || number == 0 || number > UINT32_MAX)
        VG_(fmsg_bad_option)(arg, "expected the number of a thread; the first is 1\n");
    if (filter->thread_count == PM_EVENT_FILTER_MOST)
        VG_(fmsg_bad_option)(arg, "expected at most %d of these\n", PM_EVENT_FILTER_MOST);
    filter->threads[filter->thread_count++] = (u32)number;
}

static bool process_filter(struct pm_trace_settings *settings, const char *arg)
{
    const HChar *value;

    if (VG_STR_CLO(arg, "--trace-file-filter", value))
        add_pattern(&settings->filter.files, arg, value);
    else if (VG_STR_CLO(arg, "--trace-function-filter", value))
        add_pattern(&settings->filter.functions, arg, value);
    else if (VG_STR_CLO(arg, "--trace-object-filter", value))
        add_pattern(&settings->filter.objects, arg, value);
    else if (VG_STR_CLO(arg, "--trace-size-filter", value))
        parse_sizes(&settings->filter, arg, value);
    else if (VG_STR_CLO(arg, "--trace-thread-filter", value))
        add_thread(&settings->filter, arg, value);
    else
        return false;
    return true;
}

bool pm_trace_options_process(struct pm_trace_settings *settings, const char *arg)
{
    const HChar *value;
    Bool flag;

    if (VG_STR_CLO(arg, "--trace", value)) {
        parse_parts(settings, arg, value);
    } else if (VG_BOOL_CLO(arg, "--trace-calls", flag)) {
        settings->parts = (settings->parts & ~(u32)PM_TRACE_PART_CALLS)
            | (flag ? PM_TRACE_PART_CALLS : 0);
    } else if (VG_STR_CLO(arg, "--trace-format", value)) {
        if (!VG_STREQ(value, "text") && !VG_STREQ(value, "heaptrack"))
            VG_(fmsg_bad_option)(arg, "expected one of: text, heaptrack\n");
        settings->heaptrack = VG_STREQ(value, "heaptrack");
    } else if (VG_STR_CLO(arg, "--trace-file", value)) {
        if (value[0] == '\0')
            VG_(fmsg_bad_option)(arg, "expected a file name\n");
        settings->file = value;
    } else if (VG_BOOL_CLO(arg, "--trace-start", flag)) {
        settings->starts_off = !flag;
    } else if (VG_STR_CLO(arg, "--trace-limit", value)) {
        settings->limit_bytes = parse_bytes(arg, value);
    } else {
        return process_filter(settings, arg);
    }
    return true;
}

void pm_trace_options_check(struct pm_trace_settings *settings)
{
    if (settings->heaptrack && (settings->parts & ~(u32)PM_TRACE_PART_MALLOC) != 0) {
        VG_(fmsg)("Bad option: --trace-format=heaptrack\n"
                  "heaptrack's format has room for malloc only: expected --trace=malloc, and no --trace-calls=yes\n");
        VG_(exit)(1);
    }
    if (settings->heaptrack && settings->parts == 0)
        settings->parts = PM_TRACE_PART_MALLOC;
    if (settings->heaptrack && settings->file == NULL)
        settings->file = DEFAULT_FILE;
}
