# SPDX-License-Identifier: GPL-2.0-or-later
"""A fork child loses lists, one at an address that a frame of a thread of its parent still has. The child has not that thread, and
CPython does not unmap the memory of its frames."""
import ctypes
import os
import threading

ready, address = threading.Event(), []
change = ctypes.pythonapi.Py_DecRef
change.argtypes, change.restype = [ctypes.c_void_p], None


def wait():
    kept = [1, 2, 3]
    address.append(str(id(kept)))
    ready.set()
    threading.Event().wait()


def release():
    change(int(address[0]))             # the thread's frame leads to free memory now


def lose():
    for _ in range(20000):
        new = [1, 2, 3]                 # lost
        if str(id(new)) == address[0]:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(new))
            return True
    return False


def lose_more():
    """The last one may be hidden by a dead word in a live frame."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(["another"]))


threading.Thread(target=wait, daemon=True).start()
ready.wait()
release()
pid = os.fork()
if pid == 0:
    found = lose()
    lose_more()
    os._exit(0 if found else 3)
os._exit(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
