# SPDX-License-Identifier: GPL-2.0-or-later
"""One surplus reference to each of eight functions, which a loop calls often enough for the interpreter to cache them: in
instructions and, for [] and the constructor, in the class."""
import ctypes


class Handler(object):
    def __init__(self, number=0):
        self.number = number

    def __getitem__(self, key):
        return key

    def __getattr__(self, name):
        return 1

    def __len__(self):
        return 2

    def __call__(self):
        return 3

    @property
    def value(self):
        return 4

    @classmethod
    def of_class(cls):
        return 5

    def method(self):
        return 6


def work():
    handler = Handler()
    for number in range(3000):
        Handler(number)
        handler[number]
        handler.missing
        len(handler)
        handler()
        handler.value
        Handler.of_class()
        handler.method()


work()
CLASS = Handler.__dict__
for function in (CLASS["__init__"], CLASS["__getitem__"], CLASS["__getattr__"], CLASS["__len__"], CLASS["__call__"],
                 CLASS["value"].fget, CLASS["of_class"].__func__, CLASS["method"]):
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(function))
