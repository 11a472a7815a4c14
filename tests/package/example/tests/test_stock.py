# SPDX-License-Identifier: GPL-2.0-or-later
import unittest

from shop import stock


class Stock(unittest.TestCase):
    def test_count(self):
        for _ in range(10):
            self.assertEqual(stock.count(["apple", "pear", "apple"]), 2)
