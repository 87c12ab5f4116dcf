"""Terraform with HashiCorp's AWS provider: apply, a plan without changes, destroy. Skipped where they are not installed."""
import os
import pathlib
import shutil
import subprocess

import pytest

import harness
from harness import ACCESS_KEY, ROOT, SECRET_KEY

# Where Terraform looks for providers without a registry, and a usual place for a mirror.
MIRRORS = [pathlib.Path(folder) for folder in (
    os.environ.get("TF_PLUGIN_DIR", "/nowhere"), "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins", "/opt/tf-plugins")]
TERRAFORM = shutil.which("terraform", path=os.environ.get("PATH", "") + ":/usr/local/bin")
MIRROR = next((folder for folder in MIRRORS if (folder / "registry.terraform.io/hashicorp/aws").is_dir()), None)

pytestmark = pytest.mark.skipif(not TERRAFORM or not MIRROR, reason="needs Terraform and its AWS provider")


@pytest.fixture
def terraform(cloud, tmp_path):
    shutil.copy(ROOT / "tests/fixtures/terraform.tf", tmp_path / "main.tf")
    environment = harness.clean_environment(TF_VAR_endpoint=cloud.endpoint, TF_VAR_access_key=ACCESS_KEY, TF_VAR_secret=SECRET_KEY,
                                            CHECKPOINT_DISABLE="1", NO_PROXY="*", HOME=str(tmp_path),
                                            GOGC="800")  # collecting the provider's garbage takes a fifth of its time

    def run(*arguments):
        done = subprocess.run([TERRAFORM, *arguments, "-no-color"], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout
    run("init", f"-plugin-dir={MIRROR}")
    return run


def test_terraform_applies_finds_nothing_to_change_and_destroys(cloud, terraform):
    """The provider itself waits for most of a minute for some resources."""
    applied = terraform("apply", "-auto-approve", "-parallelism=30")
    assert "0 changed, 0 destroyed" in applied
    bucket = {"Bucket": "tf-photos"}
    s3 = cloud.client("s3")
    assert s3.get_object(Key="hello.txt", **bucket)["Body"].read() == b"hello"
    assert [item["StorageClass"] for item in s3.get_bucket_lifecycle_configuration(**bucket)["Rules"][0]["Transitions"]] == ["STANDARD_IA", "GLACIER"]
    assert s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]["BucketKeyEnabled"] is True
    assert s3.get_bucket_tagging(**bucket)["TagSet"] == [{"Key": "team", "Value": "images"}]
    terraform("plan", "-detailed-exitcode")  # another status than 0 if anything is to be changed
    terraform("destroy", "-auto-approve", "-refresh=false", "-parallelism=30")
    assert "tf-photos" not in [item["Name"] for item in s3.list_buckets()["Buckets"]]
    assert "QueueUrls" not in cloud.client("sqs").list_queues(QueueNamePrefix="tf-")
    assert not [topic for topic in cloud.client("sns").list_topics()["Topics"] if ":tf-" in topic["TopicArn"]]
    assert [bus["Name"] for bus in cloud.client("events").list_event_buses()["EventBuses"]] == ["default"]
