# SPDX-License-Identifier: GPL-2.0-or-later
"""Clean programs: the standard library's own extensions. No leak may be found."""
import array
import csv
import ctypes
import datetime
import decimal
import enum
import fractions
import hashlib
import io
import itertools
import json
import logging
import random
import re
import sqlite3
import struct
import unicodedata
import xml.etree.ElementTree
import zlib

import cases

KEPT = []


def case_json():
    value = {"list": [1, 2.5, None, True], "text": "caf\xe9", "inner": [{"n": n} for n in range(50)]}
    text = json.dumps(value, indent=1)
    KEPT.append(json.loads(text))
    try:
        json.loads(text[:-5])
    except ValueError as error:
        KEPT.append(error)


def case_re():
    pattern = re.compile(r"(?P<word>\w+)\s+(\d+)")
    KEPT.append([match.groupdict() for match in pattern.finditer("one 1 two 22 three 333")])
    KEPT.append(pattern.match("four 4"))
    KEPT.append(re.sub(r"\d", lambda match: match.group() * 2, "1 and 2"))
    try:
        re.compile("(")
    except re.error as error:
        KEPT.append(error)


def case_decimal_and_fractions():
    with decimal.localcontext() as context:
        context.prec = 40
        KEPT.append(decimal.Decimal(1) / 7)
    KEPT.append(fractions.Fraction(3, 7) + 1)
    try:
        decimal.Decimal(1) / 0
    except decimal.DivisionByZero as error:
        KEPT.append(error)


def case_datetime():
    start = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    KEPT.extend(start + datetime.timedelta(days=n) for n in range(20))
    KEPT.append(start.strftime("%Y-%m-%d %H:%M"))
    KEPT.append(datetime.datetime.fromisoformat("2026-11-21T10:00:00"))


def case_sqlite3():
    connection = sqlite3.connect(":memory:")
    connection.create_function("twice", 1, lambda value: value * 2)
    connection.execute("create table things (name text, size real)")
    connection.executemany("insert into things values (?, ?)", [(str(n), n * 0.5) for n in range(100)])
    KEPT.extend(connection.execute("select name, twice(size) from things where size > ?", (10,)))
    try:
        connection.execute("select nonsense")
    except sqlite3.OperationalError as error:
        KEPT.append(error)
    connection.close()


def case_ctypes():
    class Pair(ctypes.Structure):
        _fields_ = [("one", ctypes.c_int), ("two", ctypes.c_double)]

    library = ctypes.CDLL(None)
    library.strlen.argtypes = [ctypes.c_char_p]
    assert library.strlen(b"four") == 4
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))(
        lambda a, b: a[0] - b[0])
    numbers = (ctypes.c_int * 5)(5, 1, 4, 2, 3)
    library.qsort(numbers, 5, 4, compare)
    assert list(numbers) == [1, 2, 3, 4, 5]
    KEPT.append([Pair(n, n * 0.5) for n in range(5)])
    KEPT.append(ctypes.create_string_buffer(100))


def case_compression_and_hashes():
    packed = zlib.compress(b"some text " * 100)
    KEPT.append(zlib.decompress(packed))
    stream = zlib.decompressobj()
    KEPT.append(stream.decompress(packed[:20]))
    KEPT.append(stream)
    KEPT.append(hashlib.sha256(packed).hexdigest())
    KEPT.append(hashlib.md5(b"x"))


def case_struct_and_array():
    KEPT.append(struct.unpack("<IdH", struct.pack("<IdH", 70000, 1.5, 3)))
    KEPT.append(array.array("d", [n * 0.5 for n in range(100)]))
    KEPT.append(list(struct.iter_unpack("<H", b"12345678")))


def case_csv_and_io():
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([n, n * 0.5, "text %d" % n] for n in range(30))
    text.seek(0)
    KEPT.append(list(csv.DictReader(text, ["one", "two", "three"])))
    with open(__file__, encoding="utf-8") as file:
        KEPT.append(file.readlines())


def case_xml():
    root = xml.etree.ElementTree.fromstring("<a><b name='1'>text</b><b name='2'/></a>")
    KEPT.append(root)
    KEPT.append([element.attrib for element in root.iter("b")])
    try:
        xml.etree.ElementTree.fromstring("<a>")
    except xml.etree.ElementTree.ParseError as error:
        KEPT.append(error)


class Color(enum.Enum):
    RED = 1
    BLUE = [2.5]


class Flags(enum.IntFlag):
    ONE = 1
    TWO = 2


def case_enums():
    KEPT.append({color: color.name for color in Color})
    KEPT.append(Flags.ONE | Flags.TWO)
    KEPT.append(Color(1))


def case_random_and_itertools():
    source = random.Random(5)
    KEPT.append([source.random() for _ in range(20)])
    KEPT.append(list(itertools.permutations("abcd", 2)))
    KEPT.append(itertools.chain([1.5], itertools.count(2.5)))
    KEPT.extend(itertools.tee(iter("abc")))
    groups = itertools.groupby("aabbc")
    KEPT.append([(key, list(group)) for key, group in groups])


def case_logging():
    stream = io.StringIO()
    logger = logging.getLogger("pm.clean")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    for number in range(10):
        logger.warning("number %d", number)
    try:
        raise ValueError("for the log")
    except ValueError:
        logger.exception("failed")
    KEPT.append(stream.getvalue())


def case_unicode():
    KEPT.append([unicodedata.name(chr(0x3b1 + n)) for n in range(20)])
    KEPT.append(unicodedata.normalize("NFD", "\xe9\xe8\xea"))
    KEPT.append("\U0001f600".encode("utf-16"))


cases.run(globals())
