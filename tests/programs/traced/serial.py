# SPDX-License-Identifier: GPL-2.0-or-later
"""xml, pickle, copy, zlib, hashlib, io, base64."""
import base64
import copy
import hashlib
import io
import pickle
import xml.etree.ElementTree as etree
import zlib


class Node:
    def __init__(self, n):
        self.number, self.children = n, []


def main():
    root = etree.Element("root")
    for n in range(50):
        child = etree.SubElement(root, "child", number=str(n))
        child.text = "text " * n
    written = etree.tostring(root)
    parsed = etree.fromstring(written)
    found = [element.get("number") for element in parsed.iter("child")]
    tree = Node(0)
    for n in range(60):
        tree.children.append(Node(n))
    pickled = pickle.dumps(tree)
    restored = pickle.loads(pickled)
    slow = pickle._loads(pickle._dumps([1, 2, {"a": (3, 4)}], 2))
    copied = copy.deepcopy(tree)
    compressed = zlib.compress(written)
    expanded = zlib.decompress(compressed)
    digests = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(20)]
    stream = io.BytesIO()
    for n in range(100):
        stream.write(b"line %d\n" % n)
    lines = io.TextIOWrapper(io.BytesIO(stream.getvalue())).readlines()
    encoded = base64.b64encode(written)
    return locals()
