#!/usr/bin/env python3
"""Starts what compose.yaml says, without containers, and calls it: compose.py ROOT PROGRAMS

Host names become loopback, ports become free ones, and RabbitMQ is the one of WAYBILL_TEST_AMQP_URL; without it the test is
skipped. Of the brokers in the file redis is started as it stands there.
"""
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import yaml

KNOWN = {"profiles", "image", "build", "restart", "working_dir", "depends_on", "command", "environment", "ports", "healthcheck"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(attempt):
    deadline = time.monotonic() + 20
    while True:
        try:
            return attempt()
        except (OSError, AssertionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def get(url, data=None):
    headers = {"Content-Type": "application/json"} if data else {}
    request = urllib.request.Request(url, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.status, response.read().decode()


def main():
    root, programs = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    amqp = os.environ.get("WAYBILL_TEST_AMQP_URL", "")
    if not amqp:
        print('skipped: WAYBILL_TEST_AMQP_URL is not set: eval "$(scripts/brokers.sh up)"')
        sys.exit(77)
    services = yaml.safe_load((root / "compose.yaml").read_text())["services"]
    ports, commands = {}, {}
    for name, service in services.items():
        unknown = set(service) - KNOWN
        assert not unknown, f"{name}: {unknown}"
        for other in service.get("depends_on", {}):
            assert other in services, f"{name} depends on {other}"
            assert "healthcheck" in services[other], f"{other} has no healthcheck"
        if "build" not in service:
            continue
        assert (root / service["build"]["dockerfile"]).is_file()
        environment = dict(service["environment"])
        for published in service.get("ports", []):
            address, outside, inside = published.split(":")
            assert address == "127.0.0.1", f"{name} is published to everybody"
            assert inside == environment["PORT"], f"{name} publishes a port on which it does not listen"
            ports[name] = free_port()
        commands[name] = environment
    listens = {}  # ports within the composition, by their number there
    running = []
    with tempfile.TemporaryDirectory() as work:
        try:
            for name, environment in commands.items():
                service = services[name]
                if "rabbitmq" in service.get("depends_on", {}):
                    environment["BROKER_URL"] = environment["BROKER_URL"].replace("amqp://guest:guest@rabbitmq", amqp)
                    environment["BROKER_URL"] = environment["BROKER_URL"].replace("=shop", f"=shop-{os.getpid()}")
                for key, value in environment.items():
                    if key == "PORT":
                        environment[key] = str(ports[name])
                    elif key.endswith("_PORT"):
                        environment[key] = str(listens.setdefault(value, free_port()))
                    elif value in services:
                        environment[key] = "127.0.0.1"
                    elif value == "/tmp/orders.jsonl":
                        environment[key] = f"{work}/orders.jsonl"
                folder = root / service["working_dir"].lstrip("/")
                program, *arguments = service["command"]
                log = open(f"{work}/{name}.log", "w")
                running.append(subprocess.Popen([programs / program, *arguments], cwd=folder, stdin=subprocess.DEVNULL,
                                                stdout=log, stderr=log, env={**os.environ, **environment}))
            for name in ("gateway", "hybrid"):
                url = f"http://127.0.0.1:{ports[name]}/hello?name=hohoho"
                eventually(lambda: get(url))
                assert get(url) == (200, "hello hohoho"), get(url)
            url = f"http://127.0.0.1:{ports['cqrs-http']}/orders"
            eventually(lambda: get(f"http://127.0.0.1:{ports['cqrs-http']}/readyz"))
            status, body = eventually(lambda: get(url, b'{"item":"tea","quantity":2}'))
            assert status == 202, body
            order = json.loads(body)["id"]

            def is_shipped():
                assert json.loads(get(f"{url}/{order}")[1])["state"] == "shipped"
            eventually(is_shipped)
            port = str(free_port())
            command = [*services["redis"]["command"], "--port", port]
            running.append(subprocess.Popen(command, cwd=work, stdout=subprocess.DEVNULL))
            check = services["redis"]["healthcheck"]["test"]

            def ask(*arguments):
                done = subprocess.run([check[1], "-p", port, *arguments], capture_output=True, text=True)
                assert done.stdout.strip() == "PONG", done.stdout + done.stderr
            eventually(lambda: ask(*check[2:]))
            ask("--user", "waybill", "--pass", "secret", "--no-auth-warning", "ping")
        except BaseException:
            for log in pathlib.Path(work).glob("*.log"):
                print(f"== {log.name}\n{log.read_text()[-2000:]}")
            raise
        finally:
            for process in reversed(running):
                process.terminate()
            codes = [process.wait(20) for process in running]
    assert not any(codes), codes
    print("ok")


if __name__ == "__main__":
    main()
