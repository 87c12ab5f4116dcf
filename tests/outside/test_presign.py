"""thumbwheel presign: URLs, as clients without credentials use them."""
import json
import os
import shlex
import stat
import subprocess
import urllib.error
import urllib.request

import pytest

import harness
from harness import aws_environment, fetch, thumbwheel

SECRETS = (harness.SECRET_KEY,)


@pytest.fixture(scope="module")
def presign(cloud):
    """Runs `thumbwheel presign`; the object that it prints, or with another status the error text."""
    def run(*arguments, status=0, json_output=True, **variables):
        flags = ["--json"] if json_output else []
        done = thumbwheel("presign", *arguments, *flags, environment=aws_environment(cloud.endpoint, **variables))
        assert done.returncode == status, done.stderr
        assert not any(secret in done.stdout + done.stderr for secret in SECRETS)
        if status:
            assert done.stdout == ""
            return done.stderr
        return json.loads(done.stdout) | {"stderr": done.stderr} if json_output else done.stdout
    return run


def send(url, method="GET", body=None, headers=()):
    """(status, headers, body) without any of the environment's proxies."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data=body, method=method, headers=dict(headers))
    try:
        with opener.open(request, timeout=60) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_an_object_is_put_and_got_without_credentials(presign, s3, bucket):
    key = "in/a b+ü&x=1 '\".jpg"
    made = presign("put", f"s3://{bucket}/{key}", "--content-type", "image/jpeg", "--size", "5")
    assert (made["method"], made["bucket"], made["key"], made["credentials_expire"]) == ("PUT", bucket, key, None)
    assert made["headers"] == {"Content-Type": "image/jpeg", "Content-Length": "5"}
    assert send(made["url"], "PUT", b"hello", {"Content-Type": "image/jpeg"})[0] == 200
    assert s3.head_object(Bucket=bucket, Key=key)["ContentType"] == "image/jpeg"

    made = presign("get", f"s3://{bucket}/{key}", "--content-type", "text/plain", "--disposition", "attachment; filename=a.txt")
    assert made["method"] == "GET" and made["headers"] == {}
    status, headers, body = send(made["url"])
    assert (status, body, headers["Content-Type"], headers["Content-Disposition"]) == (
        200, b"hello", "text/plain", "attachment; filename=a.txt")


def test_what_is_signed_must_be_sent(presign, bucket):
    made = presign("put", f"s3://{bucket}/k", "--content-type", "image/jpeg", "--size", "5")
    for body, content_type in ((b"hello", "image/png"), (b"hello!", "image/jpeg"), (b"", "image/jpeg")):
        assert send(made["url"], "PUT", body, {"Content-Type": content_type})[0] == 403
    assert send(made["url"], "GET")[0] == 403
    assert send(made["url"].replace("/k?", "/l?"), "PUT", b"hello", {"Content-Type": "image/jpeg"})[0] == 403


def test_a_version_is_got(presign, s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"2")
    assert send(presign("get", f"s3://{bucket}/k", "--version-id", first)["url"])[2] == b"1"
    assert send(presign("get", f"s3://{bucket}/k")["url"])[2] == b"2"


def test_a_url_expires(presign, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    made = presign("get", f"s3://{bucket}/k", "--expires", "1s")
    harness.until(lambda: send(made["url"])[0] == 403, "an expired URL is refused")
    assert "X-Amz-Expires=604800&" in presign("get", f"s3://{bucket}/k", "--expires", "7d")["url"]


def test_scripts_get_the_url_and_nothing_else(presign, cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    text = presign("get", f"s3://{bucket}/k", json_output=False)
    assert text.count("\n") == 1 and text.startswith(f"{cloud.endpoint}/{bucket}/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert send(text.strip())[2] == b"hello"


def test_a_terminal_gets_the_url_and_the_command(cloud, s3, bucket, tmp_path):
    key = "a/it's 100 % $HOME `id`.jpg"
    s3.put_object(Bucket=bucket, Key=key, Body=b"hello")
    environment = {name: value for name, value in aws_environment(cloud.endpoint).items() if name.startswith("AWS_")}
    text, status = harness.run_on_terminal(["presign", "get", f"s3://{bucket}/{key}"], **environment)
    lines = text.splitlines()
    assert status == 0 and lines[0].startswith(f"{cloud.endpoint}/{bucket}/a/it%27s") and lines[2].startswith("Valid until 20")
    assert shlex.split(lines[4])[-1] == lines[0]
    subprocess.run(["sh", "-c", lines[4]], cwd=tmp_path, env=dict(os.environ, no_proxy="*"), check=True, capture_output=True)
    assert (tmp_path / "it's 100 % $HOME `id`.jpg").read_bytes() == b"hello"


def test_the_command_that_puts_a_file(presign, s3, bucket, tmp_path):
    made = presign("put", f"s3://{bucket}/k", "--content-type", "image/x-te'st")
    (tmp_path / "FILE").write_bytes(b"hello")
    subprocess.run(["sh", "-c", made["curl"]], cwd=tmp_path, env=dict(os.environ, no_proxy="*"), check=True, capture_output=True)
    assert fetch(s3, bucket, "k") == b"hello" and s3.head_object(Bucket=bucket, Key="k")["ContentType"] == "image/x-te'st"


@pytest.mark.parametrize("arguments, text", [
    ((), "get or put"), (("get",), "s3://BUCKET/KEY"), (("get", "s3://b/k", "x"), "one object"),
    (("take", "s3://b/k"), '"take" is not allowed; give get or put'), (("get", "b/k"), "expected s3://BUCKET/KEY"),
    (("get", "s3://b"), "has no key"), (("get", "s3://b/"), "has no key"), (("get", "s3:///k"), "expected s3://BUCKET/KEY"),
    (("get", "s3://b/" + "k" * 1025), "1024 bytes"), (("get", "s3://b/k", "--expires", "8d"), "from 1s to 7d"),
    (("put", "s3://b/k", "--expires", "0"), "from 1s to 7d"), (("put", "s3://b/k", "--disposition", "x"), "--disposition does not apply"),
    (("get", "s3://b/k", "--size", "1"), "--size does not apply"), (("put", "s3://b/k", "--content-type", "a\nb"), "printable ASCII")])
def test_mistakes_are_explained(presign, arguments, text):
    assert text in presign(*arguments, status=2)


def test_a_bucket_that_does_not_exist(presign):
    assert "s3://nowhere-x" in presign("get", "s3://nowhere-x/k", status=1)


def test_without_credentials_nothing_is_printed(cloud):
    environment = {name: value for name, value in aws_environment(cloud.endpoint).items() if "KEY" not in name}
    done = thumbwheel("presign", "get", "s3://b/k", environment=environment)
    assert done.returncode == 2 and done.stdout == "" and "no AWS credentials found" in done.stderr


def test_a_region_that_cannot_be_asked_for_is_a_warning(presign):
    made = presign("get", "s3://some-bucket/k", "--endpoint", "http://127.0.0.1:9")
    assert made["url"].startswith("http://127.0.0.1:9/some-bucket/k?") and "region could not be asked for" in made["stderr"]


def test_it_warns_when_the_credentials_end_before_the_url(cloud, presign, s3, bucket, tmp_path):
    """Credentials of a process, as those of a role, say when they expire."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    sts = cloud.client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    program = tmp_path / "credentials"
    program.write_text("#!/bin/sh\ncat <<'END'\n" + json.dumps({
        "Version": 1, "AccessKeyId": sts["AccessKeyId"], "SecretAccessKey": sts["SecretAccessKey"],
        "SessionToken": sts["SessionToken"], "Expiration": sts["Expiration"].isoformat()}) + "\nEND\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program}\n")
    environment = {name: value for name, value in aws_environment(cloud.endpoint, AWS_CONFIG_FILE=str(tmp_path / "config")).items()
                   if "KEY" not in name}
    for expires, warned in (("1h", True), ("1m", False)):
        done = thumbwheel("presign", "get", f"s3://{bucket}/k", "--json", "--expires", expires, environment=environment)
        made = json.loads(done.stdout)
        assert done.returncode == 0 and ("the credentials expire at" in done.stderr) == warned
        assert made["credentials_expire"] == sts["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ")
        assert "X-Amz-Security-Token=" in made["url"] and sts["SecretAccessKey"] not in done.stdout + done.stderr
        assert send(made["url"])[2] == b"hello"
