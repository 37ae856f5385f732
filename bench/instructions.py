#!/usr/bin/env python3
"""Counts the instructions that a request takes outside the kernel, under callgrind; scripts/bench.sh calls it.

    instructions.py --build DIR --results DIR [--handlers bytes,typed] [--inflight 1,64] [--programs raw_asio,waybill_bench]
                    [--traces none|observer|middleware|steps|spans]

Each program runs with fewer and with more requests, and the difference is divided by the requests that it has more: start,
connecting and end do not count. What callgrind wrote stays in the results folder, for callgrind_annotate.
"""
import argparse
import os
import pathlib
import signal
import subprocess
import sys

from driver import free_ports, pinning, table, write_orders

FEWER, MORE = 500, int(os.environ.get("BENCH_REQUESTS", "4000"))
MORE_WORDS = os.environ.get("BENCH_WORDS", "").split()  # of both sides: --metrics on
LONGEST = 300  # seconds of one run
NAMES = {"raw_asio": "bare Asio", "waybill_bench": "waybill"}


def total_of(path):
    return next(int(line.split()[1]) for line in open(path) if line.startswith("totals:"))


def count(pin, build, results, program, handler, inflight, requests, traces="none"):
    """Instructions of the service and of the client for so many requests."""
    port, control = free_ports(2)
    folder = results / f"{program}-{handler}-{inflight}-{requests}"
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*"):
        left.unlink()

    def words(mode):
        return pin + ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder / mode}", str(build / "bench" / program),
                            mode, "--handler", handler, "--transport", "tcp", "--port", str(port), "--ctl", str(control)] + (
                            ["--traces", traces] if traces != "none" and program == "waybill_bench" else []) + (
                            MORE_WORDS if program == "waybill_bench" else [])

    with open(folder / "log", "w") as log:
        service = subprocess.Popen(words("server"), stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            if not any(line.startswith("READY") for line in iter(service.stdout.readline, "")):
                raise SystemExit(f"{program}: the service did not start; see {log.name}")
            subprocess.run(words("client") + ["--workload", "rpc", "--inflight", str(inflight), "--requests", str(requests),
                                              "--payload", str(results / "order100.json")],
                           stdout=log, stderr=log, timeout=LONGEST, check=True)
        except subprocess.SubprocessError as error:
            raise SystemExit(f"{program}: the client did not end well ({error}); see {log.name}")
        finally:
            service.terminate()  # callgrind writes what it has counted, then the program ends
            try:
                service.wait(60)
            except subprocess.TimeoutExpired:
                service.kill()
                raise
    return total_of(folder / "server"), total_of(folder / "client")


def words_of(text):
    return [word for word in text.split(",") if word]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--handlers", type=words_of, default=["bytes", "typed"])
    parser.add_argument("--inflight", type=words_of, default=["1", "64"])
    parser.add_argument("--programs", type=words_of, default=list(NAMES))
    parser.add_argument("--traces", default="none")  # of waybill's; 1 % of them sampled
    arguments = parser.parse_args()
    results = arguments.results / "instructions"
    results.mkdir(parents=True, exist_ok=True)
    write_orders(results)
    rows, pin = [], pinning()
    for inflight in arguments.inflight:
        for handler in arguments.handlers:
            cells = []
            for program in arguments.programs:
                fewer, more = (count(pin, arguments.build, results, program, handler, inflight, each, arguments.traces)
                               for each in (FEWER, FEWER + MORE))
                service, client = ((b - a) / MORE for a, b in zip(fewer, more))
                cells += [f"{client:,.0f}", f"{service:,.0f}", f"{service + client:,.0f}"]
            rows.append([f"{inflight} in flight, {handler}"] + cells)
    columns = [title for program in arguments.programs
               for title in (f"{NAMES[program]}: client", "service", "together")]
    print("\n".join(table("Instructions of a request of 100 bytes outside the kernel", "", columns, rows)))


# A terminated run takes its services with it, too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
main()
