"""Shared by the SNS tests: an HTTP subscriber, an SMTP server, and a check of signatures by OpenSSL."""
import base64
import http.server
import queue
import re
import socketserver
import subprocess
import threading
import urllib.error
import urllib.request

from harness import PATIENCE_S


class Receiver:
    """A server in a thread; next() returns what has arrived."""

    def serve(self, server):
        self.arrived = queue.Queue()
        self.server = server
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def next(self):
        return self.arrived.get(timeout=PATIENCE_S)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Subscriber(Receiver):
    """An HTTP endpoint that records requests, and responds with the given statuses, then with 200."""

    def __init__(self):
        self.statuses = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.statuses.pop(0) if outer.statuses else 200
                outer.arrived.put((dict(self.headers), body.decode()))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        self.url = f"http://127.0.0.1:{self.server.server_port}/in?a=b"


class MailServer(Receiver):
    """A minimal SMTP server; refuses the first `refusals` mails temporarily."""

    def __init__(self):
        self.refusals = 0
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, line):
                self.wfile.write(line.encode() + b"\r\n")

            def handle(self):
                sender = recipient = None
                self.say("220 test")
                while line := self.rfile.readline().decode().strip():
                    verb = line.upper()
                    if verb.startswith("EHLO"):
                        self.say("250 test")
                    elif verb.startswith("MAIL FROM:"):
                        sender = re.search("<(.*)>", line).group(1)
                        if outer.refusals:
                            outer.refusals -= 1
                            self.say("451 later")
                        else:
                            self.say("250 ok")
                    elif verb.startswith("RCPT TO:"):
                        recipient = re.search("<(.*)>", line).group(1)
                        self.say("250 ok")
                    elif verb == "DATA":
                        self.say("354 go on")
                        data = []
                        while (text := self.rfile.readline()) != b".\r\n":
                            data.append(text.removeprefix(b".") if text.startswith(b"..") else text)
                        outer.arrived.put((sender, recipient, b"".join(data)))
                        self.say("250 taken")
                    elif verb == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        self.say("502 no")

        self.serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler))
        self.server.daemon_threads = True
        self.url = f"smtp://127.0.0.1:{self.server.server_address[1]}"

def get(url):
    """An unsigned GET: (status, body)."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=PATIENCE_S) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


# "Verifying the signatures of Amazon SNS messages" in the SNS Developer Guide
SIGNED = {"Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
          "SubscriptionConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
          "UnsubscribeConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]}


def assert_signed(message, folder):
    """Checks a message's signature with the certificate that it names, as the guide says and OpenSSL computes."""
    text = "".join(f"{name}\n{message[name]}\n" for name in SIGNED[message["Type"]] if name in message)
    status, certificate = get(message["SigningCertURL"])
    assert status == 200 and re.search(r"/SimpleNotificationService-[0-9a-f]{32}\.pem$", message["SigningCertURL"])
    (folder / "certificate.pem").write_text(certificate)
    (folder / "text").write_bytes(text.encode())
    (folder / "signature").write_bytes(base64.b64decode(message["Signature"]))

    def openssl(*arguments):
        return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S)
    key = openssl("x509", "-in", "certificate.pem", "-noout", "-pubkey")
    assert key.returncode == 0, key.stderr
    (folder / "key.pem").write_text(key.stdout)
    digest = {"1": "-sha1", "2": "-sha256"}[message["SignatureVersion"]]
    checked = openssl("dgst", digest, "-verify", "key.pem", "-signature", "signature", "text")
    assert checked.stdout.strip() == "Verified OK", checked.stdout + checked.stderr
