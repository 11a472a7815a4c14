# SPDX-License-Identifier: GPL-2.0-or-later
"""asyncio and threads: what they leave, and what they still hold."""
import asyncio
import queue
import threading


async def produce(channel):
    for n in range(50):
        await channel.put([n] * 5)
        if n % 10 == 0:
            await asyncio.sleep(0)
    await channel.put(None)


async def consume(channel, kept):
    while (item := await channel.get()) is not None:
        kept.append({"item": item})


async def talk():
    channel, kept = asyncio.Queue(5), []
    await asyncio.gather(produce(channel), consume(channel, kept))
    return kept


def work(kept, inbox):
    for n in range(30):
        kept.append([n] * n)
    while (item := inbox.get()) is not None:
        kept.append(str(item) * 10)


def main():
    received = asyncio.run(talk())
    kept = []
    for _ in range(3):
        inbox = queue.SimpleQueue()
        thread = threading.Thread(target=work, args=(kept, inbox))
        thread.start()
        for n in range(20):
            inbox.put(n)
        inbox.put(None)
        thread.join()
    local = threading.local()
    local.value = [1, 2, 3]
    return received, kept, local
