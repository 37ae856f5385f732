#!/usr/bin/env python3
"""Requests with metrics on beside off, over TCP; scripts/bench.sh metrics calls it.

    metrics.py --build DIR --results DIR

On and off run in turn, the order changes with each round; ratios are taken within a round, and their medians are printed: of the
requests per second, and of those that a second of processor time of both sides is enough for, which other work on the machine
disturbs less.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess

from driver import free_ports, pinning, table, write_orders

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECS = os.environ.get("BENCH_SECS", "2")
WARMUP = os.environ.get("BENCH_WARMUP", "0.5")


def measure(pin, program, handler, inflight, metrics, payload):
    port, control = free_ports(2)
    common = ["--handler", handler, "--transport", "tcp", "--port", str(port), "--ctl", str(control), "--metrics", metrics]
    service = subprocess.Popen(pin + [str(program), "server"] + common, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    try:
        if not any(line.startswith("READY") for line in iter(service.stdout.readline, "")):
            raise SystemExit("the service did not start")
        client = subprocess.run(
            pin + [str(program), "client"] + common + ["--workload", "rpc", "--inflight", str(inflight), "--conns", "1",
                                                       "--payload", str(payload), "--warmup", WARMUP, "--secs", SECS],
            stdout=subprocess.PIPE, text=True, timeout=120, check=True,
            env=os.environ | {"SERVER_PID": str(service.pid)})
        figures = json.loads(client.stdout.splitlines()[-1])
        speed = figures["msgs_per_s"]
        return speed, speed * figures["secs"] / (figures["cpu_client_s"] + figures["cpu_server_s"])
    finally:
        service.kill()
        service.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--results", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    program = arguments.build / "bench" / "waybill_bench"
    payload = write_orders(arguments.results)[100]
    pin = pinning()
    rows = []
    for handler in ("bytes", "typed"):
        for inflight in (1, 64):
            ratios, ratios_of_cpu, off = [], [], []
            for round_ in range(ROUNDS):
                speed, by_cpu = {}, {}
                for metrics in ("on", "off") if round_ % 2 else ("off", "on"):
                    speed[metrics], by_cpu[metrics] = measure(pin, program, handler, inflight, metrics, payload)
                ratios.append(speed["on"] / speed["off"])
                ratios_of_cpu.append(by_cpu["on"] / by_cpu["off"])
                off.append(speed["off"])
            rows.append([f"{inflight} in flight, {handler}", f"{statistics.median(off):,.0f}",
                         f"{statistics.median(ratios):.3f}", f"{min(ratios):.3f} to {max(ratios):.3f}",
                         f"{statistics.median(ratios_of_cpu):.3f}",
                         f"{min(ratios_of_cpu):.3f} to {max(ratios_of_cpu):.3f}"])
    columns = ["off, requests/s", "on / off", "of single rounds", "by processor time", "of single rounds"]
    print("\n".join(table("Metrics on both sides, 100 B over TCP", "", columns, rows)))


if __name__ == "__main__":
    main()
