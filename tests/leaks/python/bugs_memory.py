# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory that is no object, locks, threads, C++, ctypes, and objects from free lists."""
import ctypes
import sys
import threading

import cases
import pm_lose_builtin
import pm_lose_calls
import pm_lose_cxx
import pm_lose_memory as lose


def case_raw_domain():
    lose.raw(111)                   # LEAK: definite, raw 1, bytes 111


def case_mem_domain():
    lose.mem(112)                   # LEAK: definite, raw 1, bytes 112


def case_object_domain():
    lose.object(113)                # LEAK: definite, raw 1, bytes 113


def case_large_block():
    lose.mem(200_000)               # LEAK: definite, raw 1, bytes 200000


def case_c_library():
    lose.libc(114)                  # LEAK: definite, raw 1, bytes 114


def case_realloc():
    lose.grown(4000)                # LEAK: definite, raw 1, bytes 4000


def case_strdup():
    lose.copied_text("twenty-two letters, 22")      # LEAK: definite, raw 1, bytes 23


def case_pointer_into_the_middle():
    lose.keep_middle(160)           # LEAK: possible, raw 1, bytes 160


def case_chain():
    lose.chain(20)                  # LEAK: definite, raw 1, indirect 19


def case_lock():
    for _ in range(3):
        lose.lock()                 # LEAK: definite, raw 3


def case_thread_specific_data():
    def work():
        lose.keep_in_thread(2)      # LEAK: definite, list 3, indirect 9, taker keep_in_thread

    for _ in range(3):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()


def case_thread_of_c():
    def work():
        return [7.5]                # LEAK: definite, list 2, indirect 3, taker thread_main

    lose.in_thread(work)
    lose.in_thread(work)


def case_thread_state():
    def work():
        repr([1.5])                 # LEAK: definite, dict 1, indirect >=2 if release or <3.13

    # Finalization aborts there on a thread state that nobody cleared (Python/pystate.c, tstate_delete_common).
    if sys.version_info >= (3, 13) and hasattr(sys, "gettotalrefcount"):
        return
    lose.in_thread_with_state(work)


def case_lock_object():
    pm_lose_builtin.result_of(threading.Lock)       # LEAK: definite, _thread.lock 1, indirect >=0, taker result_of


def case_recycled_list_headers():
    for _ in range(100):
        [[], [], []]
    for _ in range(10):
        mine = []                   # LEAK: definite, list 10, taker keep_reference
        pm_lose_builtin.keep_reference(mine)


def case_recycled_float_headers():
    total = 0.5
    for number in range(200):
        total += number
    for number in range(10):
        mine = total + number       # LEAK: definite, float 10, taker keep_reference
        pm_lose_builtin.keep_reference(mine)


def case_recycled_tuple_headers():
    first, second = 8.5, 9.5
    for _ in range(100):
        (first, second)
    for _ in range(10):
        mine = (first, second)      # LEAK: definite, tuple 10, indirect >=0, taker keep_reference
        pm_lose_builtin.keep_reference(mine)


def case_recycled_dict_headers():
    for _ in range(100):
        [{}, {}, {}]
    for _ in range(10):
        mine = {}                   # LEAK: definite, dict 10, taker keep_reference
        pm_lose_builtin.keep_reference(mine)


def case_ctypes_incref():
    mine = {"held by": "ctypes"}    # LEAK: definite, dict 1, indirect >=1, taker _ctypes_callproc|_call_function_pointer
    if not cases.CAREFUL:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(mine))


def case_ctypes_malloc():
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    memory = library.malloc(115)    # LEAK: definite, raw 1, bytes 115
    if cases.CAREFUL:
        library.free(memory)


def case_new():
    pm_lose_cxx.one_new()           # LEAK: definite, raw 1, bytes 16


def case_new_array():
    pm_lose_cxx.array_new(50)       # LEAK: definite, raw 1, bytes 400


def case_string_in_lost_object():
    pm_lose_cxx.with_text()         # LEAK: definite, raw 1, indirect 1


def case_references_in_a_vector():
    pm_lose_cxx.references(6)       # LEAK: definite, float 6, taker references


def case_c_exception_over_release():
    try:
        pm_lose_cxx.thrown_over()   # LEAK: definite, list 1, taker thrown_over
    except RuntimeError:
        pass


def case_error_in_a_loop():
    for text in ("", "bad"):
        try:
            pm_lose_calls.parse(text)       # LEAK: definite, dict 1, indirect >=1, taker parse
        except ValueError:
            pass


cases.run(globals(), pm_lose_builtin, pm_lose_calls, pm_lose_cxx)
