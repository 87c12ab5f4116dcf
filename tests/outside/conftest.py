"""Fixtures for the tests from outside: the program as a process, and clients that we did not write."""
import os
import re
import signal
import subprocess
import threading
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("THUMBWHEEL", str(ROOT / "build/release/thumbwheel"))
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60


def clean_environment(**more):
    """No AWS setting, proxy or THUMBWHEEL_ variable of the caller's reaches the program under test."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("AWS_", "THUMBWHEEL")) and not name.lower().endswith("_proxy")}
    return dict(kept, HOME="/nonexistent", **more)


class Cloud:
    """`thumbwheel local` as a process. Ended by its process id."""

    def __init__(self, data, *arguments, environment=None):
        self.data = Path(data)
        self.request_log = self.data.parent / f"{self.data.name}-requests.jsonl"
        self.process = subprocess.Popen(
            [PROGRAM, "local", "--port", "0", "--data", str(data), "--request-log",
             str(self.request_log), *map(str, arguments)],
            env=environment or clean_environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self.lines = []
        self._changed = threading.Condition()
        self._ended = False
        threading.Thread(target=self._read, daemon=True).start()
        self.endpoint = self.wait_for(r"(http://127\.0\.0\.1:\d+)", START_TIMEOUT_S).group(1)

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, pattern, timeout=60):
        """The first match of a pattern in the output, past or future."""
        found = None

        def look():
            nonlocal found
            found = next((match for line in self.lines if (match := re.search(pattern, line))), None)
            return found or self._ended

        with self._changed:
            self._changed.wait_for(look, timeout)
        if not found:
            raise AssertionError(f"no line matches {pattern!r} in:\n" + self.output())
        return found

    def output(self):
        return "\n".join(self.lines)

    def client(self, service, **options):
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1",
                            aws_access_key_id="thumbwheel",
                            aws_secret_access_key="thumbwheel-secret",
                            config=Config(retries={"max_attempts": 0}, read_timeout=60,
                                          s3={"addressing_style": "path"}), **options)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_TIMEOUT_S)
        with self._changed:
            self._changed.wait_for(lambda: self._ended, STOP_TIMEOUT_S)
        return code

    def kill(self):
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_S)


@pytest.fixture
def start_cloud(tmp_path):
    """Starts clouds; whatever still runs at the end is killed, and a sanitizer's report fails the test."""
    clouds = []

    def start(*arguments, data=None, environment=None):
        cloud = Cloud(data or tmp_path / "data", *arguments, environment=environment)
        clouds.append(cloud)
        return cloud

    yield start
    for cloud in clouds:
        if cloud.process.poll() is None:
            cloud.stop()
        assert "Sanitizer" not in cloud.output() and "runtime error" not in cloud.output()


@pytest.fixture
def cloud(start_cloud):
    return start_cloud()


def thumbwheel(*arguments, timeout=300, environment=None, **options):
    """Runs the program to its end; stdout and stderr are in the result."""
    return subprocess.run([PROGRAM, *map(str, arguments)], env=environment or clean_environment(),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=timeout, **options)
