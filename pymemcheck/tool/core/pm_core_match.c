/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares a name with a pattern as VG_(string_match) does (pub_tool_seqmatch.h: '*' is any text, '?' any
   character), but without measuring both texts first when their first letters differ.

   When an object is loaded the core compares each of its symbols with each function that is
   replaced: 1.5 million times for python3.11 and its libraries. The linker leads the core's calls from
   other files here (--wrap). */
#include "tool/core/pm_core_symbols.h"

#if PM_CORE_MATCH

Bool __wrap_vgPlain_string_match(const HChar *pattern, const HChar *input)
{
    for (; *pattern != '*' && *pattern != '?'; pattern++, input++) {
        if (*pattern != *input)
            return False;
        if (*pattern == '\0')
            return True;
    }
    return __real_vgPlain_string_match(pattern, input);
}

#endif
