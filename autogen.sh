#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes ./configure from configure.ac. Needed once, in a checkout from version
# control; a release archive brings its own configure.
set -e
cd "$(dirname "$0")"
if ! command -v autoreconf >/dev/null || ! command -v automake >/dev/null; then
    echo "autogen.sh: autoconf and automake are needed; install them with" \
         "'apt-get install autoconf automake' (Debian) or" \
         "'dnf install autoconf automake' (Fedora)." >&2
    exit 1
fi
exec autoreconf --install --warnings=all
