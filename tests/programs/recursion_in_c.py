# SPDX-License-Identifier: GPL-2.0-or-later
"""Allocates far inside of C functions that recurse: in the parser, the compiler, and modules in C."""
import ast
import json
import re

source = open(ast.__file__.replace(".pyc", ".py")).read()
for _ in range(2):
    tree = ast.parse(source)
    compile(tree, "again", "exec")
    ast.dump(tree)
for depth in range(1, 60):
    text = "(" * depth + "1" + ",)" * depth
    ast.literal_eval(text)
    compile(text, "tuples", "eval")
    json.loads("[" * depth + "]" * depth)
    re.compile("(a" * depth + ")" * depth)
