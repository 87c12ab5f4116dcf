#!/usr/bin/python3
"""Runs the fuzz targets of build/fuzz: run.py [SECONDS [TARGET...]]. ./dev fuzz builds them first.

A long run keeps its corpus in build/fuzz/corpus, and the next one continues with it; failing inputs
are kept in build/fuzz/artefacts. A short run, as one of the tests, starts from the seeds and leaves
nothing behind.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
ROOT = FUZZ.parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # it is started as a program, too

import sanitizers  # noqa: E402

BUILD = ROOT / "build/fuzz"
SECONDS = 60
MEMORY_MB = 2048
INPUT_TIMEOUT_S = 10

# Existing files that serve as seeds.
SHARED_SEEDS = {
    "envelope": ["tests/fixtures/envelopes/*.body"],
    "pipeline": ["pipelines/*.yaml", "pipelines/examples/*/*.yaml",
                 "tests/fixtures/pipelines/*.yaml"],
    "init_file": ["deploy/local-init.yaml"],
    "xml_text": ["tests/fuzz/corpus/s3_xml/*"],
    "s3_xml": ["tests/fuzz/corpus/xml_text/*"],
}

ENVIRONMENT = dict(os.environ, **sanitizers.OPTIONS)
ENVIRONMENT["ASAN_OPTIONS"] = f"{sanitizers.ASAN_OPTIONS}:allocator_may_return_null=1"


def targets():
    """The targets that are built, by name."""
    return {path.name.removeprefix("fuzz_"): path
            for path in sorted((BUILD / "tests/fuzz").glob("fuzz_*"))
            if path.is_file() and os.access(path, os.X_OK) and not path.name.endswith("_seeds")}


def collect_seeds(name, folder):
    """All seeds of a target, in one folder."""
    for pattern in [f"tests/fuzz/corpus/{name}/*", *SHARED_SEEDS.get(name, [])]:
        for number, path in enumerate(sorted(ROOT.glob(pattern))):
            shutil.copyfile(path, folder / f"{number}-{path.name}")
    maker = BUILD / f"tests/fuzz/fuzz_{name}_seeds"
    if maker.exists():
        subprocess.run([maker, folder], check=True, stdout=subprocess.DEVNULL)


def fuzz(name, executable, seconds, corpus, artefacts, options=()):
    """One target. Whether it passed, libFuzzer's output, and the processor time in seconds."""
    with tempfile.TemporaryDirectory() as seeds, tempfile.TemporaryDirectory() as folder:
        collect_seeds(name, Path(seeds))
        command = [executable, f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY_MB}",
                   f"-timeout={INPUT_TIMEOUT_S}", f"-artifact_prefix={artefacts}/",
                   "-print_final_stats=1", *options]
        words = FUZZ / f"{name}.dict"
        if words.exists():
            command.append(f"-dict={words}")
        with subprocess.Popen([*command, corpus, seeds], cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:
            output = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode == 0, output, usage.ru_utime + usage.ru_stime


def show(path):
    """An input that failed, so that a log is enough to try it again."""
    data = path.read_bytes()
    return f"{path.name}, {len(data)} bytes: {data[:4096]!r}{'…' if len(data) > 4096 else ''}"


def fuzz_short(name, executable, seconds, inputs):
    """As a test: the seeds, and further inputs until there are as many or the time is over, with the same random numbers
    each time."""
    with tempfile.TemporaryDirectory() as corpus, tempfile.TemporaryDirectory() as artefacts:
        held, output, processor_s = fuzz(name, executable, seconds, corpus, artefacts, ["-seed=1", f"-runs={inputs}"])
        failing = "\n".join(show(path) for path in sorted(Path(artefacts).iterdir()))
    return held, "\n".join(output.splitlines()[-120:]) + f"\n{failing}", processor_s


def statistics(output):
    found = dict(line.removeprefix("stat::").split(":", 1) for line in output.splitlines()
                 if line.startswith("stat::"))
    return int(found.get("number_of_executed_units", 0))


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    found = targets()
    unknown = [name for name in sys.argv[2:] if name not in found]
    if unknown or not found:
        print(f"unknown target: {' '.join(unknown)}; the targets are: {' '.join(found)}")
        return 2
    failed = 0
    for name in sys.argv[2:] or found:
        corpus, artefacts = BUILD / "corpus" / name, BUILD / "artefacts" / name
        corpus.mkdir(parents=True, exist_ok=True)
        artefacts.mkdir(parents=True, exist_ok=True)
        held, output, _ = fuzz(name, found[name], seconds, corpus, artefacts)
        print(f"{'ok  ' if held else 'FAIL'} {name}: {statistics(output):,} inputs", flush=True)
        if not held:
            failed += 1
            print(output, f"inputs that fail are in {artefacts}", sep="\n", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
