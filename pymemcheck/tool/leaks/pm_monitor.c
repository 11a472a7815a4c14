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
#include "tool/leaks/pm_block_list.h"
#include "tool/leaks/pm_leak_report.h"
#include "tool/leaks/pm_pointer_list.h"
#include "tool/pm_freeze.h"
#include "tool/pm_run.h"

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
    static const char expected[] = "'full', 'summary', 'kinds', 'unlimited' or 'limited'";
    const struct pm_sink gdb = { .write = write_to_gdb };
    struct pm_leak_report_now request = {
        .records = true, .kinds = run->options.show_leak_kinds, .sink = &gdb,
    };
    u64 number;

    for (HChar *word; (word = VG_(strtok_r)(NULL, " ", &rest)) != NULL;) {
        switch (VG_(keyword_id)("full summary kinds unlimited limited", word, kwd_report_none)) {
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

/* --- trace --- */

static bool trace(struct pm_run *run, HChar *rest)
{
    HChar *word = VG_(strtok_r)(NULL, " ", &rest);
    const Int on = word == NULL ? -1 : VG_(keyword_id)("off on", word, kwd_report_none);

    (void)run;
    if (on < 0)
        return expected_but("'on' or 'off'", word);
    if (!pm_trace_switch(on == 1))
        VG_(gdb_printf)("there is no event log to switch: --trace= begins one\n");
    return true;
}

/* --- All commands --- */

static bool help(struct pm_run *run, HChar *rest);

static const struct command commands[] = {
    { "help", "", "        prints this\n", help },
    { "leak_check", " [full*|summary] [kinds kind1,kind2,...]\n"
                    "             [unlimited*|limited <max_loss_records>]",
      "        searches for leaks now; full shows the records\n"
      "            * = defaults; kinds: those of --show-leak-kinds\n"
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
    { "trace", " on|off",
      "        goes on with the event log (--trace=), or pauses it\n", trace },
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
static const char names[] = "help leak_check block_list who_points_at trace";

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
