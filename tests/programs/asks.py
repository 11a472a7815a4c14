# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks the tool while it runs, by the functions of the package pymemcheck. Ends with an AssertionError where an answer is
wrong; prints "done". PYTHONPATH must lead to the package and to the extensions pm_lose_builtin and
pm_lose_types of tests/leaks/python."""
import ctypes
import gc
import os
import re
import sys
import threading
import time
import unittest

import pm_lose_builtin as lose
import pm_lose_types as lose_types
import pymemcheck
from pymemcheck import client_requests

HELD = [object()]


def check_basics():
    assert pymemcheck.under_tool() and pymemcheck.why_not() is None and client_requests.version() >= 1
    before, mark = pymemcheck.counters(), pymemcheck.mark()
    kept = bytearray(1 << 20)
    after = pymemcheck.counters()
    assert after.live_bytes - before.live_bytes >= len(kept) and after.tool_bytes > 1 << 20
    assert after.allocs > before.allocs and pymemcheck.mark() > mark


def check_searches():
    mark = pymemcheck.mark()
    lose.a_list(3)
    found = pymemcheck.leak_check(since=mark)
    assert [(record.kind, record.types[0], record.indirect_blocks) for record in found] == [("definite", ("list", 1), 4)], found
    assert found[0].frames and "check_searches" in [frame.function for frame in found[0].frames]
    text = found.text()
    assert "are definitely lost in loss record 1 of 1" in text and "lose.a_list(3)" in text and "check_searches" in text
    assert pymemcheck.leak_check(since=found.mark) == [] and pymemcheck.leak_check(since=mark, kinds="cycle,surplus") == []
    assert len(pymemcheck.leak_check(since=mark, kinds=["definite"])) == 1
    try:
        pymemcheck.leak_check(kinds="lost")
        raise AssertionError("kinds")
    except ValueError as error:
        assert "'lost'" in str(error)


def lose_dicts():
    """More than one: a dead pointer in a frame of the evaluation loop may hide the last."""
    for number in range(5):
        lose.a_dict(number)


def keep_references(count=5):
    for _ in range(count):
        lose.keep_reference(HELD[0])


def check_old_pointers():
    """Memory that was free when a search found pointers to it is nobody's until the next search: its next owner would
    pass for one that is reachable."""
    pointers = (ctypes.c_size_t * 64)()
    blocks = [bytes(1000) for _ in pointers]
    pointers[:] = old = [id(block) for block in blocks]
    blocks = None

    def handed_out():
        # Many: what was freed first is handed out again.
        return len({id(bytes(1000)) for _ in range(20000)}.intersection(old))

    assert handed_out() >= 32, handed_out()
    pymemcheck.leak_check()
    again = handed_out()
    assert again <= 4, again        # what the call itself used during the search was not free then
    pointers[:] = [0] * len(pointers)
    pymemcheck.leak_check()
    assert handed_out() >= 32, handed_out()


def check_no_leaks():
    with pymemcheck.no_leaks():
        [bytearray(100) for _ in range(100)]
    try:
        with pymemcheck.no_leaks():
            lose_dicts()
        raise AssertionError("nothing was said")
    except pymemcheck.LeakError as error:
        assert "1 leak, " in str(error) and error.grown[0].record.types[0][0] == "dict"
    with pymemcheck.no_leaks(filter_fn=lambda record: record.types[0][0] != "dict"):
        lose_dicts()
    try:                                        # of an object that is older
        with pymemcheck.no_leaks():
            keep_references()
        raise AssertionError("nothing was said")
    except pymemcheck.LeakError as error:
        assert error.grown[0].record.kind == "surplus"
    try:
        with pymemcheck.no_leaks():
            lose_dicts()
            raise KeyError("its own error matters more")
    except KeyError:
        pass

    calls = []

    @pymemcheck.no_leaks(runs=(1, 2))
    def first_time_only():
        calls.append(1)
        if len(calls) == 1:
            lose.a_list(0)
        return "result"
    assert first_time_only() == "result" and len(calls) == 3

    @pymemcheck.no_leaks(runs="1:2")
    def each_time():
        lose_dicts()
    try:
        each_time()
        raise AssertionError("nothing was said")
    except pymemcheck.LeakError as error:
        assert re.search(r"leaked \[\d, \d\] blocks in 2 runs", str(error)), error


def check_depths():
    """A loss in a deeper call than the search leaves dead pointers where the frames of the calls to the search are made."""
    def lose_cycle(depth):
        if depth:
            return lose_cycle(depth - 1)
        first, second = lose_types.Node(), lose_types.Node()
        first.next, second.next = second, first

    checked, missed = pymemcheck.no_leaks()(lose_cycle), []
    lose_cycle(3)
    for depth in range(12):
        try:
            checked(depth)
            missed.append(depth)
        except pymemcheck.LeakError as error:
            assert error.grown[0].record.kind == "cycle"
    assert not missed, missed


class Tests(pymemcheck.NoLeaksMixin, unittest.TestCase):
    pymemcheck_runs = (1, 1)

    def test_leak(self):
        lose_dicts()

    def test_clean(self):
        pass


def check_unittest():
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Tests).run(result)
    assert [test.id().split(".")[-1] for test, _ in result.failures] == ["test_leak"] and not result.errors, result


class Mine:
    pass


def check_objects():
    mine = [Mine() for _ in range(17)]
    holder = {"mine": mine[3]}
    found = pymemcheck.referrers(mine[3])
    assert {(each.type, each.field) for each in found if each.holder == "block"} >= {("list", "[3]"), ("dict", "['mine']")}, found

    def blocks(referrers):      # registers and stacks are those of the call itself
        return {(each.type, each.field) for each in referrers if each.holder == "block"}

    assert blocks(pymemcheck.referrers(mine[3], references=False)) >= blocks(found) and holder
    traceback = pymemcheck.get_object_traceback(mine[3])
    assert os.path.basename(traceback[-1].filename) == "asks.py"


def check_control():
    with pymemcheck.phase("outer"), pymemcheck.phase("inner"):
        pass
    try:
        client_requests.phase_end("never begun")
        raise AssertionError("phase")
    except pymemcheck.RequestError as error:
        assert error.answer == client_requests.BAD_ARGUMENT
    with pymemcheck.not_recorded():
        bytearray(1000)
    assert client_requests.block_info(8) is None
    try:
        client_requests.request("no such request", 9999)
        raise AssertionError("number")
    except pymemcheck.RequestError as error:
        assert error.answer == client_requests.NOT_SUPPORTED
    pymemcheck.write_profile("asked.json")
    assert pymemcheck.Profile.load("asked.json").run["end"] == "running"
    try:
        pymemcheck.write_profile("/no/such/folder/file")
        raise AssertionError("file")
    except pymemcheck.RequestError as error:
        assert error.answer == client_requests.FAILED


def check_tracing():
    pymemcheck.clear_traces()
    kept = [bytearray(1000) for _ in range(10)]
    snapshot = pymemcheck.take_snapshot()
    here = [each for each in snapshot.statistics("lineno") if os.path.basename(each.traceback[0].filename) == "asks.py"]
    assert here[0].size >= 10000 and here[0].count >= 20, here
    domains = {trace.domain for trace in snapshot.traces}
    assert domains <= set(range(len(pymemcheck.DOMAINS))) and kept


def check_elsewhere():
    """In a thread, and in a fork child."""
    found = []

    main = threading.get_ident()

    def search():
        # Until the main thread waits in join(), it overwrites dead pointers to what earlier checks lost.
        while sys._current_frames()[main].f_code.co_name not in ("_wait_for_tstate_lock", "join"):
            time.sleep(0.01)
        try:
            with pymemcheck.no_leaks():
                pass
            found.append(None)
        except BaseException as error:
            found.append(error)
    thread = threading.Thread(target=search)
    thread.start()
    thread.join()
    assert found == [None], found
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with pymemcheck.no_leaks():
                pass
            status = 0 if pymemcheck.counters().live_blocks > 0 else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


for check in (check_basics, check_searches, check_old_pointers, check_no_leaks, check_depths, check_unittest, check_objects,
              check_control, check_tracing, check_elsewhere):
    check()
    gc.collect()
print("done")
