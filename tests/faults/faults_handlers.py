"""The service itself: handlers that hang, throw or are slow, messages that cannot be handled, members that come and go."""

import signal

from faults_objects import poison


def poisoned(rig):
    """Messages whose handler always fails, and some that do not decode, among the others."""
    attempts = 3 if rig.carrier.keeps else 1
    policy = {"attempts": 3, "backoff": "50ms"} if rig.carrier.keeps else {}
    if rig.carrier.keeps:
        policy["dead_letter"] = rig.subject + ".dead" if rig.carrier.scheme == "amqp" else "dead"
    rig.begin(service=policy)
    with rig.outage():
        for number in range(20):
            rig.call(f"undecodable{number}", "event", "fault.throw_event", 10)
        poison(rig, 0, 20, attempts)
    rig.run(1)
    rig.check(len(rig.books.poison) == 20 * attempts,
              f"20 poison messages of {attempts} attempts were handled {len(rig.books.poison)} times")
    if rig.carrier.scheme == "amqp":
        def parked():  # a quorum queue tells it late
            lines = rig.broker.rabbitmqctl("-q", "list_queues", "name", "messages").splitlines()
            return dict(line.split() for line in lines if line.startswith(rig.subject)).get(policy["dead_letter"])
        rig.wait(lambda: parked() == "40", 30, "the queue of dead letters does not have the 40 that were given up")


def hanging(rig):
    """Ten requests and ten events whose handlers never end, one that blocks its thread; then the service is stopped."""
    rig.begin()
    with rig.outage():
        for number in range(10):
            rig.call(f"hang{number}", "request", "fault.hang", 10)
            rig.call(f"event{number}", "event", "fault.hang_event", 10)
        rig.call("block", "request", "fault.block", "=1000")
        for number in range(10):
            rig.outcome(f"hang{number}")
        rig.outcome("block")
        rig.check(rig.books.hangs >= 20, f"{rig.books.hangs} of 20 handlers were called")
    with rig.outage():
        rig.stop_service()
        rig.start_service()
    rig.run(1)


THROWING = ("throw", "throw_later")


def throwing(rig):
    """Numbers, texts, a class without a base: what is thrown that no std::exception is."""
    rig.begin()
    with rig.outage():
        for what in range(4):
            for pattern in THROWING:
                rig.call(f"{pattern}{what}", "request", f"fault.{pattern}", f"={what}")
            rig.call(f"event{what}", "event", "fault.throw_event", f"={what}")
        for what in range(4):
            for pattern in THROWING:
                outcome, code = rig.outcome(f"{pattern}{what}")
                rig.check((outcome, "peer" in code or "remote" in code or "handler" in code) == ("u", True),
                          f"its caller got {outcome} {code}")
    rig.run(1)


def members(rig):
    """A second member joins, and one leaves: killed and stopped by turns."""
    rig.needs(rig.carrier.scheme != "redis", "has no groups: each replica gets every message")
    is_tcp = not rig.carrier.broker
    rig.begin(members=2 if is_tcp else 1)
    for turn in range(4):
        if not is_tcp:
            rig.start_service()
            rig.run(1)
        with rig.outage():
            oldest = rig.services[0]
            rig.kill_service(oldest) if turn % 2 == 0 else rig.stop_service(oldest)
        if is_tcp:
            rig.start_service(turn % 2)
    rig.run(1)


def stopped_under_load(rig):
    """SIGTERM, and another one: all that was taken is finished and answered."""
    rig.begin()
    for _ in range(4):
        with rig.outage():
            if rig.carrier.keeps:
                rig.start_service()
                rig.stop_service(rig.services[0])
            else:
                rig.stop_service()
                rig.start_service()
        rig.run(0.5)


def slow_consumer(rig):
    """Handles two thirds of the events that come, for 10 s; then a quick one takes its place."""
    at_once = 8 if rig.carrier.broker else 8 // rig.world.clients  # on TCP of each client
    rig.begin(hold=60, service={"max_in_flight": at_once})
    with rig.outage():
        rig.run(10)
        rig.hold = 0
        rig.stop_service()
        rig.start_service()
    rig.run(1)


def caller_reads_nothing(rig):
    """Another client asks for 20 MB of replies, and stands still for 10 s."""
    rig.begin()
    lazy = rig.another_client("lazy", ["--events", 0, "--requests", 20])
    with rig.outage():
        for number in range(100):
            lazy.command(f"call large{number} request fault.large ={200_000} 0")
        rig.run(0.3)
        lazy.signal(signal.SIGSTOP)
        rig.run(10)
        lazy.signal(signal.SIGCONT)
    lazy.end()
    rig.run(1)


FAULTS = {
    "slow-consumer": ("consumer slower than the load for 10 s", slow_consumer),
    "never-reads": ("caller that reads nothing of 20 MB of replies for 10 s", caller_reads_nothing),
    "members": ("members come and go; 4 times", members),
    "poison": ("poison messages", poisoned),
    "hanging": ("handlers that hang or block", hanging),
    "throwing": ("handlers that throw what is no exception", throwing),
    "stop": ("service stopped under load; 4 times", stopped_under_load),
}
