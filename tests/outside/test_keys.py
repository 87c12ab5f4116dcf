"""Authentication: access keys, signatures, and the caller's identity."""
import datetime
import itertools
import json
import re
import urllib.error
import urllib.request
from unittest import mock

import botocore
import pytest
from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import harness
from harness import ACCOUNT, aws, error_code


def signed_at(cloud, at):
    """One call of STS that was signed at a given time: (status, response body)."""
    request = AWSRequest("POST", cloud.endpoint + "/", data="Action=GetCallerIdentity&Version=2011-06-15",
                         headers={"Content-Type": "application/x-www-form-urlencoded"})
    with mock.patch("botocore.auth.datetime") as clock:
        clock.datetime.utcnow.return_value = at.replace(tzinfo=None)
        SigV4Auth(Credentials(harness.ACCESS_KEY, harness.SECRET_KEY), "sts", harness.REGION).add_auth(request)
    bare = urllib.request.Request(request.url, data=request.data.encode(), headers=dict(request.headers.items()))
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(bare, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_default_key_is_the_account(cloud):
    identity = cloud.client("sts").get_caller_identity()
    assert identity["Account"] == identity["UserId"] == ACCOUNT
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert aws(cloud.endpoint, "sts", "get-caller-identity")["Account"] == ACCOUNT


def test_sts_refuses_the_rest_by_name(cloud):
    sts = cloud.client("sts")
    assert error_code(sts.get_federation_token, Name="me") == ("NotImplemented", 501)
    role = f"arn:aws:iam::{ACCOUNT}:role/any"
    assert error_code(sts.assume_role, RoleArn=role, RoleSessionName="me", Policy="{}") == ("NotImplemented", 501)


KEYS = """[alice]
aws_access_key_id = AKIAALICE
aws_secret_access_key = in/wonder+land=

[bob]
aws_access_key_id = AKIABOB
aws_secret_access_key = builder
"""


@pytest.fixture
def start_alone(start, tmp_path):
    """Starts the embedded cloud without an engine, each on data of its own; it serves when this returns."""
    count = itertools.count()

    def begin(*arguments):
        data = tmp_path / f"alone-{next(count)}"
        process = start("local", "--cloud-only", "--port", "0", "--data", data, *arguments)
        process.endpoint = process.wait_for(r"Endpoint: +(https?://\S+:\d+)").group(1)
        process.wait_for("Serving")
        return process

    return begin


@pytest.fixture
def keys(tmp_path):
    file = tmp_path / "keys"
    file.write_text(KEYS)
    file.chmod(0o600)
    return file


def test_only_the_keys_of_the_file_are_accepted(start_alone, keys, tmp_path):
    log = tmp_path / "requests.jsonl"
    cloud = start_alone("--keys", keys, "--request-log", log)

    def client(service, access, secret):
        return harness.client(cloud.endpoint, service, access, secret)

    alice = client("sts", "AKIAALICE", "in/wonder+land=").get_caller_identity()
    assert alice["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/alice" and alice["Account"] == ACCOUNT
    bob = client("sts", "AKIABOB", "builder").get_caller_identity()
    assert bob["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/bob" and bob["UserId"] != alice["UserId"]
    assert error_code(client("sts", "AKIABOB", "in/wonder+land=").get_caller_identity) == ("SignatureDoesNotMatch", 403)
    assert error_code(harness.client(cloud.endpoint, "sts").get_caller_identity) == ("InvalidClientTokenId", 403)
    assert error_code(harness.client(cloud.endpoint, "s3").list_buckets) == ("InvalidAccessKeyId", 403)
    client("s3", "AKIABOB", "builder").create_bucket(Bucket="bobs")
    assert "bobs" in [each["Name"] for each in client("s3", "AKIAALICE", "in/wonder+land=").list_buckets()["Buckets"]]
    done = harness.subprocess.run(
        [harness.AWS_CLI, "--endpoint-url", cloud.endpoint, "--profile", "bob", "sts", "get-caller-identity"],
        env=harness.clean_environment(AWS_SHARED_CREDENTIALS_FILE=str(keys), AWS_DEFAULT_REGION=harness.REGION),
        capture_output=True, text=True, timeout=harness.PATIENCE_S)
    assert "user/bob" in done.stdout, done.stderr
    for secret in ("in/wonder+land=", "builder"):
        assert secret not in cloud.output() and secret not in log.read_text()


def test_a_policy_can_deny_one_user(start_alone, keys):
    cloud = start_alone("--keys", keys)
    alice = harness.client(cloud.endpoint, "sqs", "AKIAALICE", "in/wonder+land=")
    bob = harness.client(cloud.endpoint, "sqs", "AKIABOB", "builder")
    url = harness.make_queue(alice, "hers")
    alice.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"}, "Action": "sqs:SendMessage",
         "Resource": harness.queue_arn("hers")}]})})
    alice.send_message(QueueUrl=url, MessageBody="hers")
    assert error_code(bob.send_message, QueueUrl=url, MessageBody="his")[1] == 403
    assert harness.receive(bob, url)["Body"] == "hers"
    s3 = harness.client(cloud.endpoint, "s3", "AKIABOB", "builder")
    s3.create_bucket(Bucket="shared")
    s3.put_bucket_policy(Bucket="shared", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::shared/*",
         "Condition": {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/alice"}}}]}))
    s3.put_object(Bucket="shared", Key="k", Body=b"")
    assert error_code(harness.client(cloud.endpoint, "s3", "AKIAALICE", "in/wonder+land=").put_object,
                      Bucket="shared", Key="k", Body=b"") == ("AccessDenied", 403)


def test_events_name_the_user_of_the_request(start_alone, keys):
    cloud = start_alone("--keys", keys)
    sqs, s3, sts = (harness.client(cloud.endpoint, each, "AKIABOB", "builder") for each in ("sqs", "s3", "sts"))
    url = harness.make_queue(sqs, "told")
    s3.create_bucket(Bucket="telling")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={
        "Policy": harness.send_policy("told", "s3", "arn:aws:s3:::telling")})
    s3.put_bucket_notification_configuration(Bucket="telling", NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": harness.queue_arn("told"), "Events": ["s3:ObjectCreated:*"]}]})
    s3.put_object(Bucket="telling", Key="k", Body=b"")
    bodies = [json.loads(harness.receive(sqs, url)["Body"]) for _ in range(2)]
    record = next(body["Records"][0] for body in bodies if "Records" in body)
    assert record["userIdentity"]["principalId"] == "AWS:" + sts.get_caller_identity()["UserId"]
    assert record["s3"]["bucket"]["ownerIdentity"]["principalId"] == ACCOUNT


def test_a_key_file_that_others_can_read_causes_a_warning(start_alone, keys):
    assert "chmod 600" not in start_alone("--keys", keys).output()
    keys.chmod(0o644)
    start_alone("--keys", keys).wait_for("other users of this machine.*chmod 600")


def test_a_key_file_with_a_mistake_is_refused_with_its_line(keys, tmp_path):
    keys.write_text(KEYS + "\n[carol]\naws_access_key_id = AKIACAROL\n")
    done = harness.thumbwheel("local", "--cloud-only", "--port", "0", "--data", tmp_path / "data", "--keys", keys)
    assert done.returncode == 2 and f"{keys}:9: [carol] needs an aws_secret_access_key" in done.stderr
    assert "builder" not in done.stdout + done.stderr


def test_listening_on_other_addresses_causes_a_warning(start_alone, keys):
    open_to_all = "--host 0.0.0.0: other machines on the network can reach the embedded cloud"
    start_alone("--host", "0.0.0.0").wait_for(open_to_all)
    start_alone("--host", "0.0.0.0", "--keys", keys).wait_for(open_to_all)
    assert "other machines on the network" not in start_alone("--host", "127.0.0.1").output()


@pytest.mark.parametrize("minutes, status", [(-16, 403), (-14, 200), (14, 200), (16, 403)])
def test_a_signature_is_valid_for_fifteen_minutes_either_way(cloud, minutes, status):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    received, text = signed_at(cloud, at)
    words = "Signature expired" if minutes < 0 else "Signature not yet current"
    assert received == status
    # As SQS has been seen to say it: https://github.com/aws/aws-sdk-js/issues/401, and 2565 of the other direction.
    assert status == 200 or re.search(rf"<Code>SignatureDoesNotMatch</Code>\s*<Message>{words}: {at:%Y%m%dT%H%M%SZ} is "
                                      r"(now earlier|still later) than \d{8}T\d{6}Z \(\d{8}T\d{6}Z [-+] 15 min\.\)",
                                      text.decode())


def presigned(cloud, minutes, expires):
    """A URL that was presigned so many minutes from now: the status of a GET on it."""
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    cloud.client("s3").create_bucket(Bucket="presigned")
    request = AWSRequest("GET", cloud.endpoint + "/presigned")
    with mock.patch("botocore.auth.datetime") as clock:
        clock.datetime.utcnow.return_value = at.replace(tzinfo=None)
        S3SigV4QueryAuth(Credentials(harness.ACCESS_KEY, harness.SECRET_KEY), "s3", harness.REGION,
                         expires=expires).add_auth(request)
    return harness.curl(request.url, secret=None)


@pytest.mark.parametrize("minutes, expires, status, code", [
    (0, 1, 200, b""), (-10, 60, 403, b"AccessDenied"), (-60, 7200, 200, b""), (10, 60, 200, b""),
    (16, 60, 403, b"Request is not valid yet"), (0, 604800, 200, b""), (0, 604801, 400, b""), (0, 0, 400, b""),
    (0, -1, 400, b"")])
def test_a_presigned_url_is_valid_until_it_expires(cloud, minutes, expires, status, code):
    received, text = presigned(cloud, minutes, expires)
    assert received == status and code in text


@pytest.mark.parametrize("service", ["sqs", "sns", "events", "sts"])
def test_unsigned_requests_are_refused(cloud, service):
    unsigned = harness.client(cloud.endpoint, service, signature_version=botocore.UNSIGNED)
    call = {"sqs": lambda: unsigned.list_queues(), "sns": lambda: unsigned.list_topics(),
            "events": lambda: unsigned.list_rules(), "sts": lambda: unsigned.get_caller_identity()}[service]
    code, status = error_code(call)
    assert status == 403 and code.startswith("MissingAuthenticationToken")


def section(name, access, secret):
    return f"[{name}]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\n"


def test_an_engine_continues_with_rotated_keys(start, tmp_path):
    """The old key is gone from the cloud; the engine's file is written in two halves while it runs."""
    users, ours, pipeline = tmp_path / "users", tmp_path / "credentials", tmp_path / "rotation.yaml"
    pipeline.write_text("name: rotation\nqueue: rotation-queue\nmatch: { bucket: rotation, prefix: ingest/ }\n"
                        "outputs: [{ key: 'small/{stem}.jpg', width: 8, format: jpeg }]\n")

    def serve(port, *keys):
        users.write_text(section("user", *keys))
        cloud = start("local", "--cloud-only", "--port", port, "--data", tmp_path / "data", "--keys", users)
        cloud.endpoint = cloud.wait_for(r"Endpoint: +(https?://\S+:\d+)").group(1)
        cloud.wait_for("Serving")
        return cloud, *(harness.client(cloud.endpoint, service, *keys) for service in ("s3", "sqs"))

    def send(s3, sqs, name):
        s3.put_object(Bucket="rotation", Key=f"ingest/{name}.jpg", Body=harness.jpeg(64, 48))
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"bucket": "rotation", "key": f"ingest/{name}.jpg"}))
        harness.until(lambda: harness.exists(s3, "rotation", f"small/{name}.jpg"), "an output")

    cloud, s3, sqs = serve(0, "AKIAOLD", "old")
    s3.create_bucket(Bucket="rotation")
    url = sqs.create_queue(QueueName="rotation-queue")["QueueUrl"]
    ours.write_text(section("default", "AKIAOLD", "old"))
    environment = harness.aws_environment(AWS_SHARED_CREDENTIALS_FILE=str(ours))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        environment.pop(name, None)
    engine = start("run", "--pipelines", pipeline, "--endpoint", cloud.endpoint, "--log-format", "json", environment=environment)
    send(s3, sqs, "before")
    cloud.stop()
    cloud, s3, sqs = serve(cloud.endpoint.rsplit(":", 1)[1], "AKIANEW", "new")
    ours.write_text("[default]\naws_access_key_id = AKIANEW\n")
    engine.wait_for("credentials could not be read again")
    ours.write_text(section("default", "AKIANEW", "new"))
    engine.wait_for("credentials have changed")
    send(s3, sqs, "after")
    assert engine.stop() == 0


# ---- the key of a data directory ----

def printed_key(cloud):
    return cloud.wait_for(r"^Access key:\s+(\S+)").group(1), cloud.wait_for(r"^Secret key:\s+(\S+)").group(1)


def who(endpoint, key, secret, **more):
    return harness.client(endpoint, "sts", access_key=key, secret_key=secret, **more).get_caller_identity()["Arn"]


@pytest.fixture
def start_new(start, tmp_path):
    """A cloud with a key of its own: the program makes it, not the tests."""
    def start_it(folder, *arguments):
        process = start("local", "--cloud-only", "--port", "0", f"--data={tmp_path / folder}", *arguments)
        return process, process.wait_for(r"Endpoint: +(http://127\.0\.0\.1:\d+)").group(1)
    return start_it


def test_each_data_directory_has_a_secret_of_its_own(start_new, tmp_path):
    secrets = {}
    for folder in ("a", "b", "a"):
        process, endpoint = start_new(folder)
        key, secret = printed_key(process)
        assert len(secret) == 40 and secrets.setdefault(folder, secret) == secret
        assert who(endpoint, key, secret) == f"arn:aws:iam::{ACCOUNT}:root"
        assert error_code(harness.client(endpoint, "sts", access_key=key, secret_key="thumbwheel-secret").get_caller_identity)[0] == \
            "SignatureDoesNotMatch"
        assert process.stop() == 0
    assert secrets["a"] != secrets["b"]


def test_the_file_of_the_key_serves_clients_and_nobody_else(start_new, tmp_path):
    _, endpoint = start_new("data")
    path = tmp_path / "data/credentials"
    assert path.stat().st_mode & 0o777 == 0o600
    environment = {name: value for name, value in harness.aws_environment(endpoint, AWS_SHARED_CREDENTIALS_FILE=str(path)).items()
                   if name not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    done = harness.thumbwheel("whoami", "--json", environment=environment)
    assert done.returncode == 0 and json.loads(done.stdout)["arn"] == f"arn:aws:iam::{ACCOUNT}:root", done.stderr


@pytest.mark.parametrize("text", ["", "[default]\n", "[default]\naws_access_key_id = a\n", "[other]\naws_access_key_id = a\naws_secret_access_key = b\n",
                                  "nonsense", "[default]\naws_access_key_id = a\naws_secret_access_key = " + "x" * 129])
def test_a_damaged_file_of_the_key_is_an_error_that_says_what_to_do(tmp_path, text):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/credentials").write_text(text)
    done = harness.thumbwheel("local", "--cloud-only", "--port", "0", f"--data={tmp_path / 'data'}")
    assert done.returncode != 0 and "credentials" in done.stderr and "delete it to get a new key" in done.stderr
    assert (tmp_path / "data/credentials").read_text() == text


def test_the_data_belongs_to_its_owner_alone(start_new, tmp_path):
    """Also one that an older version made."""
    data = tmp_path / "data"
    for _ in range(2):
        process, _ = start_new("data")
        modes = {path.name: path.stat().st_mode & 0o777 for path in [data, *data.iterdir()] if path.is_file() or path == data}
        assert modes.pop("data") == 0o700 and set(modes.values()) == {0o600}, modes
        assert {"cloud.sqlite3", "cloud.sqlite3-wal", "credentials"} <= set(modes)
        process.kill()  # the database keeps its other files
        process.wait()
        for path in [data, *data.glob("cloud.sqlite3*")]:
            path.chmod(0o755)


def test_a_directory_that_everybody_may_use_stays_one(start_new, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o1777)
    start_new("data")
    assert data.stat().st_mode & 0o7777 == 0o1777


@pytest.mark.parametrize("lost", ["missing", "empty"])
def test_a_lost_database_is_not_an_empty_cloud(start_new, tmp_path, lost):
    process, endpoint = start_new("data")
    s3 = harness.client(endpoint, "s3", *printed_key(process))
    s3.create_bucket(Bucket="photos")
    s3.put_object(Bucket="photos", Key="k", Body=b"x" * 1_000_000)
    assert process.stop() == 0
    database = tmp_path / "data/cloud.sqlite3"
    database.unlink()
    if lost == "empty":
        database.touch()
    for _ in range(2):
        done = harness.thumbwheel("local", "--cloud-only", "--port", "0", f"--data={tmp_path / 'data'}")
        assert done.returncode != 0 and "missing or empty" in done.stderr and "restore it from a backup" in done.stderr
    assert list((tmp_path / "data/blobs").rglob("*")), "the objects were kept"


# ---- any credentials ----

def test_any_credentials_are_accepted_on_request(start_new):
    _, endpoint = start_new("data", "--keys", "any")
    for key, secret, token in (("test", "test", None), ("AKIAIOSFODNN7EXAMPLE", "x", None), ("123456789012", "y", None),
                               ("ASIAIOSFODNN7EXAMPLE", "x", "a token of AWS")):
        account = key if key.isdigit() else ACCOUNT
        assert who(endpoint, key, secret, token=token) == f"arn:aws:iam::{account}:root"
        s3 = harness.client(endpoint, "s3", access_key=key, secret_key=secret, token=token)
        bucket = f"b-{key.lower()}"
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="k", Body=b"body")
        url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
        assert harness.http(url)[2] == b"body"
        form = s3.generate_presigned_post(bucket, "form")
        assert form["fields"]
    sts = harness.client(endpoint, "sts", access_key="test", secret_key="test")
    session = sts.get_session_token()["Credentials"]
    assert who(endpoint, session["AccessKeyId"], session["SecretAccessKey"], token=session["SessionToken"])


def test_unsigned_requests_are_refused_even_then(start_new):
    _, endpoint = start_new("data", "--keys", "any")
    assert harness.http(endpoint + "/")[0] == 403


def test_an_access_key_of_twelve_digits_is_an_account(start_new):
    """"Multi-account setups" in localstack's documentation."""
    _, endpoint = start_new("data", "--keys", "any")
    for key, account in (("111122223333", "111122223333"), ("test", ACCOUNT), ("1111222233334", ACCOUNT)):
        found = harness.client(endpoint, "sts", access_key=key, secret_key="test").get_caller_identity()
        assert (found["Account"], found["UserId"], found["Arn"]) == (account, account, f"arn:aws:iam::{account}:root")


def test_any_credentials_are_for_loopback_only(tmp_path):
    done = harness.thumbwheel("local", "--cloud-only", "--port", "0", f"--data={tmp_path / 'data'}", "--keys", "any", "--host", "0.0.0.0")
    assert done.returncode == 2 and "loopback only" in done.stderr


# ---- the owner ----

OWNERS = KEYS + """
[root]
aws_access_key_id = AKIAROOT
aws_secret_access_key = rooted
"""


def test_only_the_owner_escapes_a_policy_that_denies_everything(start_alone, keys):
    """A user who is denied everything can't delete the policy either; the account can."""
    keys.write_text(OWNERS)
    cloud = start_alone("--keys", keys)

    def root(service):
        return harness.client(cloud.endpoint, service, "AKIAROOT", "rooted")

    def bob(service):
        return harness.client(cloud.endpoint, service, "AKIABOB", "builder")
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]}
    s3 = root("s3")
    s3.create_bucket(Bucket="locked")
    s3_deny = json.dumps(dict(deny, Statement=[dict(deny["Statement"][0], Action="s3:*", Resource=["arn:aws:s3:::locked", "arn:aws:s3:::locked/*"])]))
    s3.put_bucket_policy(Bucket="locked", Policy=s3_deny)
    assert error_code(bob("s3").delete_bucket_policy, Bucket="locked") == ("AccessDenied", 403)
    assert error_code(bob("s3").put_bucket_policy, Bucket="locked", Policy=s3_deny) == ("AccessDenied", 403)
    s3.delete_bucket_policy(Bucket="locked")

    url = root("sqs").create_queue(QueueName="locked")["QueueUrl"]
    arn = f"arn:aws:sqs:{harness.REGION}:{ACCOUNT}:locked"
    policy = json.dumps(dict(deny, Statement=[dict(deny["Statement"][0], Action="sqs:*", Resource=arn)]))
    root("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    assert error_code(bob("sqs").set_queue_attributes, QueueUrl=url, Attributes={"Policy": ""})[1] == 403
    root("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})

    topic = root("sns").create_topic(Name="locked")["TopicArn"]
    policy = json.dumps(dict(deny, Statement=[dict(deny["Statement"][0], Action="sns:*", Resource=topic)]))
    root("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    assert error_code(bob("sns").set_topic_attributes, TopicArn=topic, AttributeName="Policy", AttributeValue=policy)[1] == 403
    root("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy.replace("Deny", "Allow"))
