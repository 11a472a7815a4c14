# SPDX-License-Identifier: GPL-2.0-or-later
"""Shuffles the tests if PM_SHUFFLE has a seed."""
import os
import random


def pytest_collection_modifyitems(items):
    if os.environ.get("PM_SHUFFLE"):
        random.Random(int(os.environ["PM_SHUFFLE"])).shuffle(items)
