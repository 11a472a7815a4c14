/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names compared with patterns, as VG_(string_match) does (coregrind/m_seqmatch.c, 3.19 to 3.27: '*' is any text, '?'
   any character, nothing else is special), but without measuring and searching where the first letters
   tell. When an object is loaded the core compares each of its symbols with each function that is
   replaced: of python3.11 and its libraries a million and a half times. The linker leads the core's calls from
   other files here (--wrap). */
#include "pub_tool_basics.h"

extern Bool __real_vgPlain_string_match(const HChar *pattern, const HChar *input);
extern Bool __wrap_vgPlain_string_match(const HChar *pattern, const HChar *input);

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
