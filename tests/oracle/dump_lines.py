# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in an interpreter, 2.7 or later: dump_lines.py [EVERY] > RECORDS

Compiles every file of the standard library (or each EVERY-th). Writes, for each
code object, the line table and the line of each instruction according to this
interpreter: co_lines() from 3.10 on, PyCode_Addr2Line() before. linetable_oracle.c
describes the records. Prints the number of files to stderr.
"""
import array
import ctypes
import os
import struct
import sys
import warnings

STEP = 2 if sys.version_info >= (3, 6) else 1
addr2line = ctypes.pythonapi.PyCode_Addr2Line
addr2line.restype = ctypes.c_int
addr2line.argtypes = [ctypes.py_object, ctypes.c_int]


def library_files():
    root = os.path.dirname(os.__file__)
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders
                            if name not in ("site-packages", "dist-packages", "__pycache__"))
        for name in sorted(files):
            # Debian's sitecustomize.py is a link to a file outside of the library.
            if name.endswith(".py") and os.path.exists(os.path.join(folder, name)):
                yield os.path.join(folder, name)


def lines_of(code):
    if not hasattr(code, "co_lines"):
        return array.array("i", [addr2line(code, offset)
                                 for offset in range(0, len(code.co_code), STEP)])
    lines = array.array("i")
    for start, end, line in code.co_lines():
        assert start == len(lines) * STEP
        lines.extend([-1 if line is None else line] * ((end - start) // STEP))
    return lines


def dump(code, out):
    table = code.co_linetable if hasattr(code, "co_linetable") else code.co_lnotab
    lines = lines_of(code)
    assert len(lines) * STEP == len(code.co_code)
    out.write(struct.pack("=iIII", code.co_firstlineno, STEP, len(lines), len(table)))
    out.write(table)
    out.write(lines.tobytes() if hasattr(lines, "tobytes") else lines.tostring())
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            dump(constant, out)


def main():
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    out = getattr(sys.stdout, "buffer", sys.stdout)
    compiled = refused = 0
    warnings.simplefilter("ignore")
    for path in list(library_files())[::every]:
        with open(path, "rb") as source:
            text = source.read()
        try:
            # The library's own tests contain files that must not compile.
            code = compile(text, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, UnicodeDecodeError):
            refused += 1
            continue
        compiled += 1
        dump(code, out)
    sys.stderr.write("%d files compiled, %d refused\n" % (compiled, refused))


if __name__ == "__main__":
    main()
