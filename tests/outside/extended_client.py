"""The SQS extended clients for Java and Python, as far as messages on the wire go, over boto3.

Neither can be installed in the tests, so their wire forms are written down here from their sources:

- Java: awslabs/amazon-sqs-java-extended-client-lib, AmazonSQSExtendedClient.java and AmazonSQSExtendedClientUtil.java (commit 2f01391e), with
  awslabs/payload-offloading-java-common-lib-for-aws, PayloadS3Pointer.java and JsonDataConverter.java (commit 07587a73). Jackson writes
  the pointer with its class as a "wrapper array", without spaces, its members in the order of the fields, and reads only
  a class that it knows; unknown members are ignored. On receipt, the older class name is replaced by the current one.
- Python: awslabs/amazon-sqs-python-extended-client-lib, client.py (commit 22319bb9). The pointer is json.dumps of a list, and
  is read from any list of two items whose second one is an object, whatever the class.

Both store the body as UTF-8 under a random UUID; the attribute is a Number, the size of the body in bytes, under the current
name or, as an option, under the older one, with the older class name in Python only. Both ask for the attributes by name, prefer the current
one, and delete the payload together with the message, if told.
"""
import json
import uuid

CLASS, LEGACY_CLASS = "software.amazon.payloadoffloading.PayloadS3Pointer", "com.amazon.sqs.javamessaging.MessageS3Pointer"
SIZE, LEGACY_SIZE = "ExtendedPayloadSize", "SQSLargePayloadSize"


class ExtendedClient:
    """Sends every body through S3."""

    def __init__(self, sqs, s3, bucket, legacy=False):
        self.sqs, self.s3, self.bucket, self.legacy = sqs, s3, bucket, legacy

    def send(self, url, body):
        key = str(uuid.uuid4())
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode())
        size = {"DataType": "Number", "StringValue": str(len(body.encode()))}
        self.sqs.send_message(QueueUrl=url, MessageBody=self.write(self.bucket, key),
                              MessageAttributes={LEGACY_SIZE if self.legacy else SIZE: size})
        return key

    def receive(self, url):
        """The body of the next message, its other attributes, and where the payload is; the message and the payload are deleted."""
        found = self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageAttributeNames=[SIZE, LEGACY_SIZE])["Messages"][0]
        attributes = found.get("MessageAttributes", {})
        name = SIZE if SIZE in attributes else LEGACY_SIZE
        size = attributes.pop(name)
        bucket, key = self.read(found["Body"])
        body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert size["DataType"] == "Number" and int(size["StringValue"]) == len(body)
        self.s3.delete_object(Bucket=bucket, Key=key)
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=found["ReceiptHandle"])
        return body.decode(), attributes, key


class Java(ExtendedClient):
    def write(self, bucket, key):
        return json.dumps([CLASS, {"s3BucketName": bucket, "s3Key": key}], separators=(",", ":"))

    def read(self, text):
        kind, pointer = json.loads(text.replace(LEGACY_CLASS, CLASS))
        assert kind == CLASS, "Jackson knows no such class"
        return pointer["s3BucketName"], pointer["s3Key"]


class Python(ExtendedClient):
    def write(self, bucket, key):
        return json.dumps([LEGACY_CLASS if self.legacy else CLASS, {"s3BucketName": bucket, "s3Key": key}])

    def read(self, text):
        pointer = json.loads(text)
        assert isinstance(pointer, list) and len(pointer) == 2 and isinstance(pointer[1], dict)
        return pointer[1]["s3BucketName"], pointer[1]["s3Key"]


class OldJava(Java):
    """Its versions before 1.1 had a pointer of their own class."""

    def write(self, bucket, key):
        return json.dumps([LEGACY_CLASS, {"s3BucketName": bucket, "s3Key": key}], separators=(",", ":"))
