"""Engines whose credentials are rotated while they run, by fake services that issue those of the embedded cloud, which expire."""
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness import ACCOUNT, REGION
from metadata import Fake, jwt, stamp

PIPELINE = "name: {0}\nqueue: {0}\nmatch: {{ bucket: {0}, prefix: ingest/ }}\noutputs: [{{ key: 'small/{{stem}}.jpg', width: 8, format: jpeg }}]\n"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/engine"


@pytest.fixture(scope="module")
def brief(tmp_path_factory):
    """A cloud whose temporary credentials are valid for two seconds."""
    data = tmp_path_factory.mktemp("brief") / "data"
    cloud = harness.Process("local", "--cloud-only", "--port", "0", "--data", data, "--session-lifetime", "2s")
    cloud.endpoint = cloud.wait_for(r"Endpoint: +(https?://\S+:\d+)").group(1)
    cloud.wait_for("Serving")
    yield cloud
    assert cloud.stop() == 0
    harness.assert_healthy(cloud.output())


class Rotation:
    """Issues credentials, and counts those for each secret that they were requested with: a token, a role, a login."""

    def __init__(self, cloud, folder):
        self.sts = harness.client(cloud.endpoint, "sts")
        self.folder, self.current, self.issued, self.secrets, self.faults = folder, "one", {"one": 0, "two": 0}, ["one-secret", "two-secret"], []

    def issue(self, secret):
        given = self.sts.get_session_token()["Credentials"]
        self.issued[secret] += 1
        self.secrets += [given["SecretAccessKey"], given["SessionToken"]]
        return given

    def json(self, secret, token="Token", **more):
        given = self.issue(secret)
        return {"AccessKeyId": given["AccessKeyId"], "SecretAccessKey": given["SecretAccessKey"], token: given["SessionToken"],
                "Expiration": given["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ")} | more

    def write(self, name, text):
        """As a whole, like Kubernetes and the AWS CLI."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".new").write_text(text)
        os.replace(path.with_suffix(".new"), path)
        return str(path)

    def rotate(self):
        self.current = "two"
        self.faults = [(500, "")]  # a refresh that fails at first

    def fault(self):
        return self.faults.pop() if self.faults else None


class Container(Rotation):
    """EKS writes a new token to the file from time to time."""

    def begin(self):
        self.fake = Fake(self.respond)
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": self.fake.url,
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": self.write("token", "one-secret")}

    def rotate(self):
        self.write("token", "two-secret")
        super().rotate()

    def respond(self, request):
        if request.headers["Authorization"] != f"{self.current}-secret":
            return 403, ""
        return self.fault() or (200, self.json(self.current))


class Instance(Rotation):
    """Another role is attached, and the metadata token is not valid any more."""

    def begin(self):
        self.fake = Fake(self.respond)
        return {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.fake.url, "AWS_METADATA_SERVICE_TIMEOUT": "60"}

    def respond(self, request):
        if request.path == "/latest/api/token":
            return 200, f"{self.current}-secret"
        if request.headers["X-aws-ec2-metadata-token"] != f"{self.current}-secret":
            return 401, ""
        role = request.path.rpartition("/")[2]
        return self.fault() or (200, self.json(role) if role else self.current)


class WebIdentity(Rotation):
    """The token's file is replaced before the token expires."""

    def begin(self):
        self.tokens = {jwt(sub="one"): "one", jwt(sub="two"): "two"}
        self.fake = Fake(self.respond)
        return {"AWS_WEB_IDENTITY_TOKEN_FILE": self.put("one"), "AWS_ROLE_ARN": ROLE, "AWS_ENDPOINT_URL_STS": self.fake.url}

    def put(self, subject):
        return self.write("token", next(token for token, each in self.tokens.items() if each == subject))

    def rotate(self):
        self.put("two")
        super().rotate()

    def respond(self, request):
        given = self.issue(self.tokens[request.form["WebIdentityToken"]])
        return self.fault() or (
            200, "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
            f"<AccessKeyId>{given['AccessKeyId']}</AccessKeyId><SecretAccessKey>{given['SecretAccessKey']}</SecretAccessKey>"
            f"<SessionToken>{given['SessionToken']}</SessionToken><Expiration>{given['Expiration']:%Y-%m-%dT%H:%M:%SZ}</Expiration>"
            "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>")


class Process(Rotation):
    """A program that prints other credentials each time, once none."""

    def begin(self):
        self.fake = Fake(lambda request: self.fault() or (200, self.json(self.current, "SessionToken", Version=1)))
        self.write("aws-config", f"[default]\ncredential_process = curl -sS --noproxy * {self.fake.url}\n")
        return {"AWS_CONFIG_FILE": str(self.folder / "aws-config")}


class Sso(Rotation):
    """Somebody logs in again, with a login that is about to end and is refreshed."""

    config = ("[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = engine\n"
              "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n")

    def begin(self):
        self.fake = Fake(self.respond)
        self.write(".aws/config", self.config)
        self.log_in("one-secret", 3600)
        return {"HOME": str(self.folder), "AWS_ENDPOINT_URL_SSO": self.fake.url, "AWS_ENDPOINT_URL_SSO_OIDC": self.fake.url}

    def log_in(self, token, seconds):
        self.write(f".aws/sso/cache/{hashlib.sha1(b'corp').hexdigest()}.json", json.dumps({
            "accessToken": token, "expiresAt": stamp(seconds), "startUrl": "https://corp.example/start", "region": "eu-west-1",
            "clientId": "id", "clientSecret": "client", "refreshToken": "renew", "registrationExpiresAt": stamp(86400)}))

    def rotate(self):
        self.log_in("old-secret", 60)
        super().rotate()

    def respond(self, request):
        if request.path == "/token":
            return self.fault() or (200, {"accessToken": "two-secret", "expiresIn": 28800, "refreshToken": "renew-2"})
        secret = request.headers["x-amz-sso_bearer_token"].removesuffix("-secret")
        if secret not in self.issued:  # the old login, while its refresh fails
            return 500, ""
        given = self.issue(secret)
        return 200, {"roleCredentials": {
            "accessKeyId": given["AccessKeyId"], "secretAccessKey": given["SecretAccessKey"], "sessionToken": given["SessionToken"],
            "expiration": int(given["Expiration"].timestamp() * 1000)}}


@pytest.mark.parametrize("provider", [Container, Instance, WebIdentity, Process, Sso])
def test_an_engine_follows_the_rotation_of_its_credentials(brief, start, tmp_path, provider):
    name = provider.__name__.lower()
    (tmp_path / "rotation.yaml").write_text(PIPELINE.format(name))
    s3, sqs = (harness.client(brief.endpoint, service) for service in ("s3", "sqs"))
    s3.create_bucket(Bucket=name)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    rotation = provider(brief, tmp_path)
    environment = harness.clean_environment(AWS_REGION=REGION, AWS_ENDPOINT_URL=brief.endpoint) | rotation.begin()
    engine = start("run", "--pipelines", tmp_path / "rotation.yaml", "--wait", "1s", "--isolation", "thread", "--log-format", "json",
                   environment=environment)
    engine.wait_for("engine started")
    rotation.rotate()
    harness.until(lambda: rotation.issued["two"], "credentials for the new secret")
    s3.put_object(Bucket=name, Key="ingest/a.jpg", Body=harness.jpeg(64, 48))
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"bucket": name, "key": "ingest/a.jpg"}))
    harness.until(lambda: harness.exists(s3, name, "small/a.jpg"), "an output")
    assert engine.stop() == 0
    assert rotation.issued["one"] and rotation.issued["two"]
    for secret in rotation.secrets:
        assert secret not in engine.output()
    rotation.fake.close()


def test_link_local_services_are_found_at_their_addresses():
    """RELATIVE_URI means 169.254.170.2, and the instance's service is at one address of IPv4 and one of IPv6."""
    within = ["unshare", "-rn"]
    if subprocess.run([*within, "true"], capture_output=True).returncode:
        pytest.skip("no network namespace can be made")
    environment = harness.clean_environment(AWS_REGION="eu-west-1", AWS_EC2_METADATA_DISABLED="false", AWS_METADATA_SERVICE_TIMEOUT="60",
                                            http_proxy="http://127.0.0.1:1")
    done = subprocess.run([*within, sys.executable, Path(__file__).with_name("link_local.py"), Path(harness.PROGRAM).resolve(), "whoami",
                           "--json"], env=environment, capture_output=True, text=True, timeout=harness.PATIENCE_S)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for each in found["results"]:
        harness.assert_healthy(each["errors"])
        assert each["status"] == 0, each["errors"]
    who = [json.loads(each["output"]) for each in found["results"]]
    assert [each["provider"] for each in who] == ["container"] * 2 + ["instance metadata"] * 3
    assert [each["arn"].rpartition("/")[2] for each in who] == ["AKIDAGENT"] * 2 + ["AKIDFOUR"] * 2 + ["AKIDSIX"]
    assert found["agent"] == ["GET /v2/credentials/task"] * 2
