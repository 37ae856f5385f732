"""The broker goes: killed, away, stopped, frozen, vanished. On TCP the service goes."""


def killed(rig):
    rig.begin()
    rig.run(2)  # a quorum queue that RabbitMQ has made less than a second ago does not survive its SIGKILL
    for _ in range(3):
        with rig.outage():
            rig.take_away("kill")
            rig.bring_back("kill")
        rig.run(1)


def away(rig):
    rig.begin()
    rig.run(2)
    with rig.outage():
        rig.take_away("kill")
        rig.run(60)
        rig.bring_back("kill")
    rig.run(1)


def stopped(rig):
    rig.begin()
    with rig.outage():
        rig.take_away("stop")
        rig.bring_back("stop")
    rig.run(1)


def frozen(rig):
    rig.begin()
    with rig.outage():
        rig.take_away("freeze")
        rig.run(20)
        rig.bring_back("freeze")
    rig.run(1)


def _vanish(rig, **directions):
    rig.needs(rig.namespace, "needs root, for a network namespace")
    if rig.carrier.broker:
        rig.begin(via="proxy", inside=("service", "client"))
    else:
        rig.begin(inside=("client",))
    with rig.outage():
        rig.namespace.drop(**directions)
        rig.run(35)
        noticed = [client for _, client, status in rig.books.statuses if status in ("interrupted", "blocked")]
        rig.check(not rig.is_whole(35) or len(set(noticed)) == rig.world.clients,
                  "not every client noticed within 35 s that nobody is there")
        rig.namespace.mend()
    rig.run(1)


def vanished_one_way(rig):
    _vanish(rig, to_guest=True, to_host=False)


def vanished(rig):
    _vanish(rig)


FAULTS = {
    "killed": ("broker (tcp: service) killed, and back; 3 times", killed),
    "away": ("away for 60 s", away),
    "stopped": ("stopped politely, and back", stopped),
    "frozen": ("frozen for 20 s", frozen),
    "vanished-one-way": ("vanished without a word for 35 s: what it sends is lost", vanished_one_way),
    "vanished": ("vanished without a word for 35 s, both ways", vanished),
}
