# SPDX-License-Identifier: GPL-2.0-or-later
"""The test puts this file into a zip file, under this name and another."""


def function(kept, take, size):
    kept.append(bytearray(size)); take("zipped")
