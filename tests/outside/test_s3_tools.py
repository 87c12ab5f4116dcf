"""Common S3 tools, unchanged: s3cmd and rclone from Debian."""
import hashlib
import os
import subprocess

import pytest

from harness import ACCESS_KEY, REGION, SECRET_KEY, allow_public_policies, aws_environment, clean_environment, fetch

NAMES = ["plain.txt", "with space.txt", "a+b=c&d.txt", "Café 東京.jpg", "deep/er/x%20y.txt", "100% #1?.txt"]


@pytest.fixture
def folder(tmp_path):
    """Files of all sizes and names; one is more than a part of a multipart upload."""
    root = tmp_path / "tree"
    for number, name in enumerate(NAMES):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"{number} ".encode() * (50 << number))
    (root / "large.bin").write_bytes(os.urandom(11 << 20))
    return root


def contents(root):
    return {str(path.relative_to(root)): hashlib.md5(path.read_bytes()).hexdigest()
            for path in root.rglob("*") if path.is_file()}


def stored(s3, bucket, prefix):
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {item["Key"].removeprefix(prefix): hashlib.md5(fetch(s3, bucket, item["Key"])).hexdigest() for item in found}


# ---- s3cmd ----

@pytest.fixture
def s3cmd(cloud, tmp_path):
    host = cloud.endpoint.removeprefix("http://")
    config = tmp_path / "s3cfg"
    config.write_text(f"[default]\naccess_key = {ACCESS_KEY}\nsecret_key = {SECRET_KEY}\nhost_base = {host}\n"
                      f"host_bucket = {host}/%(bucket)\nuse_https = False\nbucket_location = {REGION}\n"
                      "signature_v2 = False\nencoding = UTF-8\nmultipart_chunk_size_mb = 5\n")

    def run(*arguments, check=True):
        done = subprocess.run(["/usr/bin/s3cmd", "-c", config, "--no-progress", *map(str, arguments)],
                              env=clean_environment(LANG="C.UTF-8"), capture_output=True, text=True, timeout=300)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr
    return run


def test_s3cmd_makes_lists_and_removes_buckets(s3cmd, s3, name):
    s3cmd("mb", f"s3://{name}")
    assert f"s3://{name}" in s3cmd("ls")
    assert "Location" in s3cmd("info", f"s3://{name}")
    s3cmd("rb", f"s3://{name}")
    assert f"s3://{name}" not in s3cmd("ls")


def test_s3cmd_puts_gets_copies_and_deletes(s3cmd, s3, bucket, folder, tmp_path):
    for name in NAMES + ["large.bin"]:
        s3cmd("put", folder / name, f"s3://{bucket}/put/{name}")
    assert stored(s3, bucket, "put/") == contents(folder)
    for name in NAMES + ["large.bin"]:
        s3cmd("get", f"s3://{bucket}/put/{name}", tmp_path / "back" , "--force")
        assert (tmp_path / "back").read_bytes() == (folder / name).read_bytes()
        assert name in s3cmd("ls", "--recursive", f"s3://{bucket}/put/")
    s3cmd("cp", f"s3://{bucket}/put/with space.txt", f"s3://{bucket}/copy/a+b ü.txt")
    s3cmd("mv", f"s3://{bucket}/put/a+b=c&d.txt", f"s3://{bucket}/copy/moved &.txt")
    assert set(stored(s3, bucket, "copy/")) == {"a+b ü.txt", "moved &.txt"}
    assert "MD5 sum" in s3cmd("info", f"s3://{bucket}/copy/a+b ü.txt")
    s3cmd("del", "--recursive", "--force", f"s3://{bucket}/")
    assert stored(s3, bucket, "") == {}


def test_s3cmd_synchronises_both_ways(s3cmd, s3, bucket, folder, tmp_path):
    s3cmd("sync", f"{folder}/", f"s3://{bucket}/sync/")
    assert stored(s3, bucket, "sync/") == contents(folder)
    (folder / "plain.txt").unlink()
    (folder / "with space.txt").write_bytes(b"changed")
    assert "changed" not in s3cmd("sync", "--delete-removed", f"{folder}/", f"s3://{bucket}/sync/")
    assert stored(s3, bucket, "sync/") == contents(folder)
    (tmp_path / "back").mkdir()
    s3cmd("sync", f"s3://{bucket}/sync/", f"{tmp_path}/back/")
    assert contents(tmp_path / "back") == contents(folder)


def test_s3cmd_sets_a_policy_and_cors_and_a_lifecycle(s3cmd, s3, bucket, tmp_path):
    policy = tmp_path / "policy.json"
    policy.write_text('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",'
                      f'"Resource":"arn:aws:s3:::{bucket}/*"}}]}}')
    allow_public_policies(s3, bucket)
    s3cmd("setpolicy", policy, f"s3://{bucket}")
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy.read_text()
    s3cmd("delpolicy", f"s3://{bucket}")
    cors = tmp_path / "cors.xml"
    cors.write_text("<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
                    "</CORSRule></CORSConfiguration>")
    s3cmd("setcors", cors, f"s3://{bucket}")
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]
    s3cmd("expire", f"s3://{bucket}", "--expiry-days=30", "--expiry-prefix=old/")
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["Expiration"] == {"Days": 30}


# ---- rclone ----

@pytest.fixture
def rclone(cloud, tmp_path):
    environment = aws_environment(RCLONE_CONFIG_TW_TYPE="s3", RCLONE_CONFIG_TW_PROVIDER="Other",
                                  RCLONE_CONFIG_TW_ENV_AUTH="true", RCLONE_CONFIG_TW_ENDPOINT=cloud.endpoint,
                                  RCLONE_CONFIG_TW_REGION=REGION, RCLONE_CONFIG=str(tmp_path / "rclone.conf"))

    def run(*arguments, check=True):
        done = subprocess.run(["/usr/bin/rclone", "--retries", "1", "--s3-upload-cutoff", "6M", "--s3-chunk-size", "5M",
                               *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=300)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    return run


def test_rclone_synchronises_both_ways(rclone, s3, bucket, folder, tmp_path):
    rclone("sync", folder, f"tw:{bucket}/tree")
    assert stored(s3, bucket, "tree/") == contents(folder)
    rclone("check", folder, f"tw:{bucket}/tree")  # fails where something differs
    rclone("sync", f"tw:{bucket}/tree", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(folder)
    (folder / "plain.txt").unlink()
    (folder / "with space.txt").write_bytes(b"changed")
    rclone("sync", folder, f"tw:{bucket}/tree")
    assert stored(s3, bucket, "tree/") == contents(folder)


def test_rclone_copies_moves_lists_and_deletes(rclone, s3, bucket, folder):
    rclone("copy", folder, f"tw:{bucket}/a")
    rclone("copy", f"tw:{bucket}/a", f"tw:{bucket}/b")  # on the server
    assert stored(s3, bucket, "b/") == contents(folder)
    rclone("moveto", f"tw:{bucket}/b/with space.txt", f"tw:{bucket}/c/ü +.txt")
    assert set(stored(s3, bucket, "c/")) == {"ü +.txt"}
    listed = rclone("lsf", "-R", "--files-only", f"tw:{bucket}/a").splitlines()
    assert sorted(listed) == sorted(contents(folder))
    assert rclone("cat", f"tw:{bucket}/a/100% #1?.txt") == (folder / "100% #1?.txt").read_text()
    rclone("purge", f"tw:{bucket}/a")
    assert stored(s3, bucket, "a/") == {}


def test_rclone_sees_versions(rclone, s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"22"):
        s3.put_object(Bucket=bucket, Key="k.txt", Body=body)
    sizes = sorted(line.split()[0] for line in rclone("ls", "--s3-versions", f"tw:{bucket}").splitlines())
    assert sizes == ["1", "2"]
