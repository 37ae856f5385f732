"""A network namespace of our own, joined to the machine by one cable whose packets can be made to vanish."""

import os
import subprocess

NOBODY = "02:00:00:00:00:99"  # an address that neither end has: what is sent there is dropped without a word


def ip(*arguments):
    return subprocess.run(("ip", *arguments), check=True, capture_output=True, text=True).stdout


class Namespace:
    """Raises OSError or CalledProcessError where the system does not allow it (root is needed)."""

    def __init__(self):
        number = os.getpid() % 65536
        self.name = f"waybill-faults-{number}"
        self.here, self.there = f"wbf{number}h", f"wbf{number}t"
        net = f"10.213.{number % 251}"
        base = (number // 251) % 60 * 4
        self.host, self.guest = f"{net}.{base + 1}", f"{net}.{base + 2}"
        ip("netns", "add", self.name)
        try:
            ip("link", "add", self.here, "type", "veth", "peer", "name", self.there, "netns", self.name)
            ip("addr", "add", f"{self.host}/30", "dev", self.here)
            ip("link", "set", self.here, "up")
            ip("-n", self.name, "addr", "add", f"{self.guest}/30", "dev", self.there)
            ip("-n", self.name, "link", "set", self.there, "up")
            ip("-n", self.name, "link", "set", "lo", "up")
            self.address_here = self._address(("-br", "link", "show", self.here))
            self.address_there = self._address(("-n", self.name, "-br", "link", "show", self.there))
            self.mend()
        except Exception:
            self.remove()
            raise

    def _address(self, arguments):
        return ip(*arguments).split()[2]

    @property
    def enter(self):
        return ["ip", "netns", "exec", self.name]

    def drop(self, to_guest=True, to_host=True):
        if to_guest:
            ip("neigh", "replace", self.guest, "lladdr", NOBODY, "dev", self.here, "nud", "permanent")
        if to_host:
            ip("-n", self.name, "neigh", "replace", self.host, "lladdr", NOBODY, "dev", self.there, "nud", "permanent")

    def mend(self):
        ip("neigh", "replace", self.guest, "lladdr", self.address_there, "dev", self.here, "nud", "permanent")
        ip("-n", self.name, "neigh", "replace", self.host, "lladdr", self.address_here, "dev", self.there, "nud",
           "permanent")

    def remove(self):
        subprocess.run(("ip", "link", "del", self.here), capture_output=True)
        subprocess.run(("ip", "netns", "del", self.name), capture_output=True)
