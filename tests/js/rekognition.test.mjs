// DetectLabels through the SDK: bytes and an object of the embedded S3, and its errors as the SDK's own classes.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import {
  DetectFacesCommand,
  DetectLabelsCommand,
  ImageTooLargeException,
  InvalidImageFormatException,
  InvalidS3ObjectException,
  RekognitionClient,
} from "@aws-sdk/client-rekognition";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { clientWith, s3, uniqueName } from "./clients.mjs";

const rekognition = clientWith(RekognitionClient);
const detect = (Image, more) => rekognition.send(new DetectLabelsCommand({ Image, ...more }));

test("a photo's bytes and the same photo in a bucket have the same labels", async () => {
  const Bytes = await readFile(process.env.PHOTO); // 200 × 150: landscape, and far under 0.3 megapixels
  const { Labels, LabelModelVersion, OrientationCorrection } = await detect({ Bytes });
  const names = Labels.map((label) => label.Name);
  assert.ok(names.includes("Landscape") && names.includes("Low Resolution"), names.join());
  assert.ok(LabelModelVersion);
  assert.equal(OrientationCorrection, undefined);
  const Bucket = uniqueName("labels");
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket, Key: "a photo.jpg", Body: Bytes }));
  const stored = await detect({ S3Object: { Bucket, Name: "a photo.jpg" } });
  assert.deepEqual(stored.Labels, Labels);
  const one = await detect({ Bytes }, { MaxLabels: 1, MinConfidence: 99 });
  assert.deepEqual(one.Labels, Labels.slice(0, 1));
});

test("an image that cannot be had is refused by the service's exceptions", async () => {
  await assert.rejects(detect({ Bytes: Buffer.from("no image") }), InvalidImageFormatException);
  await assert.rejects(detect({ Bytes: Buffer.alloc(5 * 1024 * 1024 + 1) }), ImageTooLargeException);
  await assert.rejects(detect({ S3Object: { Bucket: uniqueName("none"), Name: "x" } }), InvalidS3ObjectException);
});

test("what is not here is refused by name", async () => {
  const faces = new DetectFacesCommand({ Image: { Bytes: Buffer.from("x") } });
  await assert.rejects(rekognition.send(faces), { name: "NotImplemented", message: /DetectFaces/ });
});
