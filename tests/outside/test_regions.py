"""Resources of several regions in one embedded cloud: the region of a request is the one that its signature names."""
import json
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import harness
from harness import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY, allow_public_policies, aws, depth, error_code, error_message, fetch, until
from sqs_wire import json_call

AWAY = "eu-west-1"


def client(cloud, service, region=AWAY, **config):
    return harness.client(cloud.endpoint, service, region=region, **config)


@pytest.fixture(scope="module")
def away(cloud):
    return client(cloud, "s3")


@pytest.fixture
def away_bucket(away, name):
    away.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": AWAY})
    return name


def send(cloud, method, target, region=REGION, host=None, presign=False):
    """One signed request that follows no redirect: (status, headers, body)"""
    request = AWSRequest(method, cloud.endpoint + target, headers={"Host": host or urllib.parse.urlsplit(cloud.endpoint).netloc})
    keys = Credentials(ACCESS_KEY, SECRET_KEY)
    (S3SigV4QueryAuth(keys, "s3", region) if presign else S3SigV4Auth(keys, "s3", region)).add_auth(request)

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None
    bare = urllib.request.Request(request.url, method=method, headers=dict(request.headers.items()))
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay).open(bare, timeout=60) as response:
            return response.status, response.headers, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


# ---- S3: where a bucket is ----

def test_a_bucket_is_in_the_region_that_its_creator_names(s3, away, away_bucket, bucket_at_home):
    assert away.get_bucket_location(Bucket=away_bucket)["LocationConstraint"] == AWAY
    assert s3.get_bucket_location(Bucket=away_bucket)["LocationConstraint"] == AWAY, "the global endpoint tells every location"
    assert s3.get_bucket_location(Bucket=bucket_at_home)["LocationConstraint"] is None
    head = away.head_bucket(Bucket=away_bucket)["ResponseMetadata"]["HTTPHeaders"]
    assert head["x-amz-bucket-region"] == AWAY


@pytest.fixture
def bucket_at_home(s3, name):
    s3.create_bucket(Bucket="home-" + name)
    return "home-" + name


# localstack, tests/aws/services/s3/test_s3.py: test_create_bucket_via_host_name, test_location_path_url and the exceptions that its
# provider raises in CreateBucket
def test_which_region_may_be_named(cloud, s3, away, name):
    def create(s3, constraint=None, suffix=""):
        more = {"CreateBucketConfiguration": {"LocationConstraint": constraint}} if constraint else {}
        return s3.create_bucket(Bucket=name + suffix, **more)
    assert error_code(create, away) == ("IllegalLocationConstraintException", 400)
    assert error_message(create, away).startswith("The unspecified location constraint is incompatible for the region specific endpoint")
    assert error_code(create, away, "ap-south-1") == ("IllegalLocationConstraintException", 400)
    assert error_message(create, away, "ap-south-1").startswith("The ap-south-1 location constraint is incompatible")
    for constraint in REGION, "atlantis-1":
        assert error_code(create, s3, constraint) == ("InvalidLocationConstraint", 400)
    assert create(s3)["Location"] == f"/{name}"
    assert create(s3, AWAY, "-a")["Location"] == f"http://{name}-a.s3.amazonaws.com/"
    create(away, "EU", "-b")
    assert away.get_bucket_location(Bucket=name + "-a")["LocationConstraint"] == AWAY
    assert away.get_bucket_location(Bucket=name + "-b")["LocationConstraint"] == AWAY


# "In us-east-1, if you re-create an existing bucket that you already own, Amazon S3 returns 200 OK": BucketAlreadyOwnedByYou in the
# "Error responses" of the S3 API Reference
def test_names_are_global(s3, away, away_bucket, bucket_at_home):
    again = {"Bucket": away_bucket, "CreateBucketConfiguration": {"LocationConstraint": AWAY}}
    assert error_code(away.create_bucket, **again) == ("BucketAlreadyOwnedByYou", 409)
    assert error_code(s3.create_bucket, Bucket=away_bucket) == ("BucketAlreadyOwnedByYou", 409)
    assert s3.create_bucket(Bucket=bucket_at_home)["Location"] == f"/{bucket_at_home}"


def test_all_buckets_are_listed_everywhere(cloud, s3, away, away_bucket, bucket_at_home):
    for lister in s3, away:
        assert {away_bucket, bucket_at_home} <= {item["Name"] for item in lister.list_buckets()["Buckets"]}
    status, _, body = send(cloud, "GET", f"/?bucket-region={AWAY}&prefix=")
    assert status == 200 and f"<Name>{away_bucket}</Name>" in body and f"<BucketRegion>{AWAY}</BucketRegion>" in body
    assert bucket_at_home not in body


# ---- S3: requests to the wrong region ----

def test_a_path_is_redirected_to_the_region_of_the_bucket(cloud, away_bucket):
    """"PermanentRedirect" in the "Error responses" of the S3 API Reference."""
    for target in f"/{away_bucket}", f"/{away_bucket}/k", f"/{away_bucket}?versioning":
        status, headers, body = send(cloud, "GET", target)
        assert (status, headers["x-amz-bucket-region"]) == (301, AWAY) and "Location" not in headers
        assert "<Code>PermanentRedirect</Code>" in body and f"<Endpoint>{away_bucket}.s3.{AWAY}.amazonaws.com</Endpoint>" in body
        assert f"<Bucket>{away_bucket}</Bucket>" in body
    status, headers, body = send(cloud, "HEAD", f"/{away_bucket}")
    assert (status, headers["x-amz-bucket-region"], body) == (301, AWAY, "")
    assert send(cloud, "GET", f"/{away_bucket}", AWAY)[0] == 200


def test_a_host_with_the_bucket_refuses_the_wrong_region(cloud, away_bucket):
    """The name leads to the right region, whose answer names it: boto/botocore, S3RegionRedirectorv2."""
    host = f"{away_bucket}.localhost:{urllib.parse.urlsplit(cloud.endpoint).port}"
    status, headers, body = send(cloud, "GET", "/", host=host)
    assert (status, headers["x-amz-bucket-region"]) == (400, AWAY)
    assert "<Code>AuthorizationHeaderMalformed</Code>" in body and f"<Region>{AWAY}</Region>" in body
    assert f"the region '{REGION}' is wrong; expecting '{AWAY}'" in body
    status, _, body = send(cloud, "GET", "/k", host=host, presign=True)
    assert status == 400 and "<Code>AuthorizationQueryParametersError</Code>" in body and f"<Region>{AWAY}</Region>" in body
    assert send(cloud, "GET", "/", AWAY, host=host)[0] == 200


def test_nothing_is_done_in_the_wrong_region(cloud, away, away_bucket):
    away.put_object(Bucket=away_bucket, Key="k", Body=b"kept")
    for method, target in (("PUT", f"/{away_bucket}/k"), ("DELETE", f"/{away_bucket}/k"), ("DELETE", f"/{away_bucket}"),
                           ("PUT", f"/{away_bucket}/k?tagging"), ("POST", f"/{away_bucket}/k?uploads")):
        assert send(cloud, method, target)[0] == 301
    assert fetch(away, away_bucket, "k") == b"kept"


def test_boto3_follows_to_the_region_of_the_bucket(s3, away_bucket):
    s3.put_object(Bucket=away_bucket, Key="k", Body=b"x" * 100_000)
    assert fetch(s3, away_bucket, "k") == b"x" * 100_000
    assert s3.head_object(Bucket=away_bucket, Key="k")["ContentLength"] == 100_000
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=away_bucket)["Contents"]] == ["k"]


def test_the_aws_cli_follows_to_the_region_of_the_bucket(cloud, away_bucket, tmp_path):
    (tmp_path / "photo.txt").write_bytes(b"hello")
    aws(cloud.endpoint, "s3", "cp", tmp_path / "photo.txt", f"s3://{away_bucket}/photo.txt")
    assert "photo.txt" in aws(cloud.endpoint, "s3", "ls", f"s3://{away_bucket}", check=False).stdout


def test_a_request_without_a_region_is_right_everywhere(cloud, away, away_bucket):
    away.put_object(Bucket=away_bucket, Key="k", Body=b"x")
    allow_public_policies(away, away_bucket)
    away.put_bucket_policy(Bucket=away_bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{away_bucket}/*"}]}))
    assert fetch(harness.client(cloud.endpoint, "s3", signature_version=UNSIGNED), away_bucket, "k") == b"x"
    url = harness.client(cloud.endpoint, "s3", signature_version="s3").generate_presigned_url(
        "get_object", Params={"Bucket": away_bucket, "Key": "k"})
    assert urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=60).read() == b"x"


def test_objects_are_copied_between_regions(s3, away, away_bucket, bucket_at_home):
    away.put_object(Bucket=away_bucket, Key="k", Body=b"x")
    s3.copy_object(Bucket=bucket_at_home, Key="k", CopySource=f"{away_bucket}/k")
    assert fetch(s3, bucket_at_home, "k") == b"x"


def test_a_key_of_kms_is_in_the_region_of_the_bucket(away, away_bucket):
    put = away.put_object(Bucket=away_bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms")
    assert put["SSEKMSKeyId"] == f"arn:aws:kms:{AWAY}:{ACCOUNT}:alias/aws/s3"


def test_buckets_keep_their_region(start_cloud, idle_pipelines, name):
    cloud = start_cloud("--pipelines", idle_pipelines)
    client(cloud, "s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": AWAY})
    cloud.kill()
    cloud = start_cloud("--pipelines", idle_pipelines)
    assert send(cloud, "HEAD", f"/{name}")[0] == 301 and send(cloud, "HEAD", f"/{name}", AWAY)[0] == 200


# ---- SQS ----

@pytest.fixture(scope="module")
def queues(cloud):
    """Clients of SQS by region."""
    return {region: client(cloud, "sqs", region) for region in (REGION, AWAY)}


def queue_arn(name, region=AWAY):
    return f"arn:aws:sqs:{region}:{ACCOUNT}:{name}"


def body_of(sqs, url, wait=0):
    return [message["Body"] for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=wait).get("Messages", [])]


def test_queues_of_two_regions_have_the_same_name_and_url(queues, name):
    urls = {region: sqs.create_queue(QueueName=name)["QueueUrl"] for region, sqs in queues.items()}
    assert len(set(urls.values())) == 1, "the region of the signature selects the queue"
    for region, sqs in queues.items():
        sqs.send_message(QueueUrl=urls[region], MessageBody=region)
        assert sqs.get_queue_attributes(QueueUrl=urls[region], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"] == queue_arn(name, region)
    for region, sqs in queues.items():
        assert body_of(sqs, urls[region]) == [region]
    queues[AWAY].delete_queue(QueueUrl=urls[AWAY])
    assert error_code(queues[AWAY].get_queue_url, QueueName=name)[1] == 400
    assert queues[REGION].get_queue_url(QueueName=name)["QueueUrl"] == urls[REGION]


def test_a_queue_of_another_region_does_not_exist(queues, name):
    url = queues[AWAY].create_queue(QueueName=name)["QueueUrl"]
    for call, parameters in (("get_queue_url", {"QueueName": name}), ("send_message", {"QueueUrl": url, "MessageBody": "x"}),
                             ("receive_message", {"QueueUrl": url}), ("delete_queue", {"QueueUrl": url})):
        assert error_code(getattr(queues[REGION], call), **parameters) == ("AWS.SimpleQueueService.NonExistentQueue", 400)
    assert "QueueUrls" not in queues[REGION].list_queues(QueueNamePrefix=name)
    assert queues[AWAY].list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]


def test_queues_of_a_region_are_listed_in_pages(queues, name):
    made = sorted(queues[AWAY].create_queue(QueueName=f"{name}-{i}")["QueueUrl"] for i in range(3))
    queues[REGION].create_queue(QueueName=f"{name}-1")
    first = queues[AWAY].list_queues(QueueNamePrefix=name, MaxResults=2)
    rest = queues[AWAY].list_queues(QueueNamePrefix=name, MaxResults=2, NextToken=first["NextToken"])
    assert first["QueueUrls"] + rest["QueueUrls"] == made and "NextToken" not in rest


def test_a_dead_letter_queue_is_in_the_region_of_its_source(cloud, queues, name):
    for region in REGION, AWAY:
        queues[region].create_queue(QueueName=name + "-dead")

    def create(region):
        policy = json.dumps({"deadLetterTargetArn": queue_arn(name + "-dead", region), "maxReceiveCount": 1})
        return queues[AWAY].create_queue(QueueName=f"{name}-{region}", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    assert error_code(create, REGION)[1] == 400
    url = create(AWAY)
    queues[AWAY].send_message(QueueUrl=url, MessageBody="x")
    queues[AWAY].receive_message(QueueUrl=url, VisibilityTimeout=0)
    assert body_of(queues[AWAY], url) == []
    assert body_of(queues[AWAY], queues[AWAY].get_queue_url(QueueName=name + "-dead")["QueueUrl"], wait=20) == ["x"]
    status, _, response = json_call(cloud, "StartMessageMoveTask", SourceArn=queue_arn(name + "-dead"))  # signed for REGION
    assert (status, response["__type"].rpartition("#")[2]) == (404, "ResourceNotFoundException")


# ---- SNS ----

@pytest.fixture(scope="module")
def topics(cloud):
    return {region: client(cloud, "sns", region) for region in (REGION, AWAY)}


def arns(pages, member, field):
    return [item[field] for page in pages for item in page[member]]


def test_topics_of_two_regions_have_the_same_name(topics, queues, name):
    made = {region: sns.create_topic(Name=name)["TopicArn"] for region, sns in topics.items()}
    assert made[AWAY] == f"arn:aws:sns:{AWAY}:{ACCOUNT}:{name}"
    for region, other in ((REGION, AWAY), (AWAY, REGION)):
        listed = arns(topics[region].get_paginator("list_topics").paginate(), "Topics", "TopicArn")
        assert made[region] in listed and made[other] not in listed
        # localstack, localstack-core/localstack/services/sns/provider.py: "Invalid parameter: TopicArn"
        assert error_code(topics[region].get_topic_attributes, TopicArn=made[other]) == ("InvalidParameter", 400)
        assert error_code(topics[region].publish, TopicArn=made[other], Message="x") == ("InvalidParameter", 400)


def test_a_topic_delivers_to_a_queue_of_another_region(topics, queues, name):
    """"Amazon SNS supports the cross-region delivery": "Cross-Region delivery", SNS Developer Guide."""
    topic = topics[REGION].create_topic(Name=name)["TopicArn"]
    url = open_queue(queues[AWAY], name, AWAY, "sns.amazonaws.com")
    subscription = topics[REGION].subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name), Attributes={"RawMessageDelivery": "true"},
                                            ReturnSubscriptionArn=True)["SubscriptionArn"]
    topics[REGION].publish(TopicArn=topic, Message="across")
    message = queues[AWAY].receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"][0]
    assert message["Body"] == "across"
    assert subscription in arns(topics[REGION].get_paginator("list_subscriptions").paginate(), "Subscriptions", "SubscriptionArn")
    assert subscription not in arns(topics[AWAY].get_paginator("list_subscriptions").paginate(), "Subscriptions", "SubscriptionArn")
    assert error_code(topics[AWAY].get_subscription_attributes, SubscriptionArn=subscription) == ("NotFound", 404)


# ---- EventBridge, and notifications ----

@pytest.fixture(scope="module")
def buses(cloud):
    return {region: client(cloud, "events", region) for region in (REGION, AWAY)}


def rule(events, name, pattern, target):
    arn = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    assert events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": target}])["FailedEntryCount"] == 0
    return arn


def open_queue(sqs, name, region, service):
    return sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": queue_arn(name, region)}]})})["QueueUrl"]


def test_rules_and_buses_belong_to_a_region(buses, queues, name):
    urls = {region: open_queue(queues[region], name, region, "events.amazonaws.com") for region in buses}
    for region, events in buses.items():
        made = rule(events, name, {"source": [name]}, queue_arn(name, region))
        assert made == f"arn:aws:events:{region}:{ACCOUNT}:rule/{name}"
        assert events.describe_rule(Name=name)["EventBusName"] == "default"
        assert events.list_tags_for_resource(ResourceARN=made)["Tags"] == []
    assert error_code(buses[AWAY].list_tags_for_resource, ResourceARN=f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}")[0] == "ResourceNotFoundException"
    buses[AWAY].put_events(Entries=[{"Source": name, "DetailType": "t", "Detail": "{}"}])
    event = json.loads(queues[AWAY].receive_message(QueueUrl=urls[AWAY], WaitTimeSeconds=20)["Messages"][0]["Body"])
    assert event["region"] == AWAY
    assert body_of(queues[REGION], urls[REGION]) == []
    assert error_code(buses[AWAY].put_targets, Rule=name, Targets=[{"Id": "far", "Arn": queue_arn(name, REGION)}])[1] in (400, 501)
    bus = buses[AWAY].create_event_bus(Name=name)["EventBusArn"]
    assert bus == f"arn:aws:events:{AWAY}:{ACCOUNT}:event-bus/{name}"
    assert [item["Name"] for item in buses[AWAY].list_event_buses()["EventBuses"]] == sorted(["default", name])
    assert name not in [item["Name"] for item in buses[REGION].list_event_buses()["EventBuses"]]
    assert error_code(buses[REGION].describe_event_bus, Name=bus)[0] == "ResourceNotFoundException"
    buses[REGION].create_event_bus(Name=name)
    buses[AWAY].delete_event_bus(Name=name)
    assert buses[REGION].describe_event_bus(Name=name)["Arn"] == f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}"
    assert buses[AWAY].describe_event_bus()["Arn"] == f"arn:aws:events:{AWAY}:{ACCOUNT}:event-bus/default"


def test_events_of_a_bucket_are_in_its_region(away, away_bucket, buses, queues, name):
    rule(buses[AWAY], name, {"source": ["aws.s3"], "detail": {"bucket": {"name": [away_bucket]}}}, queue_arn(name))
    url = open_queue(queues[AWAY], name, AWAY, "events.amazonaws.com")
    away.put_bucket_notification_configuration(Bucket=away_bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    away.put_object(Bucket=away_bucket, Key="k", Body=b"x")
    event = json.loads(queues[AWAY].receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"][0]["Body"])
    assert (event["region"], event["detail"]["object"]["key"]) == (AWAY, "k")


def test_a_bucket_notifies_only_targets_of_its_region(away, away_bucket, queues, name):
    for region in REGION, AWAY:
        open_queue(queues[region], name, region, "s3.amazonaws.com")

    def notify(region):
        away.put_bucket_notification_configuration(Bucket=away_bucket, NotificationConfiguration={"QueueConfigurations": [
            {"QueueArn": queue_arn(name, region), "Events": ["s3:ObjectCreated:*"]}]})
    assert error_code(notify, REGION) == ("InvalidArgument", 400)
    notify(AWAY)
    away.put_object(Bucket=away_bucket, Key="k", Body=b"x")
    url = queues[AWAY].get_queue_url(QueueName=name)["QueueUrl"]
    record = harness.event_records(queues[AWAY], url, 1)[0]
    assert (record["awsRegion"], record["s3"]["object"]["key"]) == (AWAY, "k")


# ---- data directories ----

def older(database):
    """Undoes what the regions and the accounts added to it."""
    database.execute("DELETE FROM bucket_settings WHERE kind IN ('location', 'owner')")
    database.execute("UPDATE queues SET name = substr(name, length(?) + 1)", (queue_arn("", REGION),))
    for table in "event_rules", "event_buses":
        database.execute(f"UPDATE {table} SET name = substr(name, length(?) + 1)", (f"{REGION}:{ACCOUNT}/",))


def test_what_was_made_before_there_were_regions_is_in_the_cloud_s_own(start_cloud, idle_pipelines, tmp_path, name):
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3, sqs, events = (cloud.client(service) for service in ("s3", "sqs", "events"))
    s3.create_bucket(Bucket=name)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="old")
    made = rule(events, name, {"source": [name]}, queue_arn(name, REGION))
    events.create_event_bus(Name=name)
    cloud.stop()
    with sqlite3.connect(tmp_path / "data/cloud.sqlite3") as database:
        older(database)
        assert name in [row[0] for row in database.execute("SELECT name FROM queues")]
    for _ in range(2):
        cloud = start_cloud("--pipelines", idle_pipelines)
        sqs, events = cloud.client("sqs"), cloud.client("events")
        assert send(cloud, "HEAD", f"/{name}")[0] == 200 and send(cloud, "HEAD", f"/{name}", AWAY)[0] == 301
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        assert [message["Body"] for message in sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]] == ["old"]
        assert events.describe_rule(Name=name)["Arn"] == made and events.describe_event_bus(Name=name)["Name"] == name
        cloud.stop()


def test_a_data_directory_of_an_earlier_version_opens(start_cloud, idle_pipelines, tmp_path):
    """tests/fixtures/older_cloud.sql is the database of a version that had no regions and no defaults of new buckets."""
    (tmp_path / "data").mkdir()
    with sqlite3.connect(tmp_path / "data/cloud.sqlite3") as database:
        database.executescript((harness.ROOT / "tests/fixtures/older_cloud.sql").read_text())
        database.execute("UPDATE messages SET sent_ms = ?, due_ms = 0", (time.time_ns() // 1_000_000,))  # within their retention
    for _ in range(2):
        cloud = start_cloud("--pipelines", idle_pipelines)
        s3, sqs, sns, events = (cloud.client(service) for service in ("s3", "sqs", "sns", "events"))
        head = s3.head_object(Bucket="older", Key="k")
        assert (head["Metadata"], head["StorageClass"]) == ({"m": "1"}, "STANDARD_IA") and fetch(s3, "older", "k") == b"kept"
        assert fetch(harness.client(cloud.endpoint, "s3", signature_version=UNSIGNED), "older", "k") == b"kept", "it stays public"
        assert error_code(s3.get_public_access_block, Bucket="older")[0] == "NoSuchPublicAccessBlockConfiguration"
        assert error_code(s3.get_bucket_ownership_controls, Bucket="older")[0] == "OwnershipControlsNotFoundError"
        assert s3.get_bucket_lifecycle_configuration(Bucket="older")["Rules"][0]["ID"] == "r"
        assert len(s3.list_object_versions(Bucket="older-versions")["Versions"]) == 2
        assert s3.list_multipart_uploads(Bucket="older")["Uploads"][0]["StorageClass"] == "GLACIER_IR"
        assert s3.put_object(Bucket="older", Key="new", Body=b"x")["ServerSideEncryption"] == "AES256"
        url = sqs.get_queue_url(QueueName="older-queue")["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert attributes["QueueArn"] == queue_arn("older-queue", REGION) and "older-dead" in attributes["RedrivePolicy"]
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "b"}
        assert len(sqs.list_queues(QueueNamePrefix="older")["QueueUrls"]) == 3
        fifo = sqs.get_queue_url(QueueName="older.fifo")["QueueUrl"]
        assert [message["Body"] for message in sqs.receive_message(QueueUrl=fifo, VisibilityTimeout=0)["Messages"]] == ["in order"]
        topic = sns.list_topics()["Topics"][0]["TopicArn"]
        assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["Endpoint"] == queue_arn("older-queue", REGION)
        assert events.describe_rule(Name="older-rule")["Arn"] == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/older-rule"
        assert events.list_targets_by_rule(Rule="older-rule")["Targets"][0]["Arn"] == queue_arn("older-queue", REGION)
        s3.delete_object(Bucket="older", Key="new")  # which the bucket's notification tells the queue
        until(lambda: depth(sqs, url)[0] >= 1, "the notification")
        cloud.stop()
