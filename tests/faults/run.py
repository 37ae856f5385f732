"""scripts/faults.sh: does faults to real brokers and adds up what became of the load."""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import faults_broker
import faults_handlers
import faults_limits
import faults_link
import faults_objects
import table
from carriers import CARRIERS, ROOT, Broker
from namespace import Namespace
from proxy import Proxy
from rig import CannotBeMade, Failed, Rig

FAULTS = {}
for part in (faults_broker, faults_link, faults_objects, faults_handlers, faults_limits):
    FAULTS |= part.FAULTS


# What the tests run, a minute in all: each kind of thing that faults are made with.
SHORT = {"tcp": ("killed", "cut", "throwing"), "amqp": ("stop", "poison")}
SKIPPED = 77


@dataclass
class World:
    """What all faults of a run share."""
    build: Path
    results: Path
    proxy: Proxy
    namespace: Namespace | None
    clients: int = 4
    seconds: float | None = None  # that a fault may last at most
    newer: bool = False
    environment: dict | None = None


def one(world, carrier, name, broker):
    """The figures of one fault, or {"reason": why it cannot be made}."""
    rig = Rig(world, carrier, name, broker)
    try:
        try:
            FAULTS[name][1](rig)
        except Failed as failure:
            rig.fail(str(failure))
        rig.finish()
    except CannotBeMade as reason:
        return {"reason": str(reason)}
    except Exception as failure:  # the rest of the catalogue goes on
        traceback.print_exc()
        rig.fail(f"the fault could not be done: {failure}".replace("\n", " ")[:200])
    finally:
        rig.end()
    return rig.row()


def all_of(world, carrier, names):
    broker, results = None, {}
    if carrier.broker:
        via = world.proxy.address if carrier.scheme == "kafka" else None
        broker = Broker(carrier, world.results / f"{carrier.name}-brokers", world.newer, via)
        broker.wipe()
        broker.up()
    try:
        for name in names:
            began = time.monotonic()
            figures = results[name] = one(world, carrier, name, broker)
            said = f"- {figures['reason']}" if "reason" in figures else "; ".join(figures["failures"]) or "ok"
            print(f"   {carrier.name:12} {name:20} {time.monotonic() - began:5.1f} s  {said}", file=sys.stderr, flush=True)
            if broker and broker.script("status", carrier.broker, check=False).find(" up ") < 0:
                broker.start()
    finally:
        if broker:
            broker.wipe()
    return results


def options():
    parser = argparse.ArgumentParser(prog="scripts/faults.sh", description="Does faults to real brokers under load.")
    parser.add_argument("carriers", nargs="*", metavar="carrier", help=f"{', '.join(CARRIERS)} (all)")
    parser.add_argument("--only", metavar="FAULT", action="append", help="this fault; may be given more than once")
    parser.add_argument("--seconds", type=float, metavar="N", help="faults that last (60 s away, 20 s frozen ...) last N s at most")
    parser.add_argument("--newer", action="store_true", help="RabbitMQ 4.0, Redis 8, Kafka 4 (brokers.sh --newer)")
    parser.add_argument("--list", action="store_true", help="the faults")
    parser.add_argument("--write", action="store_true", help="puts the tables into docs/reliability.md")
    parser.add_argument("--short", action="store_true", help="a few faults, a minute in all: what the tests run")
    parser.add_argument("--build", type=Path, required=True, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    chosen.newer = chosen.newer or bool(os.environ.get("WAYBILL_BROKERS_NEWER"))
    for name in chosen.carriers:
        if name not in CARRIERS:
            parser.error(f"unknown carrier {name}: {', '.join(CARRIERS)}")
    for name in chosen.only or []:
        if name not in FAULTS:
            parser.error(f"unknown fault {name}: {', '.join(FAULTS)}")
    return chosen


def main():
    chosen = options()
    if chosen.list:
        for name, (title, _) in FAULTS.items():
            print(f"{name:20} {title}")
        return 0
    if chosen.short and not (os.environ.get("WAYBILL_TEST_AMQP_URL") or os.environ.get("WAYBILL_TEST_REQUIRE")):
        print('skipped: no brokers here (eval "$(scripts/brokers.sh up)" says that there may be some)')
        return SKIPPED
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results = Path(os.environ.get("WAYBILL_FAULTS_DIR", ROOT / "build/faults")).resolve() / ("newer" if chosen.newer else "older")
    results.mkdir(parents=True, exist_ok=True)
    try:
        namespace = Namespace() if os.geteuid() == 0 and shutil.which("ip") else None
    except (OSError, subprocess.CalledProcessError):
        namespace = None
    world = World(chosen.build, results, Proxy(namespace.host if namespace else "127.0.0.1"), namespace,
                  seconds=chosen.seconds, newer=chosen.newer)
    failures, titles = 0, {name: title for name, (title, _) in FAULTS.items()}
    try:
        for name in chosen.carriers or (SHORT if chosen.short else CARRIERS):
            figures = all_of(world, CARRIERS[name], chosen.only or (SHORT[name] if chosen.short else FAULTS))
            failures += sum(bool(each.get("failures")) for each in figures.values())
            file = results / f"{name}.json"
            kept = json.loads(file.read_text()) if (chosen.only or chosen.short) and file.exists() else {}
            file.write_text(json.dumps(kept | figures, indent=1))
            if chosen.write:
                written = {fault: (kept | figures)[fault] for fault in FAULTS if fault in kept | figures}
                table.write(ROOT / "docs/reliability.md", name, chosen.newer, titles, written)
            print(f"\n### {name}{' (newer)' if chosen.newer else ''}\n\n{table.table(titles, figures)}\n", flush=True)
    finally:
        if namespace:
            namespace.remove()
    print(f"{failures} faults failed" if failures else "All faults were outlived", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
