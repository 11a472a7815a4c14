# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of stacks.py that needs syntax and library of 3.8."""
import contextlib
import functools

from pm_probe import take


@contextlib.asynccontextmanager
async def async_context():
    take("async context manager enter")
    yield
    take("async context manager exit")


async def with_context():
    async with async_context():
        take("in an async context manager")


def run(coroutine):
    """Without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration:
        take("coroutine ended")


@functools.lru_cache
def cached(x, /):
    take("lru_cache without a call")
    return x


def walrus():
    if (n := take("in a named expression")) is None:
        return [
            last := take("named in a comprehension")
            for _ in range(2)]
    return n


def main():
    run(with_context())
    cached(1)
    walrus()
