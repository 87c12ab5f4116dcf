"""Lists of every service with input that no client should send: each call fails or succeeds, and the cloud keeps serving."""
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import harness

ARN = "arn:aws:{}:us-east-1:000000000000:{}"

# By operation: the required parameters, and the parameters that get bad values.
LISTS = {
    "sqs": {
        "list_queues": ({}, ["MaxResults", "NextToken", "QueueNamePrefix"]),
        "list_queue_tags": ({"QueueUrl": "{queue}"}, ["QueueUrl"]),
        "list_dead_letter_source_queues": ({"QueueUrl": "{queue}"}, ["QueueUrl", "MaxResults", "NextToken"]),
    },
    "sns": {
        "list_topics": ({}, ["NextToken"]),
        "list_subscriptions": ({}, ["NextToken"]),
        "list_subscriptions_by_topic": ({"TopicArn": "{topic}"}, ["TopicArn", "NextToken"]),
        "list_tags_for_resource": ({"ResourceArn": "{topic}"}, ["ResourceArn"]),
    },
    "events": {
        "list_rules": ({}, ["EventBusName", "NamePrefix", "NextToken", "Limit"]),
        "list_targets_by_rule": ({"Rule": "none"}, ["Rule", "EventBusName", "NextToken", "Limit"]),
        "list_rule_names_by_target": ({"TargetArn": ARN.format("sqs", "none")}, ["TargetArn", "EventBusName", "NextToken", "Limit"]),
        "list_tags_for_resource": ({"ResourceARN": ARN.format("events", "rule/none")}, ["ResourceARN"]),
    },
    "s3": {
        "list_buckets": ({}, ["MaxBuckets", "ContinuationToken", "Prefix"]),
        "list_objects": ({"Bucket": "{bucket}"}, ["MaxKeys", "Marker", "Delimiter", "EncodingType", "Prefix"]),
        "list_objects_v2": ({"Bucket": "{bucket}"}, ["MaxKeys", "ContinuationToken", "StartAfter", "Delimiter", "EncodingType"]),
        "list_object_versions": ({"Bucket": "{bucket}"}, ["MaxKeys", "KeyMarker", "VersionIdMarker", "EncodingType"]),
        "list_multipart_uploads": ({"Bucket": "{bucket}"}, ["MaxUploads", "KeyMarker", "UploadIdMarker", "EncodingType"]),
        "list_parts": ({"Bucket": "{bucket}", "Key": "k", "UploadId": "none"}, ["UploadId", "MaxParts", "PartNumberMarker"]),
    },
}
BAD = ["", "none", "-1", "0", "99999999999999999999", -1, 0, 10**19, 1.5, True, None, [], ["a"], {"a": "b"}, "\u0000", "\x7f", "%00",
       "\u00e9" * 600, "a" * 5000]


def fill(values, names):
    return {key: value.format(**names) if isinstance(value, str) else value for key, value in values.items()}


def unchecked_client(cloud, service):
    """Sends any parameter; the harness's own client also objects to codes such as SerializationException, which the
    services send although no model lists them."""
    return boto3.client(service, endpoint_url=cloud.endpoint, region_name=harness.REGION, aws_access_key_id=harness.ACCESS_KEY,
                        aws_secret_access_key=harness.SECRET_KEY,
                        config=Config(parameter_validation=False, retries={"max_attempts": 0}, s3={"addressing_style": "path"}))


@pytest.mark.parametrize("service, operation", [(service, operation) for service, lists in LISTS.items() for operation in lists])
def test_bad_input_gets_a_response(cloud, sqs, queue, bucket, topic, service, operation):
    unchecked = unchecked_client(cloud, service)
    needed, parameters = LISTS[service][operation]
    needed = fill(needed, {"queue": queue, "bucket": bucket, "topic": topic})
    for parameter in parameters:
        for value in BAD:
            try:
                getattr(unchecked, operation)(**needed | {parameter: value})
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                unknown = error.response["Error"]["Code"] == "NotImplemented"  # boto3 sends a map as parameters of its own
                assert 400 <= status < 500 or (status == 501 and unknown), (parameter, value, error)
            except (TypeError, ValueError, AttributeError):
                pass  # boto3 itself can't write it down
    assert queue in sqs.list_queues().get("QueueUrls", [])


@pytest.mark.parametrize("service, operation, parameters, code", [
    ("sqs", "list_queue_tags", {"QueueUrl": "http://127.0.0.1/000000000000/none"}, "AWS.SimpleQueueService.NonExistentQueue"),
    ("sqs", "list_dead_letter_source_queues", {"QueueUrl": "http://127.0.0.1/000000000000/none"},
     "AWS.SimpleQueueService.NonExistentQueue"),
    ("sns", "list_subscriptions_by_topic", {"TopicArn": ARN.format("sns", "none")}, "NotFound"),
    ("events", "list_rules", {"EventBusName": "none"}, "ResourceNotFoundException"),
    ("events", "list_targets_by_rule", {"Rule": "none"}, "ResourceNotFoundException"),
    ("s3", "list_objects_v2", {"Bucket": "there-is-none"}, "NoSuchBucket"),
    ("s3", "list_object_versions", {"Bucket": "there-is-none"}, "NoSuchBucket"),
    ("s3", "list_multipart_uploads", {"Bucket": "there-is-none"}, "NoSuchBucket"),
])
def test_a_missing_resource_has_the_documented_error_code(cloud, service, operation, parameters, code):
    assert harness.error_code(getattr(cloud.client(service), operation), **parameters)[0] == code
