# SPDX-License-Identifier: GPL-2.0-or-later
"""A little of everything that allocates, the same on each run."""
import _thread
import time

lists = [[i] * (i % 50) for i in range(500)]
dicts = [{str(j): j for j in range(i % 20)} for i in range(200)]
text = "".join(chr(97 + i % 26) for i in range(5000))
numbers = [i ** 9 for i in range(1000)]
blob = bytearray()
for i in range(300):
    blob += b"x" * i


class Node:
    def __init__(self, below):
        self.below = below


chain = None
for i in range(300):
    chain = Node(chain)
del lists[::2]
lock = _thread.allocate_lock()
lock.acquire()
_thread.start_new_thread(lambda: (sorted(text), lock.release()), ())
lock.acquire()
# Until it ends, the thread keeps what its function refers to: the whole module.
while _thread._count() > 0:
    pass
# The C library's part of its end comes after that.
time.sleep(0.5)
print(len(lists), len(dicts), len(text), sum(numbers) % 1009, len(blob))
