# SPDX-License-Identifier: GPL-2.0-or-later
"""A small package with an extension: the example of docs/nightly.md."""
