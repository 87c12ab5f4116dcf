"""A TCP proxy in front of a server, for what networks do to connections: cut them, stop passing bytes, refuse new ones."""
import socket
import struct
import threading

RESET = struct.pack("ii", 1, 0)  # SO_LINGER that makes close() send a reset


class TcpProxy:
    """Listens on 127.0.0.1 until close(). Passes each connection on to 127.0.0.1:port."""

    def __init__(self, port):
        self.upstream = ("127.0.0.1", port)
        self.lock, self.pairs, self.accepted = threading.Lock(), [], 0
        self.flowing, self.refusing = threading.Event(), False
        self.flowing.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near):
        try:
            if self.refusing:
                raise ConnectionRefusedError
            far = socket.create_connection(self.upstream)
            for peer in (near, far):
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            self._reset(near)
            return
        with self.lock:
            self.accepted += 1
            self.pairs.append((near, far))
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source, target):
        try:
            while part := source.recv(65536):
                self.flowing.wait()
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)
        except OSError:  # cut, or one side has gone
            self._reset(source)
            self._reset(target)
        self._forget(source, target)

    def _forget(self, source, target):
        """Closes both when both directions have ended."""
        with self.lock:
            pairs = [pair for pair in self.pairs if source in pair]
            self.pairs = [pair for pair in self.pairs if source not in pair]
        if not pairs:
            source.close()
            target.close()

    @staticmethod
    def _reset(peer):
        try:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            peer.shutdown(socket.SHUT_RD)  # wakes the thread that reads
        except OSError:
            pass
        peer.close()

    def cut(self):
        """Resets all connections, on both sides; returns how many there were."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for peer in pair:
                self._reset(peer)
        self.flowing.set()
        return len(pairs)

    def refuse(self, refusing=True):
        """New connections are reset at once."""
        self.refusing = refusing

    def hold(self):
        """Connections stay open, and nothing passes until resume() or cut()."""
        self.flowing.clear()

    def resume(self):
        self.flowing.set()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()
