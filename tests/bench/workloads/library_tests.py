# SPDX-License-Identifier: GPL-2.0-or-later
"""Some of CPython's own tests: containers, text, the collector, weak references. Needs the package test, which Debian has in
libpython3.11-testsuite and pyenv in each version."""
import io
import unittest

MODULES = ["test.test_dict", "test.test_list", "test.test_set.TestSet", "test.test_heapq", "test.test_deque",
           "test.test_bytes.BytesTest", "test.test_textwrap", "test.test_struct",
           "test.test_weakref.MappingTestCase.test_weak_keys", "test.test_weakref.MappingTestCase.test_weak_values",
           "test.test_weakref.MappingTestCase.test_threaded_weak_valued_pop"]

result = unittest.TextTestRunner(stream=io.StringIO()).run(unittest.defaultTestLoader.loadTestsFromNames(MODULES))
print(result.testsRun > 200, len(result.failures), len(result.errors))
