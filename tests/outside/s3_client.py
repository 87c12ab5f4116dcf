"""Sends the operations of s3_model.py with boto3: the responses in the model's form."""
import threading

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, HTTPClientError

import harness

LOST = (ConnectionClosedError, EndpointConnectionError, HTTPClientError)
_headers = threading.local()


def client(endpoint):
    """A client that also sends the headers that Debian's botocore does not know."""
    s3 = harness.client(endpoint, "s3", max_pool_connections=2)

    def add(params, **_):
        params["headers"].update(getattr(_headers, "more", {}))

    s3.meta.events.register("before-call.s3", add)
    return s3


def picked(response, *names):
    return {name: response[name] for name in names if response.get(name) not in (None, False)}


class S3Client:
    """One client of a bucket. `ids` has the uploads by name: (id, key)."""

    def __init__(self, s3, bucket, ids):
        self.s3, self.bucket, self.ids = s3, bucket, ids

    def run(self, operation):
        """The response; None: there was none."""
        try:
            return getattr(self, operation[0])(*operation[1:])
        except ClientError as failure:
            return {"error": failure.response["Error"]["Code"]}
        except LOST:
            return None

    def where(self, key, version_id=None):
        return {"Bucket": self.bucket, "Key": key} | ({} if version_id is None else {"VersionId": version_id})

    def upload(self, name):
        upload_id, key = self.ids.get(name, ("none", "a"))
        return {"Bucket": self.bucket, "Key": key, "UploadId": upload_id}

    def set_versioning(self, status):
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": status})
        return {}

    def put(self, key, body, tags, condition):
        _headers.more = dict([condition]) if condition else {}
        try:
            response = self.s3.put_object(**self.where(key), Body=body, Tagging="&".join(f"{k}={v}" for k, v in tags))
        finally:
            _headers.more = {}
        return picked(response, "ETag", "VersionId")

    def get(self, key, version_id, span):
        more = {"Range": f"bytes={span[0]}-{span[1]}"} if span else {}
        response = self.s3.get_object(**self.where(key, version_id), **more)
        return {"Body": response["Body"].read(), **picked(response, "ETag", "VersionId", "TagCount", "ContentRange")}

    def head(self, key, version_id):
        response = self.s3.head_object(**self.where(key, version_id))
        return {"ContentLength": response["ContentLength"], **picked(response, "ETag", "VersionId")}

    def delete(self, key, version_id):
        response = self.s3.delete_object(**self.where(key, version_id))
        if version_id is not None:
            assert response["VersionId"] == version_id
            return picked(response, "DeleteMarker")
        return picked(response, "DeleteMarker", "VersionId")

    def delete_many(self, keys):
        response = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in keys]})
        return {"Deleted": [picked(each, "Key", "DeleteMarker", "DeleteMarkerVersionId") for each in response["Deleted"]]}

    def copy(self, source, version_id, key):
        which = self.where(source, version_id)
        response = self.s3.copy_object(**self.where(key), CopySource=which)
        return {"ETag": response["CopyObjectResult"]["ETag"], **picked(response, "CopySourceVersionId", "VersionId")}

    def put_tags(self, key, version_id, tags):
        response = self.s3.put_object_tagging(**self.where(key, version_id), Tagging={
            "TagSet": [{"Key": k, "Value": v} for k, v in tags]})
        return picked(response, "VersionId")

    def get_tags(self, key, version_id):
        response = self.s3.get_object_tagging(**self.where(key, version_id))
        return {"Tags": {tag["Key"]: tag["Value"] for tag in response["TagSet"]}, **picked(response, "VersionId")}

    def delete_tags(self, key, version_id):
        return picked(self.s3.delete_object_tagging(**self.where(key, version_id)), "VersionId")

    def create_upload(self, name, key):
        upload_id = self.s3.create_multipart_upload(**self.where(key))["UploadId"]
        self.ids[name] = (upload_id, key)
        return {"UploadId": upload_id}

    def upload_part(self, name, number, body):
        return picked(self.s3.upload_part(**self.upload(name), PartNumber=number, Body=body), "ETag")

    def list_parts(self, name):
        response = self.s3.list_parts(**self.upload(name))
        return {"Parts": [(part["PartNumber"], part["ETag"], part["Size"]) for part in response.get("Parts", [])]}

    def abort(self, name):
        self.s3.abort_multipart_upload(**self.upload(name))
        return {}

    def complete(self, name, wanted):
        response = self.s3.complete_multipart_upload(**self.upload(name), MultipartUpload={
            "Parts": [{"PartNumber": number, "ETag": tag} for number, tag in wanted]})
        return picked(response, "ETag", "VersionId")

    def list_uploads(self, prefix):
        response = self.s3.list_multipart_uploads(Bucket=self.bucket, Prefix=prefix)
        return {"Uploads": {(upload["Key"], upload["UploadId"]) for upload in response.get("Uploads", [])}}

    def _page(self, prefix, delimiter, limit, **more):
        response = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix, Delimiter=delimiter, MaxKeys=limit, **more)
        assert response["KeyCount"] == len(response.get("Contents", [])) + len(response.get("CommonPrefixes", [])) <= limit
        return ([(item["Key"], item["ETag"], item["Size"]) for item in response.get("Contents", [])],
                [item["Prefix"] for item in response.get("CommonPrefixes", [])], response.get("NextContinuationToken"))

    def list(self, prefix, delimiter, after, limit):
        keys, prefixes, token = self._page(prefix, delimiter, limit, **({"StartAfter": after} if after else {}))
        return {"Keys": keys, "Prefixes": prefixes, "More": token is not None}

    def walk(self, prefix, delimiter, limit):
        keys, prefixes, more = [], [], {}
        while True:
            page = self._page(prefix, delimiter, limit, **more)
            keys += page[0]
            prefixes += page[1]
            if page[2] is None:
                return {"Keys": keys, "Prefixes": prefixes}
            more = {"ContinuationToken": page[2]}

    def versions(self, prefix, limit):
        versions, markers, more = [], [], {}
        while True:
            page = self.s3.list_object_versions(Bucket=self.bucket, Prefix=prefix, MaxKeys=limit, **more)
            versions += [(v["Key"], v["VersionId"], v["IsLatest"], v["ETag"], v["Size"]) for v in page.get("Versions", [])]
            markers += [(v["Key"], v["VersionId"], v["IsLatest"]) for v in page.get("DeleteMarkers", [])]
            if not page["IsTruncated"]:
                return {"Versions": versions, "DeleteMarkers": markers}
            more = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
