#!/usr/bin/env python3
"""Starts the hybrid example under load and ends it by SIGTERM, again and again: cycles.py PROGRAM FOLDER ROUNDS

Sixteen callers, half of them on connections that they keep, never pause. What was accepted must be answered, with a 200; the
program must end with 0, and leave no port open.
"""
import asyncio
import collections
import os
import signal
import socket
import subprocess
import sys

CALLERS = 16
PATIENCE = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def ask(reader, writer, keep):
    """The status, and whether the connection goes on; None if it ended without an answer."""
    writer.write(b"GET /hello?name=x HTTP/1.1\r\nHost: a\r\n" + (b"" if keep else b"Connection: close\r\n") + b"\r\n")
    await writer.drain()
    line = await reader.readline()
    if not line:
        return None, False
    length, goes_on = 0, keep
    while (field := await reader.readline()) not in (b"\r\n", b""):
        name, _, value = field.lower().partition(b":")
        if name == b"content-length":
            length = int(value)
        if name == b"connection" and b"close" in value:
            goes_on = False
    await reader.readexactly(length)
    return line.split()[1].decode(), goes_on


async def call(port, seen, stop, keep):
    while not stop.is_set():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:  # refused, or ended before it was one
            await asyncio.sleep(0.005)
            continue
        try:
            goes_on = True
            while goes_on and not stop.is_set():
                status, goes_on = await asyncio.wait_for(ask(reader, writer, keep), PATIENCE)
                seen[status or "ended without an answer"] += 1
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as failure:
            seen[type(failure).__name__] += 1
        writer.close()


async def first_answer(port, process):
    """While a carrier is not ready (a broker that assigns partitions), another status is no failure."""
    while process.poll() is None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            status, _ = await ask(reader, writer, False)
            writer.close()
            if status == "200":
                return
        except (OSError, asyncio.IncompleteReadError):
            pass
        await asyncio.sleep(0.005)
    raise AssertionError(f"it ended with {process.returncode}")


async def cycle(program, folder, seen):
    port, inside = free_port(), free_port()
    environment = {**os.environ, "PORT": str(port), "MS_PORT": str(inside)}
    process = subprocess.Popen([program], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stop = asyncio.Event()
    callers = []
    try:
        await asyncio.wait_for(first_answer(port, process), PATIENCE)
        before = seen["200"]
        callers += [asyncio.create_task(call(port, seen, stop, number % 2 == 0)) for number in range(CALLERS)]
        for _ in range(PATIENCE * 100):
            if seen["200"] > before:
                break
            await asyncio.sleep(0.01)
        assert seen["200"] > before, "it did not answer any more"
        await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        status = await asyncio.get_running_loop().run_in_executor(None, process.wait, PATIENCE)
        assert status == 0, f"it ended with {status}"
    finally:
        process.kill()
        stop.set()
        await asyncio.gather(*callers)
    assert not is_open(port) and not is_open(inside), "a port is still open"


async def main():
    seen = collections.Counter()
    for _ in range(int(sys.argv[3])):
        await cycle(sys.argv[1], sys.argv[2], seen)
    print(dict(seen))
    assert set(seen) == {"200"}, "something was accepted and not answered with a 200"


asyncio.run(main())
