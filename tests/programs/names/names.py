# -*- coding: utf-8 -*-
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in any CPython, 2.7 or later: names.py OUTPUT ARCHIVE.

Allocates in functions and files with every kind of name. Writes the names that the
interpreter itself has to OUTPUT, one line each: label, file, function, line, separated
by spaces. File and function are the bytes in hexadecimal (in Python 3 of UTF-8 with
surrogatepass), or - if empty. ARCHIVE is a zip file with a module zipped and a package
with non-ASCII names; test_names.py makes it.
"""
import binascii
import sys
import types

PY2 = sys.version_info[0] == 2
BYTES = 50021
LONG = 3000         # shorter than the 4,096 bytes at which names are cut
VERY_LONG = 9000    # longer than that
taken, kept = [], []
text = type(u"")


def exact(name):
    data = name if isinstance(name, bytes) else name.encode("utf-8", "surrogatepass")
    return binascii.hexlify(data).decode() or "-"


def take(label):
    """Records the names of the caller, which has just allocated on the same line."""
    caller = sys._getframe(1)
    code = caller.f_code
    taken.append((label, exact(code.co_filename), exact(getattr(code, "co_qualname", code.co_name)),
                  caller.f_lineno))


SOURCE = u"kept.append(bytearray(%d)); take(label)" % BYTES


def renamed(code, name):
    """The code object with another function name, which the syntax would not allow."""
    if hasattr(code, "co_qualname"):
        return code.replace(co_name=name, co_qualname=name)
    if hasattr(code, "replace"):
        return code.replace(co_name=name)
    fields = [code.co_argcount, code.co_nlocals, code.co_stacksize, code.co_flags, code.co_code,
              code.co_consts, code.co_names, code.co_varnames, code.co_filename, name,
              code.co_firstlineno, code.co_lnotab]
    if not PY2:
        fields.insert(1, code.co_kwonlyargcount)
    return types.CodeType(*fields)


def run(label, file=None, function=None):
    code = compile(SOURCE, file or "names.py", "exec")
    if function is not None:
        code = renamed(code, function)
    exec(code, {"kept": kept, "take": take, "label": label})


def native(name):
    """A name as this version stores it: 2.7 has bytes."""
    return name.encode("utf-8") if PY2 and isinstance(name, text) else name


def by_characters():
    """Each width of a string, as a file and as a function."""
    kinds = [("ascii", u"plain"), ("latin-1", u"caf\xe9"), ("ucs-2", u"\u540d\u524d"),
             ("ucs-4", u"\U0001f40d"), ("all", u"a\xe9\u540d\U0001f40d"), ("last", u"\U0010ffff")]
    for label, name in kinds:
        run(label + "-file", native(u"/folder/" + name + u".py"))
        run(label + "-function", None, native(name))


def by_quoting():
    for label, name in [("newline", "a\nb"), ("crlf", "a\r\nb"), ("tab", "a\tb"), ("quote", 'a"b'),
                        ("apostrophe", "a'b"), ("backslash", "a\\b"), ("escape-like", "a\\nb\\x41"),
                        ("escape", "a\x1b[31mb"), ("bell", "a\x07b"), ("delete", "a\x7fb"),
                        ("percent", "a%s%n%db"), ("slash", "a/b"), ("angle", "<a&b>"),
                        ("blank", " a  b "), ("log-like", "a\n==1== HEAP SUMMARY:")]:
        run(label + "-file", "/folder/" + name + ".py")
        run(label + "-function", None, name)
    run("nul-function", None, "a\0b")
    run("empty-function", None, "")


def by_encoding():
    if PY2:
        names = [("lone-bytes", b"caf\xe9"), ("cut", b"a\xe5\x90"), ("overlong", b"a\xc0\xafb"),
                 ("surrogate", b"a\xed\xb3\xa9b"), ("all-bytes", bytes(bytearray(range(1, 256))))]
    else:
        names = [("lone-bytes", b"caf\xe9".decode("utf-8", "surrogateescape")),
                 ("cut", b"a\xe5\x90".decode("utf-8", "surrogateescape")),
                 ("surrogate", "a\ud800b"), ("pair", "a\udc80\udcffb"),
                 ("line-separator", "a\u2028b"), ("override", "a\u202eb"), ("c1", "a\x85b\x9bc"),
                 ("bom", "\ufeffa")]
    for label, name in names:
        run(label + "-function", None, name)
        # A file name can contain only those surrogates that stand for bytes.
        if label != "surrogate" or PY2:
            run(label + "-file", name)


def by_length():
    for label, name in [("long", "n" * LONG), ("very-long", "v" * VERY_LONG)]:
        run(label + "-file", name)
        run(label + "-function", None, name)
    run("long-wide-function", None, native(u"\u540d" * 1000))
    run("very-long-wide-function", None, native(u"\u540d" * VERY_LONG))


def by_origin(archive):
    exec("kept.append(bytearray(%d)); take('string')" % BYTES)
    eval("(kept.append(bytearray(%d)), take('eval'))" % BYTES)
    sys.path.insert(0, archive)
    import zipped
    zipped.function(kept, take, BYTES)
    if not PY2:
        module = __import__("\u540d\u524d.\xe9t\xe9").__dict__["\xe9t\xe9"]
        module.__dict__["m\xe9thode"](kept, take, BYTES)


class Outer(object):
    class Inner(object):
        def method(self):
            def local():
                kept.append(bytearray(BYTES)); take("qualified")
            local()
            (lambda: (kept.append(bytearray(BYTES)), take("lambda")))()
            return [(kept.append(bytearray(BYTES)), take("comprehension")) for _ in (1,)]


def main(output, archive):
    by_characters()
    by_quoting()
    by_encoding()
    by_length()
    by_origin(archive)
    Outer.Inner().method()
    kept.append(bytearray(BYTES)); take("main")
    with open(output, "w") as stream:
        for row in taken:
            stream.write("%s %s %s %d\n" % row)


if __name__ == "__main__":
    main(*sys.argv[1:])
