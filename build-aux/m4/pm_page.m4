# SPDX-License-Identifier: GPL-2.0-or-later
# What the page of "pymemcheck html" needs. Nothing here ends configure unless
# --enable-page asks for the page: all else works without.

# PM_CHECK_PAGE
# Sets for the Makefile NPM, ESBUILD (empty: npm's) and the condition
# PM_HAVE_PAGE: the page's script can be built, or lies in the source folder, as
# in an archive. Sets pm_page_word for the summary.
AC_DEFUN([PM_CHECK_PAGE], [
AC_ARG_ENABLE([page],
    [AS_HELP_STRING([--disable-page], [build without the page of "pymemcheck html"; npm fetches its libraries])],
    [], [enable_page=auto])
AC_ARG_VAR([NPM], [npm, for the page of "pymemcheck html"])
AC_ARG_VAR([ESBUILD], [esbuild, in place of npm's])
AC_PATH_PROG([NPM], [npm])
AC_PATH_PROG([NODE], [node])
AC_PATH_PROG([ESBUILD], [esbuild])
pm_page_word=yes
AS_IF([test "x$enable_page" = xno],
    [pm_page_word="no (--disable-page)"],
  [test -f "$srcdir/page/dist/page.js"],
    [pm_page_word="yes, the one that lies in the source folder"],
  [test -z "$NPM" || test -z "$NODE"],
    [pm_page_word="no: npm is missing. Install the package npm to have it; all else works without"],
    [AC_MSG_CHECKING([whether npm can fetch the page's libraries])
     AS_MKDIR_P([page])
     AS_IF([NPM="$NPM" "$srcdir/pymemcheck/page/build" --fetch "`cd "$srcdir" && pwd`/pymemcheck/page" \
            "`pwd`/page" >&AS_MESSAGE_LOG_FD 2>&1],
         [AC_MSG_RESULT([yes])],
         [AC_MSG_RESULT([no])
          pm_page_word="no: npm cannot fetch the libraries (config.log says why); all else works without"])])
AS_CASE([$enable_page:$pm_page_word],
    [yes:no*], [AC_MSG_ERROR([--enable-page: $pm_page_word])])
AM_CONDITIONAL([PM_HAVE_PAGE], [case $pm_page_word in yes*) :;; *) false;; esac])
])
