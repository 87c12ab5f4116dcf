"""
README.md: each command in it is run, and each of its tables is what the program prints.

The commands are run unchanged, by sh, in a copy of the tree with a home of its own. What is mapped, and why:
- `cmake` does nothing, and build/release is the build under test: building once more would take minutes.
- `./dev test` gets the name of one test, since it is what runs this very file.
- `./dev bench` gets a smaller load; its programs leave their memory to the kernel, so nobody looks for leaks.
- `thumbwheel run` finds an embedded cloud behind AWS_ENDPOINT_URL, and is told to stop once it runs.
- /tmp is a folder of the test's.
"""
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

import harness
from harness import PROGRAM, ROOT, aws_environment, assert_healthy, clean_environment, jpeg, make_queue, thumbwheel

README = (ROOT / "README.md").read_text()
NOT_COPIED = shutil.ignore_patterns(".git", "build", "out", "results", "node_modules", "__pycache__")
TIMEOUT_S = 600


def commands():
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", "").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def table(marker):
    return re.search(rf"<!-- {re.escape(marker)} -->\n(.*?)<!-- end -->", README, re.DOTALL).group(1)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the tree, built; with a home that has pictures, and a cmake that has nothing to do."""
    folder = tmp_path_factory.mktemp("readme")
    tree, home, tools = folder / "tree", folder / "home", folder / "tools"
    shutil.copytree(ROOT, tree, ignore=NOT_COPIED)
    (tree / "build").mkdir()
    for preset in ("release", "asan-ubsan"):  # without the cache, which names the checkout that it belongs to
        (tree / "build" / preset).mkdir()
        for item in Path(PROGRAM).resolve().parent.iterdir():
            if item.name != "CMakeCache.txt":
                (tree / "build" / preset / item.name).symlink_to(item)
    if (ROOT / "tests/js/node_modules").exists():
        (tree / "tests/js/node_modules").symlink_to(ROOT / "tests/js/node_modules")
    (home / "Pictures").mkdir(parents=True)
    (home / "Pictures/cat.jpg").write_bytes(jpeg(400, 300))
    tools.mkdir()
    (tools / "cmake").write_text("#!/bin/sh\nexit 0\n")
    (tools / "cmake").chmod(0o755)
    (folder / "tmp").mkdir()
    return folder


def mapped(command, checkout):
    command = command.replace("/tmp/", f"{checkout}/tmp/")
    if command.startswith("./dev test"):
        command += " test_bytes"
    if command.startswith("./dev bench"):
        command = f"ASAN_OPTIONS=detect_leaks=0 {command} --photos 2 --idle 1"
    return command


def environment_for(checkout, base):
    """The samples are kept where other tests find them, too."""
    return dict(base, HOME=str(checkout / "home"), XDG_CACHE_HOME=base["HOME"] + "/.cache",
                PATH=f"{checkout}/tools:{os.environ['PATH']}")


def run_to_its_end(command, checkout):
    done = subprocess.run(["sh", "-c", mapped(command, checkout)], cwd=checkout / "tree", stdin=subprocess.DEVNULL,
                          env=environment_for(checkout, clean_environment()), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S)
    assert_healthy(done.stdout)
    assert done.returncode == 0, f"{command}\n{done.stdout}"


def run_until_it_serves(command, checkout, cloud):
    sqs = cloud.client("sqs")
    for queue in ("thumbnail-queue", "web-queue", "mobile-queue", "tags-queue"):
        make_queue(sqs, queue)
    base = aws_environment(cloud.endpoint, THUMBWHEEL_WAIT="1s")
    process = subprocess.Popen(["sh", "-c", "exec env " + command], cwd=checkout / "tree", stdin=subprocess.DEVNULL,
                               env=environment_for(checkout, base), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True)
    output = ""
    for line in process.stdout:
        output += line
        if "engine started" in line:
            os.kill(process.pid, signal.SIGTERM)
    assert process.wait(harness.PATIENCE_S) == 0 and "engine started" in output, output
    assert_healthy(output)


@pytest.mark.parametrize("command", commands())
def test_a_command_works_as_it_stands(command, checkout, cloud):
    if re.search(r"thumbwheel run\b", command):
        run_until_it_serves(command, checkout, cloud)
    else:
        run_to_its_end(command, checkout)


def test_the_settings_are_what_the_program_prints():
    assert table("settings") == thumbwheel("check", "--settings").stdout


def test_the_schema_is_what_the_program_prints():
    assert table("schema") == thumbwheel("check", "--schema").stdout


def test_the_operations_are_what_the_program_prints():
    assert table("operations") == thumbwheel("check", "--operations").stdout


def test_the_example_is_the_file():
    assert re.search(r"```yaml\n(.*?)```", table("web.yaml"), re.DOTALL).group(1) == \
        (ROOT / "pipelines/web.yaml").read_text()


def test_the_commands_are_those_of_help():
    listed = re.findall(r"^  (\w+) ", thumbwheel("--help").stdout, re.MULTILINE)
    assert re.findall(r"^\| `thumbwheel (\w+)", README, re.MULTILINE) == listed


def test_every_file_that_it_links_to_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_what_it_says_of_exit_codes_holds(tmp_path):
    (tmp_path / "broken.jpg").write_text("a letter")
    (tmp_path / "good.jpg").write_bytes(jpeg())
    for photo, code in (("good.jpg", 0), ("broken.jpg", 1), ("absent.jpg", 2)):
        done = thumbwheel("local", "--once", "--out", tmp_path / "out", tmp_path / photo)
        assert done.returncode == code, done.stderr


def promises():
    section = re.search(r"^## What it promises\n(.*?)^## ", README, re.MULTILINE | re.DOTALL).group(1)
    return [" ".join(item.split()) for item in re.findall(r"^- (.*?)(?=^- |^\*\*|^$)", section, re.MULTILINE | re.DOTALL)]


def test_every_promise_names_tests_that_are_there():
    assert promises()
    for promise in promises():
        named = re.findall(r"`(tests/[a-z_/]+\.(?:c|py)): (\w+)`", promise)
        assert named, promise
        for path, name in named:
            definition = f"def {name}(" if path.endswith(".py") else f"static void {name}(void **"
            assert definition in (ROOT / path).read_text(), (path, name)
