#!/usr/bin/python3
"""Checks every C file with clang-format and clang-tidy: lint.py [NAME...].

clang-tidy reads the flags of build/asan-ubsan; the fuzz targets, which that build doesn't have, get those of all its files.
A file without findings is remembered in build/lint by what the result depends on (the source, the source after
preprocessing, each .clang-tidy, the baseline and the tool's version), so that only changed files are read again.
A run of all files takes several minutes on two cores.

lint_baseline.txt lists, by file and check, the findings that are wrong, each with the reason. They do not fail.
"""
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATABASE = ROOT / "build/asan-ubsan"
CACHE = ROOT / "build/lint"
FOLDERS = ["engine", "backends", "pipelines", "tests", "bench"]
FUZZ = ROOT / "tests/fuzz"
RULES = [ROOT / ".clang-tidy", ROOT / "tests/.clang-tidy"]
BASELINE = ROOT / "tests/lint_baseline.txt"
FINDING = re.compile(r"^(/[^:]+):\d+:\d+: (?:warning|error): .*\[([\w.-]+)[],]", re.MULTILINE)
TIMEOUT_S = 300
PREPROCESSOR = ("-I", "-D", "-std", "-isystem")


def sources(endings):
    return sorted(path for folder in FOLDERS for ending in endings for path in (ROOT / folder).rglob(f"*{ending}")
                  if "node_modules" not in path.parts)


def run(command):
    done = subprocess.run(command, cwd=ROOT, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    return done.returncode == 0, done.stdout


def compile_flags():
    """By file: the flags that decide what the preprocessor makes of it."""
    flags = {}
    for entry in json.loads((DATABASE / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        chosen, rest = [], iter(words)
        for word in rest:
            if word in ("-I", "-D", "-isystem"):
                chosen.append(word + next(rest))
            elif word.startswith(PREPROCESSOR):
                chosen.append(word)
        flags.setdefault(Path(entry["directory"], entry["file"]).resolve(), chosen)
    every = list(dict.fromkeys(flag for chosen in flags.values() for flag in chosen))
    return {path: every for path in FUZZ.glob("*.c")} | flags


def tidy_key(path, flags, version):
    preprocessed = subprocess.run(["clang", "-E", "-P", *flags, path], cwd=ROOT, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, timeout=TIMEOUT_S).stdout
    key = hashlib.sha256()
    for part in (preprocessed, path.read_bytes(), *(rules.read_bytes() for rules in RULES), BASELINE.read_bytes(),
                 version.encode()):
        key.update(hashlib.sha256(part).digest())
    return key.hexdigest()


def check_layout(path):
    return run(["clang-format", "--dry-run", "-Werror", path])


def check_tidy(path, flags, version):
    mark = CACHE / tidy_key(path, flags, version)
    if mark.exists():
        return True, ""
    command = ["nice", "clang-tidy", "--quiet", "-p", DATABASE, path]
    ran, output = run(command + ["--", *flags] if path.parent == FUZZ else command)
    known = {line.partition("#")[0].strip() for line in BASELINE.read_text().splitlines()}
    found = {f"{Path(place).resolve().relative_to(ROOT)} {check}" for place, check in FINDING.findall(output)}
    held = ran and not found - known
    if held:
        mark.touch()
    return held, output


def checks(filters=()):
    """What is to be checked: (name, function without arguments that returns whether it held and the output)."""
    CACHE.mkdir(parents=True, exist_ok=True)
    version, flags = run(["clang-tidy", "--version"])[1], compile_flags()
    found = []
    for path in sources([".c", ".h"]):
        found.append((f"clang-format {path.relative_to(ROOT)}", lambda path=path: check_layout(path)))
    for path in sources([".c"]):
        if path in flags:
            found.append((f"clang-tidy {path.relative_to(ROOT)}",
                          lambda path=path: check_tidy(path, flags[path], version)))
    return [(name, check) for name, check in found
            if not filters or any(part in f"lint {name}" for part in filters)]


def results(filters=()):
    """Each check as (name, whether it held, output), in order."""
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        runs = [(name, pool.submit(check)) for name, check in checks(filters)]
        for name, done in runs:
            try:
                yield name, *done.result()
            except subprocess.TimeoutExpired:
                yield name, False, f"no end after {TIMEOUT_S} s"


def main():
    failed = total = 0
    for name, held, output in results(sys.argv[1:]):
        total += 1
        if not held:
            failed += 1
            print(f"FAIL {name}\n{output}", flush=True)
    print(f"{total - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
