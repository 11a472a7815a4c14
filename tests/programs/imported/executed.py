# SPDX-License-Identifier: GPL-2.0-or-later
"""For execfile, by stacks_2_7.py."""
take("in an executed file")


def function():
    take("function of an executed file")


function()
