/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The writers of a run: opens one for every format in report/pm_formats.h, and decides where
   each writes: to Valgrind's log, to its XML output, or to a file.

   Order of calls: init once, after the options were read; then any number of
   reports (begin, searches, end), and of searches on request. Both are made between pm_freeze and
   pm_freeze_release. */
#ifndef PM_OUTPUT_H
#define PM_OUTPUT_H

#include "base/pm_types.h"
#include "heap/pm_profile.h"
#include "report/pm_formats.h"
#include "tool/pm_profile_file.h"
#include "tool/pm_source.h"

struct pm_run;

/* Part of struct pm_run; must stay where it is, since writers point into it. */
struct pm_output {
    struct pm_writers writers;
    struct pm_writer_options options;
    struct pm_sink log, xml;
    struct pm_profile_file files[PM_FORMAT_COUNT];  /* by format; for those of PM_CHANNEL_FILE */
    bool exec_begins;           /* the last report was made before an execve that has not failed so far:
                                   the files' names are kept */
    bool wrote_snapshot;        /* pm_output_write_files did, and its file is still there */
    bool told_unwritten;        /* that pm_output_write_files failed */
    struct pm_source source;    /* for the text writer; between pm_freeze and pm_freeze_release */
};

/* Opens the writers. Ends the program at once if the output file's name cannot be expanded (%q of an
   unset variable, say): at start-up, not after a night's run. */
void pm_output_init(struct pm_run *run);

/* Opens writers for the formats of the log and the XML output, with log in the log's place.
   Release them; *log must outlive them. */
void pm_output_open_for(struct pm_run *run, struct pm_writers *writers, const struct pm_sink *log);

/* Opens the files and begins the report: pm_writers_begin. */
void pm_output_begin(struct pm_run *run, const struct pm_profile *profile);
/* pm_writers_end, then closes the files. The log says where they are, and which could not be written. */
void pm_output_end(struct pm_run *run, const struct pm_profile *profile);

/* Writes the files of profile while the run goes on, without a word in the log unless one cannot be written;
   later ones replace them. What is no regular file (a pipe, /dev/stdout) gets only the last report. */
void pm_output_write_files(struct pm_run *run, const struct pm_profile *profile);

/* Removes the files that pm_output_write_files wrote in this process: another program takes its number, and with it
   the files' names. */
void pm_output_remove_snapshots(struct pm_run *run);

/* The execve before which the last report was made has failed: removes the files that have names of
   their own (.before-exec). False if the last report was not made before an execve. */
bool pm_output_exec_failed(struct pm_run *run);

#endif
