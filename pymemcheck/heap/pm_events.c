/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_events.h"

#include "base/pm_platform.h"

void pm_events_init(struct pm_events *events)
{
    *events = (struct pm_events){ 0 };
}

void pm_events_listen(struct pm_events *events,
                      void (*on_event)(void *context, const struct pm_event *event),
                      void *context)
{
    PM_ASSERT(events->count < PM_EVENTS_MAX_LISTENERS);
    events->listeners[events->count++] = (struct pm_listener){ on_event, context };
}

void pm_events_deliver(const struct pm_events *events, const struct pm_event *event)
{
    for (u32 i = 0; i < events->count; i++)
        events->listeners[i].on_event(events->listeners[i].context, event);
}
