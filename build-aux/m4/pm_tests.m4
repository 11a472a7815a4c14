# SPDX-License-Identifier: GPL-2.0-or-later
# What only make check needs. Nothing here ends configure or warns: the tool is
# built without, and most who build it do not run the tests. make check
# fails, with a sentence that says what to install, where a part of the tests could not run.

# PM_CHECK_TEST_PROGRAMS
# Sets for the Makefile: CMOCKA_CFLAGS, CMOCKA_LIBS, JANSSON_CFLAGS, JANSSON_LIBS,
# PM_PYTEST_PYTHON (empty if no Python here has pytest), PM_UNIT_TESTS_MISSING and
# PM_PYTEST_MISSING (the sentence to print, or empty), and the condition
# PM_UNIT_TESTS.
AC_DEFUN([PM_CHECK_TEST_PROGRAMS], [
PM_SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all"
AC_SUBST([PM_SANITIZE])
PM_UNIT_TESTS_MISSING=
pm_unit_tests_word="built by make check"
pm_saved_CFLAGS=$CFLAGS
pm_saved_LIBS=$LIBS
AC_MSG_CHECKING([for the address and undefined-behaviour sanitizers])
CFLAGS="$CFLAGS $PM_SANITIZE"
AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     pm_unit_tests_word="left out, without the sanitizers' libraries (only make check needs them)"
     PM_UNIT_TESTS_MISSING="the sanitizers' libraries are missing: install the package libgcc-12-dev, or that of your gcc (Debian), or libasan and libubsan (Fedora)."])
CFLAGS=$pm_saved_CFLAGS

AC_MSG_CHECKING([for cmocka])
CMOCKA_CFLAGS=`$PKG_CONFIG --cflags cmocka 2>/dev/null`
CMOCKA_LIBS=`$PKG_CONFIG --libs cmocka 2>/dev/null`
AS_IF([test -z "$CMOCKA_LIBS"], [CMOCKA_LIBS=-lcmocka])
CFLAGS="$CFLAGS $CMOCKA_CFLAGS"
LIBS="$CMOCKA_LIBS $LIBS"
AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
]], [[cmocka_set_message_output(CM_OUTPUT_STDOUT);]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     pm_unit_tests_word="left out, without cmocka (only make check needs it)"
     PM_UNIT_TESTS_MISSING="cmocka is missing: install the package libcmocka-dev (Debian) or libcmocka-devel (Fedora)."])
CFLAGS=$pm_saved_CFLAGS
LIBS=$pm_saved_LIBS

AC_MSG_CHECKING([for jansson])
JANSSON_CFLAGS=`$PKG_CONFIG --cflags jansson 2>/dev/null`
JANSSON_LIBS=`$PKG_CONFIG --libs jansson 2>/dev/null`
AS_IF([test -z "$JANSSON_LIBS"], [JANSSON_LIBS=-ljansson])
CFLAGS="$CFLAGS $JANSSON_CFLAGS"
LIBS="$JANSSON_LIBS $LIBS"
AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <jansson.h>]],
                                [[json_decref(json_true());]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     pm_unit_tests_word="left out, without jansson (only make check needs it)"
     PM_UNIT_TESTS_MISSING="jansson is missing: install the package libjansson-dev (Debian) or jansson-devel (Fedora)."])
CFLAGS=$pm_saved_CFLAGS
LIBS=$pm_saved_LIBS

AC_SUBST([CMOCKA_CFLAGS])
AC_SUBST([CMOCKA_LIBS])
AC_SUBST([JANSSON_CFLAGS])
AC_SUBST([JANSSON_LIBS])
AC_SUBST([PM_UNIT_TESTS_MISSING])
AM_CONDITIONAL([PM_UNIT_TESTS], [test -z "$PM_UNIT_TESTS_MISSING"])
AC_ARG_VAR([PYTHON], [a Python 3 that has pytest, for make check])
AC_MSG_CHECKING([for a Python that has pytest])
PM_PYTEST_PYTHON=
for pm_python in ${PYTHON:-python3 /usr/bin/python3}; do
    AS_IF([test -z "$PM_PYTEST_PYTHON" && "$pm_python" -c 'import pytest' >/dev/null 2>&1],
        [PM_PYTEST_PYTHON=`"$pm_python" -c 'import sys; print(sys.executable)'`])
done
PM_PYTEST_MISSING=
AS_IF([test -n "$PM_PYTEST_PYTHON"],
    [AC_MSG_RESULT([$PM_PYTEST_PYTHON])
     pm_pytest_word=$PM_PYTEST_PYTHON],
    [AC_MSG_RESULT([no])
     PM_PYTEST_MISSING="pytest is missing: install the package python3-pytest (Debian and Fedora), or name a Python that has it by PYTHON=..."
     pm_pytest_word="none here (only make check needs it)"])
AC_SUBST([PM_PYTEST_PYTHON])
AC_SUBST([PM_PYTEST_MISSING])
])
