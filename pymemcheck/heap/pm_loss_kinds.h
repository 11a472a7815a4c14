/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of loss kinds by name: --show-leak-kinds=, --errors-for-leak-kinds=, and
   match-leak-kinds: in suppressions. Memcheck's words, and ours. */
#ifndef PM_LOSS_KINDS_H
#define PM_LOSS_KINDS_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"
#include "heap/pm_losses.h"

#define PM_LOSS_KIND(kind) (1u << (kind))
#define PM_LOSS_KINDS_ALL ((1u << PM_LOSS_KINDS) - 1)
/* The kinds that are shown, and that are errors, by default. */
#define PM_LOSS_KINDS_DEFAULT \
    (PM_LOSS_KIND(PM_LOSS_DEFINITE) | PM_LOSS_KIND(PM_LOSS_CYCLE) \
     | PM_LOSS_KIND(PM_LOSS_SURPLUS) | PM_LOSS_KIND(PM_LOSS_POSSIBLE))

/* All words, for messages about a wrong one. */
#define PM_LOSS_KINDS_EXPECTED \
    "'all', 'none', or some of 'definite', 'cycle', 'surplus', 'possible', 'indirect'," \
    " 'interpreter', 'reachable', separated by commas"

/* The word for one kind: "definite". */
const char *pm_loss_kind_word(enum pm_loss_kind kind);

/* Reads words separated by commas into *kinds. False: a word is unknown, or there is none;
   *kinds is unchanged then. */
bool pm_loss_kinds_parse(const char *text, size_t length, u32 *kinds);

#endif
