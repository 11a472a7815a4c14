/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports of a run: freezes it into a profile, opens a writer of every format in
   report/pm_formats.h, and says where each writes: to Valgrind's log, to its XML
   output, or to a file.

   Order of calls: init once, after the options were read; then any number of
   writes, and of reports on request (pm_output_begin ... pm_output_end). */
#ifndef PM_OUTPUT_H
#define PM_OUTPUT_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"
#include "heap/pm_profile.h"
#include "report/pm_formats.h"
#include "tool/pm_source.h"

struct pm_run;

/* The file of one format. Open while a report is written. */
struct pm_output_file {
    struct pm_sink sink;
    char *name;                 /* where it goes in the end; the core's memory */
    struct pm_buffer temporary; /* where it is written first; equal to name for a device or a pipe */
    int fd;
    bool direct;                /* not renamed */
    bool failed;
};

/* Part of struct pm_run; must stay where it is, since writers point into it. */
struct pm_output {
    struct pm_writers writers;
    struct pm_writer_options options;
    struct pm_sink log, xml;
    struct pm_output_file files[PM_FORMAT_COUNT];   /* by format; used for those of PM_CHANNEL_FILE */
    struct pm_source source;
};

/* Opens the writers. Ends the program at once if the output file's name cannot be expanded (%q of an
   unset variable, say): at start-up, not after a night's run. */
void pm_output_init(struct pm_run *run);

/* Opens writers for the formats of the log and the XML output, with log in the log's place.
   Release them; *log must outlive them. */
void pm_output_open_for(struct pm_run *run, struct pm_writers *writers, const struct pm_sink *log);

/* The run, frozen. */
struct pm_report {
    struct pm_profile profile;
    struct pm_buffer python;
    const char **command;
};

/* The run as it is now, without the results of leak searches; *report must stay
   where it is until pm_output_end, which releases it. Looks up source lines. */
void pm_output_begin(struct pm_run *run, enum pm_end end, int exit_status,
                     struct pm_report *report);
void pm_output_end(struct pm_run *run, struct pm_report *report);

/* Searches for leaks if the options ask for it, and writes the report in all formats. A file that
   cannot be written is named in the log. */
void pm_output_write(struct pm_run *run, enum pm_end end, int exit_status);

#endif
