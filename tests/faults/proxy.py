"""A TCP proxy that resets, flaps, is slow, says nothing, or cuts inside a frame; on threads of its own."""

import socket
import struct
import threading
import time


def reset(sock):
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    try:  # wakes the thread that reads it
        sock.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    try:
        sock.close()
    except OSError:
        pass


class Proxy:
    """Listens on host; forwards to `target`, which may change. calm() ends all misbehaviour."""

    def __init__(self, host="127.0.0.1"):
        self.listener = socket.create_server((host, 0), backlog=128)
        self.host, self.port = self.listener.getsockname()
        self.target = None
        self.lock = threading.Lock()
        self.pairs = set()
        self.flowing = {True: threading.Event(), False: threading.Event()}  # by direction: to the server, or from it
        self.calm()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def calm(self):
        self.rate = self.delay = 0
        self.refusing = False
        self.cuts = {True: None, False: None}
        for event in self.flowing.values():
            event.set()

    def reset_all(self):
        with self.lock:
            pairs, self.pairs = self.pairs, set()
        for pair in pairs:
            for sock in pair:
                reset(sock)

    def stall(self, to_server=True, from_server=True):
        for direction, wanted in ((True, to_server), (False, from_server)):
            if wanted:
                self.flowing[direction].clear()

    def cut_after(self, count, to_server=True):
        """The connection on which that many more bytes have gone is reset there."""
        with self.lock:
            self.cuts[to_server] = count

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            if self.refusing or self.target is None:
                reset(client)
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            server = socket.create_connection(self.target, timeout=5)
        except OSError:
            return reset(client)
        server.settimeout(None)
        pair = (client, server)
        for sock in pair:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self.pairs.add(pair)
        threading.Thread(target=self._pump, args=(pair, False), daemon=True).start()
        self._pump(pair, True)

    def _pump(self, pair, to_server):
        source, sink = pair if to_server else pair[::-1]
        try:
            while True:
                self.flowing[to_server].wait()
                data = source.recv(max(self.rate // 20, 1) if self.rate else 65536)
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                self.flowing[to_server].wait()
                if self.delay:
                    time.sleep(self.delay)
                with self.lock:
                    left = self.cuts[to_server]
                    is_cut = left is not None and left <= len(data)
                    self.cuts[to_server] = None if left is None or is_cut else left - len(data)
                if is_cut:
                    sink.sendall(data[:left])
                    raise OSError("cut")
                sink.sendall(data)
                if self.rate:
                    time.sleep(len(data) / self.rate)
        except OSError:
            with self.lock:
                self.pairs.discard(pair)
            for sock in pair:
                reset(sock)
