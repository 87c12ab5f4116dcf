"""Tests in JavaScript, run by node: each test of a file is one test here."""
import os
import re
import subprocess

import pytest

from harness import ROOT

FOLDER = ROOT / "tests/js"
TIMEOUT_S = 300
TAP = re.compile(r"^(?P<failed>not )?ok \d+ - (?P<name>.*?)(?: #.*)?$", re.MULTILINE)


def node(file, *arguments, environment):
    done = subprocess.run(["node", "--test-reporter=tap", *arguments, str(FOLDER / file)], cwd=FOLDER, env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=TIMEOUT_S)
    return done.stdout


def results_of(environment):
    """A function that runs a file once; per test of it, whether it went well, and what was printed if not."""
    known = {}

    def of(file):
        if file not in known:
            known[file] = run(file, environment)
        return known[file]

    return of


def run(file, environment):
    output = node(file, environment=environment)
    marks = list(TAP.finditer(output))
    ends = [mark.start() for mark in marks[1:]] + [len(output)]
    found = {unescape(mark["name"]): (not mark["failed"], output[mark.end():end]) for mark, end in zip(marks, ends)}
    assert found, output
    return found


def unescape(name):
    """Undoes TAP's escapes."""
    return re.sub(r"\\([\\#])", r"\1", name)


def declared(files, **variables):
    """The names as node reports them, without running a test. With a node that cannot list them, there is one test per file."""
    for file in files:
        listed = node(file, "--test-name-pattern", "^$", environment=dict(os.environ, **variables))
        names = [unescape(mark["name"]) for mark in TAP.finditer(listed)]
        for name in names or [None]:
            yield pytest.param(file, name, id=f"{file.removesuffix('.test.mjs')}: {name or 'all'}")


def check(results, file, name):
    found = results(file)
    for passed, details in [found[name]] if name else found.values():
        assert passed, details
