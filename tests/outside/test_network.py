"""Proxies, TLS versions and IPv6 of the engine's own requests."""
import base64
import contextlib
import socket
import ssl
import threading

import pytest

import harness
from harness import aws_environment, until

HOST = "storage.example"  # resolved by the proxy alone
PASSWORD = "fake-proxy-password"


class Listener:
    """Accepts connections, reads a request's head from each, and gives it to a function of the test."""

    def __init__(self, serve, context=None):
        self.heads, self.serve, self.context = [], serve, context
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._one, args=(self.socket.accept()[0],), daemon=True).start()

    def _one(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(60)
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            head = b""
            while b"\r\n\r\n" not in head and (piece := connection.recv(65536)):
                head += piece
            self.heads.append(head.decode())
            self.serve(connection, head.decode())

    def close(self):
        self.socket.close()


@pytest.fixture
def listen():
    with contextlib.ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(contextlib.closing(Listener(*arguments)))


def pump(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def tunnel(port):
    """Answers CONNECT to any host with a tunnel to this port."""
    def serve(connection, head):
        assert head.startswith("CONNECT ")
        with socket.create_connection(("127.0.0.1", port), timeout=60) as service:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(service, connection), daemon=True)
            back.start()
            pump(connection, service)
            back.join(60)
    return serve


def refuse(connection, head):
    """A service, or a proxy that pretends to be one: the request is not repeated."""
    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def whoami(endpoint, **variables):
    return harness.thumbwheel("whoami", environment=aws_environment(endpoint, **variables))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate and its key."""
    return harness.make_certificate(tmp_path_factory.mktemp("certificate"), HOST, "127.0.0.1")


@pytest.fixture(scope="module")
def port(certificate, tmp_path_factory):
    """The port of an embedded cloud that serves TLS."""
    process = harness.Process("local", "--cloud-only", "--port", "0", "--host-name", HOST, "--tls-cert", certificate[0], "--tls-key", certificate[1],
                              "--data", tmp_path_factory.mktemp("cloud"))
    yield int(process.wait_for(r"https://127\.0\.0\.1:(\d+)").group(1))
    process.stop()


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_tunnel_through_the_proxy(listen, port, certificate, variable):
    proxy = listen(tunnel(port))
    done = whoami(f"https://{HOST}", AWS_CA_BUNDLE=str(certificate[0]), THUMBWHEEL_LOG_LEVEL="debug",
                  **{variable: f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}"})
    assert done.returncode == 0, done.stderr
    lines = proxy.heads[0].split("\r\n")
    assert lines[0] == f"CONNECT {HOST}:443 HTTP/1.1"
    assert "Proxy-Authorization: Basic " + base64.b64encode(f"user:{PASSWORD}".encode()).decode() in lines
    assert not any(line.lower().startswith(("authorization:", "x-amz-")) for line in lines)
    assert PASSWORD not in done.stdout + done.stderr


@pytest.mark.parametrize("trusted", [True, False])
def test_a_proxy_with_tls_must_have_a_trusted_certificate(listen, port, certificate, trusted):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    proxy = listen(tunnel(port), context)
    done = whoami(f"https://{HOST}", HTTPS_PROXY=f"https://127.0.0.1:{proxy.port}",
                  **({"AWS_CA_BUNDLE": str(certificate[0])} if trusted else {}))
    assert (done.returncode == 0) == bool(proxy.heads) == trusted, done.stderr
    assert trusted or "certificate" in done.stderr


def test_plain_http_through_a_proxy_with_tls(listen, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    proxy = listen(refuse, context)
    done = whoami(f"http://{HOST}", http_proxy=f"https://127.0.0.1:{proxy.port}", AWS_CA_BUNDLE=str(certificate[0]))
    assert "HTTP 403" in done.stderr and len(proxy.heads) == 1, done.stderr


def refused(connection, head):
    connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("proxy_url, text", [
    ("http://user:{password}@127.0.0.1:{port}", "407"), ("gopher://user:{password}@127.0.0.1:{port}", "the proxy in the environment"),
    ("http://user:{password}@127.0.0.1:{port}:x", "the proxy in the environment")])
def test_the_password_of_a_proxy_is_never_shown(listen, proxy_url, text):
    proxy = listen(refused)
    done = whoami(f"https://{HOST}", HTTPS_PROXY=proxy_url.format(password=PASSWORD, port=proxy.port), THUMBWHEEL_LOG_LEVEL="debug")
    assert done.returncode == 1 and text in done.stderr
    assert PASSWORD not in done.stdout + done.stderr


# 0.0.0.0 reaches this machine, and is not among the addresses that never go through a proxy.
@pytest.mark.parametrize("variables, through", [
    ({"http_proxy": "URL"}, True), ({"HTTP_PROXY": "URL"}, False), ({"https_proxy": "URL"}, False),
    ({"http_proxy": "URL", "NO_PROXY": "0.0.0.0"}, False), ({"http_proxy": "URL", "no_proxy": "a.example, 0.0.0.0/8"}, False),
    ({"http_proxy": "URL", "NO_PROXY": "*"}, False), ({"http_proxy": "URL", "NO_PROXY": "10.0.0.0/8,.0.0"}, True)])
def test_no_proxy_and_the_case_of_the_names(listen, variables, through):
    proxy, service = listen(refuse), listen(refuse)
    named = {name: value.replace("URL", f"http://127.0.0.1:{proxy.port}") for name, value in variables.items()}
    assert whoami(f"http://0.0.0.0:{service.port}", **named).returncode != 0
    assert (len(proxy.heads), len(service.heads)) == ((1, 0) if through else (0, 1))


def test_a_suffix_in_no_proxy(listen):
    """The name does not resolve here, so that without the proxy there is no connection at all."""
    proxy = listen(refuse)
    done = whoami(f"http://{HOST}", http_proxy=f"http://127.0.0.1:{proxy.port}", NO_PROXY=".example")
    assert done.returncode == 1 and proxy.heads == []


def test_tls_before_1_2_is_refused(certificate, tmp_path):
    """Even if the system's OpenSSL allows it."""
    lax = tmp_path / "openssl.cnf"
    lax.write_text("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
                   "[c]\nMinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    versions = []

    def serve():
        with contextlib.suppress(OSError):
            while True:
                plain = server.accept()[0]
                plain.settimeout(60)
                try:
                    with context.wrap_socket(plain, server_side=True) as connection:
                        versions.append(connection.version())
                        connection.recv(65536)
                        refuse(connection, "")
                except ssl.SSLError as error:
                    versions.append(error.reason)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        done = whoami(f"https://127.0.0.1:{server.getsockname()[1]}", AWS_CA_BUNDLE=str(certificate[0]), OPENSSL_CONF=str(lax))
        assert done.returncode == 1
        until(lambda: versions, "the server's view of the handshake")
    assert "TLSv1.1" not in versions, versions
    assert "SSL" in done.stderr or "TLS" in done.stderr


def test_an_endpoint_with_an_ipv6_address(tmp_path):
    process = harness.Process("local", "--cloud-only", "--host", "::1", "--port", "0", "--data", tmp_path / "data")
    endpoint = process.wait_for(r"http://\[::1\]:\d+").group(0)
    process.wait_for("Serving")
    assert harness.client(endpoint, "s3").list_buckets()["Buckets"]
    done = whoami(endpoint, all_proxy="http://127.0.0.1:9")
    process.stop()
    assert done.returncode == 0, done.stderr
