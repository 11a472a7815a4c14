# SPDX-License-Identifier: GPL-2.0-or-later
"""A clean program: objects of the standard library's extensions that are kept to the end, and that hold others. No leak may be
found. Most builds have these extensions as files of their own, Debian's python3 has them in the interpreter."""
import array
import asyncio
import bz2
import collections
import contextvars
import copy
import csv
import ctypes
import datetime
import functools
import hashlib
import io
import itertools
import lzma
import mmap
import operator
import pickle
import queue
import random
import re
import selectors
import socket
import sqlite3
import ssl
import struct
import sys
import threading
import weakref
import xml.etree.ElementTree
import zlib

KEPT = []


def case_elements():
    root = xml.etree.ElementTree.fromstring("<a><b c='1'>x<d/></b><b/>tail</a>")
    for number in range(20):
        child = xml.etree.ElementTree.SubElement(root, "n%d" % number, key=str(number))
        child.text = "text %d" % number
    root.append(xml.etree.ElementTree.SubElement(root, "twice"))
    KEPT.extend([root, list(root.iter()), copy.deepcopy(root)])


def case_database():
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t(a, b)")
    connection.executemany("insert into t values(?, ?)", [(number, str(number)) for number in range(50)])
    connection.row_factory = sqlite3.Row
    cursor = connection.execute("select * from t")
    KEPT.extend([next(cursor), cursor, connection])


def case_time_zones():
    """They have a cache of their own, which keeps the last ones."""
    try:
        import zoneinfo
        zones = [zoneinfo.ZoneInfo(name) for name in ("Europe/Berlin", "Asia/Tokyo", "UTC")]
    except (ImportError, KeyError) as error:
        print("no time zones:", error)
        return
    KEPT.append([datetime.datetime(2020, 1, 2, tzinfo=zone) for zone in zones])


def case_compressors():
    for compressor in zlib.compressobj(), bz2.BZ2Compressor(1), lzma.LZMACompressor(preset=0):
        compressor.compress(b"x" * 1000)
        KEPT.append(compressor)
    for name in "md5", "sha256", "sha3_256", "blake2b":
        KEPT.append(hashlib.new(name, b"x").copy())


def case_iterators():
    first, second = itertools.tee([number] for number in range(200))
    KEPT.append([next(first) for _ in range(100)])
    KEPT.extend([second, itertools.groupby([[1], [1], [2]]), itertools.product([[1]], repeat=2),
                 itertools.chain.from_iterable([[[1]]])])
    cached = functools.lru_cache(5)(lambda number: [number])
    KEPT.append([cached(number) for number in range(20)])
    KEPT.extend([cached, functools.partial(print, [1], end=[2]), functools.cmp_to_key(lambda a, b: 0)([1]),
                 operator.methodcaller("method", [1], key=[2])])


def case_containers():
    numbers = array.array("d", range(50))
    waiting = queue.SimpleQueue()
    for number in range(30):
        waiting.put([number])
    KEPT.append(waiting.get())
    KEPT.extend([memoryview(numbers), waiting, collections.deque(range(100), 50), struct.Struct("<iid"), random.Random(1),
                 collections.OrderedDict((number, [number]) for number in range(20)), re.compile("(a)(b+)").match("abbb")])
    variable = contextvars.ContextVar("variable", default=[1])
    KEPT.extend([variable, variable.set([2]), contextvars.copy_context()])


def case_files():
    content = io.BytesIO()
    pickler = pickle.Pickler(content)
    pickler.dump([[1], {"a": {2}}])
    content.seek(0)
    unpickler = pickle.Unpickler(content)
    text = io.TextIOWrapper(io.BufferedReader(io.FileIO(sys.executable, "rb")), "latin-1")
    text.readline()
    KEPT.extend([pickler, unpickler.load(), unpickler, content.getbuffer(), text, csv.reader(io.StringIO("a,b\n"))])
    memory = mmap.mmap(-1, 4096)
    KEPT.extend([memory, memoryview(memory)])


def case_network():
    one, other = socket.socketpair()
    selector = selectors.DefaultSelector()
    selector.register(one, selectors.EVENT_READ, [1])
    context = ssl.create_default_context()
    secure = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="example")
    try:
        secure.do_handshake()
    except ssl.SSLError as error:
        KEPT.append(str(error))
    KEPT.extend([one, other, selector, context, secure])


def case_threads():
    lock, event, local = threading.RLock(), threading.Event(), threading.local()
    lock.acquire()
    local.value = [1]
    thread = threading.Thread(target=event.wait)
    thread.start()
    event.set()
    thread.join()
    KEPT.extend([lock, local, thread, threading.Condition()])


def case_tasks():
    async def work(number):
        await asyncio.sleep(0.001)
        return [number]

    async def main():
        KEPT.append(asyncio.get_running_loop().create_future())
        return await asyncio.gather(*[work(number) for number in range(10)])

    KEPT.append(asyncio.run(main()))


def case_foreign_functions():
    class Pair(ctypes.Structure):
        _fields_ = [("kept", ctypes.py_object), ("text", ctypes.c_char_p)]

    pair = Pair([1], b"abc")
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(abs)
    KEPT.extend([pair, (Pair * 3)(pair), callback, callback(-3), ctypes.pointer(pair), ctypes.byref(pair)])


def case_weak():
    class Target:
        pass

    target = Target()
    KEPT.extend([target, weakref.WeakKeyDictionary({target: [1]}), weakref.proxy(target)])


for name, case in sorted(globals().copy().items()):
    if name.startswith("case_"):
        case()
