"""STS of the embedded cloud: temporary credentials, which really expire."""
import datetime
import json
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore
import pytest
from botocore.config import Config

import harness
from harness import ACCOUNT, error_code
from metadata import jwt
from test_s3_post import code_of, form as multipart, send

LOAD = 16  # photos at once
ROLE = f"arn:aws:iam::{ACCOUNT}:role/path/engine"


def client_of(cloud, service, given):
    return boto3.client(service, endpoint_url=cloud.endpoint, region_name=harness.REGION,
                        aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
                        aws_session_token=given["SessionToken"], config=Config(retries={"max_attempts": 0}, signature_version="s3v4" if service == "s3" else None))


def seconds_left(given):
    return (given["Expiration"] - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def test_a_role_is_assumed_and_used(cloud):
    response = cloud.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="night.ly", ExternalId="theirs")
    given = response["Credentials"]
    assert response["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/engine/night.ly"
    assert given["AccessKeyId"].startswith("ASIA") and 3500 < seconds_left(given) <= 3600
    identity = client_of(cloud, "sts", given).get_caller_identity()
    assert identity["Arn"] == response["AssumedRoleUser"]["Arn"] and identity["UserId"] == response["AssumedRoleUser"]["AssumedRoleId"]
    s3 = client_of(cloud, "s3", given)
    s3.create_bucket(Bucket="assumed")
    url = s3.generate_presigned_url("list_objects_v2", Params={"Bucket": "assumed"})
    assert harness.curl(url, secret=None)[0] == 200
    client_of(cloud, "sqs", given).list_queues()
    # A role may assume another one.
    client_of(cloud, "sts", given).assume_role(RoleArn=ROLE + "-2", RoleSessionName="me")


def test_web_identity_is_not_signed(cloud):
    sts = harness.client(cloud.endpoint, "sts", signature_version=botocore.UNSIGNED)
    response = sts.assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="pod", WebIdentityToken=jwt(), DurationSeconds=900)
    assert response["SubjectFromWebIdentityToken"] == "pod" and seconds_left(response["Credentials"]) <= 900
    assert client_of(cloud, "sts", response["Credentials"]).get_caller_identity()["Arn"].endswith("/engine/pod")
    for token, code in ((jwt(exp=int(time.time()) - 1), "ExpiredTokenException"), ("not.a.jwt", "InvalidIdentityToken"),
                        (jwt(exp="soon"), "InvalidIdentityToken")):
        assert error_code(sts.assume_role_with_web_identity, RoleArn=ROLE, RoleSessionName="pod", WebIdentityToken=token) == (code, 400)
    assert error_code(sts.get_caller_identity)[1] == 403


def test_a_session_token_is_the_callers_own(cloud):
    given = cloud.client("sts").get_session_token()["Credentials"]
    sts = client_of(cloud, "sts", given)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root" and 43000 < seconds_left(given) <= 43200
    assert error_code(sts.get_session_token) == ("AccessDenied", 403)


@pytest.mark.parametrize("change, code", [
    ({"DurationSeconds": 899}, "ValidationError"), ({"DurationSeconds": 43201}, "ValidationError"),
    ({"RoleArn": "arn:aws:iam::111122223333:role/engine"}, "AccessDenied"), ({"RoleArn": f"arn:aws:iam::{ACCOUNT}:user/bob"}, "AccessDenied")])
def test_limits_are_those_of_aws(cloud, change, code):
    sts = harness.client(cloud.endpoint, "sts", parameter_validation=False)
    assert error_code(sts.assume_role, **{"RoleArn": ROLE, "RoleSessionName": "me"} | change)[0] == code


def test_a_token_must_be_its_keys_own(cloud):
    one, two = (cloud.client("sts").get_session_token()["Credentials"] for _ in range(2))
    for wrong in ({"SessionToken": two["SessionToken"]}, {"SessionToken": one["SessionToken"] + "x"}, {"SessionToken": "x"}):
        assert error_code(client_of(cloud, "sts", one | wrong).get_caller_identity) == ("InvalidClientTokenId", 403)
    assert error_code(client_of(cloud, "s3", one | {"SessionToken": two["SessionToken"]}).list_buckets) == ("InvalidToken", 400)
    assert error_code(client_of(cloud, "s3", one | {"SessionToken": None}).list_buckets) == ("InvalidAccessKeyId", 403)
    assert error_code(client_of(cloud, "sts", one | {"SecretAccessKey": "x"}).get_caller_identity) == ("SignatureDoesNotMatch", 403)


def test_a_permanent_key_has_no_token(cloud):
    """As on AWS, where a variable AWS_SESSION_TOKEN that is left over from other credentials makes every call fail."""
    given = cloud.client("sts").get_session_token()["Credentials"]
    for token in (given["SessionToken"], "left-over", "x" * 5000):
        stale = {"AccessKeyId": harness.ACCESS_KEY, "SecretAccessKey": harness.SECRET_KEY, "SessionToken": token}
        s3 = client_of(cloud, "s3", stale)
        assert error_code(s3.list_buckets) == ("InvalidToken", 400)
        status, body = harness.curl(s3.generate_presigned_url("list_buckets"), secret=None)
        assert status == 400 and b"<Code>InvalidToken</Code>" in body
        for call in (client_of(cloud, "sts", stale).get_caller_identity, client_of(cloud, "sns", stale).list_topics,
                     client_of(cloud, "sqs", stale).list_queues, client_of(cloud, "events", stale).list_rules):
            assert error_code(call) == ("InvalidClientTokenId", 403)



def test_credentials_expire_in_every_protocol(start, tmp_path):
    cloud = start("local", "--cloud-only", "--port", "0", "--data", tmp_path / "data", "--session-lifetime", "1s")
    cloud.endpoint = cloud.wait_for(r"Endpoint: +(https?://\S+:\d+)").group(1)
    cloud.wait_for("Serving")
    given = harness.client(cloud.endpoint, "sts").get_session_token()["Credentials"]
    s3 = client_of(cloud, "s3", given)
    s3.create_bucket(Bucket="late")
    form = s3.generate_presigned_post("late", "k")
    harness.until(lambda: seconds_left(given) < -0.1, "they have expired")
    assert code_of(send(form["url"], multipart(form["fields"].items(), b"x"))) == ("ExpiredToken", 400)
    assert error_code(client_of(cloud, "sts", given).get_caller_identity) == ("ExpiredToken", 403)
    assert error_code(client_of(cloud, "s3", given).list_buckets) == ("ExpiredToken", 400)
    assert error_code(client_of(cloud, "sqs", given).list_queues)[0] in ("ExpiredToken", "ExpiredTokenException")


def test_an_engine_works_under_load_through_many_lifetimes_of_its_credentials(start, tmp_path):
    """Many photos at once all the time: nothing is lost, and no message is returned or received twice."""
    pipeline = tmp_path / "lives.yaml"
    pipeline.write_text("name: lives\nqueue: lives-queue\nmatch: { bucket: lives, prefix: ingest/ }\n"
                        "outputs: [{ key: 'small/{stem}.jpg', width: 8, format: jpeg }]\n")
    log = tmp_path / "requests.jsonl"
    cloud = start("local", "--cloud-only", "--port", "0", "--data", tmp_path / "data", "--session-lifetime", "4s", "--request-log", log)
    cloud.endpoint = cloud.wait_for(r"Endpoint: +(https?://\S+:\d+)").group(1)
    cloud.wait_for("Serving")
    s3, sqs = (harness.client(cloud.endpoint, service, max_pool_connections=LOAD) for service in ("s3", "sqs"))
    s3.create_bucket(Bucket="lives")
    url = sqs.create_queue(QueueName="lives-queue", Attributes={"VisibilityTimeout": "300"})["QueueUrl"]
    (tmp_path / "token").write_text(jwt(exp=int(time.time()) + 3600))
    engine = start("run", "--pipelines", pipeline, "--endpoint", cloud.endpoint, "--log-format", "json",
                   environment=harness.role_environment(tmp_path / "token"))
    picture, sent = harness.jpeg(64, 48), set()

    def send(key):
        s3.put_object(Bucket="lives", Key=f"ingest/{key}.jpg", Body=picture)
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"bucket": "lives", "key": f"ingest/{key}.jpg"}))
        return key

    def done():
        return {entry["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="lives", Prefix="small/")
                for entry in page.get("Contents", [])}

    with ThreadPoolExecutor(LOAD) as senders:
        while log.read_text().count("AssumeRoleWithWebIdentity") < 4:  # three renewals
            sent.update(senders.map(send, range(len(sent), len(sent) + LOAD)))
            harness.until(lambda: sum(harness.depth(sqs, url)) < LOAD, "the engine keeps up", pause=0.1)
    wanted = {f"small/{key}.jpg" for key in sent}
    harness.until(lambda: done() == wanted, "all outputs")
    assert engine.stop() == 0
    ended = next(json.loads(line) for line in engine.output().splitlines() if '"engine stopped"' in line)
    assert (ended["acknowledged"], ended["retried"], ended["rejected"]) == (len(sent), 0, 0), ended
    assert len(sent) > LOAD and harness.depth(sqs, url) == (0, 0, 0)
