# SPDX-License-Identifier: GPL-2.0-or-later
"""Four threads that allocate, hand work over by a queue, and take turns with the lock."""
import queue
import threading


def work(number, inbox, results):
    total = 0
    while True:
        item = inbox.get()
        if item is None:
            break
        kept = [{"thread": str(number), "item": (item, n)} for n in range(200)]
        total += len(kept) + item
    results.append(total)


inbox, results = queue.Queue(maxsize=16), []
workers = [threading.Thread(target=work, args=(number, inbox, results)) for number in range(4)]
for worker in workers:
    worker.start()
for item in range(6000):
    inbox.put(item)
for worker in workers:
    inbox.put(None)
for worker in workers:
    worker.join()
print(sum(results))
