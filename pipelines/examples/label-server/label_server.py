#!/usr/bin/env python3
"""An example of a label server for Thumbwheel; it needs only Python's standard library.

    LABELS_TOKEN=secret python3 label_server.py 8090

It answers each POST of a JPEG with labels as JSON (docs/labels.md). Replace labels_of() with a call of your model. Run it
beside the engine or on a private network: it speaks plain HTTP.
"""
import hmac
import json
import os
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

IMAGE_MAX = 8 * 1024 * 1024  # bytes
TOKEN = os.environ.get("LABELS_TOKEN", "")


def size_of(jpeg):
    """Width and height from the first frame header of a JPEG."""
    at = 2
    while at + 9 <= len(jpeg) and jpeg[at] == 0xFF:
        marker, length = jpeg[at + 1], struct.unpack(">H", jpeg[at + 2:at + 4])[0]
        if marker in (0xC0, 0xC1, 0xC2):
            height, width = struct.unpack(">HH", jpeg[at + 5:at + 9])
            return width, height
        at += 2 + length
    raise ValueError("not a JPEG")


def labels_of(jpeg):
    """The place of your model."""
    width, height = size_of(jpeg)
    name = "Wide" if width > height else "Tall" if height > width else "Square"
    return [{"name": name, "confidence": 99.0, "parents": ["Shape"], "aliases": [f"{name} picture"]}]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= IMAGE_MAX:
            self.close_connection = True  # the body was not read
            return self.respond(413, {"error": "the image is too large"})
        image = self.rfile.read(length)
        if TOKEN and not hmac.compare_digest(self.headers.get("Authorization", ""), f"Bearer {TOKEN}"):
            return self.respond(401, {"error": "a token is required"})
        try:
            self.respond(200, {"labels": labels_of(image)})
        except ValueError as error:
            self.respond(422, {"error": str(error)})  # this image cannot be labelled

    def respond(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8090), Handler)
    print(f"label server on http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
