# SPDX-License-Identifier: GPL-2.0-or-later
"""Creates four buffers of each kind and size, then pops them, lowest index first."""
import cMemLeak


def create_cmalloc_list():
    blocks = []
    for _ in range(4):
        block = cMemLeak.CMalloc(1477)
        print(f"Created CMalloc size={block.size:d} buffer=0x{block.buffer:x}")
        blocks.append(block)
    while blocks:
        block = blocks.pop(0)
        print(f"Pop'd CMalloc size={block.size:d} buffer=0x{block.buffer:x}")


def create_pyrawmalloc_list():
    blocks = []
    for _ in range(4):
        block = cMemLeak.PyRawMalloc(128)
        print(f"Created PyRawMalloc size={block.size:d} buffer=0x{block.buffer:x}")
        blocks.append(block)
    while blocks:
        block = blocks.pop(0)
        print(f"Pop'd PyRawMalloc size={block.size:d} buffer=0x{block.buffer:x}")


def create_pymalloc_list_128():
    blocks = []
    for _ in range(4):
        block = cMemLeak.PyMalloc(128)
        blocks.append(block)
    while blocks:
        blocks.pop(0)


def create_pymalloc_list_177():
    blocks = []
    for _ in range(4):
        block = cMemLeak.PyMalloc(177)
        blocks.append(block)
    while blocks:
        blocks.pop(0)


def create_pymalloc_list_767():
    blocks = []
    for _ in range(4):
        block = cMemLeak.PyMalloc(767)
        blocks.append(block)
    while blocks:
        blocks.pop(0)


create_cmalloc_list()
create_pyrawmalloc_list()
create_pymalloc_list_128()
create_pymalloc_list_177()
create_pymalloc_list_767()
