# SPDX-License-Identifier: GPL-2.0-or-later
"""Clean programs: threads, tasks, processes. No leak may be found."""
import asyncio
import concurrent.futures
import contextvars
import os
import queue
import signal
import subprocess
import threading

import cases
import pm_lose_memory

KEPT = []


def case_threads():
    def work(number):
        KEPT.append([number, {"thread": threading.current_thread().name}])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def case_thread_local():
    local = threading.local()

    def work():
        local.value = [1.5]
        local.other = {"n": local.value}

    for _ in range(3):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    local.value = [2.5]
    KEPT.append(local)


def case_threads_of_c():
    for _ in range(3):
        pm_lose_memory.in_thread(lambda: None)


def case_queue_and_pool():
    work, done = queue.Queue(), queue.Queue()

    def worker():
        for item in iter(work.get, None):
            done.put([item * 2.5])

    threads = [threading.Thread(target=worker) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(20):
        work.put(number)
    for _ in threads:
        work.put(None)
    for thread in threads:
        thread.join()
    KEPT.extend(done.get() for _ in range(20))
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        KEPT.extend(pool.map(lambda n: [n * 0.5], range(20)))
        failing = pool.submit(lambda: 1 / 0)
        KEPT.append(failing.exception())


def case_asyncio():
    async def step(number, gate):
        await gate.wait()
        await asyncio.sleep(0)
        return [number]

    async def fail():
        raise ValueError("in a task")

    async def main():
        gate = asyncio.Event()
        tasks = [asyncio.ensure_future(step(n, gate)) for n in range(10)]
        forgotten = asyncio.ensure_future(asyncio.sleep(1000))
        await asyncio.sleep(0)
        gate.set()
        KEPT.append(await asyncio.gather(*tasks))
        KEPT.append(await asyncio.gather(fail(), return_exceptions=True))
        items = asyncio.Queue()
        await items.put([1.5])
        KEPT.append(await items.get())
        forgotten.cancel()
        process = await asyncio.create_subprocess_exec("/bin/true")
        assert await process.wait() == 0

    asyncio.run(main())


def case_contextvars():
    variable = contextvars.ContextVar("pm_clean", default=[0.5])
    for number in range(10):
        context = contextvars.copy_context()
        context.run(variable.set, [number])
        KEPT.append(context)
    KEPT.append(variable.set([1.5]))


def case_subprocess():
    done = subprocess.run(["/bin/echo", "hello"], stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"hello\n"
    try:
        subprocess.run(["/nonexistent/program"])
    except FileNotFoundError as error:
        KEPT.append(error)


def case_fork():
    child = os.fork()
    if child == 0:
        KEPT.append([[n] for n in range(20)])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def case_signals():
    received = []
    old = signal.signal(signal.SIGUSR1, lambda number, frame: received.append([number]))
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, old)
    KEPT.append(received)


def case_daemon_thread():
    started = threading.Event()

    def wait():
        mine = [threading.Event(), 2.5]
        started.set()
        mine[0].wait()

    threading.Thread(target=wait, daemon=True).start()
    started.wait()


cases.run(globals(), pm_lose_memory)
