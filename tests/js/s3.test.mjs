// S3 through the AWS SDK for JavaScript v3 with its defaults: checksums everywhere, streams in aws-chunked coding.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import test, { before } from "node:test";
import {
  CreateBucketCommand, DeleteObjectCommand, DeleteObjectsCommand, GetBucketCorsCommand, GetObjectAttributesCommand,
  GetObjectCommand, GetObjectTaggingCommand, HeadObjectCommand, ListObjectsV2Command, ListObjectVersionsCommand, NoSuchBucket, NoSuchKey, NotFound, PutBucketCorsCommand, PutBucketVersioningCommand, PutObjectCommand,
  PutObjectTaggingCommand, S3Client,
  paginateListObjectsV2,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { clientWith, s3, s3OfRegion, uniqueName, until, virtualHostS3 } from "./clients.mjs";

const Bucket = uniqueName("bucket");

before(() => s3.send(new CreateBucketCommand({ Bucket })));

async function bytesOf(Key, more = {}) {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Buffer.from(await Body.transformToByteArray());
}

test("an object put with the default checksum comes back and is verified", async () => {
  const put = await s3.send(new PutObjectCommand({ Bucket, Key: "default", Body: "hello", ContentType: "text/plain" }));
  assert.equal(put.ETag, `"${createHash("md5").update("hello").digest("hex")}"`);
  assert.equal(put.ChecksumCRC32, "NhCmhg==");
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: "default" }));
  assert.equal(await got.Body.transformToString(), "hello");
  assert.equal(got.ChecksumCRC32, "NhCmhg==");
});

for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "SHA1", "SHA256"]) {
  test(`a body with a checksum of ${ChecksumAlgorithm} is accepted and verified`, async () => {
    const Key = `sum-${ChecksumAlgorithm}`;
    const put = await s3.send(new PutObjectCommand({ Bucket, Key, Body: "checked", ChecksumAlgorithm }));
    assert.ok(put[`Checksum${ChecksumAlgorithm}`]);
    assert.equal((await bytesOf(Key)).toString(), "checked");
  });

  test(`a stream with a trailing checksum of ${ChecksumAlgorithm} is accepted and verified`, async () => {
    const Key = `trailer-${ChecksumAlgorithm}`;
    const body = randomBytes(300_001);
    await s3.send(new PutObjectCommand({
      Bucket, Key, Body: Readable.from([body.subarray(0, 100_000), body.subarray(100_000)]),
      ContentLength: body.length, ChecksumAlgorithm,
    }));
    assert.deepEqual(await bytesOf(Key), body);
  });
}

test("a checksum that is wrong is refused", async () => {
  const put = new PutObjectCommand({ Bucket, Key: "wrong", Body: "hello", ChecksumCRC32: "AAAAAA==" });
  await assert.rejects(s3.send(put), { name: "BadDigest" });
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: "wrong" })), NotFound);
});

test("a file of three megabytes goes up as a stream", async () => {
  const path = join(await mkdtemp(join(tmpdir(), "thumbwheel-js-")), "large.bin");
  const body = randomBytes(3_000_000);
  await writeFile(path, body);
  const Body = createReadStream(path);
  await s3.send(new PutObjectCommand({ Bucket, Key: "large", Body, ContentLength: body.length }));
  assert.deepEqual(await bytesOf("large"), body);
});

test("an empty stream is an empty object", async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: "empty", Body: Readable.from([]), ContentLength: 0 }));
  assert.equal((await bytesOf("empty")).length, 0);
});

test("what aws-chunked coding adds is not in the object's headers", async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: "coding", Body: Readable.from(["abc"]), ContentLength: 3 }));
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "coding" }));
  assert.equal(head.ContentLength, 3);
  assert.ok(!(head.ContentEncoding ?? "").includes("aws-chunked"));
});

for (const Key of ["a b+c%2F%.txt", "Café/東京.jpg", "~!*'()$&@=:;,.txt"]) {
  test(`the key ${JSON.stringify(Key)} is carried whole`, async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key, Metadata: { note: "kept" } }));
    assert.equal((await bytesOf(Key)).toString(), Key);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    assert.deepEqual(head.Metadata, { note: "kept" });
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
    assert.deepEqual(Contents.map((item) => item.Key), [Key]);
  });
}

test("a range is cut out", async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: "digits", Body: "0123456789" }));
  assert.equal((await bytesOf("digits", { Range: "bytes=2-4" })).toString(), "234");
});

test("pages of a listing join to the whole", async () => {
  const Prefix = "pages/";
  for (let i = 0; i < 7; i++) await s3.send(new PutObjectCommand({ Bucket, Key: `${Prefix}${i}`, Body: "" }));
  const keys = [];
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 3 }, { Bucket, Prefix }))
    keys.push(...page.Contents.map((item) => item.Key));
  assert.deepEqual(keys, [0, 1, 2, 3, 4, 5, 6].map((i) => `${Prefix}${i}`));
});

test("tags are put and read", async () => {
  const TagSet = [{ Key: "Dominant Colour", Value: "Blue" }];
  await s3.send(new PutObjectCommand({ Bucket, Key: "tagged", Body: "x" }));
  await s3.send(new PutObjectTaggingCommand({ Bucket, Key: "tagged", Tagging: { TagSet } }));
  assert.deepEqual((await s3.send(new GetObjectTaggingCommand({ Bucket, Key: "tagged" }))).TagSet, TagSet);
});

test("many objects are deleted at once", async () => {
  for (const Key of ["gone/1", "gone/2"]) await s3.send(new PutObjectCommand({ Bucket, Key, Body: "" }));
  const Delete = { Objects: [{ Key: "gone/1" }, { Key: "gone/2" }] };
  assert.equal((await s3.send(new DeleteObjectsCommand({ Bucket, Delete }))).Deleted.length, 2);
  assert.equal((await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "gone/" }))).KeyCount, 0);
});

test("errors arrive as the SDK's classes", async () => {
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: "absent" })), NoSuchKey);
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket: "js-absent", Key: "a" })), NoSuchBucket);
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: "absent" })), NotFound);
});

test("a wrong secret is a wrong signature", async () => {
  const other = clientWith(S3Client, { secretAccessKey: "another" });
  await assert.rejects(other.send(new ListObjectsV2Command({ Bucket })), { name: "SignatureDoesNotMatch" });
});

test("a session token with a permanent key is refused", async () => {
  const other = clientWith(S3Client, { sessionToken: "token" });
  await assert.rejects(other.send(new ListObjectsV2Command({ Bucket })), { name: "InvalidToken" });
});

test("a presigned URL puts and gets without credentials", async () => {
  const up = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "a signed+one" }), { expiresIn: 60 });
  assert.equal((await fetch(up, { method: "PUT", body: "by URL" })).status, 200);
  const down = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "a signed+one" }), { expiresIn: 60 });
  assert.equal(await (await fetch(down)).text(), "by URL");
});

test("a bucket in the host's name is found", async () => {
  const other = virtualHostS3();
  await other.send(new PutObjectCommand({ Bucket, Key: "dir/by host", Body: "there" }));
  assert.equal((await bytesOf("dir/by host")).toString(), "there");
});

test("a photo that goes up as a stream becomes its renditions and tags", async () => {
  const photo = await readFile(process.env.PHOTO);
  await s3.send(new PutObjectCommand({
    Bucket: "photos", Key: "ingest/from js.jpg", Body: Readable.from([photo]), ContentLength: photo.length,
  }));
  for (const Key of ["thumbnail/Thumbnail-from js.jpg", "web/WebImage-from js.jpg", "mobile/MobileImage-from js.jpg",
    "tags/from js.jpg.json"]) {
    await until(() => s3.send(new HeadObjectCommand({ Bucket: "photos", Key })).catch(() => null), Key);
  }
});

test("versions come and go", async () => {
  const Versioned = uniqueName("versions");
  await s3.send(new CreateBucketCommand({ Bucket: Versioned }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: Versioned, VersioningConfiguration: { Status: "Enabled" } }));
  const put = async (Body) => (await s3.send(new PutObjectCommand({ Bucket: Versioned, Key: "k", Body }))).VersionId;
  const ids = [await put("one"), await put("two")];
  const old = await s3.send(new GetObjectCommand({ Bucket: Versioned, Key: "k", VersionId: ids[0] }));
  assert.equal(await old.Body.transformToString(), "one");
  const gone = await s3.send(new DeleteObjectCommand({ Bucket: Versioned, Key: "k" }));
  assert.equal(gone.DeleteMarker, true);
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket: Versioned, Key: "k" })), NoSuchKey);
  const listed = await s3.send(new ListObjectVersionsCommand({ Bucket: Versioned }));
  assert.deepEqual(listed.Versions.map((version) => version.VersionId), [ids[1], ids[0]]);
  assert.deepEqual(listed.DeleteMarkers.map((marker) => [marker.VersionId, marker.IsLatest]), [[gone.VersionId, true]]);
});

test("attributes and CORS rules have the shapes of the model", async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: "attributes", Body: "hello" }));
  const found = await s3.send(new GetObjectAttributesCommand({
    Bucket, Key: "attributes", ObjectAttributes: ["ETag", "Checksum", "ObjectSize", "StorageClass"],
  }));
  assert.deepEqual([found.ObjectSize, found.StorageClass, found.Checksum.ChecksumCRC32], [5, "STANDARD", "NhCmhg=="]);
  assert.ok(found.LastModified instanceof Date);
  const CORSRules = [{ AllowedMethods: ["GET"], AllowedOrigins: ["https://app.example"], MaxAgeSeconds: 60 }];
  await s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
  assert.deepEqual((await s3.send(new GetBucketCorsCommand({ Bucket }))).CORSRules, CORSRules);
});

test("a client follows to the region of a bucket, if it is told to", async () => {
  const far = uniqueName("far");
  await s3OfRegion("eu-west-1").send(new CreateBucketCommand({ Bucket: far }));
  await assert.rejects(s3.send(new PutObjectCommand({ Bucket: far, Key: "k", Body: "x" })), { name: "PermanentRedirect" });
  const follows = s3OfRegion("us-east-1", { followRegionRedirects: true });
  await follows.send(new PutObjectCommand({ Bucket: far, Key: "k", Body: "x" }));
  const got = await follows.send(new GetObjectCommand({ Bucket: far, Key: "k" }));
  assert.equal(await got.Body.transformToString(), "x");
});
