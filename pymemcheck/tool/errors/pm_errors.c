/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core passes no context to these callbacks, so the run is kept here. */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"
#include "pub_tool_errormgr.h"
#include "pub_tool_execontext.h"
#include "pub_tool_addrinfo.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_options.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_tooliface.h"

#include "tool/errors/pm_errors.h"

#include "base/pm_platform.h"
#include "report/pm_text_parts.h"
#include "report/pm_xml.h"
#include "tool/core/pm_core.h"
#include "tool/pm_run.h"

static struct pm_run *the_run;

enum {
    ERROR_FREE,
    ERROR_LEAK,
};

/* What the core keeps for us with an error; it copies the bytes. */
struct error {
    struct pm_suppression_subject subject;
    /* A wrong free. */
    struct pm_wrong_free wrong;
    void (*describe)(struct pm_run *run, struct pm_wrong_free *wrong);
    /* A leak: the core forgets it after having reported it, so this need not be copied. */
    const struct pm_loss_report *report;
};

static const struct error *extra_of(const Error *error)
{
    return VG_(get_error_extra)(error);
}

static Bool is_equal(VgRes resolution, const Error *a, const Error *b)
{
    const struct error *x = extra_of(a), *y = extra_of(b);

    (void)resolution;
    return x->wrong.kind == y->wrong.kind && x->wrong.stack.v == y->wrong.stack.v
        && x->wrong.gave == y->wrong.gave;
}

static UInt update_extra(const Error *error)
{
    struct error *extra = VG_(get_error_extra)(error);

    if (VG_(get_error_kind)(error) == ERROR_FREE) {
        extra->describe(the_run, &extra->wrong);
        pm_native_add_lines(&the_run->native);  /* suppressions come next */
    }
    return sizeof *extra;
}

/* --- Suppressions --- */

static Bool recognise(const HChar *name, Supp *suppression)
{
    if (VG_STREQ(name, "Leak"))
        VG_(set_supp_kind)(suppression, PM_SUPPRESS_LEAK);
    else if (VG_STREQ(name, "Free"))
        VG_(set_supp_kind)(suppression, PM_SUPPRESS_FREE);
    else
        return False;
    return True;
}

static Bool read_entry(Int fd, HChar **line, SizeT *line_bytes, Int *line_number,
                       Supp *suppression)
{
    struct pm_suppression_entry *entry = pm_suppression_entries_read(
        &the_run->errors.entries, (enum pm_suppression_kind)VG_(get_supp_kind)(suppression), fd,
        line, line_bytes, line_number);

    VG_(set_supp_extra)(suppression, entry);
    return entry != NULL;
}

static struct pm_suppression_tables tables_of(const struct pm_run *run)
{
    return (struct pm_suppression_tables){ &run->strings, &run->frames, &run->stacks };
}

static Bool is_suppressed(const Error *error, const Supp *suppression)
{
    const struct pm_suppression_entry *entry = VG_(get_supp_extra)(suppression);
    const struct pm_suppression_tables tables = tables_of(the_run);

    return pm_suppression_matches(&entry->suppression, &tables, &extra_of(error)->subject);
}

static void note_use(const Error *error, const Supp *suppression)
{
    struct pm_suppression_entry *entry = VG_(get_supp_extra)(suppression);

    entry->used++;
    if (VG_(get_error_kind)(error) == ERROR_LEAK) {
        entry->bytes += extra_of(error)->report->loss->bytes;
        entry->blocks += extra_of(error)->report->loss->blocks;
    }
}

static SizeT describe_use(const Supp *suppression, HChar *text, Int bytes)
{
    const struct pm_suppression_entry *entry = VG_(get_supp_extra)(suppression);

    text[0] = '\0';
    if (entry->blocks == 0)
        return 0;
    return VG_(snprintf)(text, bytes, "suppressed: %'llu bytes in %'llu blocks",
                         (ULong)entry->bytes, (ULong)entry->blocks);
}

/* Asked only by a core that prints its own suggestions, since we could not take them over
   (pm_core_take_suggestions). They have no Python frames, and none at all for a leak. */
static const HChar *error_name(const Error *error)
{
    if (!the_run->errors.warned_of_suggestions)
        VG_(umsg)("pymemcheck: warning: this build cannot suggest suppressions (see --with-core-off= in"
                  " install.md); what follows lacks Python frames.\n");
    the_run->errors.warned_of_suggestions = true;
    return extra_of(error)->subject.kind == PM_SUPPRESS_FREE ? "Free" : "Leak";
}

static SizeT extra_lines(const Error *error, HChar *text, Int bytes)
{
    (void)error;
    (void)bytes;
    text[0] = '\0';
    return 0;
}

/* As the core would, but with a stack that it does not know. xml: or NULL. */
static void suggest(struct pm_run *run, const struct error *extra, const struct pm_xml *xml)
{
    const struct pm_suppression_tables tables = tables_of(run);
    struct pm_buffer out;
    bool again;

    if (run->errors.suggest == PM_CORE_SUGGEST_NONE)
        return;
    if (xml != NULL) {
        pm_xml_write_suppression(xml, &tables, &extra->subject);
        return;
    }
    if (run->errors.suggest == PM_CORE_SUGGEST_ASK) {
        bool wanted = pm_core_ask("Print suppression", &again);
        if (!again)
            run->errors.suggest = PM_CORE_SUGGEST_NONE;
        if (!wanted)
            return;
    }
    pm_buffer_init(&out);
    pm_suppression_suggest(&out, &tables, &extra->subject);
    VG_(umsg)("\n");
    VG_(printf)("%s", out.bytes);
    pm_buffer_release(&out);
}

/* --- Printing --- */

static void write_to_log(void *context, const char *bytes, size_t length)
{
    (void)context;
    (void)length;
    VG_(umsg)("%s", bytes);
}

static void describe_elsewhere(u64 address)
{
    AddrInfo info = { .tag = Addr_Undescribed };

    VG_(describe_addr)(VG_(current_DiEpoch)(), address, &info);
    VG_(pp_addrinfo)(address, &info);
    VG_(clear_addrinfo)(&info);
}

static void write_to_xml(void *context, const char *bytes, size_t length)
{
    (void)context;
    (void)length;
    VG_(printf_xml)("%s", bytes);
}

static u64 address_of(void *context, struct pm_frame_id frame)
{
    const struct pm_run *run = context;
    return pm_native_address(&run->native, frame);
}

static void print_text(const struct error *extra, struct pm_text *text)
{
    if (extra->report != NULL)
        pm_text_write_loss(text, extra->report->loss, extra->report->number, extra->report->count);
    else
        pm_text_write_wrong_free(text, &extra->wrong);
}

static void print_xml(const struct error *extra, const struct pm_xml *xml)
{
    if (extra->report != NULL)
        pm_xml_write_loss(xml, extra->report->loss, extra->report->number, extra->report->count);
    else
        pm_xml_write_wrong_free(xml, &extra->wrong);
}

static void before_print(const Error *error)
{
    (void)error;
}

static void print_with(struct pm_run *run, const struct error *extra, struct pm_text *text)
{
    const struct pm_sink out = { .write = write_to_xml };
    const struct pm_xml xml = {
        .text = text,
        .out = &out,
        .address = address_of,
        .context = run,
    };

    if (VG_(clo_xml))
        print_xml(extra, &xml);
    else
        print_text(extra, text);
    if (extra->report == NULL && extra->wrong.place == PM_PLACE_ELSEWHERE)
        describe_elsewhere(extra->wrong.address);
    suggest(run, extra, VG_(clo_xml) ? &xml : NULL);
}

static void print(const Error *error)
{
    const struct error *extra = extra_of(error);
    struct pm_run *run = the_run;

    if (extra->report != NULL) {
        print_with(run, extra, extra->report->text);
        return;
    }
    const struct pm_profile profile = {
        .strings = &run->strings,
        .frames = &run->frames,
        .stacks = &run->stacks,
    };
    const struct pm_text_options options = { .paths = PM_TEXT_PATHS_FULL };
    const struct pm_sink log = { .write = write_to_log };
    struct pm_text text;

    pm_text_init(&text, &profile, &options, &log);
    print_with(run, extra, &text);
    pm_text_release(&text);
}

/* --- Reporting --- */

void pm_errors_report_free(struct pm_run *run, u32 tid, const struct pm_wrong_free *wrong,
                           void (*describe)(struct pm_run *run, struct pm_wrong_free *wrong))
{
    struct error extra = {
        .subject = { .kind = PM_SUPPRESS_FREE, .stack = wrong->stack },
        .wrong = *wrong,
        .describe = describe,
    };

    (void)run;
    VG_(maybe_record_error)(tid, ERROR_FREE, wrong->address, NULL, &extra);
}

/* A thread, of which the core wants to know that its errors are not ignored
   (VALGRIND_DISABLE_ERROR_REPORTING): the first one there is. */
static ThreadId some_thread(void)
{
    ThreadId tid = VG_(get_running_tid)();
    return tid != VG_INVALID_THREADID ? tid : 1;
}

bool pm_errors_report_loss(struct pm_run *run, const struct pm_loss_report *report)
{
    const struct pm_loss *loss = report->loss;
    struct error extra = {
        .subject = {
            .kind = PM_SUPPRESS_LEAK,
            .loss = loss->kind,
            .stack = loss->stack,
            .types = loss->types,
            .type_count = loss->type_count,
        },
        .report = report,
    };

    if (!run->errors.reads_default && run->errors.entries.count == 0 && !run->errors.warned_of_default) {
        VG_(umsg)("pymemcheck: warning: no suppressions were read. This build does not read the default ones"
                  " by itself: give --suppressions=%s/pymemcheck.supp\n", VG_(libdir));
        run->errors.warned_of_default = true;
    }
    return VG_(unique_error)(some_thread(), ERROR_LEAK, 0, NULL, &extra, VG_(null_ExeContext)(),
                             report->shown, False, report->counted);
}

void pm_errors_register(struct pm_run *run)
{
    the_run = run;
    VG_(needs_xml_output)();
    VG_(needs_tool_errors)(is_equal, before_print, print, True, update_extra, recognise,
                           read_entry, is_suppressed, error_name, extra_lines, describe_use,
                           note_use);
}

void pm_errors_begin(struct pm_run *run)
{
    run->errors.suggest = pm_core_take_suggestions();
    run->errors.reads_default = pm_core_add_default_suppressions("pymemcheck.supp");
}

void pm_errors_end(const struct pm_run *run)
{
    if (VG_(clo_verbosity) > 1 && !VG_(clo_xml))
        pm_suppression_entries_list_unused(&run->errors.entries);
}
