#!/usr/bin/env python3
"""Runs the peers of one benchmark beside each other and prints a table; scripts/bench.sh calls it.

    driver.py tcp|redis|amqp|kafka --build DIR --results DIR [--nestjs 'COMMAND'] [--broker PORT --broker-pid PID]

Every round starts all services and then goes through the workloads; in each, the peers run one after the other, in turned
order every second round, so that a machine that slows down slows down all. A figure is the median of the rounds; a ratio is
taken within each round, and the median of those is printed. BENCH_ROUNDS, BENCH_SECS and BENCH_WARMUP: see scripts/bench.sh.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECS = float(os.environ.get("BENCH_SECS", "2"))
WARMUP = float(os.environ.get("BENCH_WARMUP", "0.5"))
IDLE_CONNECTIONS = 200


class Carrier:
    """What differs from transport to transport. `raw`: the program that does the same work with the bare library."""

    def __init__(self, title, limit, raw, handlers=("bytes",), nestjs_limit="bytes", has_peers=False, pin_broker=False):
        self.title, self.limit, self.raw, self.handlers = title, limit, raw, handlers
        self.nestjs_limit, self.has_peers, self.pin_broker = nestjs_limit, has_peers, pin_broker

    def workloads(self):
        """Many connections are of interest where each of them ends in the service, and not in a broker."""
        return [one for one in WORKLOADS if self.has_peers or "--conns" not in one[1]]


# The bare program is told --handler when it has more than one.
CARRIERS = {
    "tcp": Carrier("TCP on loopback", "bare Asio", "raw_asio", ("bytes", "typed"), "typed", has_peers=True),
    "redis": Carrier("Redis pub/sub on loopback", "bare hiredis reader", "raw_redis", pin_broker=True),
    "amqp": Carrier("RabbitMQ on loopback", "bare rabbitmq-c", "raw_amqp"),
    "kafka": Carrier("Kafka on loopback", "bare librdkafka", "raw_kafka"),
}

WORKLOADS = [  # name, arguments, payload in bytes
    ("requests, 1 in flight, 100 B", "--workload rpc --inflight 1", 100),
    ("requests, 1 in flight, 4 KiB", "--workload rpc --inflight 1", 4096),
    ("requests, 64 in flight, 100 B", "--workload rpc --inflight 64", 100),
    ("requests, 64 in flight, 4 KiB", "--workload rpc --inflight 64", 4096),
    ("events, 100 B", "--workload events", 100),
    ("events, 4 KiB", "--workload events", 4096),
    ("requests, 200 connections, 100 B", "--workload fan --inflight 1 --conns 200", 100),
]


def write_orders(folder):
    """An order of exactly 100 and one of exactly 4096 bytes of UTF-8, with Korean text; returns {size: path}."""
    sentence = "문 앞에 두고 초인종을 눌러 주세요. "
    paths = {}
    for size in (100, 4096):
        order = {"id": 20260001, "sku": "WB-7731", "qty": 2, "price": 45000, "note": ""}
        to_bytes = lambda: json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode()
        room = size - len(to_bytes())
        note = (sentence * (room // len(sentence.encode()) + 1)).encode()[:room].decode(errors="ignore")
        order["note"] = note + "!" * (room - len(note.encode()))
        paths[size] = folder / f"order{size}.json"
        paths[size].write_bytes(to_bytes())
        assert len(to_bytes()) == size
    return paths


def pinning():
    """Words before a command that hold it on one core: client and service share it, so that the figure is their work."""
    core = min(os.sched_getaffinity(0))
    if shutil.which("taskset") and subprocess.run(["taskset", "-c", str(core), "true"], capture_output=True).returncode == 0:
        return ["taskset", "-c", str(core)]
    print("!! SKIPPED pinning: taskset is missing or refused; expect wider spread", file=sys.stderr)
    return []


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def resident_mb(pid):
    for line in open(f"/proc/{pid}/smaps_rollup"):
        if line.startswith("Rss:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Peer:
    """One program in its role as service and client. `limit`: the peer that its ratios are taken to."""

    def __init__(self, name, program, options=(), limit=None):
        self.name, self.program, self.options, self.limit = name, program, list(options), limit
        self.process = None

    def words(self, mode, arguments):
        return self.pin + self.program + [mode] + self.options + arguments

    def start(self, place, pin, log):
        """Starts the service; returns what it needs while nobody calls it."""
        self.pin, self.log = pin, log
        port, control = free_ports(2)
        self.ports = ["--transport", place.transport, "--port", str(port), "--ctl", str(control), "--broker", place.broker,
                      "--ns", f"bench{os.getpid()}x{control}", "--ack", "1"]
        self.broker_pid = place.broker_pid
        began = time.perf_counter()
        command = self.words("server", self.ports)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        if not any(line.startswith("READY") for line in iter(self.process.stdout.readline, "")):
            raise RuntimeError(f"{self.name}: the service did not start; see {log.name}")
        figures = {"startup_ms": (time.perf_counter() - began) * 1000}
        figures["idle_mb"] = resident_mb(self.process.pid)
        if place.carrier.has_peers:
            figures["connected_mb"] = self.with_idle_connections(port)
        return figures

    def with_idle_connections(self, port):
        """Resident memory once the service holds the connections, each of them silent."""
        files = f"/proc/{self.process.pid}/fd"
        before = len(os.listdir(files))
        with contextlib.ExitStack() as stack:
            for _ in range(IDLE_CONNECTIONS):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), 5))
            give_up = time.monotonic() + 10
            while len(os.listdir(files)) < before + IDLE_CONNECTIONS:
                if time.monotonic() > give_up:
                    raise RuntimeError(f"{self.name}: the service did not accept {IDLE_CONNECTIONS} connections")
                time.sleep(0.01)
            return resident_mb(self.process.pid)

    def run(self, arguments, payload):
        """One client's run; its figures, or None when it failed."""
        command = self.words("client", self.ports + shlex.split(arguments) + [
            "--payload", str(payload), "--warmup", str(WARMUP), "--secs", str(SECS)])
        environment = dict(os.environ, SERVER_PID=str(self.process.pid), BROKER_PID=self.broker_pid)
        try:
            ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment,
                                   timeout=30 + 2 * (WARMUP + SECS))
        except subprocess.TimeoutExpired:
            return None
        lines = [line for line in ended.stdout.splitlines() if line.startswith("{")]
        return json.loads(lines[-1]) if lines and ended.returncode == 0 else None

    def stop(self):
        if not self.process:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process = None


class Place:
    """Where a run happens: the transport, and its broker's port and process."""

    def __init__(self, transport, broker, broker_pid):
        self.transport, self.carrier, self.broker, self.broker_pid = transport, CARRIERS[transport], broker, broker_pid


def find_peers(carrier, build, nestjs):
    peers = []

    def add(name, program, options, limit):
        path = build / "bench" / program
        if path.exists():
            peers.append(Peer(name, [str(path)], options, limit))
        else:
            print(f"!! SKIPPED {name}: {path} is missing", file=sys.stderr)

    for handler in ("bytes", "typed"):
        words = ["--handler", handler]
        if handler in carrier.handlers:
            add(f"{carrier.limit}, {handler}", carrier.raw, words if len(carrier.handlers) > 1 else [], None)
        limit = handler if handler in carrier.handlers else carrier.handlers[0]
        add(f"waybill, {handler}", "waybill_bench", words, f"{carrier.limit}, {limit}")
    if nestjs:
        peers.append(Peer("NestJS", shlex.split(nestjs), limit=f"{carrier.limit}, {carrier.nestjs_limit}"))
    else:
        print("!! SKIPPED NestJS: no Node.js, or its packages are missing", file=sys.stderr)
    return peers


class Results:
    def __init__(self, path):
        self.path, self.runs, self.problems = path, {}, []

    def add(self, round_, peer, workload, figures):
        self.runs[round_, peer.name, workload] = figures
        with open(self.path, "a") as file:
            file.write(json.dumps(dict(figures, round=round_, peer=peer.name, workload_name=workload)) + "\n")

    def median(self, peer, workload, figure):
        """`figure`: a name, or a function of one run."""
        of = figure if callable(figure) else lambda run: run[figure]
        values = [of(run) for (_, name, at), run in self.runs.items() if (name, at) == (peer, workload)]
        return statistics.median(values) if values else None

    def ratio(self, peer, workload):
        """Messages per second beside the limit's, paired by round."""
        quotients = []
        for (round_, name, at), run in self.runs.items():
            other = self.runs.get((round_, peer.limit, workload))
            if (name, at) == (peer.name, workload) and other and other["msgs_per_s"]:
                quotients.append(run["msgs_per_s"] / other["msgs_per_s"])
        return statistics.median(quotients) if quotients else None


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(title, first, columns, rows):
    return [f"**{title}**", "", row([first] + columns), row(["---"] + ["---:"] * len(columns))] + [row(r) for r in rows] + [""]


def report(results, carrier, peers, pin):
    out = [f"{carrier.title}; {ROUNDS} rounds of {SECS:g} s; "
           + ("not pinned to a core" if not pin else
              "client, service and broker share one core" if carrier.pin_broker else "client and service share one core")
           + ".", ""]
    names = [peer.name for peer in peers]

    def speed(peer, workload):
        median = results.median(peer.name, workload, "msgs_per_s")
        if median is None:
            return "failed"
        ratio = results.ratio(peer, workload)
        return f"{median:,.0f}" + (f" ({ratio:.2f})" if ratio is not None and ratio >= 0.1 else f" ({ratio:.3f})" if ratio else "")

    def figure(peer, workload, of, digits):
        median = results.median(peer.name, workload, of)
        return "failed" if median is None else f"{median:,.{digits}f}"

    cpu = lambda run: (run["cpu_client_s"] + run["cpu_server_s"]) / max(1, run["msgs_per_s"] * run["secs"]) * 1e6
    out += table(f"Messages per second (in brackets: of {carrier.limit})", "workload", names,
                 [[w] + [speed(p, w) for p in peers] for w, _, _ in carrier.workloads()])
    out += table("Time of a request, µs: median / 99th percentile", "workload", names,
                 [[w] + [figure(p, w, "p50_us", 1) + " / " + figure(p, w, "p99_us", 1) for p in peers]
                  for w, arguments, _ in carrier.workloads() if "events" not in arguments])
    out += table("Processor time of a message, µs, both ends", "workload", names,
                 [[w] + [figure(p, w, cpu, 2) for p in peers] for w, _, _ in carrier.workloads()])
    growth = lambda run: run["connected_mb"] - run["idle_mb"]
    memory = [("ready after, ms", "startup_ms", 1), ("RSS idle, MB", "idle_mb", 1)]
    if carrier.has_peers:
        memory += [(f"RSS with {IDLE_CONNECTIONS} idle connections, MB", "connected_mb", 1),
                   ("of that for the connections, MB", growth, 1)]
    out += table("The service's process", "", names,
                 [[label] + [figure(p, "process", of, digits) for p in peers] for label, of, digits in memory])
    if results.problems:
        out += ["**Problems** (the figures above stand on fewer runs)", ""] + [f"- {each}" for each in results.problems]
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("transport", choices=list(CARRIERS))
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--nestjs", default="")
    parser.add_argument("--broker", default="0", help="the broker's port")
    parser.add_argument("--broker-pid", default="0", help="its process: its time and memory are reported")
    arguments = parser.parse_args()
    arguments.results.mkdir(parents=True, exist_ok=True)
    orders = write_orders(arguments.results)
    pin = pinning()
    place = Place(arguments.transport, arguments.broker, arguments.broker_pid)
    if pin and place.carrier.pin_broker and place.broker_pid != "0":
        os.sched_setaffinity(int(place.broker_pid), {int(pin[-1])})
    peers = find_peers(place.carrier, arguments.build, arguments.nestjs)
    results = Results(arguments.results / f"{place.transport}.jsonl")
    results.path.write_text("")
    with open(arguments.results / f"{place.transport}.log", "w") as log:
        for round_ in range(ROUNDS):
            turn = peers if round_ % 2 == 0 else peers[::-1]
            try:
                for peer in turn:
                    results.add(round_, peer, "process", peer.start(place, pin, log))
                for workload, words, size in place.carrier.workloads():
                    print(f"-- round {round_ + 1} of {ROUNDS}: {workload}", file=sys.stderr, flush=True)
                    for peer in turn:
                        figures = peer.run(words, orders[size])
                        if figures is None:
                            results.problems.append(f"{peer.name}, {workload}, round {round_ + 1}: failed; see {log.name}")
                            continue
                        if figures["lost"]:
                            results.problems.append(f"{peer.name}, {workload}, round {round_ + 1}: lost {figures['lost']}")
                        results.add(round_, peer, workload, figures)
            finally:
                for peer in peers:
                    peer.stop()
    text = report(results, place.carrier, peers, pin)
    (arguments.results / f"{place.transport}.md").write_text(text + "\n")
    print(text)
    return 1 if results.problems else 0


if __name__ == "__main__":
    # A terminated run takes its services with it, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
