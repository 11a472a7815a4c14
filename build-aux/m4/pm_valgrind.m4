# SPDX-License-Identifier: GPL-2.0-or-later
# Everything that configure must know about the Valgrind that we build against.
#
# Variables set for the Makefile:
#   VALGRIND            the program that runs the tool
#   VALGRIND_VERSION    e.g. 3.19.0
#   VALGRIND_CPPFLAGS   to find the tool headers
#   VALGRIND_LIB_DIR    folder of the static libraries
#   VALGRIND_TOOL_DIR   folder in which this Valgrind looks for its tools
#   PM_TOOL_DIR         folder in which make install puts ours
#   PM_LOAD_ADDRESS     the address that the tool is linked at
#   PM_HAVE_ORIG_ALIGN  0 or 1, see config.h.in
#   PM_HAVE_REALLOC_ZERO_FREES  the same
#   PM_CORE_...         see PM_CHECK_CORE

# PM_CHECK_COMPILER
# Comes before AC_PROG_CC, whose message names no package.
AC_DEFUN([PM_CHECK_COMPILER], [
AC_BEFORE([$0], [AC_PROG_CC])
AS_IF([test -z "$CC"], [
    AC_MSG_CHECKING([for a C compiler that can link])
    pm_cc_found=
    for pm_cc in gcc cc clang; do
        AS_IF([test -z "$pm_cc_found" &&
               echo 'int main(void) { return 0; }' |
                   $pm_cc -x c -o conftest.pm - >/dev/null 2>&1],
            [pm_cc_found=$pm_cc])
        rm -f conftest.pm
    done
    AS_IF([test -n "$pm_cc_found"],
        [AC_MSG_RESULT([$pm_cc_found])],
        [AC_MSG_RESULT([no])
         AC_MSG_ERROR([no C compiler works here: install the packages gcc and libc6-dev (Debian) or gcc and glibc-devel (Fedora), or name a compiler by CC=...])])
])
])

# PM_CHECK_PLATFORM
# The tool is linked with Valgrind's amd64-linux libraries and reads amd64 stacks. On another platform it would not
# even link.
AC_DEFUN([PM_CHECK_PLATFORM], [
AC_MSG_CHECKING([for x86-64 Linux])
AC_COMPILE_IFELSE([AC_LANG_SOURCE([
#if !defined(__x86_64__) || defined(__ILP32__) || !defined(__linux__)
#error not amd64-linux
#endif
])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([pymemcheck runs on 64-bit x86 Linux only (Valgrind's amd64-linux), and this compiler builds for $host.])])
])

# PM_FIND_VALGRIND
# Finds it by --with-valgrind=PREFIX, else by pkg-config's own search path.
AC_DEFUN([PM_FIND_VALGRIND], [
AC_ARG_WITH([valgrind],
    [AS_HELP_STRING([--with-valgrind=PREFIX],
        [use the Valgrind installed under PREFIX @<:@found by pkg-config@:>@])],
    [], [with_valgrind=])
AS_CASE([$with_valgrind],
    [yes], [with_valgrind=],
    [no], [AC_MSG_ERROR([pymemcheck is a Valgrind tool and cannot be built --without-valgrind.])],
    [''|/*], [],
    [AC_MSG_ERROR([--with-valgrind needs an absolute path, not "$with_valgrind".])])
AC_ARG_VAR([PKG_CONFIG], [the program pkg-config or pkgconf])
AC_PATH_PROGS([PKG_CONFIG], [pkg-config pkgconf])
AS_IF([test -z "$PKG_CONFIG"],
    [AC_MSG_ERROR([pkg-config is missing: install the package pkg-config (Debian) or pkgconf-pkg-config (Fedora).])])

pm_pc=valgrind
PM_DISTCHECK_VALGRIND=
AC_MSG_CHECKING([for Valgrind, 3.19 or later])
AS_IF([test -n "$with_valgrind"], [
    pm_pc=
    for pm_dir in "$with_valgrind"/lib/pkgconfig "$with_valgrind"/lib64/pkgconfig \
                  "$with_valgrind"/lib/x86_64-linux-gnu/pkgconfig \
                  "$with_valgrind"/lib*/pkgconfig "$with_valgrind"/lib/*/pkgconfig \
                  "$with_valgrind"/share/pkgconfig
    do
        AS_IF([test -z "$pm_pc" && test -f "$pm_dir/valgrind.pc"],
            [pm_pc=$pm_dir/valgrind.pc])
    done
    AS_IF([test -z "$pm_pc"], [
        AC_MSG_RESULT([no])
        AC_MSG_ERROR([there is no lib*/pkgconfig/valgrind.pc under $with_valgrind: give the prefix Valgrind was installed with, or install the package valgrind (Debian) or valgrind-devel and valgrind-tools-devel (Fedora).])])
    PM_DISTCHECK_VALGRIND=--with-valgrind=$with_valgrind
])
AC_SUBST([PM_DISTCHECK_VALGRIND])
AS_IF([$PKG_CONFIG --exists "$pm_pc" 2>/dev/null], [], [
    AC_MSG_RESULT([no])
    AC_MSG_ERROR([pkg-config does not find valgrind.pc: install the package valgrind (Debian) or valgrind-devel and valgrind-tools-devel (Fedora), or name another Valgrind by --with-valgrind=PREFIX.])])
VALGRIND_VERSION=`$PKG_CONFIG --modversion "$pm_pc"`
AC_MSG_RESULT([$VALGRIND_VERSION])
AS_VERSION_COMPARE([$VALGRIND_VERSION], [3.19],
    [AC_MSG_ERROR([Valgrind $VALGRIND_VERSION is too old, 3.19 is the first that works: install a newer package valgrind (Debian) or valgrind-devel and valgrind-tools-devel (Fedora), or name another Valgrind by --with-valgrind=PREFIX.])])

pm_valgrind_prefix=$with_valgrind
AS_IF([test -z "$pm_valgrind_prefix"],
    [pm_valgrind_prefix=`$PKG_CONFIG --variable=prefix "$pm_pc"`])
AC_ARG_VAR([VALGRIND], [the valgrind program])
AC_PATH_PROG([VALGRIND], [valgrind], [],
    [$pm_valgrind_prefix/bin:$pm_valgrind_prefix/usr/bin])
AS_IF([test -z "$VALGRIND" && test -z "$with_valgrind"],
    [AC_PATH_PROG([VALGRIND], [valgrind])])
AS_IF([test -z "$VALGRIND"],
    [AC_MSG_ERROR([the program valgrind is missing: install the package valgrind (Debian and Fedora).])])
AC_SUBST([VALGRIND_VERSION])

# If a Valgrind was moved, its .pc names the place that it was built for, where another Valgrind may be. So a prefix
# that was given comes first.
pm_include_dir=`$PKG_CONFIG --variable=includedir "$pm_pc"`
pm_lib_dir=`$PKG_CONFIG --variable=libdir "$pm_pc"`/valgrind
AS_IF([test -n "$with_valgrind"], [
    AS_IF([test -f "$with_valgrind/include/valgrind/pub_tool_basics.h"],
        [pm_include_dir=$with_valgrind/include/valgrind])
    for pm_dir in "$with_valgrind"/lib/x86_64-linux-gnu/valgrind \
                  "$with_valgrind"/lib64/valgrind "$with_valgrind"/lib/valgrind
    do
        AS_IF([test -f "$pm_dir/libcoregrind-amd64-linux.a"], [pm_lib_dir=$pm_dir])
    done])
# As system headers: we cannot mend warnings in them.
VALGRIND_CPPFLAGS="-isystem $pm_include_dir"
# So that <valgrind/valgrind.h> is this Valgrind's, too.
AS_CASE([$pm_include_dir],
    [/usr/include/valgrind], [],
    [*/valgrind], [VALGRIND_CPPFLAGS="$VALGRIND_CPPFLAGS -isystem `dirname "$pm_include_dir"`"])
AC_SUBST([VALGRIND_CPPFLAGS])
PM_TOOL_CPPFLAGS="-DVGA_amd64=1 -DVGO_linux=1 -DVGP_amd64_linux=1 -DVGPV_amd64_linux_vanilla=1"
AC_SUBST([PM_TOOL_CPPFLAGS])
])

# PM_CHECK_VALGRIND_FILES
# Checks the tool headers, the static libraries and the load address.
AC_DEFUN([PM_CHECK_VALGRIND_FILES], [
pm_saved_CPPFLAGS=$CPPFLAGS
CPPFLAGS="$VALGRIND_CPPFLAGS $PM_TOOL_CPPFLAGS $CPPFLAGS"
for pm_header in pub_tool_basics pub_tool_tooliface pub_tool_replacemalloc \
    pub_tool_mallocfree pub_tool_libcassert pub_tool_libcbase pub_tool_libcfile \
    pub_tool_libcprint pub_tool_libcproc pub_tool_options pub_tool_machine \
    pub_tool_stacktrace pub_tool_threadstate pub_tool_debuginfo pub_tool_aspacemgr \
    pub_tool_clientstate pub_tool_clreq pub_tool_redir valgrind
do
    AC_MSG_CHECKING([for $pm_header.h])
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([
#include "pub_tool_basics.h"
#include "pub_tool_vki.h"
#include "$pm_header.h"
int pm_unused;
])],
        [AC_MSG_RESULT([yes])],
        [AC_MSG_RESULT([no])
         AC_MSG_ERROR([Valgrind's tool header $pm_header.h cannot be used (looked in $pm_include_dir): install the package valgrind (Debian) or valgrind-tools-devel (Fedora).])])
done
CPPFLAGS=$pm_saved_CPPFLAGS

AC_MSG_CHECKING([for Valgrind's static libraries])
for pm_lib in coregrind vex replacemalloc_toolpreload gcc-sup; do
    AS_IF([test -f "$pm_lib_dir/lib$pm_lib-amd64-linux.a"], [], [
        AC_MSG_RESULT([no])
        AC_MSG_ERROR([Valgrind's static library lib$pm_lib-amd64-linux.a is not in $pm_lib_dir: install the package valgrind (Debian) or valgrind-tools-devel (Fedora).])])
done
VALGRIND_LIB_DIR=$pm_lib_dir
AC_MSG_RESULT([$VALGRIND_LIB_DIR])
AC_SUBST([VALGRIND_LIB_DIR])

AC_MSG_CHECKING([for the load address of Valgrind's tools])
PM_LOAD_ADDRESS=`$PKG_CONFIG --variable=valt_load_address "$pm_pc"`
AS_CASE([$PM_LOAD_ADDRESS],
    [0x*], [AC_MSG_RESULT([$PM_LOAD_ADDRESS])],
    [''], [PM_LOAD_ADDRESS=0x58000000
           AC_MSG_RESULT([$PM_LOAD_ADDRESS, Valgrind's default, because valgrind.pc names none])],
    [AC_MSG_ERROR([valgrind.pc gives the load address "$PM_LOAD_ADDRESS", which is not a hexadecimal number: reinstall the package valgrind (Debian) or valgrind-devel (Fedora).])])
AC_SUBST([PM_LOAD_ADDRESS])
])

# PM_TRY_MALLOC_REPLACEMENT(EXTRA, IF-COMPILES, IF-NOT)
# Declares VG_(needs_malloc_replacement) again. EXTRA are the additional parameters of some versions. The compiler
# refuses a declaration that differs.
AC_DEFUN([PM_TRY_MALLOC_REPLACEMENT], [
AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#include "pub_tool_basics.h"
#include "pub_tool_tooliface.h"
#define EXTRA $1
extern void VG_(needs_malloc_replacement)(
    void *(*)(ThreadId, SizeT), void *(*)(ThreadId, SizeT),
    void *(*)(ThreadId, SizeT, SizeT EXTRA),
    void *(*)(ThreadId, SizeT), void *(*)(ThreadId, SizeT, SizeT EXTRA),
    void *(*)(ThreadId, SizeT, SizeT EXTRA), void *(*)(ThreadId, SizeT, SizeT),
    void (*)(ThreadId, void *), void (*)(ThreadId, void *),
    void (*)(ThreadId, void *, SizeT), void (*)(ThreadId, void *),
    void (*)(ThreadId, void *, SizeT), void *(*)(ThreadId, void *, SizeT),
    SizeT (*)(ThreadId, void *), SizeT);
]])], [$2], [$3])
])

# PM_CHECK_VALGRIND_API
# Finds out what differs between the tool interfaces of the versions that we support.
AC_DEFUN([PM_CHECK_VALGRIND_API], [
pm_saved_CPPFLAGS=$CPPFLAGS
CPPFLAGS="$VALGRIND_CPPFLAGS $PM_TOOL_CPPFLAGS $CPPFLAGS"
AC_MSG_CHECKING([whether aligned allocation callbacks take orig_align])
PM_TRY_MALLOC_REPLACEMENT([, SizeT],
    [PM_HAVE_ORIG_ALIGN=1
     AC_MSG_RESULT([yes])],
    [PM_TRY_MALLOC_REPLACEMENT([],
        [PM_HAVE_ORIG_ALIGN=0
         AC_MSG_RESULT([no])],
        [AC_MSG_RESULT([unknown])
         AC_MSG_ERROR([Valgrind $VALGRIND_VERSION declares VG_(needs_malloc_replacement) in a way this version of pymemcheck does not know: install a package valgrind (Debian) or valgrind-tools-devel (Fedora) from 3.19 to 3.27.])])])
AC_SUBST([PM_HAVE_ORIG_ALIGN])
AC_MSG_CHECKING([for VG_(clo_realloc_zero_bytes_frees)])
AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#include "pub_tool_basics.h"
#include "pub_tool_replacemalloc.h"
Bool *frees = &VG_(clo_realloc_zero_bytes_frees);
]])],
    [PM_HAVE_REALLOC_ZERO_FREES=1
     AC_MSG_RESULT([yes])],
    [PM_HAVE_REALLOC_ZERO_FREES=0
     AC_MSG_RESULT([no])])
AC_SUBST([PM_HAVE_REALLOC_ZERO_FREES])
CPPFLAGS=$pm_saved_CPPFLAGS
])

# PM_CHECK_CORE
# Features that use more of the core than the tool API. build-aux/check-core proves the rows of
# pymemcheck/tool/core/pm_core_table.h; a feature with a row that it cannot prove is switched off.
#   PM_CORE_DEFINES  lines for config.h
#   PM_CORE_WRAPS    options for the linker
#   PM_CORE_SUPPRESSIONS  0 or 1, for pymemcheck-in-place
AC_DEFUN([PM_CHECK_CORE], [
AC_ARG_WITH([core-off],
    [AS_HELP_STRING([--with-core-off=FEATURES],
        [do without these features that use Valgrind's insides, names separated by commas, or "all" @<:@off are those that this Valgrind is not proved to support@:>@])],
    [], [with_core_off=])
AS_CASE([$with_core_off],
    [yes], [AC_MSG_ERROR([--with-core-off needs names of features, or "all".])],
    [no], [with_core_off=])
AC_MSG_CHECKING([what of Valgrind's core beyond its tool API can be used])
pm_core_said=`CC="$CC" CPPFLAGS="$VALGRIND_CPPFLAGS $PM_TOOL_CPPFLAGS" NM="$NM" AR="$AR" READELF="$READELF" \
    /bin/sh "$srcdir/build-aux/check-core" "\`cd "$srcdir" && pwd\`/pymemcheck/tool/core/pm_core_table.h" \
    "$VALGRIND_LIB_DIR" "$VALGRIND_VERSION" "$with_core_off" 2>conftest.err`
AS_IF([test -n "$pm_core_said" && test ! -s conftest.err], [], [
    AC_MSG_RESULT([unknown])
    AC_MSG_ERROR([`$SED -n 1p conftest.err`])])
rm -f conftest.err
PM_CORE_DEFINES=`AS_ECHO(["$pm_core_said"]) | $SED -n '
    y/abcdefghijklmnopqrstuvwxyz/ABCDEFGHIJKLMNOPQRSTUVWXYZ/
    s/^ON \(@<:@A-Z@:>@*\)$/@%:@define PM_CORE_\1 1/p
    s/^\(OFF\|NONE\) \(@<:@A-Z@:>@*\) .*/@%:@define PM_CORE_\2 0/p'`
PM_CORE_WRAPS=`AS_ECHO(["$pm_core_said"]) | $SED -n 's/^wrap /-Wl,--wrap=/p' | tr '\n' ' '`
pm_core_word=`AS_ECHO(["$pm_core_said"]) | $SED -n 's/^on //p' | tr '\n' ' '`
pm_core_off_lines=`AS_ECHO(["$pm_core_said"]) |
    $SED -n 's/^off \(@<:@a-z@:>@*\) \(.*\)/    core feature OFF      \1: \2/p'`
AS_IF([test -z "$pm_core_word"], [pm_core_word=none])
AC_MSG_RESULT([$pm_core_word])
AC_SUBST([PM_CORE_DEFINES])
AC_SUBST([PM_CORE_WRAPS])
PM_CORE_SUPPRESSIONS=0
AS_CASE([" $pm_core_word "], [*' suppressions '*], [PM_CORE_SUPPRESSIONS=1])
AC_SUBST([PM_CORE_SUPPRESSIONS])
])

# PM_FIND_TOOL_DIR
# The folder in which a Valgrind looks for tools is compiled into its launcher, which prints it with -d. Under a
# prefix that was given (its Valgrind may have been moved, see above), or if the launcher cannot run here, we take the
# folder that holds none-amd64-linux, a tool that every Valgrind has.
AC_DEFUN([PM_FIND_TOOL_DIR], [
AC_ARG_WITH([tool-dir],
    [AS_HELP_STRING([--with-tool-dir=DIR],
        [install the tool into DIR @<:@where the Valgrind found looks for its tools@:>@])],
    [], [with_tool_dir=])
AS_CASE([$with_tool_dir],
    [yes|no], [AC_MSG_ERROR([--with-tool-dir needs a folder.])],
    [''|/*|NONE/*], [],
    [AC_MSG_ERROR([--with-tool-dir needs an absolute path, not "$with_tool_dir".])])
AC_MSG_CHECKING([where this Valgrind looks for its tools])
pm_launcher_dir=`env -u VALGRIND_LIB "$VALGRIND" -d --tool=none /bin/true 2>&1 |
    $SED -n 's|^.*launcher launching \(.*\)/none-amd64-linux$|\1|p'`
VALGRIND_TOOL_DIR=
AS_IF([test -z "$with_valgrind"], [VALGRIND_TOOL_DIR=$pm_launcher_dir])
for pm_dir in "$pm_valgrind_prefix"/libexec/valgrind "$VALGRIND_LIB_DIR" \
              "$pm_valgrind_prefix"/lib/valgrind "$pm_valgrind_prefix"/lib64/valgrind \
              "$pm_valgrind_prefix"/lib/x86_64-linux-gnu/valgrind "$pm_launcher_dir"
do
    AS_IF([test -z "$VALGRIND_TOOL_DIR" && test -x "$pm_dir/none-amd64-linux"],
        [VALGRIND_TOOL_DIR=$pm_dir])
done
AS_IF([test -x "$VALGRIND_TOOL_DIR/none-amd64-linux"], [],
    [AC_MSG_RESULT([not found])
     AC_MSG_ERROR([the tools of $VALGRIND were not found (no folder holds none-amd64-linux): install the package valgrind (Debian and Fedora).])])
AC_MSG_RESULT([$VALGRIND_TOOL_DIR])
AC_SUBST([VALGRIND_TOOL_DIR])
PM_TOOL_DIR=$with_tool_dir
AS_IF([test -z "$PM_TOOL_DIR"], [PM_TOOL_DIR=$VALGRIND_TOOL_DIR])
AC_SUBST([PM_TOOL_DIR])
])

# PM_CHECK_LTO
# Whether the tool can be optimised as a whole when it is linked. Its parts stand in for functions of the core
# (PM_CORE_WRAPS), which not every linker does in a file that is optimised so. Comes after all that changes CFLAGS.
#   PM_LTO  options for the compiler and for the linker, or nothing
AC_DEFUN([PM_CHECK_LTO], [
AC_ARG_ENABLE([lto],
    [AS_HELP_STRING([--disable-lto], [do not optimise the tool as a whole @<:@where the compiler can@:>@])],
    [], [enable_lto=yes])
AC_MSG_CHECKING([whether the tool can be optimised when it is linked])
PM_LTO=
AS_IF([test "x$enable_lto" != xno], [
    pm_lto="-O2 -flto=auto -ffat-lto-objects"
    AS_ECHO(["int inner(void) { return 2; }"]) >conftest-inner.c
    AS_ECHO(["int inner(void); int outer(void) { return inner(); }"]) >conftest-core.c
    AS_ECHO(["int outer(void), __real_inner(void); int __wrap_inner(void) { return 40 + __real_inner(); }
        int main(void) { return outer() != 42; }"]) >conftest-tool.c
    AS_IF([$CC $CFLAGS -Werror -O2 -c conftest-core.c conftest-inner.c >/dev/null 2>&1 &&
           $CC $CFLAGS -Werror $pm_lto -c conftest-tool.c >/dev/null 2>&1 &&
           $CC $pm_lto -o conftest-lto conftest-tool.o conftest-core.o conftest-inner.o -Wl,--wrap=inner 2>conftest.err &&
           test ! -s conftest.err && ./conftest-lto],
        [PM_LTO=$pm_lto])
    rm -f conftest*])
AS_IF([test -n "$PM_LTO"], [AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])])
AC_SUBST([PM_LTO])
])
