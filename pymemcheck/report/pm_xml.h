/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands between <error> and </error> in Valgrind's XML protocol 4
   (docs/internals/xml-output-protocol4.txt of Valgrind 3.19; later protocols,
   up to 6, change nothing here): the core writes the rest.

   Memcheck's kinds where there are such, and Leak_GarbageCycle,
   Leak_SurplusReferences and Leak_Interpreter. A Python frame is a <frame> with fn,
   dir, file and line, and an <ip> of 0x0. Bytes that XML cannot hold are written as escapes. */
#ifndef PM_XML_H
#define PM_XML_H

#include "heap/pm_suppressions.h"
#include "report/pm_text_parts.h"

struct pm_xml {
    struct pm_text *text;           /* from pm_text_init; its sink is not used */
    const struct pm_sink *out;      /* gets whole lines */
    /* A code address of a native frame, 0 if none is known. */
    u64 (*address)(void *context, struct pm_frame_id frame);
    void *context;
};

void pm_xml_write_loss(const struct pm_xml *xml, const struct pm_loss *loss, u32 number, u32 count);

/* As pm_text_write_wrong_free: what the address is in is left to the caller if it is in no known block. */
void pm_xml_write_wrong_free(const struct pm_xml *xml, const struct pm_wrong_free *wrong);

/* <suppression>: the entry that pm_suppression_suggest gives. */
void pm_xml_write_suppression(const struct pm_xml *xml, const struct pm_suppression_tables *tables,
                              const struct pm_suppression_subject *subject);

#endif
