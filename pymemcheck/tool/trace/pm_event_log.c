/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A free must be in the log if its allocation was, and only then: otherwise who adds up the log gets
   other figures than the report. Filters look at the allocation. So which live blocks are in the log is
   remembered, by address: those that are not; or, with filters, in a fork child, or if the log begins later than
   the program, those that are. The text form of a log without filters shows all frees: as DTrace does, also
   those of blocks that are older than the log. */
#include "pub_tool_basics.h"
#include "pub_tool_clientstate.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_options.h"
#include "pub_tool_vki.h"
#include "pub_tool_xarray.h"

#include "tool/trace/pm_event_log.h"

#include "base/pm_grow.h"
#include "base/pm_platform.h"
#include "report/pm_utf8.h"
#include "tool/pm_profile_file.h"
#include "tool/pm_run.h"

enum {
    EVENTS_BETWEEN_TICKS = 64,
    MS_BETWEEN_TICKS = 10,
    NOTE_ROOM = 120,            /* of --trace-limit=, for the note at the end */
    STATM_BYTES = 80,
};

enum acceptance { NOT_ASKED, ACCEPTED, LEFT_OUT };

#define CUSTOM_KEY (1ull << 63)

/* pm_trace_switch has no other way to find it. */
static struct pm_event_log *the_log;

static const struct pm_trace_settings *settings_of(const struct pm_event_log *log)
{
    return &log->run->options.trace;
}

/* --- Beginning and ending --- */

/* The name of this process's file; NULL: the log. Free it by VG_(free). */
static char *file_name(const struct pm_event_log *log)
{
    const char *file = settings_of(log)->file;
    return file == NULL ? NULL : VG_(expand_file_name)("--trace-file", file);
}

static struct pm_trace_process describe_process(const struct pm_event_log *log, const char **command)
{
    enum { PAGE_BYTES = 4096, KIB_IN_PAGE = 4, ROOM = 256 };
    static const char total[] = "MemTotal:";
    HChar text[ROOM];
    size_t count = 0;
    u64 pages = 0;

    if (VG_(args_the_exename) != NULL)
        command[count++] = VG_(args_the_exename);
    for (Word i = 0; i < VG_(sizeXA)(VG_(args_for_client)); i++)
        command[count++] = *(HChar **)VG_(indexXA)(VG_(args_for_client), i);
    const Int fd = VG_(fd_open)("/proc/meminfo", VKI_O_RDONLY, 0);
    if (fd >= 0) {
        const Int length = VG_(read)(fd, text, ROOM - 1);
        VG_(close)(fd);
        text[length > 0 ? length : 0] = '\0';
        if (VG_(strncmp)(text, total, sizeof total - 1) == 0) {
            const HChar *at = text + sizeof total - 1;
            while (*at == ' ')
                at++;
            pages = (u64)VG_(strtoll10)(at, NULL) / KIB_IN_PAGE;
        }
    }
    return (struct pm_trace_process){
        .pid = (u64)VG_(getpid)(),
        .command = command,
        .command_length = count,
        .page_bytes = PAGE_BYTES,
        .pages = pages,
        .forked = log->run->forked,
    };
}

static void begin_writer(struct pm_event_log *log)
{
    struct pm_run *run = log->run;
    const struct pm_trace_options options = {
        .tables = { &run->strings, &run->frames, &run->stacks },
        .full_paths = run->options.full_paths,
    };
    const char **command = pm_alloc("pm.trace", (1 + (size_t)VG_(sizeXA)(VG_(args_for_client))) * sizeof *command);
    const struct pm_trace_process process = describe_process(log, command);

    log->start_ms = VG_(read_millisecond_timer)();
    log->ticked_ms = 0;
    log->events = 0;
    log->writer = log->format->open(&options, &log->file.buffer);
    log->format->begin(log->writer, &process);
    pm_free(command);
}

/* Begins the log of this process, in the file of that name. */
static void begin(struct pm_event_log *log, char *name)
{
    log->stopped = !pm_trace_file_open(&log->file, name, false);
    if (log->stopped)
        return;
    begin_writer(log);
    pm_trace_file_settle(&log->file);
}

/* Whether the log can be written to; begins it in a fork child. */
static bool is_open(struct pm_event_log *log)
{
    if (log->writer == NULL && !log->stopped)
        begin(log, file_name(log));
    return !log->stopped;
}

static void close_writer(struct pm_event_log *log)
{
    if (log->writer != NULL)
        log->format->close(log->writer);
    log->writer = NULL;
}

static void stop(struct pm_event_log *log)
{
    log->stopped = true;
    close_writer(log);
    pm_trace_file_close(&log->file);
    pm_map_clear(&log->exceptions);
    pm_map_clear(&log->moved);
}

/* length: of the buffer before the lines that were just added, and that do not fit. */
static void stop_at_limit(struct pm_event_log *log, size_t length)
{
    static const char note[] = "--trace-limit= is reached: the event log ends here.";

    log->file.buffer.length = length;
    log->format->stop(log->writer, note);
    VG_(umsg)("pymemcheck: %s\n", note);
    stop(log);
}

/* After lines were added to a buffer that had length bytes before. */
static void settle(struct pm_event_log *log, size_t length)
{
    const u64 limit = settings_of(log)->limit_bytes;

    if (limit != 0 && log->file.given_bytes + log->file.buffer.length + NOTE_ROOM > limit) {
        stop_at_limit(log, length);
        return;
    }
    log->events++;
    pm_trace_file_settle(&log->file);
    if (log->file.failed)
        stop(log);
}

/* --- What is in the log --- */

static bool accepts_stack(struct pm_event_log *log, struct pm_stack_id stack)
{
    const struct pm_run *run = log->run;
    const struct pm_tables tables = { &run->strings, &run->frames, &run->stacks };

    log->accepted = pm_grow_to("pm.trace", log->accepted, &log->accepted_capacity, stack.v, sizeof *log->accepted);
    if (log->accepted[stack.v] == NOT_ASKED)
        log->accepted[stack.v] = pm_event_filter_accepts_stack(&settings_of(log)->filter, &tables, stack)
            ? ACCEPTED : LEFT_OUT;
    return log->accepted[stack.v] == ACCEPTED;
}

static bool accepts_thread(const struct pm_event_log *log, u32 tid)
{
    return pm_event_filter_accepts_thread(&settings_of(log)->filter, pm_python_thread_ordinal(&log->run->python, tid));
}

static bool accepts(struct pm_event_log *log, struct pm_stack_id stack, u64 bytes, u32 tid)
{
    return !log->filtered
        || (pm_event_filter_accepts_bytes(&settings_of(log)->filter, bytes) && accepts_thread(log, tid)
            && accepts_stack(log, stack));
}

/* The thread as lines show it. */
static u32 shown_thread(const struct pm_event_log *log, u32 tid)
{
    const struct pm_python *python = &log->run->python;
    return python->threads_started > 1 ? pm_python_thread_ordinal(python, tid) : 0;
}

static u64 key_of(const struct pm_block *block)
{
    return block->address | (block->origin == PM_BLOCK_CUSTOM ? CUSTOM_KEY : 0);
}

/* Whether it matters which blocks are in the log. */
static bool keeps_known(const struct pm_event_log *log)
{
    return log->filtered || log->format->wants_births;
}

/* Whether the block, which ends, is in the log. Forgets it. */
static bool take_known(struct pm_event_log *log, const struct pm_block *block)
{
    const bool is_exception = log->exceptions.count > 0 && pm_map_remove(&log->exceptions, key_of(block));
    return is_exception == log->knows_few;
}

static void note_known(struct pm_event_log *log, const struct pm_block *block, bool known)
{
    if (known == log->knows_few)
        pm_map_put(&log->exceptions, key_of(block), 0);
}

static struct pm_stack_id stack_of_block(const struct pm_run *run, const struct pm_block *block)
{
    return pm_site_stack(pm_sites_at(&run->sites, (u32)block->site));
}

/* A block passes to another site, which did not make it. */
static void note_move(struct pm_event_log *log, const struct pm_event *event)
{
    const u64 key = key_of(event->before);

    if (log->format->wants_births && event->before->site != event->block->site
            && pm_map_get(&log->moved, key) == NULL)
        pm_map_put(&log->moved, key, event->before->site);
}

/* Who made a block that ends. Forgets it. */
static struct pm_stack_id take_birth(struct pm_event_log *log, const struct pm_block *block)
{
    const u64 *site = log->moved.count > 0 ? pm_map_get(&log->moved, key_of(block)) : NULL;

    if (site == NULL)
        return stack_of_block(log->run, block);
    const struct pm_stack_id stack = pm_site_stack(pm_sites_at(&log->run->sites, (u32)*site));
    pm_map_remove(&log->moved, key_of(block));
    return stack;
}

/* Who made the event: for a new block that is known, for others it costs a capture. */
static struct pm_stack_id stack_of(struct pm_event_log *log, const struct pm_event *event)
{
    if (event->block != NULL)
        return stack_of_block(log->run, event->block);
    return log->format->wants_stacks_of_frees ? pm_capture_stack(log->run, event->tid).stack : PM_STACK_EMPTY;
}

static u64 resident_pages(void)
{
    const Int fd = VG_(fd_open)("/proc/self/statm", VKI_O_RDONLY, 0);
    HChar text[STATM_BYTES], *end;
    Int length = 0;

    if (fd >= 0) {
        length = VG_(read)(fd, text, sizeof text - 1);
        VG_(close)(fd);
    }
    text[length > 0 ? length : 0] = '\0';
    VG_(strtoll10)(text, &end);
    return *end == ' ' ? (u64)VG_(strtoll10)(end + 1, NULL) : 0;
}

static void tick(struct pm_event_log *log)
{
    const u64 ms = VG_(read_millisecond_timer)() - log->start_ms;

    log->until_tick = EVENTS_BETWEEN_TICKS;
    if (ms < log->ticked_ms + MS_BETWEEN_TICKS)
        return;
    log->ticked_ms = ms;
    log->format->tick(log->writer, ms, resident_pages());
}

static void write_record(struct pm_event_log *log, struct pm_trace_record *record, u32 tid)
{
    if (log->before_record != NULL)
        log->before_record(tid);
    if (log->stopped)
        return;
    const size_t length = log->file.buffer.length;
    record->thread = shown_thread(log, tid);
    if (log->until_tick-- == 0)
        tick(log);
    if (log->format->wants_lines)
        pm_native_add_lines_now(&log->run->native);
    log->format->record(log->writer, record);
    settle(log, length);
}

/* Whether the block of an event is to be in the log. known: the block that it was before is. */
static bool wants_block(struct pm_event_log *log, const struct pm_event *event, struct pm_stack_id stack, bool known)
{
    const bool shown_anyway = known && event->before != NULL && log->filtered && !log->format->wants_births;
    return log->on && (shown_anyway || accepts(log, stack, event->block->bytes, event->tid));
}

static bool is_failure(const struct pm_event *event)
{
    return event->kind == PM_EVENT_FAILED || event->kind == PM_EVENT_UNKNOWN_FREE;
}

/* An event without a block before and after it: text shows it, filtered by its own stack. */
static void on_failure(struct pm_event_log *log, const struct pm_event *event)
{
    struct pm_trace_record record = { .event = event };
    const bool second = event->call == PM_CALL_REALLOC || event->call == PM_CALL_MEMALIGN;

    if (!log->on || !log->format->wants_stacks_of_frees || !is_open(log))
        return;
    record.stack = stack_of(log, event);
    if (accepts(log, record.stack, event->arguments[second], event->tid))
        write_record(log, &record, event->tid);
}

static void on_event(void *context, const struct pm_event *event)
{
    struct pm_event_log *log = context;
    struct pm_trace_record record = { .event = event };

    if (log->stopped)
        return;
    if (event->kind == PM_EVENT_REUSED) {
        note_move(log, event);
        return;
    }
    if (is_failure(event)) {
        on_failure(log, event);
        return;
    }
    const bool keeps = keeps_known(log);
    if (event->before != NULL) {
        record.known = !keeps || take_known(log, event->before);
        if (log->format->wants_births)
            record.made_by = take_birth(log, event->before);
    }
    if (event->block != NULL) {
        record.stack = stack_of(log, event);
        record.wanted = wants_block(log, event, record.stack, record.known);
        if (keeps)
            note_known(log, event->block, record.wanted);
    }
    const bool ends = record.known && (log->on || log->format->wants_births);
    if (!(record.wanted || ends) || !is_open(log))
        return;
    if (event->block == NULL)
        record.stack = stack_of(log, event);
    write_record(log, &record, event->tid);
}

void pm_event_log_domain_call(struct pm_event_log *log, u32 tid, struct pm_trace_record *record)
{
    if (!pm_event_log_is_on(log) || !is_open(log))
        return;
    const u64 bytes = record->operation == PM_TRACE_CALLOC ? record->arguments[0] * record->arguments[1]
        : record->arguments[record->operation == PM_TRACE_REALLOC];
    if (record->operation == PM_TRACE_FREE ? log->filtered && !accepts_stack(log, record->stack)
            : !accepts(log, record->stack, bytes, tid))
        return;
    write_record(log, record, tid);
}

void pm_event_log_python_call(struct pm_event_log *log, u32 tid, struct pm_trace_call *call)
{
    if (!pm_event_log_is_on(log) || !is_open(log) || !accepts_thread(log, tid))
        return;
    const size_t length = log->file.buffer.length;
    call->thread = shown_thread(log, tid);
    log->format->function(log->writer, call);
    settle(log, length);
}

/* --- Switches --- */

bool pm_trace_switch(bool on)
{
    struct pm_event_log *log = the_log;

    if (log == NULL || log->stopped)
        return false;
    if (on == log->on)
        return true;
    log->on = on;
    if (is_open(log)) {
        const size_t length = log->file.buffer.length;
        log->format->switched(log->writer, on);
        settle(log, length);
    }
    return true;
}

/* --- Processes --- */

static void announce_file(const struct pm_event_log *log)
{
    struct pm_buffer shown;

    if (log->file.name == NULL)
        return;
    pm_buffer_init(&shown);
    pm_utf8_add_harmless(&shown, log->file.name, VG_(strlen)(log->file.name));
    VG_(umsg)("Event log written to %s\n", shown.bytes);
    pm_buffer_release(&shown);
}

void pm_event_log_end(struct pm_run *run, const struct pm_profile *profile)
{
    struct pm_event_log *log = &run->log;

    if (log->run == NULL || !is_open(log))
        return;
    log->until_tick = 0;
    log->ticked_ms = 0;
    tick(log);
    log->format->end(log->writer, profile, &run->output.options.text);
    pm_trace_file_flush(&log->file);
    if (!log->file.failed)
        announce_file(log);
    if (log->file.failed)
        stop(log);
}

void pm_event_log_forks(struct pm_event_log *log)
{
    if (log->run != NULL)
        pm_trace_file_flush(&log->file);
}

void pm_event_log_forked(struct pm_event_log *log)
{
    if (log->run == NULL || log->stopped)
        return;
    close_writer(log);
    pm_trace_file_drop(&log->file);
    pm_map_clear(&log->exceptions);
    pm_map_clear(&log->moved);
    log->knows_few = true;
    char *name = file_name(log);
    log->stopped = name != NULL && log->file.name != NULL && VG_(strcmp)(name, log->file.name) == 0;
    VG_(free)(name);
}

/* The file of a process that executes another program, which may write one of the same name. */
static void rename_for_exec(struct pm_event_log *log)
{
    if (!pm_options_trace_children())
        return;
    char *name = pm_profile_file_name(settings_of(log)->file, "", true);
    if (VG_(rename)(log->file.name, name) != 0)
        VG_(strcpy)(name, log->file.name);
    VG_(free)(log->file.name);
    log->file.name = name;
}

void pm_event_log_before_exec(struct pm_event_log *log)
{
    if (log->run == NULL || log->stopped || log->writer == NULL)
        return;
    pm_trace_file_close(&log->file);
    if (log->file.name != NULL)
        rename_for_exec(log);
    log->closed_for_exec = true;
}

void pm_event_log_exec_failed(struct pm_event_log *log)
{
    if (!log->closed_for_exec)
        return;
    log->closed_for_exec = false;
    char *name = file_name(log);
    if (name != NULL)
        VG_(rename)(log->file.name, name);
    log->stopped = !pm_trace_file_open(&log->file, name, true);
    if (!log->stopped)
        log->format->switched(log->writer, log->on);
}

void pm_event_log_init(struct pm_run *run)
{
    struct pm_event_log *log = &run->log;

    pm_trace_options_check(&run->options.trace);
    if (run->options.trace.parts == 0)
        return;
    *log = (struct pm_event_log){
        .run = run,
        .format = run->options.trace.heaptrack ? &pm_trace_heaptrack_format : &pm_trace_text_format,
        .on = !run->options.trace.starts_off,
        .filtered = !pm_event_filter_is_empty(&run->options.trace.filter),
    };
    log->knows_few = log->filtered || !log->on;
    the_log = log;
    pm_map_init(&log->exceptions);
    pm_map_init(&log->moved);
    pm_trace_file_init(&log->file);
    begin(log, file_name(log));
    if (run->options.trace.parts & PM_TRACE_PART_MALLOC)
        pm_events_listen(&run->events, on_event, log);
}
