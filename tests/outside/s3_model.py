"""A model of one S3 bucket: what each operation answers, one after the other. Sources: the S3 API Reference; "How S3 Versioning
works" and "Working with delete markers" in the S3 User Guide.

Operations are tuples: a name and its arguments.
"""
import hashlib

from linear import AnyOf, Maybe, Unknown, same, value_of

NULL = "null"
PART_MIN = 5 * 1024 * 1024


def etag(body):
    return f'"{hashlib.md5(body).hexdigest()}"'


def etag_of_parts(parts):
    digest = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    return f'"{digest}-{len(parts)}"'


def error(code):
    return {"error": code}


class Version:
    def __init__(self, version_id, body, tag, tags):
        self.id, self.body, self.etag, self.tags = version_id, body, tag, dict(tags)

    @property
    def marker(self):
        return self.body is None

    def key(self):
        return (value_of(self.id), self.etag, tuple(sorted(self.tags.items())))


class S3Model:
    def __init__(self):
        self.versioning = None  # Enabled, Suspended
        self.keys = {}          # key: its versions, the oldest first
        self.uploads = {}       # name: (key, {part number: body}, id)
        self.done = {}          # completed uploads: the response
        self.said = None

    def key(self):
        return repr((self.versioning, sorted((key, [v.key() for v in versions]) for key, versions in self.keys.items() if versions),
                     sorted((name, key, sorted((n, etag(b)) for n, b in parts.items())) for name, (key, parts, _) in self.uploads.items()),
                     sorted(self.done)))

    # ---- versions ----

    def current(self, key):
        versions = self.keys.get(key)
        return versions[-1] if versions else None

    def named(self, key, version_id):
        return next((v for v in self.keys.get(key, ()) if value_of(v.id) == version_id), None)

    def new(self, key, body, tag, tags=()):
        """A new version or delete marker; without versioning it replaces the one without an id."""
        versions = self.keys.setdefault(key, [])
        if self.versioning != "Enabled":
            versions[:] = [v for v in versions if v.id != NULL]
        version = Version(Unknown() if self.versioning == "Enabled" else NULL, body, tag, tags)
        versions.append(version)
        return version

    def shown(self, version):
        """The id in a response: none as long as the bucket was never versioned."""
        return {} if self.versioning is None else {"VersionId": version.id}

    def made(self, version):
        """The same for a write, after which S3 does not say null in every case."""
        return {"VersionId": Maybe(NULL)} if version.id == NULL and self.versioning else self.shown(version)

    def find(self, key, version_id):
        """(version, error): the one that a request reads."""
        if version_id is None:
            version = self.current(key)
            return (version, None) if version and not version.marker else (None, "NoSuchKey")
        version = self.named(key, version_id)
        if not version:
            return None, "NoSuchVersion"
        return (None, "MethodNotAllowed") if version.marker else (version, None)

    # ---- operations ----

    def apply(self, operation, response):
        self.said = getattr(self, operation[0])(*operation[1:])
        return response is None or same(self.said, response)

    def set_versioning(self, status):
        self.versioning = status
        return {}

    def failed_condition(self, key, condition):
        """condition: ("If-Match", an ETag) or ("If-None-Match", "*")"""
        if not condition:
            return None
        version = self.current(key)
        there = version and not version.marker
        if condition[0] == "If-None-Match":
            return "PreconditionFailed" if there else None
        if not there:
            return "NoSuchKey"
        return None if version.etag == condition[1] else "PreconditionFailed"

    def put(self, key, body, tags, condition):
        failed = self.failed_condition(key, condition)
        if failed:
            return error(failed)
        version = self.new(key, body, etag(body), tags)
        return {"ETag": version.etag, **self.made(version)}

    def get(self, key, version_id, span):
        version, failed = self.find(key, version_id)
        if failed:
            return error(failed)
        body, more = version.body, {"TagCount": len(version.tags)} if version.tags else {}
        if span and span[0] >= len(body):
            return error("InvalidRange")
        if span:
            first, last = span[0], min(span[1], len(body) - 1)
            more["ContentRange"] = f"bytes {first}-{last}/{len(body)}"
            body = body[first:last + 1]
        return {"Body": body, "ETag": version.etag, **more, **self.shown(version)}

    def head(self, key, version_id):
        version, failed = self.find(key, version_id)
        if failed:
            return error("405" if failed == "MethodNotAllowed" else "404")
        return {"ContentLength": len(version.body), "ETag": version.etag, **self.shown(version)}

    def remove(self, version, key):
        self.keys[key].remove(version)

    def delete(self, key, version_id):
        if version_id is not None:
            version = self.named(key, version_id)
            if version:
                self.remove(version, key)
            return {"DeleteMarker": True} if version and version.marker else {}
        if self.versioning is None:
            self.keys.pop(key, None)
            return {}
        return {"DeleteMarker": True, "VersionId": self.new(key, None, None).id}

    def delete_many(self, keys):
        out = []
        for key in keys:
            response = self.delete(key, None)
            out.append({"Key": key, **({"DeleteMarker": True, "DeleteMarkerVersionId": response["VersionId"]} if response else {})})
        return {"Deleted": out}

    def copy(self, source, version_id, key):
        version, failed = self.find(source, version_id)
        if failed:
            return error("InvalidRequest" if failed == "MethodNotAllowed" else failed)
        from_id = {} if version.id == NULL else {"CopySourceVersionId": version.id}
        made = self.new(key, version.body, etag(version.body), version.tags)
        return {"ETag": made.etag, **from_id, **self.made(made)}

    # ---- tags ----

    def tagged(self, key, version_id):
        """(version, response of a failure); a current delete marker is an object that is missing, or one without tags."""
        version, failed = self.find(key, version_id)
        if failed == "NoSuchKey" and self.current(key):
            return None, AnyOf(error("NoSuchKey"), error("MethodNotAllowed"))
        return version, error(failed) if failed else None

    def put_tags(self, key, version_id, tags):
        version, failed = self.tagged(key, version_id)
        if failed:
            return failed
        version.tags = dict(tags)
        return self.shown(version)

    def get_tags(self, key, version_id):
        version, failed = self.tagged(key, version_id)
        return failed or {"Tags": dict(version.tags), **self.shown(version)}

    def delete_tags(self, key, version_id):
        version, failed = self.tagged(key, version_id)
        if failed:
            return failed
        version.tags = {}
        return self.shown(version)

    # ---- multipart uploads ----

    def create_upload(self, name, key):
        self.uploads[name] = (key, {}, Unknown())
        return {"UploadId": self.uploads[name][2]}

    def upload_part(self, name, number, body):
        if name not in self.uploads:
            return error("NoSuchUpload")
        self.uploads[name][1][number] = body
        return {"ETag": etag(body)}

    def list_parts(self, name):
        if name not in self.uploads:
            return error("NoSuchUpload")
        return {"Parts": [(number, etag(body), len(body)) for number, body in sorted(self.uploads[name][1].items())]}

    def abort(self, name):
        return {} if self.uploads.pop(name, None) else error("NoSuchUpload")

    def complete(self, name, wanted):
        """wanted: (part number, ETag). Completing again with the same parts gives the same response."""
        if name not in self.uploads:
            if name in self.done and self.done[name][0] == wanted:
                return self.done[name][1]
            return AnyOf(error("NoSuchUpload"), self.done[name][1]) if name in self.done else error("NoSuchUpload")
        key, parts, _ = self.uploads[name]
        numbers = [number for number, _ in wanted]
        if numbers != sorted(set(numbers)):
            return error("InvalidPartOrder")
        if any(number not in parts or etag(parts[number]) != tag for number, tag in wanted):
            return error("InvalidPart")
        bodies = [parts[number] for number in numbers]
        if any(len(body) < PART_MIN for body in bodies[:-1]):
            return error("EntityTooSmall")
        del self.uploads[name]
        version = self.new(key, b"".join(bodies), etag_of_parts(bodies))
        response = {"ETag": version.etag, **self.made(version)}
        self.done[name] = (wanted, response)
        return response

    def list_uploads(self, prefix):
        found = [(key, upload) for key, _, upload in self.uploads.values() if key.startswith(prefix)]
        return {"Uploads": {(key, upload.value) for key, upload in found}}

    # ---- listings ----

    def list(self, prefix, delimiter, after, limit):
        """One page of ListObjectsV2 from a key on: keys, and the common prefixes of those with a delimiter behind the prefix."""
        entries = []
        for key in sorted(self.keys, key=str.encode):
            version = self.current(key)
            if not version or version.marker or not key.startswith(prefix) or (after and key.encode() <= after.encode()):
                continue
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            entry = key[:cut + 1] if cut >= 0 else (key, version.etag, len(version.body))
            if entry not in entries:
                entries.append(entry)
        page = entries[:limit]
        return {"Keys": [entry for entry in page if isinstance(entry, tuple)],
                "Prefixes": [entry for entry in page if isinstance(entry, str)], "More": len(entries) > limit}

    def walk(self, prefix, delimiter, limit):
        """All pages of ListObjectsV2, one after the other."""
        response = self.list(prefix, delimiter, None, 10 ** 6)
        return {"Keys": response["Keys"], "Prefixes": response["Prefixes"]}

    def versions(self, prefix, limit):
        """All pages of ListObjectVersions: of each key the newest version first."""
        versions, markers = [], []
        for key in sorted(self.keys, key=str.encode):
            for version in reversed(self.keys[key] if key.startswith(prefix) else []):
                latest = version is self.keys[key][-1]
                if version.marker:
                    markers.append((key, version.id, latest))
                else:
                    versions.append((key, version.id, latest, version.etag, len(version.body)))
        return {"Versions": versions, "DeleteMarkers": markers}
