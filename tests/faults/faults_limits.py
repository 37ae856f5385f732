"""Bounds are reached: connections, descriptors, sizes; addresses are dead, certificates wrong or renewed."""

import resource
import shutil
import socket
import ssl
import subprocess

from carriers import free_port


def connections(rig):
    """10,000 more callers connect, ask once, and stay."""
    rig.needs(not rig.carrier.broker, "connections are the broker's, not the service's")
    rig.needs(resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 10_500, "needs 10,500 descriptors (ulimit -n)")
    rig.begin(service={"max_connections": 11000, "max_connections_per_address": 11000})
    text = b'{"pattern":"load.request","data":1,"id":"a"}'
    request = b"%d#%s" % (len(text), text)
    callers = []
    try:
        with rig.outage():
            for _ in range(100):
                for _ in range(100):
                    callers.append(socket.create_connection((rig.host, rig.ports[0]), timeout=10))
                    callers[-1].sendall(request)
                rig._tick()
            answered = sum(caller.recv(200).count(b'"response":1') for caller in callers)
        rig.check(answered == 10_000, f"{answered} of 10,000 callers were answered")
        rig.run(1)
    finally:
        for caller in callers:
            caller.close()
    rig.run(1)


def descriptors(rig):
    """Service and clients may open nothing more for 8 s, while their links are reset."""
    rig.begin(via="proxy")
    processes = [*rig.services, rig.client]
    with rig.outage():
        for process in processes:
            hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[1]
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (5, hard))
        rig.proxy.reset_all()
        rig.run(8)
        for process in processes:
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (hard, hard))
    rig.run(1)


def oversized(rig):
    """A message of 20 MiB, a reply of as much, headers of 1 MiB either way."""
    rig.begin()
    told = []
    with rig.outage():
        for what, pattern, size, header in (("message", "fault.echo", 20 << 20, 0), ("reply", "fault.large", f"={20 << 20}", 0),
                                            ("header", "fault.echo", 10, 1 << 20),
                                            ("header of a reply", "fault.header", f"={1 << 20}", 0)):
            name = what.replace(" ", "-")
            rig.call(name, "request", pattern, size, header)
            outcome, code = rig.outcome(name)
            told.append(f"{what}: {'carried' if outcome == 'ok' else code.replace('_', ' ')}")
    rig.remarks.append(f"{rig.carrier.scheme}: {', '.join(told)}")
    rig.run(1)


def two_addresses(rig):
    """The first is closed, the second says nothing at all; the third is right, and goes and comes."""
    dead = [f"127.0.0.1:{free_port()}"]
    if rig.namespace:
        dead.append(f"{rig.namespace.guest}:9")
        rig.namespace.drop()
    rig.begin(dead=dead)
    rig.run(5)  # RabbitMQ 3.10 that is killed a second after a quorum queue was declared gives it no leader any more
    for _ in range(2):
        with rig.outage():
            rig.take_away("kill")
            rig.bring_back("kill")
    rig.run(1)


class Certificates:
    """An authority of our own, and what it has signed."""

    def __init__(self, folder):
        self.folder = folder
        self.made = 0

    def run(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def authority(self, name):
        self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                 "-out", f"{name}.crt")
        return self.folder / f"{name}.crt"

    def server(self, authority_crt, authority_key, crt, key):
        """In place of what is there, as a renewal does it."""
        self.made += 1
        (self.folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self.run("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "new.key", "-out", "new.csr")
        self.run("x509", "-req", "-in", "new.csr", "-CA", authority_crt, "-CAkey", authority_key, "-set_serial",
                 str(1000 + self.made), "-days", "30", "-extfile", "names", "-out", "new.crt")
        shutil.move(self.folder / "new.key", key)
        shutil.move(self.folder / "new.crt", crt)


def certificates(rig):
    """A client that trusts another authority gets nothing, and disturbs nobody; then the server's certificate is renewed."""
    made = Certificates(rig.folder)
    if rig.carrier.broker:
        tls = rig.broker.folder / "tls"
        authority, key = tls / "ca.crt", tls / "ca.key"
        address = f"localhost:{rig.broker.port(rig.carrier.broker + '-tls')}"
        server = {}
    else:
        tls = rig.folder
        authority, key, address = made.authority("authority"), tls / "authority.key", None
        made.server(authority, key, tls / "server.crt", tls / "server.key")
        server = {"cert": tls / "server.crt", "key": tls / "server.key"}
    other = made.authority("another")
    trust = {"tls": True, "ca": authority}
    rig.begin(address=address, service=({"tls": True} | server) if server else trust, client=trust)
    with rig.outage():
        wrong = rig.another_client("wrong", [], {"tls": True, "ca": other})
        rig.run(3)
        said = wrong.log.read_text().lower()
        rig.check("certificate" in said, "a client that trusts another authority does not say so")
        rig.check(not rig.has_link(wrong), "a client that trusts another authority was served")
        wrong.end()
    with rig.outage():
        made.server(authority, key, tls / "server.crt", tls / "server.key")
        if rig.carrier.scheme == "redis":
            rig.broker.redis("CONFIG", "SET", "tls-cert-file", tls / "server.crt", "tls-key-file", tls / "server.key")
            rig.broker.redis("CLIENT", "KILL", "TYPE", "pubsub")
            rig.broker.redis("CLIENT", "KILL", "TYPE", "normal", check=False)
        elif rig.carrier.scheme == "amqp":
            rig.broker.rabbitmqctl("eval", "ssl:clear_pem_cache().")
            rig.broker.rabbitmqctl("close_all_connections", "renewed")
        elif rig.carrier.broker:
            rig.take_away("kill")
            rig.bring_back("kill")
        else:  # within a minute, and without a restart
            renewed = ssl.PEM_cert_to_DER_cert((tls / "server.crt").read_text())
            rig.wait(lambda: rig.run(0.5) or served(rig) == renewed, 75, "the renewed certificate is not in use after 75 s")
    rig.run(1)


def served(rig):
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((rig.host, rig.ports[0])))


FAULTS = {
    "connections": ("10,000 connections", connections),
    "descriptors": ("descriptors exhausted for 8 s", descriptors),
    "oversized": ("oversized message, reply, headers", oversized),
    "two-addresses": ("several addresses, of which one lives", two_addresses),
    "certificates": ("certificate wrong, and renewed", certificates),
}
