/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_gdbserver.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_mallocfree.h"

#include "tool/leaks/pm_monitor.h"

#include "base/pm_platform.h"
#include "heap/pm_loss_kinds.h"
#include "report/pm_text_parts.h"
#include "report/pm_utf8.h"
#include "tool/leaks/pm_block_list.h"
#include "tool/leaks/pm_leak_report.h"
#include "tool/leaks/pm_pointer_list.h"
#include "tool/pm_freeze.h"
#include "tool/pm_run.h"
#include "tool/requests/pm_backtraces.h"
#include "tool/requests/pm_block_info.h"
#include "tool/requests/pm_client_requests.h"
#include "tool/requests/pm_profile_now.h"
#include "tool/requests/pm_top.h"

#define MAX_NUMBER 0xffffffffu

struct command {
    const char *name;
    const char *arguments;          /* as help shows them */
    const char *help;
    /* rest: the words behind the name, for VG_(strtok_r). False: an argument is wrong;
       expected_but said so. */
    bool (*run)(struct pm_run *run, HChar *rest);
};

static void write_to_gdb(void *context, const char *bytes, size_t length)
{
    (void)context;
    (void)length;
    VG_(gdb_printf)("%s", bytes);
}

/* Says what was expected in place of word; NULL: there is no word. Always false. */
static bool expected_but(const char *expected, const char *word)
{
    if (word == NULL)
        VG_(gdb_printf)("expected %s, but there is no more\n", expected);
    else
        VG_(gdb_printf)("expected %s, but got '%s'\n", expected, word);
    return false;
}

static u32 digit_of(char c)
{
    return c >= '0' && c <= '9' ? (u32)(c - '0')
        : c >= 'a' && c <= 'f' ? (u32)(c - 'a') + 10
        : c >= 'A' && c <= 'F' ? (u32)(c - 'A') + 10 : 16;
}

/* All length characters as a decimal number, or a hexadecimal one behind 0x. */
static bool parse_number(const char *text, size_t length, u64 *number)
{
    u32 base = 10;

    if (length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
        length -= 2;
    }
    *number = 0;
    for (size_t i = 0; i < length; i++) {
        u32 digit = digit_of(text[i]);
        if (digit >= base || *number > (~(u64)0 - digit) / base)
            return false;
        *number = *number * base + digit;
    }
    return length > 0;
}

static bool parse_word(const char *word, u64 least, u64 most, u64 *number)
{
    return word != NULL && parse_number(word, pm_length(word), number)
        && *number >= least && *number <= most;
}

/* Writes with write; what is written goes to whoever asked. */
static void with_text(struct pm_run *run,
                      void (*write)(struct pm_run *run, struct pm_text *text, const u64 *arguments),
                      const u64 *arguments)
{
    const struct pm_sink gdb = { .write = write_to_gdb };
    struct pm_frozen frozen;
    struct pm_text text;

    pm_freeze(run, PM_END_EXIT, 0, &frozen);
    pm_text_init(&text, &frozen.profile, &run->output.options.text, &gdb);
    write(run, &text, arguments);
    pm_text_release(&text);
    pm_freeze_release(run, &frozen);
}

/* --- leak_check --- */

static bool leak_check(struct pm_run *run, HChar *rest)
{
    static const char expected[] = "'full', 'summary', 'kinds', 'new', 'any', 'unlimited' or 'limited'";
    const struct pm_sink gdb = { .write = write_to_gdb };
    struct pm_leak_report_now request = {
        .records = true, .kinds = run->options.show_leak_kinds, .sink = &gdb,
    };
    u64 number;

    for (HChar *word; (word = VG_(strtok_r)(NULL, " ", &rest)) != NULL;) {
        switch (VG_(keyword_id)("full summary kinds unlimited limited new any", word, kwd_report_none)) {
        case 0:
            request.records = true;
            break;
        case 1:
            request.records = false;
            break;
        case 2:
            word = VG_(strtok_r)(NULL, " ", &rest);
            if (word == NULL || !pm_loss_kinds_parse(word, pm_length(word), &request.kinds))
                return expected_but(PM_LOSS_KINDS_EXPECTED, word);
            break;
        case 3:
            request.most = 0;
            break;
        case 4:
            word = VG_(strtok_r)(NULL, " ", &rest);
            if (!parse_word(word, 1, MAX_NUMBER, &number))
                return expected_but("how many loss records to show, from 1", word);
            request.most = (u32)number;
            break;
        case 5:
            request.after_serial = run->checked_serial;
            break;
        case 6:
            request.after_serial = 0;
            break;
        default:
            return expected_but(expected, word);
        }
    }
    pm_leak_report_now(run, &request);
    return true;
}

/* --- block_list --- */

static void write_blocks(struct pm_run *run, struct pm_text *text, const u64 *arguments)
{
    pm_block_list_write(run, text, arguments[0], arguments[1], arguments[2]);
}

/* "7" or "3..7". */
static bool parse_range(const char *word, u64 *from, u64 *to)
{
    size_t length = word == NULL ? 0 : pm_length(word), dots = 0;

    while (dots + 1 < length && (word[dots] != '.' || word[dots + 1] != '.'))
        dots++;
    if (dots + 1 >= length) {
        *to = 0;
        if (length == 0 || !parse_number(word, length, from))
            return false;
        *to = *from;
        return true;
    }
    return parse_number(word, dots, from) && parse_number(word + dots + 2, length - dots - 2, to);
}

static bool block_list(struct pm_run *run, HChar *rest)
{
    u64 arguments[3] = { 0 };       /* from, to, most */
    HChar *word = VG_(strtok_r)(NULL, " ", &rest);

    if (!parse_range(word, &arguments[0], &arguments[1]))
        return expected_but("a loss record number such as 7, or a range such as 3..7", word);
    while ((word = VG_(strtok_r)(NULL, " ", &rest)) != NULL) {
        switch (VG_(keyword_id)("unlimited limited", word, kwd_report_none)) {
        case 0:
            arguments[2] = 0;
            break;
        case 1:
            word = VG_(strtok_r)(NULL, " ", &rest);
            if (!parse_word(word, 1, MAX_NUMBER, &arguments[2]))
                return expected_but("how many blocks to show, from 1", word);
            break;
        default:
            return expected_but("'unlimited' or 'limited'", word);
        }
    }
    if (run->searched_on_request)
        with_text(run, write_blocks, arguments);
    else
        VG_(gdb_printf)("expected a leak_check first: block_list shows the blocks of its records\n");
    return true;
}

/* --- who_points_at --- */

static void write_pointers(struct pm_run *run, struct pm_text *text, const u64 *arguments)
{
    pm_pointer_list_write(run, text, arguments[0], arguments[1]);
}

/* An address, then perhaps a length; "0x5204a30[56]" as block_list prints it, too. */
static bool who_points_at(struct pm_run *run, HChar *rest)
{
    u64 arguments[2] = { 0 };       /* address, bytes */
    HChar *word = VG_(strtok_r)(NULL, " []", &rest);

    if (!parse_word(word, 1, ~(u64)0, &arguments[0]))
        return expected_but("an address such as 0x5204a30", word);
    word = VG_(strtok_r)(NULL, " []", &rest);
    if (word != NULL && !parse_word(word, 1, ~arguments[0], &arguments[1]))
        return expected_but("a length in bytes, from 1, that ends within memory", word);
    word = VG_(strtok_r)(NULL, " []", &rest);
    if (word != NULL)
        return expected_but("nothing after the length", word);
    if (arguments[1] == 1)
        arguments[1] = 0;
    with_text(run, write_pointers, arguments);
    return true;
}

/* --- block_info --- */

static void write_block_info(struct pm_run *run, struct pm_text *text, const u64 *arguments)
{
    pm_block_info_write(run, text, arguments[0]);
}

/* "0x5204a30[56]" as block_list prints it, too. */
static bool block_info(struct pm_run *run, HChar *rest)
{
    u64 address;
    HChar *word = VG_(strtok_r)(NULL, " [", &rest);

    if (!parse_word(word, 1, ~(u64)0, &address))
        return expected_but("an address such as 0x5204a30", word);
    with_text(run, write_block_info, &address);
    return true;
}

/* --- top, histogram --- */

/* Optional words: one of a list, whose number becomes arguments[0], and a number of rows. */
static bool parse_rows(HChar *rest, const HChar *groups, const char *expected, u64 arguments[2])
{
    HChar *word;

    while ((word = VG_(strtok_r)(NULL, " ", &rest)) != NULL) {
        const Int group = VG_(keyword_id)(groups, word, kwd_report_none);
        if (group >= 0)
            arguments[0] = (u64)group;
        else if (!parse_word(word, 0, MAX_NUMBER, &arguments[1]))
            return expected_but(expected, word);
    }
    return true;
}

static void write_top(struct pm_run *run, struct pm_text *text, const u64 *arguments)
{
    pm_top_write(run, text, (enum pm_top_group)arguments[0], arguments[1]);
}

static bool top(struct pm_run *run, HChar *rest)
{
    u64 arguments[2] = { PM_TOP_LINE, 10 };

    if (!parse_rows(rest, "line function type", "'line', 'function' or 'type', or a number of rows", arguments))
        return false;
    with_text(run, write_top, arguments);
    return true;
}

static void write_histogram(struct pm_run *run, struct pm_text *text, const u64 *arguments)
{
    static const enum pm_group groups[] = { PM_GROUP_LINE, PM_GROUP_FUNCTION, PM_GROUP_CALLER, PM_GROUP_STACK };
    struct pm_text_options options = *text->options;
    const struct pm_text_options *whole = text->options;
    struct pm_frame_sums sums;

    (void)run;
    options.histograms = PM_TEXT_HISTOGRAM(groups[arguments[0]]);
    options.histogram_top = arguments[1];
    options.draw_histograms = true;
    pm_frame_sums_build(&sums, text->profile);
    text->options = &options;
    pm_text_write_histograms(text, &sums);
    text->options = whole;
    pm_frame_sums_release(&sums);
}

static bool histogram(struct pm_run *run, HChar *rest)
{
    u64 arguments[2] = { 0, 10 };

    if (!parse_rows(rest, "line function caller stack",
                    "'line', 'function', 'caller' or 'stack', or a number of rows", arguments))
        return false;
    with_text(run, write_histogram, arguments);
    return true;
}

/* --- py_bt --- */

static void write_backtraces(struct pm_run *run, struct pm_text *text, const u64 *arguments)
{
    pm_backtraces_write(run, text, arguments[0]);
}

static bool py_bt(struct pm_run *run, HChar *rest)
{
    u64 tid = 0;
    HChar *word = VG_(strtok_r)(NULL, " ", &rest);

    if (word != NULL && VG_(strcmp)(word, "all") != 0 && !parse_word(word, 1, MAX_NUMBER, &tid))
        return expected_but("the number of a thread, from 1, or 'all'", word);
    with_text(run, write_backtraces, &tid);
    return true;
}

/* --- snapshot, write --- */

/* All that follows, without blanks at its ends; NULL: nothing. */
static HChar *whole_rest(HChar *rest)
{
    HChar *text = rest;

    while (text != NULL && *text == ' ')
        text++;
    if (text == NULL || *text == '\0')
        return NULL;
    for (size_t length = pm_length(text); length > 0 && text[length - 1] == ' '; length--)
        text[length - 1] = '\0';
    return text;
}

static bool snapshot(struct pm_run *run, HChar *rest)
{
    const HChar *name = whole_rest(rest);

    if (name == NULL)
        return expected_but("a name for the snapshot", NULL);
    if (pm_client_requests_snapshot(run, name) < 0)
        VG_(gdb_printf)("snapshot: this build of pymemcheck makes no snapshots\n");
    return true;
}

static bool write_profile(struct pm_run *run, HChar *rest)
{
    struct pm_buffer name, shown;

    pm_buffer_init(&name);
    pm_buffer_init(&shown);
    const bool written = pm_profile_now_write(run, whole_rest(rest), &name);
    pm_utf8_add_harmless(&shown, name.bytes, name.length);
    VG_(gdb_printf)(written ? "Profile written to %s\n" : "write: cannot write to '%s'\n", shown.bytes);
    pm_buffer_release(&shown);
    pm_buffer_release(&name);
    return true;
}

/* --- All commands --- */

static bool help(struct pm_run *run, HChar *rest);

static const struct command commands[] = {
    { "help", "", "        prints this\n", help },
    { "leak_check", " [full*|summary] [kinds kind1,kind2,...] [new|any*]\n"
                    "             [unlimited*|limited <max_loss_records>]",
      "        searches for leaks now; full shows the records\n"
      "            * = defaults; kinds: those of --show-leak-kinds\n"
      "            new: only blocks allocated after the last leak_check\n"
      "        where kind is one of:\n"
      "          definite cycle surplus deficit possible indirect interpreter reachable all none\n"
      "        Examples: leak_check\n"
      "                  leak_check full kinds all limited 100\n", leak_check },
    { "block_list", " <loss_record_nr>|<loss_record_nr_from>..<loss_record_nr_to>\n"
                    "             [unlimited*|limited <max_blocks>]",
      "        after a leak_check, shows the addresses and sizes of the blocks of\n"
      "        <loss_record_nr> (or of the range), why each has its kind, and below it\n"
      "        the blocks that are lost with it\n", block_list },
    { "who_points_at", " <addr> [<len>]",
      "        shows places pointing inside <len> (default 1) bytes at <addr>, and\n"
      "        whether the leak search counts them as references\n"
      "        (with len 1, only shows \"start pointers\": to <addr>, or to the object\n"
      "         in the block at <addr>)\n", who_points_at },
    { "block_info", " <addr>",
      "        describes the live block that <addr> is in: size, object, who allocated it\n", block_info },
    { "top", " [line*|function|type] [<max_rows>]",
      "        shows what holds most memory now (default 10 rows; 0: all)\n", top },
    { "histogram", " [line*|function|caller|stack] [<max_rows>]",
      "        draws the sizes that were asked for so far (default 10 rows; 0: all)\n", histogram },
    { "py_bt", " [<tid>|all*]",
      "        shows where threads are now, in Python and C\n", py_bt },
    { "snapshot", " <name>",
      "        keeps what is live now, under a name\n", snapshot },
    { "write", " [<file>]",
      "        writes the profile of the run so far (JSON; default: the name of\n"
      "        --pymemcheck-out-file with a number behind it)\n", write_profile },
};

static bool help(struct pm_run *run, HChar *rest)
{
    (void)run;
    (void)rest;
    VG_(gdb_printf)("\npymemcheck monitor commands:\n");
    for (size_t i = 1; i < PM_ARRAY_LENGTH(commands); i++)
        VG_(gdb_printf)("  %s%s\n%s", commands[i].name, commands[i].arguments, commands[i].help);
    VG_(gdb_printf)("\n");
    return true;
}

/* The words of the table, in its order. */
static const char names[] = "help leak_check block_list who_points_at block_info top histogram py_bt snapshot write";

bool pm_monitor_command(struct pm_run *run, const char *request)
{
    HChar *words = VG_(strdup)("pm.monitor", request), *rest = NULL;
    HChar *word = VG_(strtok_r)(words, " ", &rest);
    Int index = word == NULL ? -1 : VG_(keyword_id)(names, word, kwd_report_duplicated_matches);
    bool known = index != -1;

    if (index >= 0 && !commands[index].run(run, rest))
        VG_(gdb_printf)("usage: %s%s\n", commands[index].name, commands[index].arguments);
    VG_(free)(words);
    return known;
}
