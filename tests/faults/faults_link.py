"""The link is bad: a proxy of our own resets it, flaps, is slow, cuts inside a frame, takes nothing."""

import random


def reset(rig):
    rig.begin(via="proxy")
    for _ in range(10):
        with rig.outage():
            rig.proxy.reset_all()
        rig.run(0.2)


def flapping(rig):
    """Open for a moment and closed again, for ten seconds: backoff must not begin anew each time."""
    rig.begin(via="proxy")
    with rig.outage():
        for turn in range(20):
            rig.proxy.refusing = turn % 3 == 2
            rig.run(0.5)
            rig.proxy.reset_all()
        rig.proxy.refusing = False
    rig.run(1)


def slow(rig):
    """16 KiB a second and direction, 50 ms late: less than the load."""
    rig.begin(via="proxy")
    with rig.outage():
        rig.proxy.rate, rig.proxy.delay = 16384, 0.05
        rig.run(10)
        rig.proxy.calm()
    rig.run(1)


def cut(rig):
    """At places that a seed chooses, mostly inside of a frame, in both directions by turns."""
    rig.begin(via="proxy")
    chance = random.Random(7)
    for turn in range(20):
        with rig.outage():
            to_server = turn % 2 == 0
            rig.proxy.cut_after(chance.randrange(1, 3000), to_server=to_server)
            rig.wait(lambda: rig.proxy.cuts[to_server] is None, 20, "nothing was sent any more")
    rig.run(0.5)


def takes_nothing(rig):
    """The other side reads nothing for 20 s, and answers nothing."""
    rig.begin(via="proxy")
    with rig.outage():
        rig.proxy.stall()
        rig.run(20)
        rig.proxy.calm()
    rig.run(1)


FAULTS = {
    "reset": ("link reset; 10 times", reset),
    "flapping": ("link flaps for 10 s", flapping),
    "slow": ("link of 16 KiB/s and 50 ms for 10 s", slow),
    "cut": ("link cut inside a frame; 20 times", cut),
    "takes-nothing": ("peer that reads nothing for 20 s", takes_nothing),
}
