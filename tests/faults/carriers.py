"""What differs between the carriers: their broker, their URLs, what they promise."""

import os
import re
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Carrier:
    name: str
    scheme: str
    broker: str | None = None  # as scripts/brokers.sh knows it
    variable: str = ""
    keeps: bool = False  # at least once: nothing accepted may be lost
    options: dict = field(default_factory=dict)

    def url(self, address, subject, user="", tls=False, **options):
        """`subject`: names of queues, topics, channels and groups of one fault."""
        own = dict(self.options)
        path = ""
        if self.broker:
            path = "/"
        if self.scheme == "redis":
            own["prefix"] = subject + "."
        elif self.scheme == "amqp":
            own["queue"] = subject
            user = user or "guest:guest"
        elif self.scheme == "kafka":
            own |= {"prefix": subject + ".", "group_id": "g"}
        own |= options
        query = "&".join(f"{name}={value}" for name, value in own.items())
        return (f"{self.scheme}{'s' if tls else ''}://{user + '@' if user else ''}{address}{path}"
                f"{'?' + query if query else ''}")


CARRIERS = {each.name: each for each in (
    Carrier("tcp", "tcp"),
    Carrier("redis", "redis", "redis", "WAYBILL_TEST_REDIS_URL"),
    Carrier("amqp", "amqp", "rabbitmq", "WAYBILL_TEST_AMQP_URL", keeps=True),
    Carrier("amqp-quorum", "amqp", "rabbitmq", "WAYBILL_TEST_AMQP_URL", keeps=True, options={"queue_type": "quorum"}),
    Carrier("kafka", "kafka", "kafka", "WAYBILL_TEST_KAFKA_URL", keeps=True, options={"partitions": 4}),
)}


def free_port(host="127.0.0.1"):
    with socket.create_server((host, 0)) as server:
        return server.getsockname()[1]


class Broker:
    """One broker of our own, by scripts/brokers.sh."""

    def __init__(self, carrier, folder, newer=False, via=None):
        self.carrier, self.folder = carrier, Path(folder)
        self.environment = os.environ | {"WAYBILL_BROKERS_DIR": str(folder)}
        if newer:
            self.environment["WAYBILL_BROKERS_NEWER"] = "1"
        if via:
            self.environment["WAYBILL_KAFKA_VIA"] = via
        self.variables = {}

    def script(self, action, *arguments, check=True):
        done = subprocess.run([ROOT / "scripts/brokers.sh", action, *arguments], env=self.environment, text=True,
                              capture_output=True, timeout=300)
        if check and done.returncode:
            raise RuntimeError(f"brokers.sh {action} {' '.join(arguments)}: {done.stderr[-600:]}")
        return done.stdout

    def up(self):
        out = self.script("up", self.carrier.broker)
        self.variables = dict(re.findall(r"^export (\w+)=(.*)$", out, re.M))

    def kill(self): self.script("kill", self.carrier.broker)
    def start(self): self.script("start", self.carrier.broker)
    def stop(self): self.script("down", self.carrier.broker)
    def freeze(self): self.script("freeze", self.carrier.broker)
    def thaw(self): self.script("thaw", self.carrier.broker)
    def wipe(self): self.script("wipe", check=False)
    def rabbitmqctl(self, *arguments): return self.script("rabbitmqctl", *arguments)

    def port(self, name=None):
        return int((self.folder / "ports" / (name or self.carrier.broker)).read_text())

    def redis(self, *words, check=True):
        """One command, and its answer as bytes."""
        with socket.create_connection(("127.0.0.1", self.port()), timeout=10) as link:
            command = b"*%d\r\n" % len(words)
            for word in words:
                word = str(word).encode()
                command += b"$%d\r\n%s\r\n" % (len(word), word)
            link.sendall(command)
            answer = link.recv(65536)
        if check and answer.startswith(b"-"):
            raise RuntimeError(answer.decode())
        return answer
