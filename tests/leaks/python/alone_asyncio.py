# SPDX-License-Identifier: GPL-2.0-or-later
"""Leaks in coroutines, tasks and callbacks of an event loop."""
import asyncio

import cases
import pm_lose_builtin as lose


async def step(number):
    await asyncio.sleep(0)
    lose.a_list(2)                  # LEAK: definite, list 12, indirect 36, phase main
    return number


async def steps():
    await asyncio.gather(*(step(number) for number in range(10)))
    for number in range(2):
        await step(number)
    asyncio.get_running_loop().call_soon(callback)
    await asyncio.sleep(0)


def callback():
    lose.a_dict(1)                  # LEAK: definite, dict 1, indirect 3


def case_tasks():
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(steps())
    finally:
        loop.close()


cases.run(globals(), lose)
