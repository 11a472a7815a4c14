/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --watch-refs= asks for, and which objects that are. */
#ifndef PM_WATCH_RULES_H
#define PM_WATCH_RULES_H

#include "base/pm_types.h"
#include "heap/pm_losses.h"
#include "heap/pm_stacks.h"
#include "heap/pm_tables.h"

enum { PM_WATCH_RULES_MOST = 256 };

enum pm_watch_rule_kind {
    PM_WATCH_TYPE,              /* type:mypkg.Config */
    PM_WATCH_LINE,              /* line:job.py:33 */
    PM_WATCH_BIRTH,             /* birth:FUNCTION, of C or Python */
    PM_WATCH_FINGERPRINT,       /* of a loss record */
    PM_WATCH_OBJECT,            /* object:dotted.name */
    PM_WATCH_ASKED,             /* asked: nothing by itself; the program asks (PYMEMCHECK_WATCH) */
};

struct pm_watch_rule {
    enum pm_watch_rule_kind kind;
    const char *text;           /* the name or pattern; part of the option, not terminated */
    size_t length;
    u32 line;
    u64 fingerprint;
};

/* A longer name of a type is not compared beyond that; with the NUL. */
enum { PM_WATCH_NAME_BYTES = 256 };

struct pm_watch_rules {
    struct pm_watch_rule at[PM_WATCH_RULES_MOST];
    u32 count;
    bool any_place;             /* some rule may choose an object wherever it is born */
    bool only_types;            /* all rules are type: where an object is born does not matter */
    enum pm_loss_resolution resolution;     /* on which fingerprints depend */
};

/* Adds the rules in value, separated by commas, of the option arg. Ends the program with a message if
   one makes no sense. value must live as long as rules. */
void pm_watch_rules_parse(struct pm_watch_rules *rules, const char *arg, const char *value);

/* Whether some rule may choose objects born at stack, whatever their type. */
bool pm_watch_rules_match_birth(const struct pm_watch_rules *rules, const struct pm_tables *tables,
                                struct pm_stack_id stack);

/* Whether some rule chooses an object of this type born at stack. */
bool pm_watch_rules_match(const struct pm_watch_rules *rules, const struct pm_tables *tables,
                          struct pm_stack_id stack, struct pm_string_id type);

/* Whether some rule line: or birth: chooses all objects born at stack, or a fingerprint may choose some. */
bool pm_watch_rules_match_place(const struct pm_watch_rules *rules, const struct pm_tables *tables,
                                struct pm_stack_id stack);

/* For a rule type:. The part of its name behind the last dot, which is not terminated. */
const char *pm_watch_rule_last_part(const struct pm_watch_rule *rule, size_t *length);
bool pm_watch_rule_has_wildcard(const struct pm_watch_rule *rule);
/* Whether the class of this tp_name may be chosen, as far as the part behind the last dot says. */
bool pm_watch_rule_may_name(const struct pm_watch_rule *rule, const char *name);

#endif
