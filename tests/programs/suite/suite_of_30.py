# SPDX-License-Identifier: GPL-2.0-or-later
"""A suite of 30 tests of extensions, for the pytest plugin (tests/package/test_pytest_plugin.py): twelve leak, each in
another way; six fill caches when they first run; four differ from run to run, by hash or time; eight are clean. The
extensions are those of tests/leaks/python, and pm_caches.c."""
import functools
import os
import random
import re
import threading
import time

import pytest

import pm_caches
import pm_lose_builtin
import pm_lose_calls
import pm_lose_cxx
import pm_lose_memory
import pm_lose_types

KEPT = [object()]
SEEN = {}


# --- Twelve that leak ---

def test_leak_list():
    pm_lose_builtin.a_list(3)


def test_leak_str():
    pm_lose_builtin.a_str()


def test_leak_module():
    pm_lose_builtin.a_module()


def test_leak_on_error_path():
    with pytest.raises(ValueError):
        pm_lose_calls.parse("text")


@pytest.mark.parametrize("count", [4])
def test_leak_in_callback(count):
    for _ in range(count):
        pm_lose_calls.call_back(lambda: {"made in": "a callback"})


def test_leak_of_reference_to_old_object():
    pm_lose_builtin.keep_reference(KEPT[0])


class TestClass:
    def test_leak_in_dealloc(self):
        pm_lose_types.Box(None, "data")

    def test_leak_cycle(self):
        first, second = pm_lose_types.Node(), pm_lose_types.Node()
        first.next, second.next = second, first


def test_leak_raw_memory():
    pm_lose_memory.raw(111)


def test_leak_c_library():
    pm_lose_memory.libc(114)


def test_leak_in_thread():
    thread = threading.Thread(target=pm_lose_builtin.a_dict, args=(4,))
    thread.start()
    thread.join()


def test_leak_cxx():
    pm_lose_cxx.array_new(50)


# --- Six that fill caches ---

def test_cache_interned():
    assert pm_caches.interned() is pm_caches.interned()


def test_cache_lost_once():
    pm_caches.lost_once()


def test_cache_table():
    pm_caches.table()


def test_cache_singleton():
    assert pm_caches.singleton() == []


@functools.lru_cache(maxsize=None)
def squares(limit):
    return [n * n for n in range(limit)]


def test_cache_of_functions():
    assert len(squares(100)) == 100
    assert re.compile("(a|b)*c" + "d" * 50).match("abcd" + "d" * 49)


def test_cache_lazy_import():
    import xml.dom.minidom
    assert xml.dom.minidom.parseString("<a><b/></a>").documentElement.tagName == "a"


# --- Four that differ from run to run ---

def test_flaky_every_other_time():
    pm_caches.sometimes()


def test_flaky_by_hash():
    words = {str(n) * 3 for n in range(20)}
    SEEN[hash(str(time.time())) % 7] = sorted(words, key=hash)[:3]


def test_flaky_by_time():
    SEEN["history"] = [bytearray(random.randrange(1, 2000)) for _ in range(time.time_ns() % 20 if hasattr(time, "time_ns") else 5)]


def test_flaky_garbage():
    """Cycles for the collector, now and then."""
    for number in range(random.randrange(1, 50)):
        item = [number]
        item.append(item)


# --- Eight that are clean ---

@pytest.fixture(scope="module")
def leaky_fixture():
    """Loses memory once, for all tests that use it."""
    pm_lose_builtin.a_tuple(3)
    return 5


@pytest.fixture(scope="session")
def large_fixture():
    return [bytearray(1000) for _ in range(100)]


def test_clean_with_fixture(large_fixture):
    assert len(large_fixture) == 100


def test_clean_files(tmp_path):
    (tmp_path / "x").write_text("text")
    assert os.listdir(str(tmp_path)) == ["x"]


def test_clean_output(capsys):
    print("something")
    assert capsys.readouterr().out == "something\n"


@pytest.mark.parametrize("size", [1, 1000])
def test_clean_memory(size, monkeypatch):
    monkeypatch.setitem(SEEN, "monkey", size)
    assert len(pm_lose_builtin.__doc__ or "" + "x" * size) >= 0


def test_clean_generator():
    assert sum(n for n in range(100)) == 4950


def test_clean_exception():
    with pytest.raises(ZeroDivisionError):
        1 / 0


def test_clean_thread():
    results = []
    thread = threading.Thread(target=results.append, args=([1],))
    thread.start()
    thread.join()
    assert results == [[1]]
