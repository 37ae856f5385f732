"""Adds up the journals of faults_client and faults_service: what was attempted, what became of it, what was handled."""

from dataclasses import dataclass, field

SPARE_MS = 100  # how late a call may end beyond its deadline


@dataclass
class Event:
    attempted: float | None = None
    end: str | None = None  # a, r or u
    handlings: list = field(default_factory=list)  # (time, marked)


class Tail:
    """The lines that a journal has got since they were last asked for."""

    def __init__(self, path):
        self.path, self.at = path, 0

    def lines(self):
        try:
            with open(self.path, "rb") as file:
                file.seek(self.at)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data.rfind(b"\n") + 1
        self.at += whole
        return [line.split() for line in data[:whole].decode().splitlines()]


class Books:
    def __init__(self, clients):
        self.clients = clients
        self.events = {}
        self.asked = {}  # request: time
        self.ends = {}  # request: (time, has a value, code)
        self.late = []  # (request, late, stolen)
        self.calls = {}  # name of a call by command: (outcome, code, time)
        self.poison = []  # attempts
        self.hangs = 0
        self.statuses = []  # (time, client, status)
        self.began = self.left_open = None
        self.last_value = [0.0] * clients  # of each client: when its latest request was made that has a value
        self.codes = {}
        self.tails = []

    def follow(self, path):
        self.tails.append(Tail(path))

    def read(self):
        for tail in self.tails:
            for words in tail.lines():
                getattr(self, "_" + words[0])(*words[1:])

    def event(self, number):
        return self.events.setdefault(int(number), Event())

    def _U(self, at): pass
    def _B(self, at): self.began = float(at)
    def _A(self, number, at): self.event(number).attempted = float(at)
    def _H(self, number, marked, at): self.event(number).handlings.append((float(at), marked == "1"))
    def _Q(self, number, at): self.asked[int(number)] = float(at)
    def _D(self, number, late, stolen): self.late.append((int(number), float(late), float(stolen)))
    def _S(self, client, status, at): self.statuses.append((float(at), int(client), status))
    def _X(self, name, outcome, code, at): self.calls[name] = (outcome, code, float(at))
    def _P(self, attempt, at): self.poison.append(int(attempt))
    def _G(self, at): self.hangs += 1
    def _O(self, count, at): self.left_open = int(count)

    def _E(self, number, end, code, at):
        self.event(number).end = end
        if end != "a":
            self.codes[code] = self.codes.get(code, 0) + 1

    def _V(self, number, at):
        number = int(number)
        self.ends[number] = (float(at), True, "")
        client = number % self.clients
        self.last_value[client] = max(self.last_value[client], self.asked[number])

    def _F(self, number, end, code, at):
        self.ends[int(number)] = (float(at), False, code)
        self.codes[code] = self.codes.get(code, 0) + 1

    def recoveries(self, back):
        """Of each client: milliseconds from `back` to the first value of a request made after it; None: not yet."""
        first = [None] * self.clients
        for number, (at, has_value, _) in self.ends.items():
            if not has_value or self.asked[number] < back:
                continue
            client = number % self.clients
            if first[client] is None or at < first[client]:
                first[client] = at
        return [at if at is None else at - back for at in first]

    def has_recovered(self, back):
        return all(asked >= back for asked in self.last_value)

    def accepted(self):
        return sum(1 for event in self.events.values() if event.end == "a")

    def values(self):
        return sum(1 for end in self.ends.values() if end[1])

    def lost(self, windows=()):
        """Accepted and never handled; without those that were attempted within the windows (began, ended)."""
        return [number for number, event in self.events.items()
                if event.end == "a" and not event.handlings
                and not any(began <= event.attempted <= ended for began, ended in windows)]

    def total(self):
        total = dict.fromkeys(("attempted", "accepted", "rejected", "unknown", "handled", "unique", "marked", "unmarked",
                               "refused_and_handled"), 0)
        ends = {"a": "accepted", "r": "rejected", "u": "unknown"}
        open_events = 0
        for event in self.events.values():
            total["attempted"] += event.attempted is not None
            if event.end:
                total[ends[event.end]] += 1
            elif event.attempted is not None:
                open_events += 1
            total["handled"] += len(event.handlings)
            total["unique"] += bool(event.handlings)
            again = [marked for _, marked in sorted(event.handlings)[1:]]
            total["marked"] += sum(again)
            total["unmarked"] += len(again) - sum(again)
            total["refused_and_handled"] += event.end == "r" and bool(event.handlings)
        late = [number for number, late, stolen in self.late if late > SPARE_MS + stolen]
        total["hung"] = open_events + len(late) + sum(1 for request in self.asked if request not in self.ends)
        total["latest_ms"] = round(max((late - stolen for _, late, stolen in self.late), default=0))
        total["lost"] = len(self.lost())
        total["requests"], total["values"] = len(self.asked), self.values()
        total["codes"] = dict(sorted(self.codes.items()))
        return total
