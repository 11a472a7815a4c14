/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_errormgr.h"
#include "pub_tool_execontext.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_options.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_tooliface.h"

#include "tool/errors/pm_errors.h"

#include "tool/core/pm_core.h"
#include "tool/errors/pm_error.h"
#include "tool/errors/pm_suppression_files.h"
#include "tool/pm_run.h"

static struct pm_tables tables_of(const struct pm_run *run)
{
    return (struct pm_tables){ &run->strings, &run->frames, &run->stacks };
}

/* --- What the core asks about errors --- */

/* Of wrong frees only: leaks are reported by VG_(unique_error), which compares nothing. */
static Bool is_equal(VgRes resolution, const Error *a, const Error *b)
{
    const bool equal = pm_wrong_free_equal(&pm_error_of(a)->wrong, &pm_error_of(b)->wrong);

    (void)resolution;
    pm_error_of(a)->run->errors.equal_to_another |= equal;
    return equal;
}

/* Called once for each error that is new to the core. */
static UInt complete(const Error *core_error)
{
    struct pm_error *error = pm_error_of(core_error);

    if (error->loss == NULL) {
        error->describe(error->run, &error->wrong);
        pm_native_add_lines(&error->run->native);   /* suppressions may ask for source lines */
    }
    return sizeof *error;
}

static void before_print(const Error *error)
{
    (void)error;
}

/* Asked only by a core that prints its own suggestions, since we could not take them over
   (pm_core_take_suggestions). They have no Python frames, and none at all for a leak. */
static const HChar *kind_name(const Error *error)
{
    struct pm_errors *errors = &pm_error_of(error)->run->errors;

    if (!errors->warned_of_suggestions)
        VG_(umsg)("pymemcheck: warning: this build cannot suggest suppressions (see --with-core-off= in"
                  " install.md); what follows lacks Python frames.\n");
    errors->warned_of_suggestions = true;
    return pm_error_of(error)->loss == NULL ? "Free" : "Leak";
}

static SizeT extra_suppression_lines(const Error *error, HChar *text, Int bytes)
{
    (void)error;
    (void)bytes;
    text[0] = '\0';
    return 0;
}

void pm_errors_register(void)
{
    VG_(needs_xml_output)();
    VG_(needs_tool_errors)(is_equal, before_print, pm_error_print, True, complete,
                           pm_suppression_files_recognise, pm_suppression_files_read_entry,
                           pm_suppression_files_match, kind_name, extra_suppression_lines,
                           pm_suppression_files_describe_use, pm_suppression_files_note_use);
}

/* --- Reporting --- */

/* The core counts one that is equal to one before, and says nothing. It may be of another block, from another line. */
static void report_again(struct pm_run *run, struct pm_wrong_free wrong,
                         void (*describe)(struct pm_run *run, struct pm_wrong_free *wrong))
{
    const struct pm_tables tables = tables_of(run);

    wrong.times = pm_wrong_free_sums_again(&run->errors.wrong_frees, &wrong);
    if (wrong.times == 0 || wrong.times > PM_WRONG_FREES_SHOWN)
        return;
    describe(run, &wrong);
    pm_writers_wrong_free(&run->output.writers, &tables, &wrong);
}

void pm_errors_report_free(struct pm_run *run, u32 tid, const struct pm_wrong_free *wrong,
                           void (*describe)(struct pm_run *run, struct pm_wrong_free *wrong))
{
    struct pm_error error = {
        .run = run,
        .tables = tables_of(run),
        .subject = { .kind = PM_SUPPRESS_FREE, .stack = wrong->stack },
        .wrong = *wrong,
        .describe = describe,
    };

    run->errors.printed = run->errors.equal_to_another = false;
    VG_(maybe_record_error)(tid, PM_ERROR_FREE, wrong->address, NULL, &error);
    if (run->errors.printed)
        pm_wrong_free_sums_add(&run->errors.wrong_frees, wrong);
    else if (run->errors.equal_to_another)
        report_again(run, *wrong, describe);
}

void pm_errors_forked(struct pm_run *run)
{
    pm_wrong_free_sums_forked(&run->errors.wrong_frees);
}

/* The core wants a thread, to see whether its errors are ignored
   (VALGRIND_DISABLE_ERROR_REPORTING). Leaks belong to no thread: the first one stands in if none runs. */
static ThreadId some_thread(void)
{
    ThreadId tid = VG_(get_running_tid)();
    return tid != VG_INVALID_THREADID ? tid : 1;
}

static void warn_of_default(struct pm_errors *errors)
{
    if (errors->reads_default || errors->entries.count > 0 || errors->warned_of_default)
        return;
    VG_(umsg)("pymemcheck: warning: no suppressions were read. This build does not read the default ones"
              " by itself: give --suppressions=%s/pymemcheck.supp\n", VG_(libdir));
    errors->warned_of_default = true;
}

bool pm_errors_report_loss(struct pm_run *run, const struct pm_loss_report *report)
{
    const struct pm_loss *loss = report->loss;
    struct pm_error error = {
        .run = run,
        .tables = tables_of(run),
        .subject = {
            .kind = PM_SUPPRESS_LEAK,
            .loss = loss->kind,
            .stack = loss->stack,
            .types = loss->types,
            .type_count = loss->type_count,
        },
        .loss = report,
    };

    warn_of_default(&run->errors);
    return VG_(unique_error)(some_thread(), PM_ERROR_LEAK, 0, NULL, &error, VG_(null_ExeContext)(),
                             report->shown, False, report->counted);
}

static void describe_nothing(struct pm_run *run, struct pm_wrong_free *wrong)
{
    (void)run;
    (void)wrong;
}

void pm_errors_count_child(struct pm_run *run)
{
    /* Of an empty stack, which no entry of a suppression file matches. */
    struct pm_error error = {
        .run = run,
        .tables = tables_of(run),
        .subject = { .kind = PM_SUPPRESS_FREE, .stack = PM_STACK_EMPTY },
        .describe = describe_nothing,
    };

    VG_(unique_error)(some_thread(), PM_ERROR_FREE, 0, NULL, &error, VG_(null_ExeContext)(), False, False, True);
}

/* --- Begin and end --- */

void pm_errors_begin(struct pm_run *run)
{
    pm_wrong_free_sums_init(&run->errors.wrong_frees);
    run->errors.suggest = pm_core_take_suggestions();
    run->errors.reads_default = pm_suppression_files_begin(&run->errors.entries);
}

void pm_errors_end(const struct pm_run *run)
{
    if (VG_(clo_verbosity) > 1 && !VG_(clo_xml))
        pm_suppression_entries_list_unused(&run->errors.entries);
}
