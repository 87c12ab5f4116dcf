"""
README.md and docs/: each command is run, each table is what the program prints, each file named is there.

The commands are run unchanged, by sh, in a copy of the tree with a home of its own. What is mapped, and why:
- `cmake` does nothing, and build/release is the build under test: building once more would take minutes.
- `./dev test` gets the name of one test, since it is what runs this very file.
- `./dev bench` gets a smaller load, two small photos; its programs leave their memory to the kernel, so nobody looks for
  leaks.
- `thumbwheel run` finds an embedded cloud behind AWS_ENDPOINT_URL, and is told to stop once it runs.
- `aws cloudformation` reaches a service of the test's, which keeps what it is sent.
- `docker` and `kubectl` do nothing but look for the files that they are given.
- /tmp is a folder of the test's.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

import harness
from cloud_formation import Service, Template
from harness import PROGRAM, ROOT, aws_environment, assert_healthy, clean_environment, jpeg, make_queue, thumbwheel

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = PAGES[0].read_text()
DOCUMENTS = [*PAGES, ROOT / "CONTRIBUTING.md"]
NOT_COPIED = shutil.ignore_patterns(".git", "build", "out", "results", "node_modules", "__pycache__")
TIMEOUT_S = 600
MADE_BY_PROGRAMS = {"bench/results/"}
# The argument after -f, and a last argument that is a folder, must be there.
LOOKS_FOR_FILES = """#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in
    -f) shift; test -e "$1" || exit 1 ;;
    .) test -f ./Dockerfile || exit 1 ;;
    esac
    shift
done
"""


def commands():
    """Of all pages, each once, in order."""
    blocks = [block for page in PAGES
              for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)]
    lines = "".join(blocks).replace("\\\n", "").splitlines()
    return list(dict.fromkeys(line for line in lines if line.strip() and not line.startswith("#")))


def table(marker):
    found = [part for page in PAGES
             for part in re.findall(rf"<!-- {re.escape(marker)} -->\n(.*?)<!-- end -->", page.read_text(), re.DOTALL)]
    assert len(found) == 1, f"{len(found)} places for {marker}"
    return found[0]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, samples):
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
    for preset in ("tsan", "dev", "fuzz"):  # configured, and with nothing to build
        (tree / "build" / preset).mkdir()
        (tree / "build" / preset / "build.ninja").touch()
    if (ROOT / "tests/js/node_modules").exists():
        (tree / "tests/js/node_modules").symlink_to(ROOT / "tests/js/node_modules")
    (home / "Pictures").mkdir(parents=True)
    (home / "Pictures/cat.jpg").write_bytes(jpeg(400, 300))
    (folder / "photos").mkdir()
    for name in ("one.jpg", "two.jpg"):
        (folder / "photos" / name).write_bytes(jpeg(1600, 1200))
    tools.mkdir()
    (tools / "cmake").write_text("#!/bin/sh\nexit 0\n")
    (tools / "kubectl").write_text(LOOKS_FOR_FILES)
    (tools / "docker").write_text(LOOKS_FOR_FILES)
    for tool in tools.iterdir():
        tool.chmod(0o755)
    (folder / "tmp").mkdir()
    return folder


def mapped(command, checkout):
    command = command.replace("/tmp/", f"{checkout}/tmp/")
    if command.startswith("./dev test"):
        command += " test_bytes"
    if command.startswith("./dev bench"):
        command = f"ASAN_OPTIONS=detect_leaks=0 {command} --photos 2 --dir {checkout}/photos --idle 1"
    return command


def environment_for(checkout, base):
    """The samples are where the fixture has put them."""
    return dict(base, HOME=str(checkout / "home"), XDG_CACHE_HOME=base["HOME"] + "/.cache",
                PATH=f"{checkout}/tools:{os.environ['PATH']}")


def run_to_its_end(command, checkout):
    done = subprocess.run(["sh", "-c", mapped(command, checkout)], cwd=checkout / "tree", stdin=subprocess.DEVNULL,
                          env=environment_for(checkout, clean_environment()), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S)
    assert_healthy(done.stdout)
    assert done.returncode == 0, f"{command}\n{done.stdout}"


def run_until_it_serves(command, checkout, cloud):
    region = re.match(r"AWS_REGION=(\S+)", command)[1]  # where the command expects its queues
    sqs = harness.client(cloud.endpoint, "sqs", region=region)
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


def deploy_stack(command, checkout):
    """The AWS CLI sends the template and the parameters, and the template has what it needs."""
    service = Service()
    try:
        done = subprocess.run(["sh", "-c", command.replace("aws ", f"{harness.AWS_CLI} --endpoint-url {service.endpoint} ", 1)],
                              cwd=checkout / "tree", stdin=subprocess.DEVNULL, env=environment_for(checkout, aws_environment()),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S)
        assert done.returncode == 0, done.stdout
        (template, parameters, capabilities), = service.deployed
    finally:
        service.stop()
    assert set(parameters) <= set(template["Parameters"])
    Template(template, parameters)
    assert capabilities == ["CAPABILITY_NAMED_IAM"]


@pytest.mark.parametrize("command", commands())
def test_each_command_works_as_printed(command, checkout, cloud):
    if re.search(r"thumbwheel run\b", command):
        run_until_it_serves(command, checkout, cloud)
    elif command.startswith("aws cloudformation deploy"):
        deploy_stack(command, checkout)
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
    page = (ROOT / "docs/commands.md").read_text()
    assert re.findall(r"^\| `thumbwheel (\w+)", page, re.MULTILINE) == listed


def heading_links(page):
    """What a link to each heading of a page looks like on GitHub."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_every_link_has_a_target(page):
    for target, heading in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text()):
        if target.startswith("http"):
            continue
        file = page.parent / target if target else page
        assert file.exists(), f"{page.name}: {target}"
        assert not heading or heading in heading_links(file), f"{page.name}: {target}#{heading}"


def test_every_page_is_linked_from_the_readme():
    for page in DOCUMENTS[1:]:
        assert f"]({page.relative_to(ROOT)})" in README, page.name


def files_named(text):
    """Paths in backquotes: with a folder of this repository, or a source file by its bare name."""
    for name in re.findall(r"`([\w./{},*-]+)`", text):
        if re.match(r"(engine|backends|pipelines|tests|bench|docs)/", name) or re.search(r"\.(c|h|py|cmake|yaml)$", name):
            yield name


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_every_named_file_exists(page):
    """`folder/file.c`, or `file.c` alone if some folder has it."""
    for name in set(files_named(page.read_text())) - MADE_BY_PROGRAMS:
        if "/" in name:
            assert list(ROOT.glob(name.rstrip("/"))), f"{page.name}: {name}"
        else:
            assert any(found for top in ("engine", "backends", "pipelines", "tests", "bench")
                       for found in (ROOT / top).rglob(name)), f"{page.name}: {name}"


def test_every_library_is_on_the_map():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    folders = [path.parent.relative_to(ROOT) for top in ("engine", "backends", "pipelines")
               for path in (ROOT / top).rglob("CMakeLists.txt") if "thumbwheel_library(" in path.read_text()]
    assert folders and not [folder for folder in folders if f"`{folder}/`" not in text]


def functions_named(text):
    """`file.c: function`"""
    return re.findall(r"`((?:engine|backends|pipelines)/[\w./]+\.[ch]): (\w+)`", text)


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_every_named_function_is_in_its_file(page):
    for path, name in functions_named(page.read_text()):
        assert re.search(rf"^[\w* ]*\b{name}\(", (ROOT / path).read_text(), re.MULTILINE), f"{page.name}: {path}: {name}"


def picture_text(svg):
    """The lines of a picture of docs/screenshot.py."""
    lines = re.findall(r"<text .*?</text>", svg)
    return [unescape(re.sub(r"<[^>]*>", "", line)) for line in lines]


def test_the_picture_is_what_the_program_prints(tmp_path):
    """Other than numbers, and what their width changes: columns, and where a list of tags is cut."""
    new = tmp_path / "run-once.svg"
    environment = dict(clean_environment(), ASAN_OPTIONS="detect_leaks=0")
    subprocess.run([sys.executable, ROOT / "docs/screenshot.py", PROGRAM, new], check=True, env=environment, timeout=TIMEOUT_S)
    shown, printed = (picture_text(path.read_text()) for path in (ROOT / "docs/run-once.svg", new))
    assert [words(line) for line in shown] == [words(line) for line in printed]


def words(line):
    """The words before a line's last column, its numbers masked."""
    return re.sub(r"\s+", " ", re.sub(r"[0-9.,]+", "0", line)).split(" Landscape")[0].split(" Portrait")[0]


def test_the_stated_exit_codes_are_correct(tmp_path):
    (tmp_path / "broken.jpg").write_text("a letter")
    (tmp_path / "good.jpg").write_bytes(jpeg())
    for photo, code in (("good.jpg", 0), ("broken.jpg", 1), ("absent.jpg", 2)):
        done = thumbwheel("local", "--once", "--out", tmp_path / "out", tmp_path / photo)
        assert done.returncode == code, done.stderr


def promises():
    page = (ROOT / "docs/promises.md").read_text()
    return [" ".join(item.split()) for item in re.findall(r"^- (.*?)(?=^- |^$)", page, re.MULTILINE | re.DOTALL)]


def test_every_promise_names_existing_tests():
    assert promises()
    for promise in promises():
        named = re.findall(r"`(tests/[a-z0-9_/]+\.(?:c|py)): (\w+)`", promise)
        assert named, promise
        for path, name in named:
            definition = f"def {name}(" if path.endswith(".py") else f"static void {name}(void **"
            assert definition in (ROOT / path).read_text(), (path, name)
