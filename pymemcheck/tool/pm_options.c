/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_clientstate.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_options.h"
#include "pub_tool_replacemalloc.h"
#include "pub_tool_xarray.h"

#include "tool/pm_options.h"

#include "base/pm_platform.h"
#include "heap/pm_leaks.h"
#include "heap/pm_loss_kinds.h"
#include "tool/pm_option_names.h"
#include "report/pm_text.h"

void pm_options_init(struct pm_options *options)
{
    *options = (struct pm_options){
        .caller = true,
        .function = true,
        .line = true,
        .stack = true,
        .histogram_top = PM_TEXT_DEFAULT_HISTOGRAM_TOP,
        .table_top = PM_TEXT_DEFAULT_TABLE_TOP,
        .python_frames = 32,
        .leak_check = PM_LEAK_CHECK_FULL,
        .leak_scan_after = true,
        .leak_resolution = PM_LOSS_MEDIUM,
        .leak_heuristics = PM_LEAK_STDSTRING | PM_LEAK_LENGTH64 | PM_LEAK_NEWARRAY
            | PM_LEAK_MULTIPLE_INHERITANCE,
        .python_objects = true,
        .show_leak_kinds = PM_LOSS_KINDS_DEFAULT,
        .error_leak_kinds = PM_LOSS_KINDS_DEFAULT,
        .mismatched_frees = true,
        .freelist_bytes = 1000000,
        .freelist_blocks = 2000,
        .freelist_small = 250,
        .max_snapshots = 100,
        .snapshot_write = true,
        .out_file = "pymemcheck.out.%p",
    };
    pm_trace_options_init(&options->trace);
}

/* Whether the length bytes at text are word. */
static bool is_word(const char *text, size_t length, const char *word)
{
    return pm_length(word) == length && pm_compare(text, word, length) == 0;
}

static void set_histograms(struct pm_options *options, bool on)
{
    options->caller = options->function = options->line = options->stack = on;
}

static void parse_histogram(struct pm_options *options, const char *arg, const char *value)
{
    set_histograms(options, false);
    for (;;) {
        size_t length = 0;
        while (value[length] != '\0' && value[length] != ',')
            length++;
        if (is_word(value, length, "caller"))
            options->caller = true;
        else if (is_word(value, length, "function"))
            options->function = true;
        else if (is_word(value, length, "line"))
            options->line = true;
        else if (is_word(value, length, "stack"))
            options->stack = true;
        else if (is_word(value, length, "all"))
            set_histograms(options, true);
        else if (!is_word(value, length, "none"))
            VG_(fmsg_bad_option)(arg, "expected 'none', 'all', or some of 'caller', 'function',"
                                      " 'line', 'stack', separated by commas\n");
        if (value[length] == '\0')
            break;
        value += length + 1;
    }
}

/* Which of words, separated by a comma and a space, value is: the first is 0. Ends the program if it is none. */
static u32 parse_word(const char *arg, const char *value, const char *words)
{
    const char *word = words;

    for (u32 number = 0;; number++) {
        size_t length = 0;
        while (word[length] != '\0' && word[length] != ',')
            length++;
        if (is_word(word, length, value))
            return number;
        if (word[length] == '\0')
            break;
        word += length + 2;
    }
    VG_(fmsg_bad_option)(arg, "expected one of: %s\n", words);
    return 0;
}

/* A whole number from least to most. */
static u32 parse_number(const char *arg, const char *value, u32 least, u32 most)
{
    HChar *end;
    Long number = VG_(strtoll10)(value, &end);

    if (end == value || *end != '\0' || number < (Long)least || number > (Long)most)
        VG_(fmsg_bad_option)(arg, "expected a whole number from %u to %u\n", least, most);
    return (u32)number;
}

static void parse_kinds(const char *arg, const char *value, u32 *kinds)
{
    if (!pm_loss_kinds_parse(value, pm_length(value), kinds))
        VG_(fmsg_bad_option)(arg, "expected %s\n", PM_LOSS_KINDS_EXPECTED);
}

static void parse_phases(const char *arg, const char *value, u32 *phases)
{
    if (!pm_record_filter_parse_phases(value, phases))
        VG_(fmsg_bad_option)(arg, "expected some of 'import', 'main', 'finalization', separated by commas\n");
}

static void add_pattern(const char *arg, const char *value, const char **patterns, u32 *count)
{
    if (value[0] == '\0')
        VG_(fmsg_bad_option)(arg, "expected a pattern of a file name\n");
    if (*count == PM_RECORD_FILTER_MOST)
        VG_(fmsg_bad_option)(arg, "expected at most %d of these\n", PM_RECORD_FILTER_MOST);
    patterns[(*count)++] = value;
}

/* More blocks than by default cost time, so it is the user's choice. */
static void set_freelist(struct pm_options *options, const char *arg, const char *value)
{
    options->freelist_bytes = parse_number(arg, value, 0, PM_MAX_FREELIST_BYTES);
    options->freelist_blocks = options->freelist_small = 0;
}

/* Takes arg if it is about which errors there are and which are shown. */
static bool process_error_option(struct pm_options *options, const char *arg)
{
    struct pm_record_filter *filter = &options->record_filter;
    const HChar *value;
    Bool flag;

    if (VG_STR_CLO(arg, "--show-leak-kinds", value))
        parse_kinds(arg, value, &options->show_leak_kinds);
    else if (VG_STR_CLO(arg, "--errors-for-leak-kinds", value))
        parse_kinds(arg, value, &options->error_leak_kinds);
    else if (VG_STR_CLO(arg, "--only-object", value))
        add_pattern(arg, value, filter->objects, &filter->object_count);
    else if (VG_STR_CLO(arg, "--only-file", value))
        add_pattern(arg, value, filter->files, &filter->file_count);
    else if (VG_STR_CLO(arg, "--only-phase", value))
        parse_phases(arg, value, &filter->phases);
    else if (VG_BOOL_CLO(arg, "--show-mismatched-frees", flag))
        options->mismatched_frees = flag;
    else if (VG_STR_CLO(arg, "--child-errors", value))
        options->child_errors = parse_word(arg, value, "no, yes") == 1;
    else if (VG_STR_CLO(arg, "--freelist-vol", value))
        set_freelist(options, arg, value);
    else if (VG_STR_CLO(arg, "--watch-refs", value))
        pm_watch_rules_parse(&options->watch_refs, arg, value);
    else if (VG_BOOL_CLO(arg, "--watch-refs-all", flag))
        options->watch_refs_all = flag;
    else if (VG_STR_CLO(arg, "--keep-stacktraces", value))
        options->free_stacks = parse_word(arg, value, "alloc, alloc-and-free") == 1;
    else
        return false;
    return true;
}

/* Takes arg if it is one of the leak search's. */
static bool process_leak_option(struct pm_options *options, const char *arg)
{
    const HChar *value;
    Bool flag;

    if (VG_STR_CLO(arg, "--leak-check", value)) {
        static const enum pm_leak_check checks[] = {
            PM_LEAK_CHECK_NO, PM_LEAK_CHECK_SUMMARY, PM_LEAK_CHECK_FULL, PM_LEAK_CHECK_FULL,
        };
        options->leak_check = checks[parse_word(arg, value, "no, summary, full, yes")];
    } else if (VG_STR_CLO(arg, "--leak-resolution", value)) {
        static const enum pm_loss_resolution resolutions[] = { PM_LOSS_LOW, PM_LOSS_MEDIUM, PM_LOSS_HIGH };
        options->leak_resolution = resolutions[parse_word(arg, value, "low, med, high")];
    } else if (VG_USET_CLO(arg, "--leak-check-heuristics",
                           "stdstring,length64,newarray,multipleinheritance",
                           options->leak_heuristics)) {
    } else if (VG_BOOL_CLO(arg, "--python-objects", flag)) {
        options->python_objects = flag;
    } else if (VG_STR_CLO(arg, "--show-leak-blocks", value)) {
        options->shown_leak_blocks = parse_number(arg, value, 0, 1000000000);
    } else if (VG_STR_CLO(arg, "--leak-scan", value)) {
        const u32 when = parse_word(arg, value, "before, after, both");
        options->leak_scan_before = when != 1;
        options->leak_scan_after = when != 0;
    } else {
        return false;
    }
    return true;
}

/* Takes arg if it is about snapshots over time. */
static bool process_snapshot_option(struct pm_options *options, const char *arg)
{
    const HChar *value;
    Bool flag;

    if (VG_STR_CLO(arg, "--snapshot-every", value)) {
        if (!pm_pace_parse(value, &options->snapshot_every))
            VG_(fmsg_bad_option)(arg, "expected %s\n", PM_PACE_EXPECTED);
    } else if (VG_STR_CLO(arg, "--max-snapshots", value)) {
        options->max_snapshots = parse_number(arg, value, 2, 10000);
    } else if (VG_BOOL_CLO(arg, "--snapshot-write", flag)) {
        options->snapshot_write = flag;
    } else {
        return false;
    }
    return true;
}

/* The core's parser would take these for any tool, and nothing would be written. */
static void refuse_trees(const char *arg)
{
    const HChar *value;

    if ((VG_STR_CLO(arg, "--xtree-memory", value) && !VG_STREQ(value, "none"))
            || VG_STR_CLO(arg, "--xtree-memory-file", value))
        VG_(fmsg_bad_option)(arg, "pymemcheck writes no such file: its own, --pymemcheck-out-file=, has each"
                                  " stack with what it asked for and what it still has\n");
}

/* What --help prints; also where the names of options are known from. */
static const char usage[] =
"    --histogram=<list>        size histograms to print: none, all, or some of\n"
"                              caller,function,line,stack  [all]\n"
"    --histogram-top=<number>  rows in each and in tables, largest; 0 is all\n"
"                              [3, each as one line; tables 5]\n"
"    --python-paths=base|full  how Python files are shown [base; full in stacks]\n"
"    --python-frames=<number>  Python frames kept in a stack, innermost [32]\n"
"                              (--num-callers=<number> does the same for native ones)\n"
"    --leak-check=no|summary|full  search for leaks, and show records of them [full]\n"
"    --leak-scan=before|after|both  search before the interpreter finalizes,\n"
"                              or after (at exit) [after]\n"
"    --leak-resolution=low|med|high  how much of the stack tells leaks apart [med]\n"
"    --leak-check-heuristics=heur1,heur2,...  which interior pointers to believe:\n"
"                              stdstring,length64,newarray,multipleinheritance [all]\n"
"    --python-objects=yes|no   know objects, their types and reference counts [yes]\n"
"    --show-leak-kinds=kind1,kind2,...  which loss records to show: definite,cycle,\n"
"                              surplus,deficit,possible,indirect,interpreter,\n"
"                              reachable,all or none\n"
"                              [definite,cycle,surplus,deficit,possible]\n"
"    --show-leak-blocks=<number>  addresses and sizes of so many blocks with each\n"
"                              loss record, each with the reason for its kind [0]\n"
"    --errors-for-leak-kinds=kind1,kind2,...  which loss records are errors\n"
"                              [definite,cycle,surplus,deficit,possible]\n"
"    --child-errors=no|yes     a child that ends with the code of --error-exitcode is\n"
"                              an error of this process too [no]\n"
"    --only-object=<pattern>   only loss records whose stack passes through this\n"
"                              shared object, such as _myext.so [all]\n"
"    --only-file=<pattern>     only loss records whose stack passes through this\n"
"                              Python file, such as mypkg/* [all]\n"
"    --only-phase=phase1,phase2,...  only loss records with blocks that were allocated\n"
"                              then: import,main,finalization [all]\n"
"    --show-mismatched-frees=yes|no  report blocks that were not freed by the interface\n"
"                              that allocated them: malloc/delete, PyMem_Malloc/free [yes]\n"
"    --keep-stacktraces=alloc|alloc-and-free  also record where blocks are freed, to\n"
"                              show it when one is freed again; costs time [alloc]\n"
"    --freelist-vol=<number>   volume in bytes of freed blocks that wait until their\n"
"                              memory is used again [1000000, in up to 2000 blocks, small\n"
"                              ones in 250]\n"
"    --watch-refs=<what>,...  who took references to objects and did not give them\n"
"                              back: type:NAME, line:FILE:LINE, birth:FUNCTION,\n"
"                              object:NAME, the fingerprint of a loss record, or asked:\n"
"                              those that the program asks for [none]\n"
"    --watch-refs-all=no|yes   also show what is balanced [no]\n"
"    --pymalloc=no|yes         leave CPython's small-object allocator in place,\n"
"                              which hides most objects [no]\n"
"    --snapshot-every=<number><unit>  snapshots over time, whenever so much was allocated:\n"
"                              50MB, 1000000allocs, or 30s of time [none]\n"
"    --max-snapshots=<number>  keep at most so many, thinned evenly [100]\n"
"    --snapshot-write=yes|no   write the profile at snapshots, too, so that a run\n"
"                              that is killed leaves one [yes]\n"
"    --pymemcheck-out-file=<file>  where the JSON profile goes [pymemcheck.out.%p]\n"
PM_TRACE_USAGE
"    More about these options: man pymemcheck, and manual.md of its documentation.\n";

enum { MAX_SHOWN = 80 };

/* Says what is expected if arg is an option of ours without a value, or nearly one of ours. Ends the
   program then. */
static void explain_unknown(const char *arg)
{
    struct pm_option_name name;
    HChar shown[MAX_SHOWN + 1];

    /* What is asked for must not be called known to the core before. */
    if (!pm_option_names_find(usage, arg, &name) || !VG_(check_clom)(cloP, arg, arg, True))
        return;
    const size_t length = name.length < MAX_SHOWN ? name.length : MAX_SHOWN;
    VG_(memcpy)(shown, name.text, length);
    shown[length] = '\0';
    if (name.distance == 0)
        VG_(fmsg_bad_option)(arg, "expected %s\n", shown);
    else
        VG_(fmsg_bad_option)(arg, "there is no such option; did you mean %s\n", shown);
}

bool pm_options_process(struct pm_options *options, const char *arg)
{
    const HChar *value;

    refuse_trees(arg);
    if (VG_STR_CLO(arg, "--histogram", value)) {
        parse_histogram(options, arg, value);
        options->draw_histograms = true;
    } else if (VG_STR_CLO(arg, "--histogram-top", value)) {
        options->histogram_top = options->table_top = parse_number(arg, value, 0, 1000000000);
        options->draw_histograms = true;
    } else if (VG_STR_CLO(arg, "--python-frames", value)) {
        options->python_frames = parse_number(arg, value, 1, PM_MAX_PYTHON_FRAMES);
    } else if (VG_STR_CLO(arg, "--python-paths", value)) {
        options->full_paths = parse_word(arg, value, "base, full") == 1;
        options->paths_given = true;
    } else if (VG_STR_CLO(arg, "--pymalloc", value)) {
        options->pymalloc = parse_word(arg, value, "no, yes") == 1;
    } else if (VG_STR_CLO(arg, "--pymemcheck-out-file", value)) {
        if (value[0] == '\0')
            VG_(fmsg_bad_option)(arg, "expected a file name\n");
        options->out_file = value;
    } else {
        const bool known = process_leak_option(options, arg) || process_error_option(options, arg)
            || process_snapshot_option(options, arg)
            || pm_trace_options_process(&options->trace, arg)
            || VG_(replacement_malloc_process_cmd_line_option)(arg);
        if (!known)
            explain_unknown(arg);
        return known;
    }
    return true;
}

bool pm_options_trace_children(void)
{
    bool trace = false;

    for (Word i = 0; i < VG_(sizeXA)(VG_(args_for_valgrind)); i++) {
        const HChar *arg = *(HChar **)VG_(indexXA)(VG_(args_for_valgrind), i);
        if (VG_(strncmp)(arg, "--trace-children=", 17) == 0)
            trace = VG_STREQ(arg + 17, "yes");
    }
    return trace;
}

void pm_options_print_usage(void)
{
    VG_(printf)("%s", usage);
}

void pm_options_print_debug_usage(void)
{
    VG_(printf)("    (none)\n");
}
