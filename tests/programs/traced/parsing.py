# SPDX-License-Identifier: GPL-2.0-or-later
"""json, re, ast, compile, string formatting, csv and struct."""
import ast
import csv
import io
import json
import re
import string
import struct
import textwrap
import tokenize


SOURCE = textwrap.dedent("""
    import os

    class Example:
        '''With a docstring.'''
        def method(self, a, *, b=3, **rest):
            return [x for x in range(a) if x % b] or {k: v for k, v in rest.items()}

    def function(x):
        try:
            return lambda y: x + y
        finally:
            print(f"{x!r:>10}")
    """)


def main():
    document = json.dumps({"numbers": list(range(200)), "nested": [{"a": n, "b": str(n)} for n in range(50)]})
    loaded = json.loads(document)
    indented = json.dumps(loaded, indent=2, sort_keys=True)
    pattern = re.compile(r"(?P<word>[a-z]+)\s*=\s*(?P<number>\d+)(?:,|$)", re.IGNORECASE)
    matches = [match for match in pattern.finditer("alpha = 1, beta=22, GAMMA = 333")]
    groups = [match.groupdict() for match in matches]
    replaced = re.sub(r"\d+", lambda match: match.group() * 2, "1 22 333 4444")
    tree = ast.parse(SOURCE)
    dumped = ast.dump(tree)
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    code = compile(tree, "compiled.py", "exec")
    space = {}
    exec(code, space)
    tokens = list(tokenize.generate_tokens(io.StringIO(SOURCE).readline))
    rows = list(csv.reader(io.StringIO("a,b,c\n1,2,3\n\"quoted, text\",5,6\n")))
    packed = struct.pack("<IdH10s", 1, 2.5, 3, b"bytes")
    unpacked = struct.unpack("<IdH10s", packed)
    template = string.Template("$who likes $what").substitute(who="one", what="two")
    formatted = [f"{n:>10.3f}|{n!r}" for n in range(50)]
    return locals()
