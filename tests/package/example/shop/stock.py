# SPDX-License-Identifier: GPL-2.0-or-later
import os

from . import _native


def count(names):
    """Leaks since last night, if SHOP_NEW_LEAK is set."""
    return _native.count(names, os.environ.get("SHOP_NEW_LEAK") is not None)
