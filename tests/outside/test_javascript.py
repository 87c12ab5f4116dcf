"""The AWS SDK for JavaScript v3 against the embedded cloud. Each test in tests/js/*.test.mjs is one here."""
import os
import re
import subprocess

import pytest

from harness import ROOT, clean_environment

FOLDER = ROOT / "tests/js"
FILES = sorted(path.name for path in FOLDER.glob("*.test.mjs"))
TIMEOUT_S = 300
TAP = re.compile(r"^(?P<failed>not )?ok \d+ - (?P<name>.*?)(?: #.*)?$", re.MULTILINE)


@pytest.fixture(scope="module")
def cloud(busy_cloud):
    """A photo sent by JavaScript gets the expected renditions."""
    return busy_cloud


@pytest.fixture(scope="module")
def results(cloud):
    """Runs a file once; per test of it, whether it went well, and what was printed if not."""
    known = {}

    def of(file):
        if file not in known:
            known[file] = run(file, cloud)
        return known[file]

    return of


def run(file, cloud):
    environment = clean_environment(CLOUD_ENDPOINT=cloud.endpoint, PHOTO=str(cloud.data.parent / "warm-up.jpg"))
    output = node(file, environment=environment)
    marks = list(TAP.finditer(output))
    ends = [mark.start() for mark in marks[1:]] + [len(output)]
    found = {unescape(mark["name"]): (not mark["failed"], output[mark.end():end]) for mark, end in zip(marks, ends)}
    assert found, output
    return found


def node(file, *arguments, environment):
    done = subprocess.run(["node", "--test-reporter=tap", *arguments, str(FOLDER / file)], cwd=FOLDER, env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=TIMEOUT_S)
    return done.stdout


def unescape(name):
    """Undoes TAP's escapes."""
    return re.sub(r"\\([\\#])", r"\1", name)


def declared():
    """The names as node reports them, without running a test. With a node that cannot list them, there is one test per file."""
    nowhere = dict(os.environ, CLOUD_ENDPOINT="http://127.0.0.1:9")
    for file in FILES:
        listed = node(file, "--test-name-pattern", "^$", environment=nowhere)
        names = [unescape(mark["name"]) for mark in TAP.finditer(listed)]
        for name in names or [None]:
            yield pytest.param(file, name, id=f"{file.removesuffix('.test.mjs')}: {name or 'all'}")


@pytest.mark.parametrize("file, name", declared())
def test_javascript(results, file, name):
    found = results(file)
    for passed, details in [found[name]] if name else found.values():
        assert passed, details
