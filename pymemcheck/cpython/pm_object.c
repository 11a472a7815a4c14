/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects are not read yet: no interpreter is accepted, and the search sees blocks
   of memory only. */
#include "cpython/pm_object.h"

bool pm_objects_init(struct pm_objects *objects, struct pm_reader *reader,
                     struct pm_strings *strings, const struct pm_interpreter *interpreter)
{
    (void)interpreter;
    *objects = (struct pm_objects){ .reader = reader, .strings = strings };
    return false;
}

void pm_objects_release(struct pm_objects *o){(void)o;}
bool pm_objects_identify(struct pm_objects *o, u64 a, u64 b, u64 h, struct pm_object *x){(void)o;(void)a;(void)b;(void)h;(void)x;return false;}
struct pm_string_id pm_objects_type_name(struct pm_objects *o, u64 t){(void)o;(void)t;return (struct pm_string_id){0};}
void pm_objects_preview(struct pm_objects *o, const struct pm_object *x, struct pm_buffer *out){(void)o;(void)x;(void)out;}
bool pm_objects_name_slot(struct pm_objects *o, const struct pm_object *w, u64 s, struct pm_buffer *out){(void)o;(void)w;(void)s;(void)out;return false;}
u32 pm_objects_parts(struct pm_objects *o, const struct pm_object *x, u64 *p, u32 c){(void)o;(void)x;(void)p;(void)c;return 0;}
