// EventBridge and STS through the SDK: a rule sends a bucket's event and one of our own to a queue.
import assert from "node:assert/strict";
import test from "node:test";
import {
  EventBridgeClient,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  TestEventPatternCommand,
} from "@aws-sdk/client-eventbridge";
import { CreateBucketCommand, PutBucketNotificationConfigurationCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { clientWith, s3, sqs, uniqueName, until } from "./clients.mjs";

const events = clientWith(EventBridgeClient);
const account = "000000000000";

async function ruleWithQueue(name, pattern) {
  const arn = `arn:aws:sqs:us-east-1:${account}:${name}`;
  const { RuleArn } = await events.send(new PutRuleCommand({ Name: name, EventPattern: JSON.stringify(pattern) }));
  const Policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: arn,
        Condition: { ArnEquals: { "aws:SourceArn": RuleArn } },
      },
    ],
  });
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: { Policy } }));
  const { FailedEntryCount } = await events.send(
    new PutTargetsCommand({ Rule: name, Targets: [{ Id: "queue", Arn: arn }] }),
  );
  assert.equal(FailedEntryCount, 0);
  return QueueUrl;
}

async function next(QueueUrl) {
  const message = await until(
    async () => (await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }))).Messages?.[0],
    "an event in the queue",
  );
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
  return JSON.parse(message.Body);
}

test("an event of our own reaches the rule's queue", async () => {
  const name = uniqueName("rule");
  const queue = await ruleWithQueue(name, { source: [name], detail: { n: [{ numeric: [">", 1] }] } });
  const entry = (n) => ({ Source: name, DetailType: "count", Detail: JSON.stringify({ n }), Time: new Date(0) });
  const { Entries, FailedEntryCount } = await events.send(new PutEventsCommand({ Entries: [entry(1), entry(2)] }));
  assert.equal(FailedEntryCount, 0);
  const event = await next(queue);
  assert.equal(event.id, Entries[1].EventId);
  assert.equal(event.time, "1970-01-01T00:00:00Z");
  assert.deepEqual(event.detail, { n: 2 });
});

test("a bucket's event reaches the rule's queue", async () => {
  const name = uniqueName("bridge");
  const queue = await ruleWithQueue(name, { source: ["aws.s3"], detail: { bucket: { name: [name] } } });
  await s3.send(new CreateBucketCommand({ Bucket: name }));
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: name,
      NotificationConfiguration: { EventBridgeConfiguration: {} },
    }),
  );
  await s3.send(new PutObjectCommand({ Bucket: name, Key: "a b+ü", Body: "photo" }));
  const event = await next(queue);
  assert.equal(event["detail-type"], "Object Created");
  assert.equal(event.detail.object.key, "a b+ü");
  assert.equal(event.detail.object.size, 5);
});

test("a pattern that is none is refused with a reason", async () => {
  const broken = new TestEventPatternCommand({ EventPattern: '{"a": [{"like": 1}]}', Event: "{}" });
  await assert.rejects(events.send(broken), { name: "InvalidEventPatternException", message: /Unrecognized match type/ });
});

test("STS says who one is", async () => {
  const { Account, Arn } = await clientWith(STSClient).send(new GetCallerIdentityCommand({}));
  assert.equal(Account, account);
  assert.equal(Arn, `arn:aws:iam::${account}:root`);
});
