# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing but starting the interpreter and ending it."""
print("started")
