/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An interpreter interns a text once, and some versions never free the string: it is the interpreter's. Each interpreter
   has its own interned strings from 3.12 on, and 3.12.0 and 3.12.1 also forget those of an interpreter that is
   destroyed (Objects/unicodeobject.c, unicode_dealloc; Python/pylifecycle.c, Py_EndInterpreter). So of several
   interned strings with one text, each belongs to another interpreter. One of them exists once in a
   process. Those more that are lost are what grows with each interpreter. */
#include "tool/leaks/pm_leak_stages.h"

#include "base/pm_platform.h"
#include "base/pm_sort.h"
#include "cpython/pm_pystring.h"
#include "tool/pm_run.h"

struct texts {
    struct pm_keyed *entries;       /* a hash of the text, and the block */
    u32 count, capacity;
};

static void add_text(struct pm_leak_state *check, struct texts *texts, u32 index, const struct pm_object *object,
                     struct pm_buffer *text)
{
    pm_buffer_clear(text);
    if (!pm_pystring_append(check->objects.layout, &check->run->reader, object->address, text))
        return;
    if (texts->count == texts->capacity) {
        texts->capacity = texts->capacity ? texts->capacity * 2 : 4096;
        texts->entries = pm_realloc("pm.leak_check", texts->entries, texts->capacity * sizeof *texts->entries);
    }
    texts->entries[texts->count++] = (struct pm_keyed){ pm_hash_bytes(text->bytes, text->length), index };
}

/* The one that may stay: the string that can be reached, else the oldest, which the process's first interpreter
   interned. */
static u32 choose(const struct pm_leak_state *check, const struct pm_keyed *same, u32 count)
{
    u32 best = 0;

    for (u32 i = 1; i < count; i++) {
        bool reachable = check->found[same[i].item].kind == PM_LEAK_REACHABLE;
        bool best_reachable = check->found[same[best].item].kind == PM_LEAK_REACHABLE;
        if (reachable != best_reachable
            ? reachable : pm_leak_allocated(check, same[i].item)->serial < pm_leak_allocated(check, same[best].item)->serial)
            best = i;
    }
    return best;
}

static void mark(struct pm_leak_state *check, const struct texts *texts)
{
    for (u32 i = 0, end; i < texts->count; i = end) {
        for (end = i + 1; end < texts->count && texts->entries[end].key == texts->entries[i].key; end++)
            ;
        u32 stays = i + choose(check, texts->entries + i, end - i);
        for (u32 j = i; j < end; j++)
            if (j != stays)
                check->found[texts->entries[j].item].flags |= PM_LEAK_INTERNED_AGAIN;
    }
}

void pm_leak_find_interned_again(struct pm_leak_state *check)
{
    struct texts texts = { 0 };
    struct pm_buffer text;
    struct pm_object object;

    pm_buffer_init(&text);
    for (u32 i = 0; i < check->count; i++)
        if (pm_leak_identify(check, i, &object) && object.interned)
            add_text(check, &texts, i, &object, &text);
    pm_buffer_release(&text);
    pm_sort_keyed(texts.entries, texts.count);
    mark(check, &texts);
    pm_free(texts.entries);
}
