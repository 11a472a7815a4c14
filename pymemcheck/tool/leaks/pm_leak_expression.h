/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A chain of objects as a Python expression that starts at a module or a class:
   __main__.app.sessions[0].data['k0'].

   Order of calls: pm_leak_expression_init; for each block of the chain, from the root inwards,
   one of the three functions below; pm_leak_expression_finish; pm_leak_expression_release.
   line is the number, from 0, of the line that shows the block in the chain's usual form.

   The expression starts again at each module on the chain, since a module can be imported. It ends
   before the first step that Python has no syntax for. */
#ifndef PM_LEAK_EXPRESSION_H
#define PM_LEAK_EXPRESSION_H

#include "base/pm_buffer.h"
#include "tool/leaks/pm_leak_stages.h"

struct pm_leak_expression {
    struct pm_leak_state *check;
    struct pm_buffer text;
    bool begun, ended;
    bool pending;               /* the last object's memory is to name the step from it */
    u32 pending_line;
    u32 rest;                   /* if ended: the first line that the expression does not say */
};

/* check must outlive expression. */
void pm_leak_expression_init(struct pm_leak_expression *expression, struct pm_leak_state *check);
void pm_leak_expression_release(struct pm_leak_expression *expression);

/* field: how the object refers to what follows, as pm_objects_name_field says it; "" if memory that
   belongs to the object does. */
void pm_leak_expression_add_object(struct pm_leak_expression *expression, const struct pm_object *object,
                                   const char *field, u32 line);
/* Memory that belongs to the last object. */
void pm_leak_expression_add_part(struct pm_leak_expression *expression, const char *field, u32 line);
/* Memory that is no object. */
void pm_leak_expression_add_block(struct pm_leak_expression *expression, u32 line);

/* lines: of the whole chain. Returns the number of lines that the expression replaces; 0: there is no
   expression. */
u32 pm_leak_expression_finish(struct pm_leak_expression *expression, u32 lines);

#endif
