"""A browser for the tests, and web pages of other origins for it."""
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


WITH_WINDOWS = ("chromium", "chromium-browser", "google-chrome")


def chromium(names=("chromium-headless-shell", *WITH_WINDOWS)):
    """The path of the first that is there, or None. The one that has no windows starts sooner and takes less processor time."""
    return next((path for name in names if (path := shutil.which(name))), None)


needs_browser = pytest.mark.skipif(not chromium(), reason="no Chromium on this machine")


class Site:
    """A web site on loopback: pages by path. `reports` are the paths below /report that were asked for."""

    def __init__(self):
        self.pages, self.reports, site = {}, [], self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path.startswith("/report"):
                    site.reports.append(self.path)
                body = site.pages.get(self.path, "").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.origin = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def visit(url, profile, *options):
    """The document after the page has settled, as HTML."""
    done = subprocess.run([chromium(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
                           "--virtual-time-budget=20000", *options, "--dump-dom", url], capture_output=True, text=True, timeout=180)
    return done.stdout
