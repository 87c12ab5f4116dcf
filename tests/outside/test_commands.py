"""The command line: help, versions, mistakes, settings."""
import functools
import json
import os
import re
import signal
import subprocess

import pytest

import harness
from harness import PROGRAM, ROOT, clean_environment, thumbwheel

COMMANDS = ["run", "local", "process", "provision", "whoami", "presign", "gate", "gallery", "send", "backfill", "check", "health", "dlq", "status", "completion", "man"]


@functools.cache
def help_of(*command):
    return thumbwheel(*command, "--help")


def test_help_lists_every_command():
    done = help_of()
    assert done.returncode == 0 and done.stderr == ""
    assert re.findall(r"^  (\w+) ", done.stdout, re.MULTILINE) == COMMANDS


@pytest.mark.parametrize("word", ["help", "-h"])
def test_help_has_its_other_names(word):
    assert thumbwheel(word).stdout == help_of().stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command):
    done = help_of(command)
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: thumbwheel {command} ") and "Options:" in done.stdout


def test_without_a_command_usage_goes_to_stderr():
    done = thumbwheel()
    assert done.returncode == 2 and done.stdout == "" and done.stderr.startswith("Usage:")


def test_version():
    done = thumbwheel("--version")
    assert done.returncode == 0 and re.fullmatch(r"thumbwheel \d+\.\d+\.\d+\S*\n", done.stdout)


def test_a_mistyped_command_gets_a_suggestion():
    done = thumbwheel("proces")
    assert done.returncode == 2 and 'unknown command "proces"; did you mean "process"?' in done.stderr


def test_an_unknown_command_points_to_the_list():
    done = thumbwheel("xyzzy")
    assert done.returncode == 2 and "thumbwheel --help" in done.stderr and "did you mean" not in done.stderr


def test_a_mistyped_flag_gets_a_suggestion():
    done = thumbwheel("local", "--onse")
    assert done.returncode == 2 and "unknown option --onse; did you mean --once?" in done.stderr


def test_the_flag_of_another_command_names_that_command():
    done = thumbwheel("run", "--once")
    assert done.returncode == 2 and 'option of "thumbwheel local"' in done.stderr


def test_a_flag_without_its_value_is_an_error():
    done = thumbwheel("process", "--out")
    assert done.returncode == 2 and "--out needs a value" in done.stderr


@pytest.mark.parametrize("flag, value, hint", [
    ("--workers", "0", "from 1 to 256"), ("--workers", "many", "from 1 to 256"), ("--max-bytes", "5X", "64M"),
    ("--wait", "21s", "from 1s to 20s"), ("--wait", "1500ms", "whole seconds"),
    ("--log-format", "xml", "auto|text|json"),
    ("--max-pixels", "-3", "number"), ("--visibility", "13h", "12h")])
def test_a_wrong_value_is_reported_with_the_allowed_ones(flag, value, hint):
    done = thumbwheel("run", flag, value)
    assert done.returncode == 2
    assert f'{flag}: "{value}" is not allowed' in done.stderr and hint in done.stderr


def test_a_wrong_value_in_the_environment_names_its_variable():
    done = thumbwheel("run", environment=clean_environment(THUMBWHEEL_WORKERS="none"))
    assert done.returncode == 2 and "THUMBWHEEL_WORKERS" in done.stderr


def test_settings_come_from_the_environment(tmp_path):
    (tmp_path / "bad.yaml").write_text("name: bad\n")
    done = thumbwheel("check", environment=clean_environment(THUMBWHEEL_PIPELINES=str(tmp_path)))
    assert "bad.yaml:" in done.stderr


def test_a_list_in_the_environment_has_colons(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\nqueue: {name}\nmatch: {{prefix: in/}}\n"
                                               f"outputs: [{{key: 'o/{name}/{{name}}', width: 9}}]\n")
    paths = f"{tmp_path}/a.yaml:{tmp_path}/b.yaml"
    done = thumbwheel("check", environment=clean_environment(THUMBWHEEL_PIPELINES=paths))
    assert done.returncode == 0 and "2 files, 0 problems" in done.stdout


def test_a_flag_wins_over_the_environment(tmp_path):
    done = thumbwheel("check", "--pipelines", ROOT / "pipelines",
                      environment=clean_environment(THUMBWHEEL_PIPELINES=str(tmp_path / "absent")))
    assert done.returncode == 0, done.stderr


def test_a_mistyped_variable_causes_a_warning(tmp_path):
    done = thumbwheel("check", environment=clean_environment(THUMBWHEEL_MAX_PIXEL="1"))
    assert "THUMBWHEEL_MAX_PIXEL is not a setting; did you mean THUMBWHEEL_MAX_PIXELS?" in done.stderr


def test_check_lists_the_included_pipelines():
    done = thumbwheel("check")
    assert done.returncode == 0
    for name, queue, output in (("thumbnail", "thumbnail-queue", "thumbnail/Thumbnail-{image}"),
                                ("web", "web-queue", "web/WebImage-{image}"),
                                ("mobile", "mobile-queue", "mobile/MobileImage-{image}"),
                                ("tags", "tags-queue", "tags/{name}.json")):
        assert re.search(rf"^{name}\s+{queue}\s+{re.escape(output)}", done.stdout, re.MULTILINE), done.stdout
    assert "4 files, 0 problems" in done.stdout


GOOD = "name: good\nqueue: good-queue\nmatch: {prefix: in/}\noutputs: [{key: 'o/{stem}.{ext}', width: 9}]\n"


def check_json(*paths, **variables):
    arguments = [argument for path in paths for argument in ("--pipelines", path)]
    done = thumbwheel("check", "--json", *arguments, environment=clean_environment(**variables))
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_check_gives_ci_one_json_object(tmp_path):
    (tmp_path / "good.yaml").write_text(GOOD)
    code, found = check_json(tmp_path)
    assert code == 0 and found == {
        "ok": True, "files": [f"{tmp_path}/good.yaml"], "errors": 0, "warnings": 0, "problems": [],
        "pipelines": [{"name": "good", "queue": "good-queue", "file": f"{tmp_path}/good.yaml", "labels": False,
                       "outputs": [{"bucket": None, "key": "o/{stem}.{ext}"}]}]}
    (tmp_path / "bad.yaml").write_text("name: bad\nqueue: q\noutputs: [{key: 'o/{name}', widht: 9}, {fit: round}]\n")
    code, found = check_json(tmp_path)
    assert code == 2 and not found["ok"] and found["errors"] == 3 == len(found["problems"])
    assert {(p["severity"], p["file"], p["line"], p["column"], p["key"]) for p in found["problems"]} == {
        ("error", f"{tmp_path}/bad.yaml", 3, 29, "outputs[0].widht"), ("error", f"{tmp_path}/bad.yaml", 3, 40, "outputs[1].key"),
        ("error", f"{tmp_path}/bad.yaml", 3, 46, "outputs[1].fit")}
    assert [p["name"] for p in found["pipelines"]] == ["good"]
    code, found = check_json(tmp_path / "absent")
    assert code == 2 and found["problems"][0]["line"] is None


REFUSED = {
    "a labeler that is not there": (GOOD + "labels: {labeler: magic}\n", 5, "labels.labeler", "expected one of builtin, rekognition"),
    "a queue that cannot be": (GOOD.replace("good-queue", "my queue"), 2, "queue", "is not a valid queue"),
    "an ARN of no queue": (GOOD.replace("good-queue", "arn:aws:sns:eu-west-1:1:x"), 2, "queue", "is not a valid queue"),
    "a loop": (GOOD.replace("'o/", "'in/"), 4, "outputs[0].key", "processed again"),
    "a control character in a suffix": (GOOD.replace("prefix: in/", 'prefix: in/, suffix: [.jpg, ".p\\x01ng"]'), 3,
                                        "match.suffix", "control characters"),
    "a control character in a prefix": (GOOD.replace("prefix: in/", 'prefix: "in\\n/"'), 3, "match.prefix",
                                        "control characters"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_check_refuses_what_run_refuses(tmp_path, name):
    text, line, key, message = REFUSED[name]
    (tmp_path / "p.yaml").write_text(text)
    code, found = check_json(tmp_path)
    assert code == 2 and [(p["line"], p["key"]) for p in found["problems"]] == [(line, key)]
    assert message in found["problems"][0]["message"]
    run = thumbwheel("run", "--pipelines", tmp_path, "--endpoint", "http://127.0.0.1:9", environment=clean_environment(
        AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b"))
    assert run.returncode == 2 and message in run.stderr


def test_check_refuses_the_settings_that_run_refuses(tmp_path):
    (tmp_path / "p.yaml").write_text(GOOD)
    code, found = check_json(tmp_path, THUMBWHEEL_WORKERS="none")
    assert code == 2 and "THUMBWHEEL_WORKERS" in found["problems"][0]["message"] and found["problems"][0]["file"] is None


def test_check_reports_a_loop_once(tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD.replace("good", "a").replace("in/", "one/").replace("o/", "two/"))
    (tmp_path / "b.yaml").write_text(GOOD.replace("good", "b").replace("in/", "two/").replace("'o/", "'one/"))
    code, found = check_json(tmp_path)
    assert code == 2 and len(found["problems"]) == 1
    assert f"{tmp_path}/a.yaml" in found["problems"][0]["message"] and f"{tmp_path}/b.yaml" in found["problems"][0]["message"]


def test_check_prints_the_schema_as_a_table():
    done = thumbwheel("check", "--schema")
    assert done.returncode == 0
    rows = done.stdout.splitlines()
    assert all(row.startswith("|") and row.endswith("|") for row in rows)
    for key in ("name", "queue", "match.prefix", "outputs[].width", "labels.sidecar"):
        assert any(row.startswith(f"| `{key}` |") for row in rows), key


def test_check_prints_every_setting_as_a_table():
    done = thumbwheel("check", "--settings")
    assert done.returncode == 0
    flags = set(re.findall(r"^  --([a-z0-9-]+)", "".join(help_of(command).stdout for command in COMMANDS),
                           re.MULTILINE)) - {"help", "schema", "settings", "operations"}
    assert set(re.findall(r"^\| `--([a-z0-9-]+)", done.stdout, re.MULTILINE)) == flags
    for flag in flags:
        assert f"`THUMBWHEEL_{flag.upper().replace('-', '_')}`" in done.stdout


# One argument more than each command takes. process and send take any number of files, local of photos.
SURPLUS = [["run", "x"], ["local", "--cloud-only", "x"], ["provision", "--dry-run", "x"], ["whoami", "x"], ["presign", "get", "s3://b/k", "x"],
           ["gate", "--tokens", "t", "x"], ["gallery", "x"], ["backfill", "s3://b/p", "x"], ["check", "x"], ["health", "--metrics", "127.0.0.1:1", "x"],
           ["dlq", "list", "x"], ["status", "x"], ["completion", "bash", "x"], ["man", "x"], ["version", "x"], ["--version", "x"],
           ["help", "run", "x"], ["--help", "run", "x"], ["-h", "run", "x"]]


def test_the_commands_with_a_limited_number_of_arguments_are_known():
    assert set(COMMANDS) - {each[0] for each in SURPLUS} == {"process", "send"}


@pytest.mark.parametrize("arguments", SURPLUS, ids=" ".join)
def test_a_surplus_argument_is_a_usage_error(arguments):
    """It is never ignored: it could be a mistyped option, or the object of a command that deletes."""
    done = thumbwheel(*arguments)
    assert done.returncode == 2 and done.stdout == "" and done.stderr
    assert '"x"' in done.stderr.replace("\\", "") or arguments[0] in ("presign", "backfill", "completion", "local")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_a_usage_error(command):
    done = thumbwheel(command, "--xyzzy")
    assert done.returncode == 2 and done.stdout == "" and "unknown option --xyzzy" in done.stderr


@pytest.mark.parametrize("command", ["run", "local"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_the_start_is_a_normal_stop(command, number, tmp_path):
    """A file that is never read to its end keeps the service from starting; nothing is pending yet."""
    pipe = tmp_path / "slow.yaml"
    os.mkfifo(pipe)
    process = harness.Process(command, "--pipelines", pipe)
    writer = os.open(pipe, os.O_WRONLY)  # returns when the program has opened the file
    try:
        assert process.stop(number) == 0
    finally:
        os.close(writer)


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_stray_argument_gets_a_suggestion(command):
    done = thumbwheel(command, "photo.jpg")
    assert done.returncode == 2 and 'takes no argument "photo.jpg"' in done.stderr


@pytest.mark.parametrize("more", [["--once"], ["photo.jpg"]])
def test_a_cloud_without_an_engine_accepts_no_photos(more):
    done = thumbwheel("local", "--cloud-only", *more)
    assert done.returncode == 2 and "remove --cloud-only" in done.stderr


def test_a_cloud_without_an_engine_makes_new_queues_on_sighup(start_cloud, tmp_path):
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    (pipelines / "idle.yaml").write_text(harness.PIPELINE_IDLE)
    cloud = start_cloud("--cloud-only", "--pipelines", pipelines, photos=())
    cloud.wait_for("Serving")
    (pipelines / "more.yaml").write_text(harness.PIPELINE_IDLE.replace("idle", "more"))
    cloud.process.send_signal(signal.SIGHUP)
    cloud.wait_for("reloaded: 2 pipelines")
    assert any("more-queue" in url for url in cloud.client("sqs").list_queues()["QueueUrls"])
    assert cloud.stop() == 0, cloud.output()


def test_output_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "w") as full:
        done = subprocess.run([PROGRAM, "check", "--schema"], stdout=full, stderr=subprocess.PIPE, text=True,
                              env=clean_environment())
    assert done.returncode == 1


JSON_LOGS = {
    "an unknown option": ["run", "--log-format", "json", "--frobnicate"],
    "a wrong value": ["run", "--workers", "none", "--log-format=json"],
    "an argument": ["run", "--log-format", "json", "photo.jpg"],
    "no pipelines": ["run", "--log-format", "json", "--pipelines", "/nowhere"],
    "no photos": ["process", "--log-format", "json"],
    "cloud only": ["local", "--log-format", "json", "--cloud-only", "--once"],
    "no credentials": ["run", "--log-format", "json", "--endpoint", "http://127.0.0.1:9", "--region", "eu-west-1"],
}


@pytest.mark.parametrize("name", JSON_LOGS)
def test_json_logs_are_json_from_the_first_line(name):
    done = thumbwheel(*JSON_LOGS[name], environment=clean_environment(
        THUMBWHEEL_MAX_PIXEL="1", AWS_EC2_METADATA_DISABLED="true"))
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 2 and lines[-1]["level"] == "error"
    assert all(set(line) >= {"time", "level", "event"} for line in lines)


def test_json_logs_are_json_while_photos_fail(tmp_path):
    (tmp_path / "good.jpg").write_bytes(harness.jpeg())
    (tmp_path / "bad.jpg").write_text("no photo")
    (tmp_path / "notes.txt").write_text("no photo")
    (tmp_path / "cut.png").write_bytes(harness.png()[:300])
    for isolation in "process", "thread":
        done = thumbwheel("process", "--log-format", "json", "--isolation", isolation, "--out", tmp_path / "out", tmp_path,
                          environment=clean_environment(G_MESSAGES_DEBUG="all"))
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        assert done.returncode == 1 and any("bad.jpg" in line["event"] for line in lines)


def test_the_log_of_run_is_json_without_a_terminal():
    done = thumbwheel("run", "photo.jpg", environment=clean_environment(THUMBWHEEL_LOG_FORMAT=""))
    assert done.returncode == 2 and 'takes no argument "photo.jpg"' in json.loads(done.stderr)["event"]
    done = thumbwheel("process", environment=clean_environment(THUMBWHEEL_LOG_FORMAT=""))
    assert done.stderr.startswith("thumbwheel: process needs photos")


def test_paths_are_printed_in_normal_form(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/good.yaml").write_text(GOOD)
    (tmp_path / "link").symlink_to("/usr/bin")
    for path in f"{tmp_path}//in/./", f"{tmp_path}/in/../in//", f"{tmp_path}/./in/good.yaml":
        code, found = check_json(path)
        assert code == 0 and found["files"] == [f"{tmp_path}/in/good.yaml"]
    code, found = check_json(f"{tmp_path}/link/../absent//x")  # ".." of a link is not its folder
    assert found["problems"][0]["file"] == f"{tmp_path}/link/../absent/x"


def test_a_moved_checkout_is_explained(tmp_path):
    """dev detects a build from another path, before it runs cmake."""
    (tmp_path / "build/release").mkdir(parents=True)
    (tmp_path / "build/release/CMakeCache.txt").write_text("CMAKE_HOME_DIRECTORY:INTERNAL=/old/place\n")
    (tmp_path / "bin").mkdir()
    for tool in "cmake", "dpkg-query", "apt-get", "sudo":
        (tmp_path / f"bin/{tool}").write_text("#!/bin/sh\nexit 7\n")
        (tmp_path / f"bin/{tool}").chmod(0o755)
    (tmp_path / "dev").write_text((ROOT / "dev").read_text().replace("need_packages $", ": $"))
    done = subprocess.run(["sh", tmp_path / "dev", "build"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=clean_environment(PATH=f"{tmp_path}/bin:/usr/bin:/bin"))
    assert "build/release belongs to /old/place" in done.stdout, done.stdout
    assert not (tmp_path / "build/release").exists()


NARROW = [["--help"], ["run", "--help"], ["local", "--help"], ["process", "--help"], ["check", "--help"], ["check"]]


@pytest.mark.parametrize("columns", [40, 60])
@pytest.mark.parametrize("arguments", NARROW, ids=" ".join)
def test_narrow_terminals_get_lines_that_fit(arguments, columns):
    done = thumbwheel(*arguments, environment=clean_environment(COLUMNS=str(columns), LC_ALL="C.UTF-8"))
    assert done.returncode == 0
    long = [line for line in done.stdout.splitlines() if len(line) > columns]
    assert all(" " not in line.strip() or line.startswith("  --") for line in long), long  # one word, or an option's own name


OTHER_LOCALES = [{"LC_ALL": "C"}, {"LC_ALL": "", "LC_CTYPE": "POSIX"}, {"LC_ALL": "", "LC_CTYPE": "", "LANG": "de_DE"}]


@pytest.mark.parametrize("locale", OTHER_LOCALES)
def test_output_is_ascii_if_the_locale_is_not_utf8(locale, tmp_path):
    (tmp_path / "sea.jpg").write_bytes(harness.jpeg())
    (tmp_path / "notes.txt").write_text("no photo")
    commands = [*NARROW, ["process", "--verbose", "--out", tmp_path / "out", tmp_path], ["check", "--schema"], ["check", "--settings"],
                ["check", "--pipelines", tmp_path / "caf\u00e9"]]
    for turn, command in enumerate(commands):
        done = thumbwheel(*command, environment=clean_environment(**locale, COLUMNS=["", "50"][turn % 2]))
        assert (done.stdout + done.stderr).isascii(), (command, done.stdout, done.stderr)


@pytest.mark.parametrize("locale", OTHER_LOCALES)
def test_paths_are_printable_if_the_locale_is_not_utf8(locale, tmp_path):
    """The files themselves keep their names, which are UTF-8 everywhere."""
    photos = tmp_path / "caf\u00e9 \u6771"
    photos.mkdir()
    (photos / "z\u00fcrich.jpg").write_bytes(harness.jpeg())
    (photos / "broken-\u00fc.jpg").write_bytes(b"not a photo")
    for more in [], ["--verbose"], ["--json"]:
        done = thumbwheel("process", *more, "--out", photos / "\u00f6ut", photos, environment=clean_environment(**locale))
        assert done.returncode == 1
        assert (done.stdout + done.stderr).isascii(), (more, done.stdout, done.stderr)
    assert (photos / "\u00f6ut/thumbnail/Thumbnail-z\u00fcrich.jpg").exists()
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["out"] == str((photos / "\u00f6ut").resolve())


def paste(line, variable, shell="bash"):
    """The result of a printed line in a shell."""
    done = subprocess.run([shell, "-c", f"{line.strip()} >/dev/null && printf %s \"${variable}\""], capture_output=True, timeout=60,
                          env={**os.environ, "LC_ALL": "C"})
    return done.stdout.decode()


@pytest.mark.parametrize("locale", [*OTHER_LOCALES, {"LC_ALL": "C.UTF-8"}])
def test_the_startup_text_is_printable_and_can_be_pasted(start, locale, tmp_path):
    folder = tmp_path / "caf\u00e9's \x1b[31m"
    folder.mkdir()
    (folder / "z\u00fcrich.jpg").write_bytes(harness.jpeg())
    local = start("local", "--port", "0", "--tls", "--data", folder / "data", "--out", folder / "out", folder / "z\u00fcrich.jpg",
                  environment=clean_environment(**locale))
    local.wait_for("Ctrl-C stops")
    shown = local.output()
    assert "\x1b" not in shown
    assert locale["LC_ALL"] == "C.UTF-8" or shown.isascii(), shown
    export = re.search(r"export AWS_CA_BUNDLE=.*", shown).group(0)
    assert paste(export, "AWS_CA_BUNDLE") == str(folder / "data/tls-certificate.pem")
    word = re.search(r"s3 cp (.*) s3://", shown).group(1)
    assert paste(f"photo={word}", "photo") == str(folder / "z\u00fcrich.jpg")
    local.stop()


def test_help_groups_its_options():
    for command, groups in (("run", ["Pipelines and service", "Work", "Images", "Log", "Monitoring", "Shutdown",
                                     "Gallery", "Other"]),
                            ("check", ["Pipelines and service", "Results", "Other"])):
        shown = re.findall(r"^([A-Z][a-z ]+):$", help_of(command).stdout, re.MULTILINE)
        assert shown[shown.index("Options") + 1:] == groups


def test_help_and_version_are_commands_too():
    for arguments in ("help", "run"), ("run", "--help"):
        assert "--visibility" in thumbwheel(*arguments).stdout
    assert thumbwheel("version").stdout == thumbwheel("--version").stdout != ""
    wrong = thumbwheel("help", "rnu")
    assert wrong.returncode == 2 and "rnu" in wrong.stderr


def test_variables_of_kubernetes_are_ignored_with_a_note(tmp_path):
    done = thumbwheel("process", "--out", tmp_path, tmp_path / "absent.jpg", environment=clean_environment(
        THUMBWHEEL_MEMORY="tcp://10.0.0.1:4566", THUMBWHEEL_PORT_4566_TCP_ADDR="10.0.0.1", THUMBWHEEL_FROBNICATE="1"))
    assert "THUMBWHEEL_MEMORY is ignored" in done.stderr and "THUMBWHEEL_FROBNICATE is not a setting" in done.stderr
    assert "THUMBWHEEL_PORT_4566_TCP_ADDR" not in done.stderr


# ---- queues by several names ----

ARN = "arn:aws:sqs:eu-west-1:123456789012:web-queue"
URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/web-queue"


def check_queues(folder, *queues):
    for i, queue in enumerate(queues):
        (folder / f"{i}.yaml").write_text(f"name: p{i}\nqueue: {queue}\nmatch: {{ prefix: in/ }}\n"
                                          f"outputs: [{{ key: 'out{i}/{{image}}', width: 8 }}]\n")
    done = thumbwheel("check", "--json", "--pipelines", folder)
    return done.returncode, json.loads(done.stdout)["problems"]


@pytest.mark.parametrize("one, other", [(ARN, URL), (URL, ARN), (URL, "http://sqs.eu-west-1.amazonaws.com/123456789012/web-queue")])
def test_check_refuses_a_queue_under_two_names(tmp_path, one, other):
    status, problems = check_queues(tmp_path, one, other)
    problem, = problems
    assert status == 2 and problem["severity"] == "error" and problem["key"] == "queue"
    assert problem["file"].endswith("1.yaml") and problem["line"] == 2
    assert one in problem["message"] and other in problem["message"] and "0.yaml" in problem["message"]


@pytest.mark.parametrize("other", [ARN, URL, "http://127.0.0.1:4566/000000000000/web-queue"])
def test_check_warns_if_a_name_may_be_another_pipelines_queue(tmp_path, other):
    status, problems = check_queues(tmp_path, "web-queue", other)
    problem, = problems
    assert status == 0 and problem["severity"] == "warning" and problem["key"] == "queue"
    assert "web-queue" in problem["message"] and other in problem["message"] and "account" in problem["message"]


@pytest.mark.parametrize("other", ["arn:aws:sqs:eu-west-1:210987654321:web-queue", "arn:aws:sqs:eu-central-1:123456789012:web-queue",
                                   "arn:aws:sqs:eu-west-1:123456789012:Web-queue", "web-queue-2"])
def test_check_accepts_queues_that_differ(tmp_path, other):
    assert check_queues(tmp_path, URL, other) == (0, [])


PIPELINE_FOLDERS = sorted({path.parent.relative_to(ROOT) for top in ("pipelines", "bench") for path in (ROOT / top).rglob("*.yaml")
                           if "node_modules" not in path.parts})  # what npm has installed for a benchmark


@pytest.mark.parametrize("folder", PIPELINE_FOLDERS, ids=str)
def test_check_reports_no_problem_in_the_included_pipelines(folder):
    done = thumbwheel("check", "--pipelines", ROOT / folder)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.endswith(", 0 problems\n"), done.stdout
