"""What belongs to the broker goes or changes: queues, topics, subscriptions, dead-letter places, rights, room."""

import contextlib
import subprocess

from carriers import Broker

BROKER_IS_NEEDED = "there is no broker"
WENT_ALONG = "what was in the queue or topic went with it"


def delete(rig, *names):
    """Queues or topics, by their names without the fault's own."""
    for name in names:
        if rig.carrier.scheme == "amqp":
            rig.broker.rabbitmqctl("delete_queue", rig.subject + name)
        else:
            kafka(rig, "remove", f"{rig.subject}.{name}")


def kafka(rig, *arguments):
    subprocess.run([rig.world.build / "faults_kafka", f"kafka://127.0.0.1:{rig.broker.port()}", *arguments], check=True,
                   capture_output=True, timeout=60)


def deleted(rig):
    rig.needs(rig.carrier.broker, BROKER_IS_NEEDED)
    rig.begin()
    rig.may_lose = WENT_ALONG
    for _ in range(3):
        with rig.outage():
            if rig.carrier.scheme == "redis":
                rig.broker.redis("CLIENT", "KILL", "TYPE", "pubsub")
            elif rig.carrier.scheme == "amqp":
                delete(rig, "")
            else:
                delete(rig, "load.event", "load.request")
        rig.run(1)


def dead_letter_gone(rig):
    """Deleted while messages are given up: they are parked once it is there again, and not handled again meanwhile."""
    rig.needs(rig.carrier.keeps, "has no dead letters")
    dead = {"amqp": rig.subject + ".dead", "kafka": "dead"}[rig.carrier.scheme]
    rig.begin(service={"attempts": 2, "backoff": "50ms", "dead_letter": dead})
    poison(rig, 0, 5, attempts=2)
    with rig.outage():
        delete(rig, ".dead" if rig.carrier.scheme == "amqp" else "dead")
        poison(rig, 5, 25, attempts=2)
    rig.run(3)
    rig.check(len(rig.books.poison) == 50, f"25 poison messages of 2 attempts were handled {len(rig.books.poison)} times")


def poison(rig, first, last, attempts):
    for number in range(first, last):
        rig.call(f"poison{number}", "event", "fault.poison", 100)
    rig.wait(lambda: len(rig.books.poison) >= last * attempts, 30, "poison messages were not tried again")


def revoked(rig):
    """The password is changed under open links, which are closed; or the rights are taken. All is back after 10 s."""
    rig.needs(rig.carrier.broker, "has no users")
    user, address = {"redis": ("waybill:secret", None), "amqp": (f"{rig.subject}:secret", None),
                     "kafka": ("limited:secret", f"127.0.0.1:{rig.broker.port('kafka-sasl')}")
                     if rig.carrier.scheme == "kafka" else None}[rig.carrier.scheme]
    if rig.carrier.scheme == "amqp":
        rig.broker.rabbitmqctl("add_user", rig.subject, "secret")
        rig.broker.rabbitmqctl("set_permissions", rig.subject, ".*", ".*", ".*")
    elif rig.carrier.scheme == "kafka":
        kafka(rig, "allow", "limited")
    rig.begin(address=address, service={"user": user}, client={"user": user})
    with rig.outage(limit=90):
        if rig.carrier.scheme == "redis":
            rig.broker.redis("ACL", "SETUSER", "waybill", "resetpass", ">another")
            rig.broker.redis("CLIENT", "KILL", "USER", "waybill")
        elif rig.carrier.scheme == "amqp":
            rig.broker.rabbitmqctl("change_password", rig.subject, "another")
            rig.broker.rabbitmqctl("close_all_user_connections", rig.subject, "revoked")
        else:
            kafka(rig, "forbid", "limited")
        rig.run(10)
        if rig.carrier.scheme == "redis":
            rig.broker.redis("ACL", "SETUSER", "waybill", "resetpass", ">secret")
        elif rig.carrier.scheme == "amqp":
            rig.broker.rabbitmqctl("change_password", rig.subject, "secret")
        else:
            kafka(rig, "allow", "limited")
    rig.run(1)


def check_blocked(rig, seconds):
    told = any(status == "blocked" for _, _, status in rig.books.statuses)
    rig.check(told or not rig.is_whole(seconds), "no client was blocked")


def blocked(rig):
    rig.needs(rig.carrier.scheme == "amqp", "no alarm blocks publishers")
    rig.begin()
    with rig.outage():
        rig.broker.rabbitmqctl("set_vm_memory_high_watermark", "0.000001")
        rig.run(10)
        check_blocked(rig, 10)
        rig.broker.rabbitmqctl("set_vm_memory_high_watermark", "0.4")
    rig.run(1)


@contextlib.contextmanager
def small_disk(rig):
    """A broker of its own on a disk of 600 MB in memory; gives what fills it but for so many MB, and what empties it."""
    folder = rig.world.results / "small-disk"
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600m", "tmpfs", folder], capture_output=True)
    rig.needs(mounted.returncode == 0, "needs root, for a small disk")
    usual, rig.broker = rig.broker, Broker(rig.carrier, folder, rig.world.newer, rig.world.proxy.address)
    filler = folder / "filler"

    def fill(left):
        free = int(subprocess.run(["df", "--output=avail", "-B1M", folder], capture_output=True, text=True).stdout.split()[1])
        with open(filler, "wb") as file:
            with contextlib.suppress(OSError):
                for _ in range(free - left + (1 if left == 0 else 0)):
                    file.write(b"\0" * (1 << 20))
                    file.flush()
    try:
        rig.broker.up()
        yield fill, lambda: filler.unlink(missing_ok=True)
    finally:
        rig.broker.wipe()
        rig.broker = usual
        subprocess.run(["umount", "-l", folder])


def disk_full(rig):
    rig.needs(rig.carrier.broker, BROKER_IS_NEEDED)
    with small_disk(rig) as (fill, empty):
        rig.begin()
        with rig.outage():
            if rig.carrier.scheme == "redis":  # what it keeps is not its pub/sub: a snapshot that fails
                fill(0)
                rig.broker.redis("CONFIG", "SET", "save", "1 1")
                rig.broker.redis("SET", "key", "x" * 100000)
                rig.run(10)
            elif rig.carrier.scheme == "amqp":
                fill(20)
                rig.run(20)
                check_blocked(rig, 20)
            else:
                fill(0)
                rig.run(15)
            empty()
            if rig.carrier.keeps and " up " not in rig.broker.script("status", rig.carrier.broker, check=False):
                rig.remarks.append("the broker ended by itself, and was started again when there was room")
                rig.broker.script("start", rig.carrier.broker)
        rig.run(1)
        rig.finish()


FAULTS = {
    "deleted": ("queue, topic or subscription deleted underneath; 3 times", deleted),
    "dead-letter-gone": ("dead-letter place deleted while messages are given up", dead_letter_gone),
    "revoked": ("credentials revoked while connected, for 10 s", revoked),
    "blocked": ("publishers blocked by an alarm for 10 s", blocked),
    "disk-full": ("the broker's disk is full", disk_full),
}
