# SPDX-License-Identifier: GPL-2.0-or-later
"""stacks_2_7.py runs this file with execfile."""
take("in an executed file")


def function():
    take("function of an executed file")


function()
