/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An execve that will fail. The core checks the file itself, but not the interpreter that it names, and ends
   the program when the kernel refuses after that ("EXEC FAILED: I can't recover from execve() failing",
   coregrind/m_syswrap/syswrap-generic.c, 3.19 to 3.27). Here the program gets its error, as natively. The
   linker leads the core's call of VG_(pre_exec_check) from there here (--wrap). */
#include "tool/core/pm_core_symbols.h"

#include "tool/pm_executable.h"

#if PM_CORE_EXEC

SysRes __wrap_vgPlain_pre_exec_check(const HChar *path, Int *fd, Bool allow_setuid)
{
    SysRes checked = __real_vgPlain_pre_exec_check(path, fd, allow_setuid);
    const int error = sr_isError(checked) || fd != NULL ? 0 : pm_executable_error(path);

    return error == 0 ? checked : vgPlain_mk_SysRes_Error((UWord)error);
}

#endif
