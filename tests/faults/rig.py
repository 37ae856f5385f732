"""What one fault has at hand: services, clients under load, a broker, a proxy; and the books of it all."""

import contextlib
import os
import signal
import statistics
import subprocess
import threading
import time

from books import Books
from carriers import free_port


class CannotBeMade(Exception):
    """The fault does not exist on this carrier, or not on this machine: a footnote."""


class Failed(Exception):
    """What the fault has shown ends it."""


def now_ms():
    return time.monotonic() * 1000


def figures_of(pid):
    """Peak of the resident memory in KiB, threads, descriptors; nothing of a process that is gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            status = dict(line.split(":", 1) for line in file)
        return int(status["VmHWM"].split()[0]), int(status["Threads"]), len(os.listdir(f"/proc/{pid}/fd"))
    except (OSError, KeyError):
        return None


class Process:
    def __init__(self, role, command, folder, enter=(), limit=None, environment=None):
        self.role, self.is_ended_by_us = role, False
        self.peak = [0, 0, 0]
        self.log = folder / f"{role}.log"
        self.errors = open(self.log, "ab")
        self.popen = subprocess.Popen([*enter, *map(str, command)], stdin=subprocess.PIPE, stdout=self.errors,
                                      stderr=self.errors, env=os.environ | (environment or {}))

    @property
    def pid(self):
        return self.popen.pid

    def sample(self):
        if self.popen.returncode is None and (figures := figures_of(self.pid)):
            self.peak = [max(pair) for pair in zip(self.peak, figures)]
        return self.peak

    def signal(self, number):
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.is_ended_by_us = True
        self.popen.send_signal(number)

    def command(self, line):
        self.popen.stdin.write(line.encode() + b"\n")
        self.popen.stdin.flush()

    def end(self):
        self.signal(signal.SIGKILL)
        self.wait(10)

    def wait(self, seconds):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def has_crashed(self):
        code = self.popen.poll()
        return code is not None and code != 0 and not (self.is_ended_by_us and code == -signal.SIGKILL)


class Rig:
    def __init__(self, world, carrier, name, broker):
        self.world, self.carrier, self.name, self.broker = world, carrier, name, broker
        self.proxy, self.namespace = world.proxy, world.namespace
        self.subject = f"f{os.getpid()}-{carrier.name}-{name}".replace(" ", "-")
        self.folder = world.results / carrier.name / name.replace(" ", "-")
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.iterdir():
            old.unlink()
        self.books = Books(world.clients)
        self.services, self.client, self.processes = [], None, []
        self.windows, self.samples, self.failures, self.remarks = [], [], [], []
        self.may_lose = None  # why what was sent during the fault may be lost although the carrier keeps
        self.ports = []
        self.steady = None
        self.is_over = threading.Event()
        self.sampler = threading.Thread(target=self._sample, daemon=True)
        self.sampler.start()

    # What is there.

    def begin(self, via=None, members=1, hold=0, service=None, client=None, load=None, inside=(), address=None,
              dead=()):
        """Services, and clients whose load is going. via: 'proxy', which stands between them and what they talk to;
        service, client: options of their URLs; load: arguments of faults_client; inside: roles in the namespace;
        address: of the broker, in place of its usual one; dead: further addresses, before the one that lives."""
        self.service_options, self.client_options, self.hold, self.inside = service or {}, client or {}, hold, inside
        self.service_address = self.client_address = address
        if self.carrier.broker:
            if not address:
                self.service_address = self.client_address = f"127.0.0.1:{self.broker.port()}"
            if via == "proxy":
                port = self.broker.port("kafka-via" if self.carrier.scheme == "kafka" else None)
                self.proxy.target = ("127.0.0.1", port)
                self.service_address = self.client_address = self.proxy.address
        else:
            host = self.namespace.host if inside else "127.0.0.1"
            self.ports = [free_port(host) for _ in range(members)]
            self.client_address = ",".join(f"{host}:{port}" for port in self.ports)
            if via == "proxy":
                self.proxy.target = (host, self.ports[0])
                self.client_address = self.proxy.address
            self.host = host
        if dead:
            self.client_address = ",".join([*dead, self.client_address])
            if self.carrier.broker:
                self.service_address = self.client_address
        for member in range(members):
            self.start_service(member)
        self.client = self._spawn("client", "client", [*self._client_url(), "--clients", self.world.clients, *(load or [])])
        self.wait(lambda: self.books.began and self.books.accepted() >= 50 and self.books.has_recovered(self.books.began),
                  30, "the load never got going")
        self.steady = [figures_of(process.pid) for process in (self.services[-1], self.client)]

    def start_service(self, member=0):
        address = self.service_address if self.carrier.broker else f"{self.host}:{self.ports[member]}"
        name = f"service-{len([p for p in self.processes if p.role.startswith('service')])}"
        process = self._spawn("service", name, [
            "--url", self.carrier.url(address, self.subject, **self.service_options), "--hold", self.hold])
        self.services.append(process)
        journal = self.folder / f"{name}.journal"
        self.wait(lambda: self._is_up(process, journal), 60, f"{name} did not start: see {process.log.name}")
        return process

    def _client_url(self, options=None):
        return ["--url", self.carrier.url(self.client_address, self.subject, **(options or self.client_options))]

    def another_client(self, name, load, options=None):
        """One that is not in the books."""
        process = Process(name, [self.world.build / "faults_client", "--journal", self.folder / f"{name}.journal",
                                 *self._client_url(options), "--clients", 1, *load], self.folder)
        self.processes.append(process)
        return process

    def has_link(self, process):
        return b"\nB " in b"\n" + (self.folder / f"{process.role}.journal").read_bytes()

    def _is_up(self, process, journal):
        if process.popen.poll() is not None:
            raise Failed(f"{process.role} ended with {process.popen.returncode}: see {process.log.name}")
        return journal.exists() and b"\nU " in b"\n" + journal.read_bytes()  # a message may be there before

    def _spawn(self, program, name, arguments):
        journal = self.folder / f"{name}.journal"
        self.books.follow(journal)
        process = Process(name, [self.world.build / f"faults_{program}", "--journal", journal, *arguments], self.folder,
                          self.namespace.enter if program in self.inside else (), environment=self.world.environment)
        self.processes.append(process)
        return process

    def _sample(self):
        while not self.is_over.wait(0.2):
            for process in self.processes:
                process.sample()

    # What is done to it.

    def kill_service(self, process=None):
        process = process or self.services[-1]
        process.sample()
        process.signal(signal.SIGKILL)
        process.wait(10)
        self.services.remove(process)

    def stop_service(self, process=None):
        """SIGTERM; it drains."""
        process = process or self.services[-1]
        process.sample()
        process.signal(signal.SIGTERM)
        if process.wait(20) is None:
            self.fail("the service did not end within 20 s of SIGTERM")
            process.signal(signal.SIGKILL)
            process.wait(10)
        elif process.popen.returncode != 0:
            self.fail(f"the service ended with {process.popen.returncode} after SIGTERM")
        self.services.remove(process)

    def take_away(self, how):
        """The broker; where there is none the service. how: kill, stop or freeze."""
        if self.carrier.broker:
            return getattr(self.broker, how)()
        if how == "freeze":
            return self.services[-1].signal(signal.SIGSTOP)
        self.kill_service() if how == "kill" else self.stop_service()

    def bring_back(self, how):
        if how == "freeze":
            return self.broker.thaw() if self.carrier.broker else self.services[-1].signal(signal.SIGCONT)
        self.broker.start() if self.carrier.broker else self.start_service()

    @contextlib.contextmanager
    def outage(self, limit=75):
        """A fault that begins here and is over at the end of the block; then waits until every client is served."""
        began = now_ms()
        self.windows.append([began, float("inf")])
        yield
        back = now_ms()
        self.recovered(back, limit)
        self.windows[-1][1] = now_ms()

    def recovered(self, back, limit=75):
        try:
            self.wait(lambda: self.books.has_recovered(back), limit, "")
        except Failed:
            if not any(process.has_crashed() for process in self.processes):
                self.fail(f"not served again {limit} s after the fault")
            raise Failed(self.failures[-1] if self.failures else "crashed")
        self.samples += [sample for sample in self.books.recoveries(back) if sample is not None]

    def call(self, name, kind, pattern, size, header=0):
        self.client.command(f"call {name} {kind} {pattern} {size} {header}")

    def outcome(self, name, seconds=10):
        """(ok|r|u, code) of a call()."""
        self.wait(lambda: name in self.books.calls, seconds, f"the call {name} has no end after {seconds} s")
        return self.books.calls[name][:2]

    def is_whole(self, seconds):
        """Whether a fault may last so long."""
        return not self.world.seconds or seconds <= self.world.seconds

    def run(self, seconds):
        """Lets the load go on."""
        until = time.monotonic() + (seconds if self.is_whole(seconds) else self.world.seconds)
        while time.monotonic() < until:
            self._tick()
            time.sleep(0.05)

    def wait(self, condition, seconds, otherwise):
        until = time.monotonic() + seconds
        while True:
            self._tick()
            if condition():
                return
            if time.monotonic() > until:
                raise Failed(otherwise)
            time.sleep(0.02)

    def _tick(self):
        self.books.read()
        for process in self.processes:
            if process.has_crashed():
                code = process.popen.returncode
                raise Failed(f"{process.role} ended by itself with {code}: see {process.log.name}")

    def check(self, is_so, otherwise):
        if not is_so:
            self.fail(otherwise)

    def fail(self, text):
        if text and text not in self.failures:
            self.failures.append(text)

    def needs(self, condition, otherwise):
        if not condition:
            raise CannotBeMade(otherwise)

    # The end.

    def finish(self):
        """Stops the load, waits for what was accepted, ends everything."""
        if self.client and self.client.popen.poll() is None:
            self.client.sample()
            self.client.command("stop")
            deadline = time.monotonic() + 75
            while self.client.popen.poll() is None and time.monotonic() < deadline:
                self.books.read()
                time.sleep(0.05)
            if self.client.popen.poll() is None:
                self.fail("the client did not end")
        until = time.monotonic() + (20 if self.carrier.keeps else 1)
        self.books.read()
        while self.books.lost() and time.monotonic() < until:
            time.sleep(0.1)
            self.books.read()
        for process in list(self.services):
            if process.popen.poll() is None:
                self.stop_service(process)
        self.books.read()

    def end(self):
        """Whatever happened: nothing of ours is left running."""
        self.is_over.set()
        self.sampler.join()
        self.proxy.calm()
        self.proxy.reset_all()
        if self.namespace:
            self.namespace.mend()
        for process in self.processes:
            if process.has_crashed():
                self.fail(f"{process.role} ended by itself with {process.popen.returncode}")
            if process.popen.poll() is None:
                process.signal(signal.SIGCONT)
                process.signal(signal.SIGKILL)
                process.wait(10)
            process.errors.close()
            process.popen.stdin.close()

    def row(self):
        total = self.books.total()
        # What a fault deletes it deletes with what came shortly before, and until all of it is there again.
        spared = [(began - 5_000, ended + 10_000) for began, ended in self.windows] if self.may_lose else []
        lost = self.books.lost(spared) if self.carrier.keeps else []
        if lost:
            self.fail(f"{len(lost)} accepted and lost, the first {lost[0]}")
        for key, text in (("unmarked", "repeated without a mark"), ("hung", "calls later than their deadline")):
            if total[key]:
                self.fail(f"{total[key]} {text}")
        if total["refused_and_handled"]:
            text = f"{total['refused_and_handled']} ended as rejected, and were handled all the same"
            self.remarks.append(text) if self.may_lose else self.fail(text)
        services = [process for process in self.processes if process.role.startswith("service")]
        peaks = [[max((process.peak[i] for process in group), default=0) for i in range(3)]
                 for group in (services, [self.client] if self.client else [])]
        samples = sorted(self.samples)
        total |= {
            "recovery_p50_ms": round(statistics.median(samples)) if samples else None,
            "recovery_p95_ms": round(samples[min(len(samples) - 1, int(len(samples) * 0.95))]) if samples else None,
            "memory_mib": [round(peak[0] / 1024) for peak in peaks],
            "threads": [peak[1] for peak in peaks], "descriptors": [peak[2] for peak in peaks],
            "steady": self.steady, "failures": self.failures, "remarks": self.remarks,
            "may_lose": self.may_lose,
        }
        return total
