"""What the three Lambda handlers do with boto3 and Pillow, as a process for each queue.

usage: consumer.py ENDPOINT BUCKET NAME WIDTH KEY. The credentials and the region are in the environment.
"""
import io
import json
import sys
import urllib.parse

import boto3
from PIL import Image, ImageOps

QUALITY = 80


def render(s3, bucket, key, width, prefix):
    picture = Image.open(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
    picture.draft("RGB", (width, width * picture.height // picture.width))
    picture = ImageOps.exif_transpose(picture).convert("RGB")
    if picture.width > width:
        picture = picture.resize((width, max(1, round(picture.height * width / picture.width))), Image.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    s3.put_object(Bucket=bucket, Key=prefix + key.rpartition("/")[2], Body=out.getvalue(), ContentType="image/jpeg")


def main():
    endpoint, bucket, name, width, prefix = sys.argv[1:]
    s3, sqs = (boto3.client(service, endpoint_url=endpoint) for service in ("s3", "sqs"))
    url = sqs.get_queue_url(QueueName=f"{name}-queue")["QueueUrl"]
    while True:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20).get("Messages", []):
            for record in json.loads(message["Body"])["Records"]:
                render(s3, bucket, urllib.parse.unquote_plus(record["s3"]["object"]["key"]), int(width), prefix)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


main()
