#!/usr/bin/env python3
"""Runs a gateway on waybill's HTTP server and one on bare RESTinio beside each other and prints a table; scripts/bench.sh
calls it.

    gateway.py --build DIR --results DIR

Both make the same call to one service with the same client; wrk asks them in turn, in turned order every second round. The
servers share one core, wrk has another where there is one. A figure is the median of the rounds; a ratio is taken within each
round, and the median of those is printed.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import time

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECS = float(os.environ.get("BENCH_SECS", "2"))
CONNECTIONS = (1, 64, 1000)
SERVERS = ("restinio", "waybill")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}")


def pinned(core, command):
    return ["taskset", "-c", str(core), *command]


def measure(port, connections, core):
    """Requests per second, and seconds of half and of 99 % of them."""
    seconds = max(1, round(SECS))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{port}/hello?name=hohoho"]
    text = subprocess.run(pinned(core, command), capture_output=True, text=True, check=True, timeout=60).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(f"not every request was answered:\n{text}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--results", required=True)
    options = parser.parse_args()
    program = str(pathlib.Path(options.build) / "bench/gateway_bench")
    cores = sorted(os.sched_getaffinity(0))
    ports = {name: free_port() for name in ("service", *SERVERS)}
    running = []
    try:
        for name, port in ports.items():
            arguments = [program, name, str(port)]
            if name != "service":
                arguments.append(f"tcp://127.0.0.1:{ports['service']}")
            running.append(subprocess.Popen(pinned(cores[0], arguments), stderr=subprocess.DEVNULL))
            wait_for(port)
        rates = {(server, count): [] for server in SERVERS for count in CONNECTIONS}
        for turn in range(ROUNDS):
            for count in CONNECTIONS:
                for server in SERVERS if turn % 2 == 0 else reversed(SERVERS):
                    rates[server, count].append(measure(ports[server], count, cores[-1]))
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait(10)
    print("| connections | bare RESTinio, requests/s | waybill, requests/s | ratio |")
    print("| --- | --- | --- | --- |")
    for count in CONNECTIONS:
        bare, ours = rates["restinio", count], rates["waybill", count]
        ratio = statistics.median(b / a for a, b in zip(bare, ours))
        print(f"| {count} | {statistics.median(bare):,.0f} | {statistics.median(ours):,.0f} | {ratio:.2f} |")
    results = {f"{server} {count}": values for (server, count), values in rates.items()}
    pathlib.Path(options.results, "gateway.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
