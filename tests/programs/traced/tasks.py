# SPDX-License-Identifier: GPL-2.0-or-later
"""asyncio and threads."""
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
    while True:
        item = await channel.get()
        if item is None:
            break
        kept.append({"item": item})


async def talk():
    channel, kept = asyncio.Queue(5), []
    await asyncio.gather(produce(channel), consume(channel, kept))
    return kept


def work(kept, inbox):
    for n in range(30):
        kept.append([n] * n)
    for item in iter(inbox.get, None):
        kept.append(str(item) * 10)


def main():
    if hasattr(asyncio, "run"):
        received = asyncio.run(talk())
    else:
        received = asyncio.get_event_loop().run_until_complete(talk())
    kept = []
    for _ in range(3):
        inbox = queue.Queue()
        thread = threading.Thread(target=work, args=(kept, inbox))
        thread.start()
        for n in range(20):
            inbox.put(n)
        inbox.put(None)
        thread.join()
    local = threading.local()
    local.value = [1, 2, 3]
    return received, kept, local
