"""A proxy in front of the embedded cloud, for what no client can do: withhold a response, or fail a request.

It passes requests on byte by byte, so that their signatures still hold. What to do with a request is decided by a
function of the test: None forwards it, HOLD sends no response, (status, body) is sent instead of the cloud's response,
and TWICE sends the cloud's response and then a copy of it.
"""
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOLD = object()
TWICE = object()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        verdict = self.server.judge(self.command, self.path, self.headers, body)
        if verdict is HOLD:
            self.server.released.wait()
            self.close_connection = True
        elif verdict is TWICE:
            response = self.ask(body)
            self.respond(*response)
            self.respond(*response)
        elif verdict:
            self.respond(verdict[0], [], verdict[1])
        else:
            self.respond(*self.ask(body))

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

    def ask(self, body):
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=120)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            upstream.putheader(name, value)
        upstream.endheaders(body)
        response = upstream.getresponse()
        content = response.read()
        headers = [(name, value) for name, value in response.getheaders()
                   if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server")]
        if self.command == "HEAD":
            headers.append(("Content-Length", response.getheader("Content-Length", "0")))
        upstream.close()
        return response.status, headers, content

    def respond(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name == "Content-Length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Proxy(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, endpoint, judge):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = urlsplit(endpoint).netloc
        self.judge = judge
        self.released = threading.Event()
        self.endpoint = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # some tests kill the peer

    def close(self):
        self.released.set()
        self.shutdown()
        self.server_close()
