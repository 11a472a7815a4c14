/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/pm_writer.h"

#include "base/pm_platform.h"

/* Calls a function of every writer whose format has it. */
#define TELL(writers, function, ...) \
    do { \
        for (size_t i = 0; i < (writers)->count; i++) { \
            const struct pm_writer *writer = &(writers)->list[i]; \
            if (writer->format->function != NULL) \
                writer->format->function(writer->state, __VA_ARGS__); \
        } \
    } while (0)

void pm_writers_init(struct pm_writers *writers)
{
    *writers = (struct pm_writers){ 0 };
}

void pm_writers_release(struct pm_writers *writers)
{
    PM_ASSERT(!writers->in_report && !writers->in_search);
    for (size_t i = 0; i < writers->count; i++)
        writers->list[i].format->close(writers->list[i].state);
    pm_free(writers->list);
    *writers = (struct pm_writers){ 0 };
}

void pm_writers_add(struct pm_writers *writers, const struct pm_format *format,
                    const struct pm_writer_options *options, const struct pm_sink *sink)
{
    PM_ASSERT(!writers->in_report && !writers->in_search);
    writers->list = pm_realloc("pm.writers", writers->list,
                               (writers->count + 1) * sizeof *writers->list);
    writers->list[writers->count++] = (struct pm_writer){
        .format = format,
        .state = format->open(options, sink),
    };
}

void pm_writers_begin(struct pm_writers *writers, const struct pm_profile *profile)
{
    PM_ASSERT(!writers->in_report && !writers->in_search);
    writers->in_report = true;
    TELL(writers, begin, profile);
}

void pm_writers_end(struct pm_writers *writers, const struct pm_profile *profile)
{
    PM_ASSERT(writers->in_report && !writers->in_search);
    TELL(writers, end, profile);
    writers->in_report = false;
}

void pm_writers_search_begin(struct pm_writers *writers, const struct pm_profile *profile,
                             enum pm_search_moment moment)
{
    PM_ASSERT(!writers->in_search);
    writers->in_search = true;
    TELL(writers, search_begin, profile, moment);
}

void pm_writers_loss(const struct pm_writers *writers, const struct pm_loss *loss, u32 number,
                     u32 count)
{
    PM_ASSERT(writers->in_search);
    TELL(writers, loss, loss, number, count);
}

void pm_writers_search_end(struct pm_writers *writers, const struct pm_losses *losses)
{
    PM_ASSERT(writers->in_search);
    TELL(writers, search_end, losses);
    writers->in_search = false;
}

void pm_writers_wrong_free(const struct pm_writers *writers, const struct pm_tables *tables,
                           const struct pm_wrong_free *wrong)
{
    PM_ASSERT(!writers->in_search);
    TELL(writers, wrong_free, tables, wrong);
}

void pm_writers_suggestion(const struct pm_writers *writers, const struct pm_tables *tables,
                           const struct pm_suppression_subject *subject)
{
    TELL(writers, suggestion, tables, subject);
}
