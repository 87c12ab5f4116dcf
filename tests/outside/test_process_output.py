"""The output of `process`: short text for users, JSON for scripts; and interrupts."""
import io
import json
import os
import re
import signal
import subprocess

import pytest

import harness
from harness import PROGRAM, assert_healthy, clean_environment, jpeg, run_on_terminal, screen, thumbwheel

MANY = 20
SUMMARY = r"^\d+ photos?: \d+ done, \d+ failed(, \d+ not processed)?, \d+\.\d s\. \d+ files? in /.*$"


@pytest.fixture
def photos(tmp_path):
    """A folder of many small photos, two of which are none."""
    folder = tmp_path / "in"
    folder.mkdir()
    small = jpeg(24, 16)
    for i in range(MANY):
        (folder / f"{i:02}.jpg").write_bytes(small)
    (folder / "letter.jpg").write_text("Dear Sir or Madam,\n")
    (folder / "nothing.jpg").write_text("")
    return folder


def lines_about(text, name):
    return [line for line in text.splitlines() if name in line]


def test_many_photos_print_their_failures_and_one_summary_line(photos, tmp_path):
    done = thumbwheel("process", "--out", tmp_path / "out", photos)
    assert done.returncode == 1
    assert re.fullmatch(SUMMARY, done.stdout.rstrip("\n")), done.stdout
    assert done.stdout.startswith(f"{MANY + 2} photos: {MANY} done, 2 failed, ") and f"{4 * MANY} files in " in done.stdout
    for name in ("letter.jpg", "nothing.jpg"):
        [line] = lines_about(done.stdout + done.stderr, name)
        assert line.startswith(f"failed: {name}: mobile, tags, thumbnail, web: image-unsupported: "), line
    assert len(done.stderr.splitlines()) == 2 and "\r" not in done.stderr and "\033" not in done.stderr


def test_verbose_prints_every_row_and_each_reason_once(photos, tmp_path):
    done = thumbwheel("process", "--verbose", "--out", tmp_path / "out", photos)
    assert len(re.findall(r"\d+×\d+", done.stdout)) == 3 * MANY and re.search(SUMMARY, done.stdout.splitlines()[-1])
    assert (done.stdout + done.stderr).count("image-unsupported") == 2
    assert re.search(r"^letter\.jpg\s+mobile\s+failed$", done.stdout, re.MULTILINE)


def test_json_is_the_only_thing_on_standard_output(photos, tmp_path):
    (photos / "notes.txt").write_text("no photo\n")
    done = thumbwheel("process", "--json", "--out", tmp_path / "out", photos)
    assert done.returncode == 1
    *rows, summary = map(json.loads, done.stdout.splitlines())
    assert {row["type"] for row in rows} == {"photo"} and len(rows) == MANY + 2
    assert {key: summary[key] for key in ("type", "photos", "done", "failed", "not_processed", "files", "interrupted")} == {
        "type": "summary", "photos": MANY + 2, "done": MANY, "failed": 2, "not_processed": 0, "files": 4 * MANY, "interrupted": False}
    assert summary["out"] == str(tmp_path / "out") and summary["seconds"] > 0
    for row in rows:
        assert set(row) == {"type", "path", "key", "bytes", "result", "error", "pipelines"}
        assert os.path.getsize(row["path"]) == row["bytes"]
        assert [part["pipeline"] for part in row["pipelines"]] == ["mobile", "tags", "thumbnail", "web"]
        for part in row["pipelines"]:
            assert set(part) == {"pipeline", "result", "reason", "error", "outputs", "labels"}
            assert part["result"] == row["result"] and (part["reason"] is None) == (row["result"] == "done")
            for output in part["outputs"]:
                assert set(output) == {"bucket", "key", "path", "width", "height", "bytes", "frames", "milliseconds", "error"}
                assert os.path.getsize(output["path"]) == output["bytes"]
    assert "skipped 1 file" in done.stderr and "failed" not in done.stderr


def test_names_of_arbitrary_bytes_are_valid_json(tmp_path):
    name = b"a\xff\n\"\xe2\x80\xae.jpg"
    with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
        file.write(jpeg(24, 16))
    done = thumbwheel("process", "--json", "--out", tmp_path / "out", os.path.join(os.fsencode(tmp_path), name).decode(
        errors="surrogateescape"))
    row, summary = map(json.loads, done.stdout.splitlines())
    assert row["result"] == "done" and summary["done"] == 1 and row["path"].endswith(".jpg")


def test_unwritable_outputs_are_reported_once_for_each_photo(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(24, 16))
    (tmp_path / "out").mkdir()
    for folder in ("web", "mobile", "tags"):
        (tmp_path / "out" / folder).write_text("a file where a directory should be")
    done = thumbwheel("process", "--out", tmp_path / "out", tmp_path / "a.jpg")
    assert done.returncode == 1 and done.stdout.startswith("1 photo: 0 done, 1 failed, ")
    [line] = done.stderr.splitlines()
    assert line.startswith("failed: a.jpg: mobile, tags, web: cannot create the directory ")
    assert line.endswith("Not a directory (and 2 more)")


# ---- an interrupt ----

@pytest.fixture
def slow(tmp_path):
    """Photos that take one worker a while, so that an interrupt comes while they are under way."""
    folder = tmp_path / "in"
    folder.mkdir()
    large = io.BytesIO()
    harness.picture(60, 45).resize((2400, 1800)).save(large, "JPEG")
    for i in range(20):
        (folder / f"{i:02}.jpg").write_bytes(large.getvalue())
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_counts_the_rest_as_not_processed(slow, start, tmp_path, number):
    log = tmp_path / "requests"
    run = start("process", "--out", tmp_path / "out", "--request-log", log, "--workers", "1", slow)
    harness.until(lambda: log.exists() and '"PutObject"' in log.read_text(), "a photo is uploaded")
    assert run.stop(number) == 1
    facts = re.search(r"^20 photos: (\d+) done, 0 failed, (\d+) not processed, ", run.output(), re.MULTILINE)
    assert facts and int(facts[1]) + int(facts[2]) == 20, run.output()
    assert "handed-back" not in run.output() and "failed:" not in run.output() and "retry:" not in run.output()


def test_an_interrupt_leaves_json_for_every_photo(slow, tmp_path):
    log = tmp_path / "requests"
    command = [PROGRAM, "process", "--json", "--out", tmp_path / "out", "--request-log", log, "--workers", "1", slow]
    with subprocess.Popen(command, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        harness.until(lambda: log.exists() and '"PutObject"' in log.read_text(), "a photo is uploaded")
        process.send_signal(signal.SIGINT)
        out, complaints = process.communicate(timeout=harness.PATIENCE_S)
    assert_healthy(complaints)
    *rows, summary = map(json.loads, out.splitlines())
    assert process.returncode == 1 and len(rows) == 20 and summary["interrupted"]
    assert summary["not_processed"] == sum(row["result"] == "not-processed" for row in rows) > 0
    assert summary["failed"] == 0


# ---- a terminal, and none ----

@pytest.mark.parametrize("columns", [12, 40, 200])
def test_the_bar_fits_the_terminal_and_leaves_nothing(photos, tmp_path, columns):
    text, code = run_on_terminal(["process", "--out", tmp_path / "out", photos], columns)
    assert code == 1
    bars = re.findall(r"\r\033\[K([^\r\n]*)\r(?!\n)", text)
    plain = [re.sub(r"\033\[\d*m", "", bar) for bar in bars]
    assert plain and all(len(bar) < columns for bar in plain)
    left = [line for line in screen(text) if line]
    assert len(left) == 3 and re.fullmatch(SUMMARY, left[-1]), left
    assert all(line.startswith("failed: ") for line in left[:-1])


def test_without_colours_there_are_none(photos, tmp_path):
    text, _ = run_on_terminal(["process", "--out", tmp_path / "out", photos], NO_COLOR="1")
    assert "\r\033[K" in text and not re.search(r"\033\[\d*m", text)


def test_a_dumb_terminal_gets_plain_lines(photos, tmp_path):
    text, code = run_on_terminal(["process", "--out", tmp_path / "out", photos, photos / "absent"], TERM="dumb")
    assert code == 2 and "\033" not in text and "absent: No such file" in text
    text, code = run_on_terminal(["process", "--out", tmp_path / "out", photos], TERM="dumb")
    assert code == 1 and "\033" not in text and "\r" not in text.replace("\r\n", "\n")


@pytest.mark.parametrize("options", [[], ["--verbose"], ["--json"]])
def test_a_closed_output_pipe_does_not_stop_the_work(photos, tmp_path, options):
    process = subprocess.Popen([PROGRAM, "process", *options, "--out", tmp_path / "out", photos], env=clean_environment(),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    complaints = process.stderr.read().decode()
    assert process.wait(harness.PATIENCE_S) == 1
    process.stderr.close()
    assert_healthy(complaints)
    assert len(list((tmp_path / "out/web").iterdir())) == MANY
