#include "call_table.h"

#define QUEUE  "\"QueueUrl\":\"$Q\""
#define BUS    "\"EventBusName\":\"$B\""
#define XML_NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

static const struct call calls[] = {
    {"sqs.AddPermission", CALL_SQS,
     "{" QUEUE ",\"Label\":\"$l\",\"AWSAccountIds\":[\"$w\"],\"Actions\":[\"$c\"]}"},
    {"sqs.CancelMessageMoveTask", CALL_SQS, "{\"TaskHandle\":\"$M\"}"},
    {"sqs.ChangeMessageVisibility", CALL_SQS,
     "{" QUEUE ",\"ReceiptHandle\":\"$h\",\"VisibilityTimeout\":$n}"},
    {"sqs.ChangeMessageVisibilityBatch", CALL_SQS,
     "{" QUEUE ",\"Entries\":[{\"Id\":\"$l\",\"ReceiptHandle\":\"$h\",\"VisibilityTimeout\":$n},"
     "{\"Id\":\"z\",\"ReceiptHandle\":\"$h\",\"VisibilityTimeout\":$n}]}"},
    {"sqs.CreateQueue", CALL_SQS,
     "{\"QueueName\":\"$q\",\"Attributes\":#a,\"tags\":{\"$l\":\"$l\"}}"},
    {"sqs.DeleteMessage", CALL_SQS, "{" QUEUE ",\"ReceiptHandle\":\"$h\"}"},
    {"sqs.DeleteMessageBatch", CALL_SQS,
     "{" QUEUE ",\"Entries\":[{\"Id\":\"$l\",\"ReceiptHandle\":\"$h\"},"
     "{\"Id\":\"z\",\"ReceiptHandle\":\"$h\"}]}"},
    {"sqs.DeleteQueue", CALL_SQS, "{" QUEUE "}"},
    {"sqs.GetQueueAttributes", CALL_SQS, "{" QUEUE ",\"AttributeNames\":[\"$g\"]}"},
    {"sqs.GetQueueUrl", CALL_SQS, "{\"QueueName\":\"$q\"}"},
    {"sqs.ListDeadLetterSourceQueues", CALL_SQS,
     "{" QUEUE ",\"MaxResults\":$n,\"NextToken\":\"$K\"}"},
    {"sqs.ListMessageMoveTasks", CALL_SQS, "{\"SourceArn\":\"$A\",\"MaxResults\":$n}"},
    {"sqs.ListQueueTags", CALL_SQS, "{" QUEUE "}"},
    {"sqs.ListQueues", CALL_SQS,
     "{\"QueueNamePrefix\":\"$q\",\"MaxResults\":$n,\"NextToken\":\"$K\"}"},
    {"sqs.PurgeQueue", CALL_SQS, "{" QUEUE "}"},
    {"sqs.ReceiveMessage", CALL_SQS,
     "{" QUEUE ",\"MaxNumberOfMessages\":$N,\"VisibilityTimeout\":$n,\"AttributeNames\":[\"All\"],"
     "\"MessageAttributeNames\":[\"$l\"]}"},
    {"sqs.RemovePermission", CALL_SQS, "{" QUEUE ",\"Label\":\"$l\"}"},
    {"sqs.SendMessage", CALL_SQS, "{" QUEUE ",\"MessageBody\":\"$m\"#o}"},
    {"sqs.SendMessageBatch", CALL_SQS,
     "{" QUEUE ",\"Entries\":[{\"Id\":\"$l\",\"MessageBody\":\"$m\"#o},"
     "{\"Id\":\"z\",\"MessageBody\":\"$m\"#o}]}"},
    {"sqs.SetQueueAttributes", CALL_SQS, "{" QUEUE ",\"Attributes\":#a}"},
    {"sqs.StartMessageMoveTask", CALL_SQS,
     "{\"SourceArn\":\"$A\",\"DestinationArn\":\"$A\",\"MaxNumberOfMessagesPerSecond\":$n}"},
    {"sqs.TagQueue", CALL_SQS, "{" QUEUE ",\"Tags\":{\"$l\":\"$l\"}}"},
    {"sqs.UntagQueue", CALL_SQS, "{" QUEUE ",\"TagKeys\":[\"$l\"]}"},

    {"events.DeleteRule", CALL_EVENTS, "{\"Name\":\"$R\"," BUS "}"},
    {"events.DescribeEventBus", CALL_EVENTS, "{\"Name\":\"$B\"}"},
    {"events.DescribeRule", CALL_EVENTS, "{\"Name\":\"$R\"," BUS "}"},
    {"events.DisableRule", CALL_EVENTS, "{\"Name\":\"$R\"," BUS "}"},
    {"events.EnableRule", CALL_EVENTS, "{\"Name\":\"$R\"," BUS "}"},
    {"events.ListEventBuses", CALL_EVENTS,
     "{\"NamePrefix\":\"$B\",\"Limit\":$N,\"NextToken\":\"$K\"}"},
    {"events.ListRuleNamesByTarget", CALL_EVENTS,
     "{\"TargetArn\":\"$A\"," BUS ",\"Limit\":$N,\"NextToken\":\"$K\"}"},
    {"events.ListRules", CALL_EVENTS,
     "{\"NamePrefix\":\"$R\"," BUS ",\"Limit\":$N,\"NextToken\":\"$K\"}"},
    {"events.ListTagsForResource", CALL_EVENTS, "{\"ResourceARN\":\"$E\"}"},
    {"events.ListTargetsByRule", CALL_EVENTS,
     "{\"Rule\":\"$R\"," BUS ",\"Limit\":$N,\"NextToken\":\"$K\"}"},
    {"events.PutEvents", CALL_EVENTS,
     "{\"Entries\":[{\"Source\":\"$y\",\"DetailType\":\"$l\",\"Detail\":\"$j\"," BUS "},"
     "{\"Source\":\"$y\",\"DetailType\":\"$l\",\"Detail\":\"$j\",\"Time\":$n,\"Resources\":[\"$l\"]"
     "}]}"},
    {"events.PutRule", CALL_EVENTS,
     "{\"Name\":\"$R\",\"EventPattern\":\"$P\"," BUS
     ",\"Tags\":[{\"Key\":\"$l\",\"Value\":\"$l\"}]}"},
    {"events.PutTargets", CALL_EVENTS,
     "{\"Rule\":\"$R\"," BUS ",\"Targets\":[{\"Id\":\"$l\",\"Arn\":\"$A\"#i},"
     "{\"Id\":\"z\",\"Arn\":\"$T\"#i}]}"},
    {"events.RemoveTargets", CALL_EVENTS, "{\"Rule\":\"$R\"," BUS ",\"Ids\":[\"$l\",\"z\"]}"},
    {"events.TagResource", CALL_EVENTS,
     "{\"ResourceARN\":\"$E\",\"Tags\":[{\"Key\":\"$l\",\"Value\":\"$l\"}]}"},
    {"events.TestEventPattern", CALL_EVENTS, "{\"EventPattern\":\"$P\",\"Event\":\"$V\"}"},
    {"events.UntagResource", CALL_EVENTS, "{\"ResourceARN\":\"$E\",\"TagKeys\":[\"$l\"]}"},
    {"rekognition.DetectLabels", CALL_REKOGNITION,
     "{\"Image\":{\"S3Object\":{\"Bucket\":\"$b\",\"Name\":\"$k\"}},\"MaxLabels\":$N,"
     "\"MinConfidence\":$n}"},

    {"sns.AddPermission", CALL_SNS,
     "TopicArn=$T&Label=$l&AWSAccountId.member.1=$w&ActionName.member.1=$C"},
    {"sns.ConfirmSubscription", CALL_SNS, "TopicArn=$T&Token=$K"},
    {"sns.CreateTopic", CALL_SNS, "Name=$t#t&Tags.member.1.Key=$l&Tags.member.1.Value=$l"},
    {"sns.DeleteTopic", CALL_SNS, "TopicArn=$T"},
    {"sns.GetSubscriptionAttributes", CALL_SNS, "SubscriptionArn=$s"},
    {"sns.GetTopicAttributes", CALL_SNS, "TopicArn=$T"},
    {"sns.ListSubscriptions", CALL_SNS, "NextToken=$K"},
    {"sns.ListSubscriptionsByTopic", CALL_SNS, "TopicArn=$T&NextToken=$K"},
    {"sns.ListTagsForResource", CALL_SNS, "ResourceArn=$T"},
    {"sns.ListTopics", CALL_SNS, "NextToken=$K"},
    {"sns.Publish", CALL_SNS, "TopicArn=$T&Message=$m#p"},
    {"sns.PublishBatch", CALL_SNS,
     "TopicArn=$T&PublishBatchRequestEntries.member.1.Id=$l&PublishBatchRequestEntries.member.1."
     "Message=$m"
     "&PublishBatchRequestEntries.member.2.Id=z&PublishBatchRequestEntries.member.2.Message=$m"},
    {"sns.RemovePermission", CALL_SNS, "TopicArn=$T&Label=$l"},
    {"sns.SetSubscriptionAttributes", CALL_SNS, "SubscriptionArn=$s#s"},
    {"sns.SetTopicAttributes", CALL_SNS, "TopicArn=$T#u"},
    {"sns.Subscribe", CALL_SNS,
     "TopicArn=$T&Protocol=$r&Endpoint=$A&ReturnSubscriptionArn=true"
     "&Attributes.entry.1.key=FilterPolicy&Attributes.entry.1.value=$F"},
    {"sns.TagResource", CALL_SNS, "ResourceArn=$T&Tags.member.1.Key=$l&Tags.member.1.Value=$l"},
    {"sns.Unsubscribe", CALL_SNS, "SubscriptionArn=$s"},
    {"sns.UntagResource", CALL_SNS, "ResourceArn=$T&TagKeys.member.1=$l"},
    {"sts.GetCallerIdentity", CALL_STS, ""},

    {"s3.ListBuckets", CALL_S3, "GET /?max-buckets=$n&continuation-token=$K&prefix=$b\n\n"},
    {"s3.CreateBucket", CALL_S3, "PUT /$b\n\n"},
    {"s3.HeadBucket", CALL_S3, "HEAD /$b\n\n"},
    {"s3.DeleteBucket", CALL_S3, "DELETE /$b\n\n"},
    {"s3.GetBucketSetting", CALL_S3, "GET /$b?$z\n\n"},
    {"s3.DeleteBucketSetting", CALL_S3, "DELETE /$b?$z\n\n"},
    {"s3.PutBucketNotification", CALL_S3,
     "PUT /$b?notification\n\n<NotificationConfiguration" XML_NS ">#x</NotificationConfiguration>"},
    {"s3.PutBucketVersioning", CALL_S3,
     "PUT /$b?versioning\n\n<VersioningConfiguration" XML_NS
     "><Status>$S</Status></VersioningConfiguration>"},
    {"s3.PutBucketTagging", CALL_S3,
     "PUT "
     "/$b?tagging\n\n<Tagging><TagSet><Tag><Key>$l</Key><Value>$l</Value></Tag></TagSet></"
     "Tagging>"},
    {"s3.PutBucketCors", CALL_S3,
     "PUT /$b?cors\n\n<CORSConfiguration><CORSRule><AllowedOrigin>$l</AllowedOrigin>"
     "<AllowedMethod>$D</AllowedMethod></CORSRule></CORSConfiguration>"},
    {"s3.PutBucketLifecycle", CALL_S3,
     "PUT "
     "/$b?lifecycle\n\n<LifecycleConfiguration><Rule><ID>$l</ID><Filter><Prefix>$k</Prefix></"
     "Filter>"
     "<Status>Enabled</Status><Expiration><Days>$n</Days></Expiration></Rule></"
     "LifecycleConfiguration>"},
    {"s3.PutBucketPolicy", CALL_S3,
     "PUT "
     "/$b?policy\n\n{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
     "\"*\","
     "\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::$b/*\"}]}"},
    {"s3.ListObjects", CALL_S3,
     "GET /$b?prefix=$k&delimiter=$d&marker=$k&max-keys=$n&encoding-type=url\n\n"},
    {"s3.ListObjectsV2", CALL_S3,
     "GET "
     "/$b?list-type=2&prefix=$k&delimiter=$d&start-after=$k&max-keys=$n&continuation-token=$K\n\n"},
    {"s3.ListObjectVersions", CALL_S3,
     "GET /$b?versions&prefix=$k&delimiter=$d&key-marker=$k&version-id-marker=$v&max-keys=$n\n\n"},
    {"s3.ListMultipartUploads", CALL_S3,
     "GET /$b?uploads&prefix=$k&delimiter=$d&key-marker=$k&upload-id-marker=$u&max-uploads=$n\n\n"},
    {"s3.DeleteObjects", CALL_S3,
     "POST /$b?delete\n\n<Delete><Object><Key>$k</Key></Object>"
     "<Object><Key>$k</Key><VersionId>$v</VersionId></Object></Delete>"},
    {"s3.PutObject", CALL_S3, "PUT /$b/$k\nx-amz-tagging: $l=$l\nx-amz-meta-$l: $l\n\n$m"},
    {"s3.PutObjectIf", CALL_S3, "PUT /$b/$k\n$I: $e\n\n$m"},
    {"s3.GetObject", CALL_S3, "GET /$b/$k\n\n"},
    {"s3.GetObjectRange", CALL_S3, "GET /$b/$k\nRange: bytes=$n-$n\n\n"},
    {"s3.GetObjectIf", CALL_S3, "GET /$b/$k?versionId=$v&partNumber=$n\n$I: $e\n\n"},
    {"s3.GetObjectVersion", CALL_S3, "GET /$b/$k?versionId=$v\n\n"},
    {"s3.GetObjectAttributes", CALL_S3,
     "GET /$b/$k?attributes&versionId=$v\nx-amz-object-attributes: "
     "ETag,ObjectParts,ObjectSize\n\n"},
    {"s3.HeadObject", CALL_S3, "HEAD /$b/$k?versionId=$v\n\n"},
    {"s3.DeleteObject", CALL_S3, "DELETE /$b/$k\n\n"},
    {"s3.DeleteObjectVersion", CALL_S3, "DELETE /$b/$k?versionId=$v\n\n"},
    {"s3.CopyObject", CALL_S3, "PUT /$b/$k\nx-amz-copy-source: /$b/$k?versionId=$v\n\n"},
    {"s3.PutObjectTagging", CALL_S3,
     "PUT "
     "/$b/$k?tagging&versionId=$v\n\n<Tagging><TagSet><Tag><Key>$l</Key><Value>$l</Value></Tag></"
     "TagSet></Tagging>"},
    {"s3.GetObjectTagging", CALL_S3, "GET /$b/$k?tagging&versionId=$v\n\n"},
    {"s3.DeleteObjectTagging", CALL_S3, "DELETE /$b/$k?tagging&versionId=$v\n\n"},
    {"s3.CreateMultipartUpload", CALL_S3, "POST /$b/$k?uploads\nx-amz-meta-$l: $l\n\n"},
    {"s3.UploadPart", CALL_S3, "PUT /$b/$k?uploadId=$u&partNumber=$n\n\n$m"},
    {"s3.UploadPartCopy", CALL_S3,
     "PUT /$b/$k?uploadId=$u&partNumber=$n\nx-amz-copy-source: /$b/$k\n\n"},
    {"s3.CompleteMultipartUpload", CALL_S3,
     "POST "
     "/$b/$k?uploadId=$u\n\n<CompleteMultipartUpload><Part><PartNumber>$n</PartNumber><ETag>$e</"
     "ETag></Part>"
     "</CompleteMultipartUpload>"},
    {"s3.AbortMultipartUpload", CALL_S3, "DELETE /$b/$k?uploadId=$u\n\n"},
    {"s3.ListParts", CALL_S3, "GET /$b/$k?uploadId=$u&max-parts=$n&part-number-marker=$n\n\n"},
};
enum { CALLS = sizeof calls / sizeof calls[0] };

const struct call *call_find(struct slice name)
{
    for (size_t i = 0; i < CALLS; i++) {
        if (slice_equal_text(name, calls[i].name))
            return &calls[i];
    }
    return &calls[(name.size ? (unsigned char)*name.data : 0u) % CALLS];
}
