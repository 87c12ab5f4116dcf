// What people write with sqs-consumer and sharp: a consumer for each queue, one rendition for each message.
// usage: node consumer.mjs ENDPOINT BUCKET NAME=WIDTH=KEY... The credentials and the region are in the environment.
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetQueueUrlCommand, SQSClient } from "@aws-sdk/client-sqs";
import { Consumer } from "sqs-consumer";
import sharp from "sharp";

const [endpoint, bucket, ...renditions] = process.argv.slice(2);
const s3 = new S3Client({ endpoint, forcePathStyle: true });
const sqs = new SQSClient({ endpoint });
const QUALITY = 80;

async function render(record, width, prefix) {
  const key = decodeURIComponent(record.s3.object.key.replaceAll("+", " "));
  const source = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const body = await sharp(await source.Body.transformToByteArray())
    .rotate().resize({ width, withoutEnlargement: true }).jpeg({ quality: QUALITY }).toBuffer();
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: prefix + key.split("/").pop(), Body: body, ContentType: "image/jpeg" }));
}

for (const rendition of renditions) {
  const [name, width, prefix] = rendition.split("=");
  const { QueueUrl: queueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: `${name}-queue` }));
  const consumer = Consumer.create({
    queueUrl, sqs, batchSize: 10, waitTimeSeconds: 20,
    handleMessageBatch: async (messages) => {
      const done = await Promise.allSettled(messages.map(async (message) => {
        for (const record of JSON.parse(message.Body).Records) {
          await render(record, Number(width), prefix);
        }
        return message;
      }));
      return done.filter((result) => result.status === "fulfilled").map((result) => result.value); // these are deleted
    },
  });
  consumer.on("error", (error) => console.error(error.message));
  consumer.on("processing_error", (error) => console.error(error.message));
  consumer.start();
}
