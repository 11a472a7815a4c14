/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions as in the AMD64 Architecture Programmer's Manual, volume 3: E8 is call with a
   distance; FF 15 and FF 25 are call and jmp through a word at a distance from the next
   instruction; F3 0F 1E FA is endbr64; F2 before a jump is a prefix without effect. */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"

#include "tool/capture/pm_callsite.h"

#include "base/pm_platform.h"

static u64 with_distance(u64 next, const u8 *bytes)
{
    i32 distance;

    pm_copy(&distance, bytes, sizeof distance);
    return next + (u64)(i64)distance;
}

/* The target of a jump in the procedure linkage table, or address itself. */
static u64 follow_linkage(struct pm_reader *reader, u64 address)
{
    static const u8 endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
    u8 bytes[16];
    u64 target;
    size_t at = 0;

    if (!pm_reader_read(reader, address, bytes, sizeof bytes))
        return address;
    if (pm_compare(bytes, endbr, sizeof endbr) == 0)
        at = sizeof endbr;
    if (bytes[at] == 0xf2)
        at++;
    if (bytes[at] != 0xff || bytes[at + 1] != 0x25)
        return address;
    if (!pm_reader_read_u64(reader, with_distance(address + at + 6, bytes + at + 2), &target))
        return address;
    return target;
}

bool pm_callsite_target(struct pm_reader *reader, u64 return_address, u64 *target)
{
    u8 bytes[6];

    if (!pm_reader_read(reader, return_address - sizeof bytes, bytes, sizeof bytes))
        return false;
    if (bytes[0] == 0xff && bytes[1] == 0x15)
        return pm_reader_read_u64(reader, with_distance(return_address, bytes + 2), target);
    if (bytes[1] != 0xe8)
        return false;
    *target = follow_linkage(reader, with_distance(return_address, bytes + 2));
    return true;
}

const char *pm_callsite_function(struct pm_reader *reader, u64 return_address)
{
    const HChar *name;
    u64 target;

    if (!pm_callsite_target(reader, return_address, &target)
            || !VG_(get_fnname_if_entry)(VG_(current_DiEpoch)(), target, &name))
        return NULL;
    return name;
}
