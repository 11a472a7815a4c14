# SPDX-License-Identifier: GPL-2.0-or-later
"""Uses an extension package a little: packages.py NAME. Objects that it keeps are in KEPT.

The first line of each function's documentation names the Debian package. tests/regress/test_leak_packages.py
says what is expected.
"""
import io
import sys

KEPT = []


def numpy():
    """python3-numpy"""
    import numpy
    numbers = numpy.arange(1000, dtype=float).reshape(50, 20)
    KEPT.append(numbers @ numbers.T)
    KEPT.append(numpy.sort(numbers[::-1, 3]))
    KEPT.append(numpy.array([object(), [1], "text"], dtype=object))
    KEPT.append(numpy.array(["one", "three"]))
    KEPT.append(numpy.zeros(5, dtype=[("a", "i4"), ("b", "f8")]))
    buffer = io.BytesIO()
    numpy.save(buffer, numbers)
    KEPT.append(numpy.load(io.BytesIO(buffer.getvalue())))
    try:
        numpy.zeros(3) + numpy.zeros(4)
    except ValueError as error:
        KEPT.append(error)
    repr(numbers)


def numpy_import():
    """python3-numpy"""
    import numpy
    assert numpy


def lxml():
    """python3-lxml"""
    from lxml import etree
    root = etree.fromstring("<a><b name='1'>text</b><b/></a>")
    KEPT.append(root.xpath("//b[@name]"))
    etree.SubElement(root, "c").text = "more"
    KEPT.append(etree.tostring(root, pretty_print=True))
    try:
        etree.fromstring("<a>")
    except etree.XMLSyntaxError:
        pass


def msgpack():
    """python3-msgpack"""
    import msgpack
    value = {"list": [1, 2.5, None, b"bytes"], "inner": {str(n): n for n in range(50)}}
    packed = msgpack.packb(value)
    KEPT.append(msgpack.unpackb(packed))
    unpacker = msgpack.Unpacker()
    unpacker.feed(packed * 3)
    KEPT.append(list(unpacker))
    try:
        msgpack.unpackb(packed[:-3])
    except ValueError as error:
        KEPT.append(error)


def yaml():
    """python3-yaml"""
    import yaml
    text = "a: [1, 2.5, text]\nb: {c: d}\n"
    KEPT.append(yaml.load(text, Loader=yaml.CSafeLoader))
    KEPT.append(yaml.dump(KEPT, Dumper=yaml.CSafeDumper))
    try:
        yaml.load("a: [", Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        pass


def simplejson():
    """python3-simplejson"""
    import simplejson
    text = simplejson.dumps({"list": [1, 2.5, None], "text": "caf\xe9"})
    KEPT.append(simplejson.loads(text))
    try:
        simplejson.loads(text[:-3])
    except ValueError:
        pass


def greenlet():
    """python3-greenlet"""
    import greenlet

    def work(number):
        for step in range(3):
            KEPT.append([number, step])
            back.switch()

    back = greenlet.getcurrent()
    made = [greenlet.greenlet(work) for _ in range(5)]
    for number, one in enumerate(made):
        one.switch(number)
    for one in made[:3]:
        while not one.dead:
            one.switch()
    KEPT.append(made)


def gevent():
    """python3-gevent"""
    import gevent.queue
    queue = gevent.queue.Queue()

    def work(number):
        gevent.sleep(0)
        queue.put([number])

    gevent.joinall([gevent.spawn(work, n) for n in range(10)])
    KEPT.extend(queue.get() for _ in range(10))


def psutil():
    """python3-psutil"""
    import psutil
    process = psutil.Process()
    KEPT.append([process.memory_info(), process.name(), psutil.cpu_times()])


def regex():
    """python3-regex"""
    import regex
    KEPT.append(regex.findall(r"\p{L}+", "one two three"))
    KEPT.append(regex.match(r"(?:cats|cat){e<=1}", "cat"))


def markupsafe():
    """python3-markupsafe"""
    import markupsafe
    KEPT.append([markupsafe.escape("<%d>" % n) for n in range(20)])


def pil():
    """python3-pil"""
    from PIL import Image
    image = Image.new("RGB", (60, 40), "red")
    buffer = io.BytesIO()
    image.resize((20, 20)).save(buffer, "PNG")
    KEPT.append(Image.open(io.BytesIO(buffer.getvalue())).getpixel((1, 1)))


def bcrypt():
    """python3-bcrypt"""
    import bcrypt
    KEPT.append(bcrypt.gensalt(4))


def cryptography():
    """python3-cryptography"""
    from cryptography.fernet import Fernet
    key = Fernet(Fernet.generate_key())
    KEPT.append(key.decrypt(key.encrypt(b"secret")))


def ujson():
    """python3-ujson"""
    import ujson
    KEPT.append(ujson.loads(ujson.dumps({"list": [1, 2.5, None]})))


def zmq():
    """python3-zmq"""
    import zmq
    context = zmq.Context()
    one, two = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    one.bind("inproc://pm")
    two.connect("inproc://pm")
    one.send(b"message")
    KEPT.append(two.recv())
    one.close()
    two.close()
    context.term()


def multidict():
    """python3-multidict"""
    import multidict
    table = multidict.CIMultiDict([("a", [1.5]), ("A", [2.5])])
    KEPT.append(table.getall("a"))
    KEPT.append(table)


def yarl():
    """python3-yarl"""
    import yarl
    KEPT.append(yarl.URL("http://example.org/caf\xe9?a=b c") / "d e")


def frozenlist():
    """python3-frozenlist"""
    import frozenlist
    made = frozenlist.FrozenList([[1.5], [2.5]])
    made.freeze()
    KEPT.append(made)


def kiwisolver():
    """python3-kiwisolver"""
    import kiwisolver
    solver, one = kiwisolver.Solver(), kiwisolver.Variable("one")
    solver.addConstraint(one >= 5)
    solver.updateVariables()
    KEPT.append((solver, one.value()))


def pycurl():
    """python3-pycurl"""
    import pycurl
    handle = pycurl.Curl()
    handle.setopt(handle.URL, "http://127.0.0.1:1/")
    handle.setopt(handle.HTTPHEADER, ["A: b"])
    try:
        handle.perform()
    except pycurl.error as error:
        KEPT.append(error)
    handle.close()


def apsw():
    """python3-apsw"""
    import apsw
    connection = apsw.Connection(":memory:")
    cursor = connection.cursor()
    cursor.execute("create table things (name, size)")
    cursor.executemany("insert into things values (?, ?)", [(str(n), n * 0.5) for n in range(50)])
    KEPT.extend(cursor.execute("select * from things where size > 5"))
    connection.close()


def lz4():
    """python3-lz4"""
    import lz4.frame
    KEPT.append(lz4.frame.decompress(lz4.frame.compress(b"text " * 200)))


def zstandard():
    """python3-zstandard"""
    import zstandard
    KEPT.append(zstandard.ZstdDecompressor().decompress(zstandard.ZstdCompressor().compress(b"text " * 200)))


def brotli():
    """python3-brotli"""
    import brotli
    KEPT.append(brotli.decompress(brotli.compress(b"text " * 200)))


def levenshtein():
    """python3-levenshtein"""
    import Levenshtein
    KEPT.append([Levenshtein.distance("spam", "park"), Levenshtein.median(["spam", "park"])])


def bitarray():
    """python3-bitarray"""
    import bitarray
    KEPT.append(bitarray.bitarray("0110") * 20)


def gmpy2():
    """python3-gmpy2"""
    import gmpy2
    KEPT.append([gmpy2.mpz(3) ** 200, gmpy2.mpq(1, 3), gmpy2.sqrt(2)])


def cairo():
    """python3-cairo"""
    import cairo
    surface = cairo.ImageSurface(cairo.FORMAT_ARGB32, 60, 40)
    context = cairo.Context(surface)
    context.set_source(cairo.SolidPattern(1, 0, 0))
    context.paint()
    KEPT.append(bytes(surface.get_data())[:8])


def pandas():
    """python3-pandas"""
    import pandas
    table = pandas.DataFrame({"a": [1, 2, 3], "b": [1.5, 2.5, 3.5], "c": list("xyx")})
    KEPT.append(table.groupby("c").sum())
    KEPT.append(table.to_csv())


def h5py():
    """python3-h5py"""
    import h5py
    with h5py.File("pm.h5", "w", driver="core", backing_store=False) as file:
        file["numbers"] = list(range(50))
        KEPT.append(file["numbers"][3:7])


if __name__ == "__main__":
    globals()[sys.argv[1]]()
