# SPDX-License-Identifier: GPL-2.0-or-later
"""Functions, methods, closures, keyword arguments and properties that call one another."""


class Counter:
    def __init__(self):
        self.count = 0

    def add(self, amount=1, *, twice=False):
        self.count += amount
        return self.add(amount) if twice else self

    @property
    def value(self):
        return self.count

    def __call__(self, other):
        return other(self.value)


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def adder(amount):
    def add(number):
        return number + amount
    return add


def methods(count):
    counter = Counter()
    add_three = adder(3)
    total = 0
    for n in range(count):
        counter.add(n & 3).add(twice=True)
        total += counter(add_three) & 7
    return total


def through_c(count):
    return sum(map(adder(1), sorted(range(count), key=lambda n: -n)))


total = fibonacci(25)
for repetition in range(40):
    total += methods(12000) + through_c(12000)
print(total)
