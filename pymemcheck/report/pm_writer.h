/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one interface through which a run is reported. Each format (text, XML, JSON) is a
   struct pm_format, listed in report/pm_formats.h. The tool does not know which formats
   there are: it opens a writer for each format that has somewhere to go, and passes every
   event to all of them.

   Order of calls, checked by pm_writers_*:

       init
         add                        once for each format
         wrong_free                 while the program runs
         search_begin               a leak search that the program or a person asked for
           loss
         search_end
         begin                      the report; several in one run if an exec fails
           search_begin             each leak search that belongs to the report
             loss
           search_end
         end
       release

   A suggestion may follow each loss and wrong_free at once. Anything may be missing, except that
   what was begun is ended.

   Ownership: arguments are the caller's. A profile given to begin stays valid and does not change
   until end, apart from the suppressed and left_out marks of its loss records; one given to
   search_begin stays valid until search_end. All else is valid during the call only.

   Cost: a call costs what the formats spend on it. wrong_free and loss come while the core's error
   manager prints, for errors that are shown only: what it suppresses, counts only, or has shown
   before never arrives here. Records that are not shown are in the profile. A format may therefore
   write at each event (text, XML) or all at once in end (JSON). */
#ifndef PM_WRITER_H
#define PM_WRITER_H

#include "base/pm_types.h"
#include "heap/pm_freed.h"
#include "heap/pm_losses.h"
#include "heap/pm_profile.h"
#include "heap/pm_suppressions.h"
#include "heap/pm_tables.h"
#include "report/pm_sink.h"
#include "report/pm_text.h"

/* Where a format's output goes. */
enum pm_channel {
    PM_CHANNEL_LOG,         /* Valgrind's log: whole lines */
    PM_CHANNEL_XML,         /* Valgrind's XML output, if the user asked for it: whole lines */
    PM_CHANNEL_FILE,        /* a file of its own, which takes bytes from begin to end only */
};

/* When a leak search was made. */
enum pm_search_moment {
    PM_SEARCH_BEFORE_FINALIZATION,
    PM_SEARCH_AT_EXIT,
    PM_SEARCH_ON_REQUEST,
};

/* What the tool tells all writers. Must outlive them. */
struct pm_writer_options {
    struct pm_text_options text;
    /* The XML output has the errors, so the log does not. */
    bool xml;
    /* Takes a suggested suppression, whole, for the log. */
    struct pm_sink suggestions;
    /* A code address of a native frame, 0 if none is known. May be NULL. */
    u64 (*address)(void *context, struct pm_frame_id frame);
    void *address_context;
};

/* One format. All functions but open and close may be NULL: the format has no use for the event. */
struct pm_format {
    const char *name;               /* "json" */
    enum pm_channel channel;
    const char *suffix;             /* FILE: appended to the name of the output file; "" for none */

    /* Allocates the writer, and writes nothing. options and sink outlive it. */
    void *(*open)(const struct pm_writer_options *options, const struct pm_sink *sink);
    void (*close)(void *writer);

    void (*begin)(void *writer, const struct pm_profile *profile);
    void (*end)(void *writer, const struct pm_profile *profile);

    /* profile is the run as it is now. Its losses may be another search's or NULL. */
    void (*search_begin)(void *writer, const struct pm_profile *profile, enum pm_search_moment moment);
    /* A loss record to be shown; it is number (from 1) of count. */
    void (*loss)(void *writer, const struct pm_loss *loss, u32 number, u32 count);
    /* Suppressed and left out records are marked now, and the sums are final. */
    void (*search_end)(void *writer, const struct pm_losses *losses);

    /* If the address is in no known block, the core describes it after this call, in the log or the
       XML output. If wrong->times is not 0, it is equal to one before; XML counts those. */
    void (*wrong_free)(void *writer, const struct pm_tables *tables, const struct pm_wrong_free *wrong);
    /* The suppression that would match the error just written (heap/pm_suggestions.h). */
    void (*suggestion)(void *writer, const struct pm_tables *tables,
                       const struct pm_suppression_subject *subject);
};

/* The writers of a run. */
struct pm_writers {
    struct pm_writer {
        const struct pm_format *format;
        void *state;                /* from format->open */
    } *list;
    size_t count;
    bool in_report, in_search;
};

void pm_writers_init(struct pm_writers *writers);
/* Closes all. */
void pm_writers_release(struct pm_writers *writers);

/* Opens a writer of this format, which is called after those added before. */
void pm_writers_add(struct pm_writers *writers, const struct pm_format *format,
                    const struct pm_writer_options *options, const struct pm_sink *sink);

/* Each passes the call of the same name to every writer. */
void pm_writers_begin(struct pm_writers *writers, const struct pm_profile *profile);
void pm_writers_end(struct pm_writers *writers, const struct pm_profile *profile);
void pm_writers_search_begin(struct pm_writers *writers, const struct pm_profile *profile,
                             enum pm_search_moment moment);
void pm_writers_loss(const struct pm_writers *writers, const struct pm_loss *loss, u32 number,
                     u32 count);
void pm_writers_search_end(struct pm_writers *writers, const struct pm_losses *losses);
void pm_writers_wrong_free(const struct pm_writers *writers, const struct pm_tables *tables,
                           const struct pm_wrong_free *wrong);
void pm_writers_suggestion(const struct pm_writers *writers, const struct pm_tables *tables,
                           const struct pm_suppression_subject *subject);

#endif
