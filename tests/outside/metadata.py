"""Fake services on loopback, among them those that issue credentials: STS, a container's agent, instance metadata, SSO."""
import base64
import http.server
import json
import socket
import threading
import time
import urllib.parse


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def jwt(**claims):
    """A web identity's token, valid for ten minutes. Nobody has signed it."""
    def part(tree):
        return base64.urlsafe_b64encode(json.dumps(tree).encode()).rstrip(b"=").decode()
    return f'{part({"alg": "RS256"})}.{part({"sub": "pod", "exp": int(time.time()) + 600} | claims)}.c2lnbmF0dXJl'


class Fake:
    """Sends what respond(request) returns: a status, a body and perhaps headers; sends no response if it returns None."""

    def __init__(self, respond, address=("127.0.0.1", 0)):
        self.requests, self.done = [], threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self):
                size = int(self.headers.get("Content-Length") or 0)
                self.content = self.rfile.read(size)
                self.body = self.content.decode(errors="replace")
                self.form = dict(urllib.parse.parse_qsl(self.body))
                outer.requests.append(self)
                reply = respond(self)
                if reply is None:  # slow: longer than any client waits
                    outer.done.wait(60)
                    return
                status, body, headers = (*reply, {})[:3]
                if not isinstance(body, bytes):
                    body = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = handle_any

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            daemon_threads = True

        self.server = Server(address, Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.done.set()
        self.server.shutdown()
        self.server.server_close()

    def seen(self):
        return [f"{each.command} {each.path}" for each in self.requests]


def keys(name="AKIDFAKE", expires=3600, **more):
    """The JSON of containers and instances."""
    return {"AccessKeyId": name, "SecretAccessKey": "fake-secret", "Token": "fake-token", "Expiration": stamp(expires)} | more


class Sts:
    """Issues AKID1, AKID2, … and implements GetCallerIdentity; responses can be replaced by action, in order."""

    def __init__(self, expires=3600):
        self.expires, self.given, self.instead = expires, 0, {}

    def __call__(self, request):
        action = request.form["Action"]
        if self.instead.get(action):
            return self.instead[action].pop(0)
        if action == "GetCallerIdentity":
            key = request.headers["Authorization"].split("Credential=")[1].split("/")[0]
            return 200, (f"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:assumed-role/r/{key}</Arn>"
                         "<UserId>AROA:s</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>")
        self.given += 1
        return 200, (f"<{action}Response><{action}Result><Credentials><AccessKeyId>AKID{self.given}</AccessKeyId>"
                     f"<SecretAccessKey>sts-secret</SecretAccessKey><SessionToken>sts-token</SessionToken>"
                     f"<Expiration>{stamp(self.expires)}</Expiration></Credentials></{action}Result></{action}Response>")


def sts_fault(code, status=400, message="no"):
    return status, f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
