// Clients of the cloud that the caller has started, and names that no other test has.
import http from "node:http";
import { S3Client } from "@aws-sdk/client-s3";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";

export const endpoint = process.env.CLOUD_ENDPOINT;

const common = {
  endpoint,
  region: "us-east-1",
  maxAttempts: 1,
  credentials: { accessKeyId: "thumbwheel", secretAccessKey: "thumbwheel-secret" },
};

export const s3 = new S3Client({ ...common, forcePathStyle: true });
export const sns = new SNSClient(common);
export const sqs = new SQSClient(common);

// Buckets in the host's name, every one of which is found here.
export function virtualHostS3() {
  const port = new URL(endpoint).port;
  const lookup = (host, options, done) =>
    options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);
  return new S3Client({
    ...common,
    endpoint: `http://s3.us-east-1.localhost:${port}`,
    requestHandler: { httpAgent: new http.Agent({ lookup }) },
  });
}

export function s3OfRegion(region, more) {
  return new S3Client({ ...common, region, forcePathStyle: true, ...more });
}

export function clientWith(Client, credentials) {
  return new Client({ ...common, forcePathStyle: true, credentials: { ...common.credentials, ...credentials } });
}

let count = 0;

export function uniqueName(what) {
  return `js-${what}-${process.pid}-${count++}`;
}

// Asks again until the response is one; what it waits for has no event that a client could see.
export async function until(ask, what) {
  const end = Date.now() + 120_000;
  for (;;) {
    const response = await ask();
    if (response) return response;
    if (Date.now() > end) throw new Error(`still not so: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
