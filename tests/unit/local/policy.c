/* Resource policies: grants, refusals, and invalid policies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"

#define ACCOUNT "111122223333"
#define QUEUE   "arn:aws:sqs:eu-west-1:" ACCOUNT ":photos"
#define TOPIC   "arn:aws:sns:eu-west-1:" ACCOUNT ":uploads"
#define BUCKET  "arn:aws:s3:::photo-bucket"
#define ROOT    "arn:aws:iam::" ACCOUNT ":root"

static enum policy_verdict ask(enum policy_kind kind, const char *document,
                               const struct policy_request *request)
{
    struct policy *policy;
    struct error error = {0};
    if (policy_parse(kind, document, &policy, &error))
        fail_msg("%s: %s", error.text, document);
    enum policy_verdict verdict = policy_evaluate(policy, request);
    policy_release(policy);
    return verdict;
}

/* The requester in the tables below. */
static const struct policy_request bucket_sends = {.service = "s3.amazonaws.com",
                                                   .action = "SendMessage",
                                                   .resource = QUEUE,
                                                   .source_arn = BUCKET,
                                                   .source_account = ACCOUNT,
                                                   .secure = true};
static const struct policy_request topic_sends = {.service = "sns.amazonaws.com",
                                                  .action = "SendMessage",
                                                  .resource = QUEUE,
                                                  .source_arn = TOPIC,
                                                  .source_account = ACCOUNT,
                                                  .secure = true};
static const struct policy_request owner_sends = {
    .account = ACCOUNT, .action = "SendMessage", .resource = QUEUE, .secure = true};
static const struct policy_request owner_sends_plainly = {
    .account = ACCOUNT, .action = "SendMessage", .resource = QUEUE};
static const struct policy_request stranger_sends = {
    .account = "999999999999", .action = "SendMessage", .resource = QUEUE, .secure = true};
static const struct policy_request nobody_sends = {
    .action = "SendMessage", .resource = QUEUE, .secure = true};

#define POLICY(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"
#define S(effect, principal, action, resource, more)                                               \
    "{\"Effect\":\"" effect "\"," principal "," action "," resource more "}"
#define ALLOW(principal, action, resource, more)                                                   \
    POLICY(S("Allow", principal, action, resource, more))
#define ALL  "\"Principal\":\"*\""
#define SEND "\"Action\":\"sqs:SendMessage\""
#define ANY  "\"Resource\":\"*\""
/* A policy that lets everybody send under a condition. */
#define WHEN(operator, key, value)                                                                 \
    ALLOW(ALL, SEND, ANY, ",\"Condition\":{\"" operator"\":{\"" key "\":" value "}}")
#define UNLESS(operator, key, value)                                                               \
    POLICY(S("Allow", ALL, SEND, ANY, "") "," S("Deny", ALL, "\"Action\":\"sqs:*\"", ANY,          \
                                                ",\"Condition\":{\"" operator"\":{\"" key          \
                                                                             "\":" value "}}"))

struct row {
    const char *what, *document;
    const struct policy_request *request;
    enum policy_verdict verdict;
};

static const struct row rows[] = {
    /* Principals. */
    {"everybody", ALLOW(ALL, SEND, ANY, ""), &bucket_sends, POLICY_ALLOWED},
    {"everybody is nobody too", ALLOW(ALL, SEND, ANY, ""), &nobody_sends, POLICY_ALLOWED},
    {"AWS * is everybody", ALLOW("\"Principal\":{\"AWS\":\"*\"}", SEND, ANY, ""), &topic_sends,
     POLICY_ALLOWED},
    {"AWS * in a list", ALLOW("\"Principal\":{\"AWS\":[\"999999999999\",\"*\"]}", SEND, ANY, ""),
     &topic_sends, POLICY_ALLOWED},
    {"a service", ALLOW("\"Principal\":{\"Service\":\"s3.amazonaws.com\"}", SEND, ANY, ""),
     &bucket_sends, POLICY_ALLOWED},
    {"one of some services",
     ALLOW("\"Principal\":{\"Service\":[\"events.amazonaws.com\",\"s3.amazonaws.com\"]}", SEND, ANY,
           ""),
     &bucket_sends, POLICY_ALLOWED},
    {"another service", ALLOW("\"Principal\":{\"Service\":\"s3.amazonaws.com\"}", SEND, ANY, ""),
     &topic_sends, POLICY_SILENT},
    {"a service is no account", ALLOW("\"Principal\":{\"AWS\":\"" ACCOUNT "\"}", SEND, ANY, ""),
     &bucket_sends, POLICY_SILENT},
    {"an account is no service",
     ALLOW("\"Principal\":{\"Service\":\"s3.amazonaws.com\"}", SEND, ANY, ""), &owner_sends,
     POLICY_SILENT},
    {"an account by number", ALLOW("\"Principal\":{\"AWS\":\"" ACCOUNT "\"}", SEND, ANY, ""),
     &owner_sends, POLICY_ALLOWED},
    {"an account by its root", ALLOW("\"Principal\":{\"AWS\":\"" ROOT "\"}", SEND, ANY, ""),
     &owner_sends, POLICY_ALLOWED},
    {"another account", ALLOW("\"Principal\":{\"AWS\":\"" ROOT "\"}", SEND, ANY, ""),
     &stranger_sends, POLICY_SILENT},
    {"nobody is no account", ALLOW("\"Principal\":{\"AWS\":\"" ROOT "\"}", SEND, ANY, ""),
     &nobody_sends, POLICY_SILENT},
    {"a user is not the root",
     ALLOW("\"Principal\":{\"AWS\":\"arn:aws:iam::" ACCOUNT ":user/ann\"}", SEND, ANY, ""),
     &owner_sends, POLICY_SILENT},
    {"a federated identity is nobody here",
     ALLOW("\"Principal\":{\"Federated\":\"accounts.google.com\"}", SEND, ANY, ""), &owner_sends,
     POLICY_SILENT},
    {"a Deny for a federated identity is closed",
     POLICY(S("Deny", "\"Principal\":{\"Federated\":\"accounts.google.com\"}", SEND, ANY, "")),
     &owner_sends, POLICY_DENIED},
    {"everybody but the owner is denied: the owner",
     POLICY(S("Deny", "\"NotPrincipal\":{\"AWS\":\"" ROOT "\"}", SEND, ANY, "")), &owner_sends,
     POLICY_SILENT},
    {"everybody but the owner is denied: a service",
     POLICY(S("Deny", "\"NotPrincipal\":{\"AWS\":\"" ROOT "\"}", SEND, ANY, "")), &bucket_sends,
     POLICY_DENIED},

    /* Actions. */
    {"whatever its case", ALLOW(ALL, "\"Action\":\"SQS:SENDMESSAGE\"", ANY, ""), &bucket_sends,
     POLICY_ALLOWED},
    {"all of the service", ALLOW(ALL, "\"Action\":\"SQS:*\"", ANY, ""), &bucket_sends,
     POLICY_ALLOWED},
    {"all of all", ALLOW(ALL, "\"Action\":\"*\"", ANY, ""), &bucket_sends, POLICY_ALLOWED},
    {"a wildcard within", ALLOW(ALL, "\"Action\":\"sqs:s?nd*\"", ANY, ""), &bucket_sends,
     POLICY_ALLOWED},
    {"one of some", ALLOW(ALL, "\"Action\":[\"sqs:ReceiveMessage\",\"sqs:SendMessage\"]", ANY, ""),
     &bucket_sends, POLICY_ALLOWED},
    {"another action", ALLOW(ALL, "\"Action\":\"sqs:ReceiveMessage\"", ANY, ""), &bucket_sends,
     POLICY_SILENT},
    {"the beginning of an action is another", ALLOW(ALL, "\"Action\":\"sqs:Send\"", ANY, ""),
     &bucket_sends, POLICY_SILENT},
    {"all but another", ALLOW(ALL, "\"NotAction\":\"sqs:DeleteQueue\"", ANY, ""), &bucket_sends,
     POLICY_ALLOWED},
    {"all but this one", ALLOW(ALL, "\"NotAction\":\"SQS:send*\"", ANY, ""), &bucket_sends,
     POLICY_SILENT},

    /* Resources. */
    {"this queue", ALLOW(ALL, SEND, "\"Resource\":\"" QUEUE "\"", ""), &bucket_sends,
     POLICY_ALLOWED},
    {"another queue", ALLOW(ALL, SEND, "\"Resource\":\"" QUEUE "s\"", ""), &bucket_sends,
     POLICY_SILENT},
    {"a resource in another case",
     ALLOW(ALL, SEND, "\"Resource\":\"arn:aws:sqs:eu-west-1:" ACCOUNT ":Photos\"", ""),
     &bucket_sends, POLICY_SILENT},
    {"queues by wildcards",
     ALLOW(ALL, SEND, "\"Resource\":[\"arn:aws:sqs:*:" ACCOUNT ":ph?t*s\"]", ""), &bucket_sends,
     POLICY_ALLOWED},
    {"all but this queue", ALLOW(ALL, SEND, "\"NotResource\":\"" QUEUE "\"", ""), &bucket_sends,
     POLICY_SILENT},
    {"a variable is not decided",
     ALLOW(ALL, SEND, "\"Resource\":\"arn:aws:sqs:*:*:${aws:username}\"", ""), &bucket_sends,
     POLICY_SILENT},

    /* Conditions. */
    {"the source", WHEN("ArnEquals", "aws:SourceArn", "\"" BUCKET "\""), &bucket_sends,
     POLICY_ALLOWED},
    {"another source", WHEN("ArnEquals", "aws:SourceArn", "\"" BUCKET "s\""), &bucket_sends,
     POLICY_SILENT},
    {"one of some sources", WHEN("ArnEquals", "aws:SourceArn", "[\"" TOPIC "\",\"" BUCKET "\"]"),
     &bucket_sends, POLICY_ALLOWED},
    {"a key in any case", WHEN("ArnLike", "AWS:SOURCEARN", "\"" BUCKET "\""), &bucket_sends,
     POLICY_ALLOWED},
    {"an operator in any case", WHEN("Arnlike", "aws:SourceArn", "\"" BUCKET "\""), &bucket_sends,
     POLICY_ALLOWED},
    {"a source by wildcards", WHEN("ArnLike", "aws:SourceArn", "\"arn:aws:s3:*:*:photo-*\""),
     &bucket_sends, POLICY_ALLOWED},
    {"ArnEquals has wildcards too",
     WHEN("ArnEquals", "aws:SourceArn", "\"arn:aws:s3:::photo?bucket\""), &bucket_sends,
     POLICY_ALLOWED},
    {"no wildcard reaches over a colon",
     WHEN("ArnLike", "aws:SourceArn", "\"arn:aws:s*:photo-bucket\""), &bucket_sends, POLICY_SILENT},
    {"StringLike's do", WHEN("StringLike", "aws:SourceArn", "\"arn:aws:s*:photo-bucket\""),
     &bucket_sends, POLICY_ALLOWED},
    {"StringEquals has none", WHEN("StringEquals", "aws:SourceArn", "\"arn:aws:s3:::*\""),
     &bucket_sends, POLICY_SILENT},
    {"no source", WHEN("ArnLike", "aws:SourceArn", "\"*\""), &owner_sends, POLICY_SILENT},
    {"no source is not the source", WHEN("ArnNotEquals", "aws:SourceArn", "\"" BUCKET "\""),
     &owner_sends, POLICY_ALLOWED},
    {"not the source", WHEN("ArnNotLike", "aws:SourceArn", "\"arn:aws:s3:::photo*\""),
     &bucket_sends, POLICY_SILENT},
    {"not another source", WHEN("ArnNotEquals", "aws:SourceArn", "[\"" TOPIC "\"]"), &bucket_sends,
     POLICY_ALLOWED},
    {"none of some sources",
     WHEN("ArnNotEquals", "aws:SourceArn", "[\"" TOPIC "\",\"" BUCKET "\"]"), &bucket_sends,
     POLICY_SILENT},
    {"the source's account", WHEN("StringEquals", "AWS:SourceAccount", "\"" ACCOUNT "\""),
     &bucket_sends, POLICY_ALLOWED},
    {"another account's", WHEN("StringEquals", "aws:SourceAccount", "\"999999999999\""),
     &bucket_sends, POLICY_SILENT},
    {"an account without quotes", WHEN("StringEquals", "aws:SourceAccount", ACCOUNT), &bucket_sends,
     POLICY_ALLOWED},
    {"not the source's account", WHEN("StringNotEquals", "aws:SourceAccount", "\"" ACCOUNT "\""),
     &bucket_sends, POLICY_SILENT},
    {"in any case",
     WHEN("StringEqualsIgnoreCase", "aws:SourceArn", "\"ARN:aws:S3:::Photo-Bucket\""),
     &bucket_sends, POLICY_ALLOWED},
    {"StringNotLike", WHEN("StringNotLike", "aws:SourceArn", "\"arn:aws:sns:*\""), &bucket_sends,
     POLICY_ALLOWED},
    {"IfExists without the key", WHEN("ArnEqualsIfExists", "aws:SourceArn", "\"" BUCKET "\""),
     &owner_sends, POLICY_ALLOWED},
    {"IfExists with another", WHEN("ArnEqualsIfExists", "aws:SourceArn", "\"" BUCKET "\""),
     &topic_sends, POLICY_SILENT},
    {"ForAnyValue", WHEN("ForAnyValue:StringEquals", "aws:SourceAccount", "[\"" ACCOUNT "\"]"),
     &bucket_sends, POLICY_ALLOWED},
    {"ForAnyValue of nothing", WHEN("ForAnyValue:StringNotEquals", "aws:SourceAccount", "\"1\""),
     &owner_sends, POLICY_SILENT},
    {"ForAllValues of nothing", WHEN("ForAllValues:StringEquals", "aws:SourceAccount", "\"1\""),
     &owner_sends, POLICY_ALLOWED},
    {"Null: the key is there", WHEN("Null", "aws:SourceArn", "\"false\""), &bucket_sends,
     POLICY_ALLOWED},
    {"Null: it should not be", WHEN("Null", "aws:SourceArn", "\"true\""), &bucket_sends,
     POLICY_SILENT},
    {"a truth value", WHEN("Bool", "aws:SecureTransport", "true"), &bucket_sends, POLICY_ALLOWED},
    {"a service is one", WHEN("Bool", "aws:PrincipalIsAWSService", "\"true\""), &bucket_sends,
     POLICY_ALLOWED},
    {"the owner is none", WHEN("Bool", "aws:PrincipalIsAWSService", "\"true\""), &owner_sends,
     POLICY_SILENT},
    {"the owner's topics", WHEN("StringEquals", "AWS:SourceOwner", "\"" ACCOUNT "\""), &owner_sends,
     POLICY_ALLOWED},
    {"S3 states no owner", WHEN("StringEquals", "AWS:SourceOwner", "\"" ACCOUNT "\""),
     &bucket_sends, POLICY_SILENT},
    {"two keys are both needed",
     ALLOW(ALL, SEND, ANY,
           ",\"Condition\":{\"ArnLike\":{\"aws:SourceArn\":\"" BUCKET
           "\"},\"StringEquals\":{\"aws:SourceAccount\":\"1\"}}"),
     &bucket_sends, POLICY_SILENT},
    {"an operator that is not decided", WHEN("IpAddress", "aws:SourceIp", "\"0.0.0.0/0\""),
     &bucket_sends, POLICY_SILENT},
    {"a key that is not known", WHEN("StringNotEquals", "aws:PrincipalOrgID", "\"o-1\""),
     &bucket_sends, POLICY_SILENT},
    {"not known, if it exists", WHEN("StringEqualsIfExists", "aws:PrincipalOrgID", "\"o-1\""),
     &bucket_sends, POLICY_SILENT},
    {"a variable in a value", WHEN("StringNotEquals", "aws:SourceArn", "\"${aws:username}\""),
     &bucket_sends, POLICY_SILENT},

    /* Deny. */
    {"Deny wins, wherever it stands",
     POLICY(S("Deny", ALL, SEND, ANY, "") "," S("Allow", ALL, SEND, ANY, "")), &bucket_sends,
     POLICY_DENIED},
    {"Deny wins, at the end",
     POLICY(S("Allow", ALL, SEND, ANY, "") "," S("Deny", ALL, SEND, ANY, "")), &bucket_sends,
     POLICY_DENIED},
    {"a Deny of something else",
     POLICY(
         S("Allow", ALL, SEND, ANY, "") "," S("Deny", ALL, "\"Action\":\"sqs:Purge*\"", ANY, "")),
     &bucket_sends, POLICY_ALLOWED},
    {"not over TLS", UNLESS("Bool", "aws:SecureTransport", "\"false\""), &owner_sends_plainly,
     POLICY_DENIED},
    {"over TLS", UNLESS("Bool", "aws:SecureTransport", "\"false\""), &owner_sends, POLICY_ALLOWED},
    {"another source is denied", UNLESS("ArnNotEquals", "aws:SourceArn", "\"" BUCKET "\""),
     &topic_sends, POLICY_DENIED},
    {"the source is not", UNLESS("ArnNotEquals", "aws:SourceArn", "\"" BUCKET "\""), &bucket_sends,
     POLICY_ALLOWED},
    {"a Deny that is not decided is closed",
     UNLESS("NotIpAddress", "aws:SourceIp", "\"10.0.0.0/8\""), &bucket_sends, POLICY_DENIED},
    {"a Deny on what is not known is closed",
     UNLESS("StringEquals", "aws:PrincipalOrgID", "\"o-1\""), &owner_sends, POLICY_DENIED},

    /* Forms. */
    {"one statement, no list",
     "{\"Statement\":{\"Sid\":\"x\",\"Effect\":\"Allow\"," ALL "," SEND "," ANY "}}", &bucket_sends,
     POLICY_ALLOWED},
    {"in 2008 a variable was text",
     "{\"Version\":\"2008-10-17\",\"Statement\":{\"Effect\":\"Allow\"," ALL "," SEND "," ANY
     ",\"Condition\":{\"StringNotEquals\":{\"aws:SourceArn\":\"${x}\"}}}}",
     &bucket_sends, POLICY_ALLOWED},
    {"without Resource: what it is attached to",
     "{\"Statement\":{\"Effect\":\"Allow\"," ALL "," SEND "}}", &bucket_sends, POLICY_ALLOWED},
};

static void a_policy_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum policy_verdict verdict = ask(POLICY_OF_QUEUE, rows[i].document, rows[i].request);
        if (verdict != rows[i].verdict)
            fail_msg("%s: %d, not %d", rows[i].what, (int)verdict, (int)rows[i].verdict);
    }
    assert_int_equal(policy_evaluate(NULL, &owner_sends), POLICY_SILENT);
}

/* The reference policies, with their placeholders filled in. */

static char *file_read(const char *name)
{
    char path[128], *text = calloc(1, 16384);
    snprintf(path, sizeof path, "../shared/reference/%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(text);
    if (!file) {
        free(text);
        skip();
    }
    size_t size = fread(text, 1, 16383, file);
    fclose(file);
    assert_true(size > 0);
    return text;
}

static void fill_in(char *text, const char *from, const char *to)
{
    char *at;
    while ((at = strstr(text, from))) {
        memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
        memcpy(at, to, strlen(to));
    }
}

static char *reference(const char *name)
{
    char *text = file_read(name);
    fill_in(text, "ACCOUNT\"", "111122223333\"");
    fill_in(text, ":ACCOUNT:", ":111122223333:");
    fill_in(text, "REGION", "eu-west-1");
    assert_null(strstr(text, ":ACCOUNT"));
    return text;
}

static void granted(enum policy_kind kind, const char *document, struct policy_request request)
{
    assert_int_equal(ask(kind, document, &request), POLICY_ALLOWED);
}

static void refused(enum policy_kind kind, const char *document, struct policy_request request)
{
    assert_int_equal(ask(kind, document, &request), POLICY_SILENT);
}

static void the_rule_of_eventbridge_may_send(void **state)
{
    (void)state;
    char *text = reference("queue-from-eventbridge.json");
    struct policy_request request = {
        .service = "events.amazonaws.com",
        .action = "SendMessage",
        .resource = "arn:aws:sqs:eu-west-1:111122223333:practiceQ",
        .source_arn = "arn:aws:events:eu-west-1:111122223333:rule/HD-image-upload-trigger",
        .source_account = ACCOUNT};
    granted(POLICY_OF_QUEUE, text, request);
    struct policy_request other = request;
    other.source_arn = "arn:aws:events:eu-west-1:111122223333:rule/another";
    refused(POLICY_OF_QUEUE, text, other);
    other = request;
    other.service = "s3.amazonaws.com";
    refused(POLICY_OF_QUEUE, text, other);
    other = request;
    other.resource = "arn:aws:sqs:eu-west-1:111122223333:anotherQ";
    refused(POLICY_OF_QUEUE, text, other);
    other = request;
    other.action = "ReceiveMessage";
    refused(POLICY_OF_QUEUE, text, other);
    free(text);
}

static void the_topic_may_send_to_any_queue_with_the_policy(void **state)
{
    (void)state;
    char *text = reference("queue-from-topic.json");
    struct policy_request request = {.service = "sns.amazonaws.com",
                                     .action = "SendMessage",
                                     .resource = "arn:aws:sqs:eu-west-1:111122223333:one",
                                     .source_arn =
                                         "arn:aws:sns:eu-west-1:111122223333:NewImageTopic",
                                     .source_account = ACCOUNT};
    granted(POLICY_OF_QUEUE, text, request);
    request.resource = "arn:aws:sqs:eu-west-1:111122223333:two";
    granted(POLICY_OF_QUEUE, text, request);
    request.source_arn = "arn:aws:sns:eu-west-1:111122223333:NewImageTopic2";
    refused(POLICY_OF_QUEUE, text, request);
    request.source_arn = "arn:aws:sns:us-east-1:111122223333:NewImageTopic";
    refused(POLICY_OF_QUEUE, text, request);
    request.source_arn = NULL;
    refused(POLICY_OF_QUEUE, text, request);
    free(text);
}

static void the_bucket_may_send(void **state)
{
    (void)state;
    char *text = reference("queue-from-bucket.json");
    struct policy_request request = {.service = "s3.amazonaws.com",
                                     .action = "SendMessage",
                                     .resource = "arn:aws:sqs:eu-west-1:111122223333:content-queue",
                                     .source_arn = "arn:aws:s3:::content-bucket",
                                     .source_account = ACCOUNT};
    granted(POLICY_OF_QUEUE, text, request);
    struct policy_request other = request;
    other.action = "GetQueueUrl";
    granted(POLICY_OF_QUEUE, text, other);
    other.action = "DeleteMessage";
    refused(POLICY_OF_QUEUE, text, other);
    other = request;
    other.source_arn = "arn:aws:s3:::content-bucket-2";
    refused(POLICY_OF_QUEUE, text, other);
    other = request;
    other.resource = "arn:aws:sqs:eu-west-1:111122223333:content-queue-2";
    refused(POLICY_OF_QUEUE, text, other);
    free(text);
}

static void buckets_of_the_account_may_publish(void **state)
{
    (void)state;
    char *text = reference("topic-from-bucket.json");
    struct policy_request request = {.service = "s3.amazonaws.com",
                                     .action = "Publish",
                                     .resource =
                                         "arn:aws:sns:eu-west-1:111122223333:resize-image-topic",
                                     .source_arn = "arn:aws:s3:::any-bucket",
                                     .source_account = ACCOUNT};
    granted(POLICY_OF_TOPIC, text, request);
    struct policy_request other = request;
    other.source_account = "999999999999";
    refused(POLICY_OF_TOPIC, text, other);
    other.source_account = NULL;
    refused(POLICY_OF_TOPIC, text, other);
    other = request;
    other.resource = "arn:aws:sns:eu-west-1:111122223333:another-topic";
    refused(POLICY_OF_TOPIC, text, other);
    free(text);
}

/* Invalid policies. */

struct wrong {
    const char *document;
    int code;
    const char *says;
};

#define HEAD        "{\"Version\":\"2012-10-17\",\"Statement\":["
#define ACT(action) "\"Action\":\"" action "\""
#define TEN(text)   text text text text text text text text text text

static const struct wrong wrongs[] = {
    {"", ERR_INVALID, "line"},
    {"{", ERR_INVALID, "line"},
    {"[]", ERR_INVALID, "not a JSON object"},
    {"\"*\"", ERR_INVALID, ""},
    {"{}", ERR_INVALID, "no Statement"},
    {"{\"Version\":\"2012-10-17\"}", ERR_INVALID, "no Statement"},
    {HEAD "]}", ERR_INVALID, "no Statement"},
    {"{\"Version\":\"2013-01-01\",\"Statement\":[{\"Effect\":\"Allow\"," ALL "," SEND "," ANY "}]}",
     ERR_INVALID, "Version"},
    {"{\"Version\":2012,\"Statement\":[]}", ERR_INVALID, "Version"},
    {"{\"Id\":1,\"Statement\":[]}", ERR_INVALID, "Id"},
    {"{\"Statements\":[]}", ERR_INVALID, "Statements"},
    {HEAD "1]}", ERR_INVALID, "statement 1"},
    {HEAD "{\"Effect\":\"Allow\"," ALL "," SEND "," ANY "},{" ALL "," SEND "," ANY "}]}",
     ERR_INVALID, "statement 2: Effect"},
    {POLICY(S("Permit", ALL, SEND, ANY, "")), ERR_INVALID, "Effect"},
    {POLICY(S("allow", ALL, SEND, ANY, "")), ERR_INVALID, "Effect"},
    {POLICY(S("Allow", ALL, SEND, ANY, ",\"Sid\":7")), ERR_INVALID, "Sid"},
    {POLICY(S("Allow", ALL, SEND, ANY, ",\"Conditions\":{}")), ERR_INVALID, "Conditions"},
    {POLICY(S("Allow", ALL, SEND, ANY, ",\"Effect\":\"Deny\"")), ERR_INVALID, "line"},
    {HEAD "{\"Effect\":\"Allow\"," SEND "," ANY "}]}", ERR_INVALID, "Principal"},
    {POLICY(S("Allow", "\"Principal\":\"" ROOT "\"", SEND, ANY, "")), ERR_INVALID, "Principal"},
    {POLICY(S("Allow", "\"Principal\":{}", SEND, ANY, "")), ERR_INVALID, "Principal"},
    {POLICY(S("Allow", "\"Principal\":{\"aws\":\"*\"}", SEND, ANY, "")), ERR_INVALID, "aws"},
    {POLICY(S("Allow", "\"Principal\":{\"AWS\":[]}", SEND, ANY, "")), ERR_INVALID, "Principal"},
    {POLICY(S("Allow", "\"Principal\":{\"AWS\":[1]}", SEND, ANY, "")), ERR_INVALID, "Principal"},
    {POLICY(S("Allow", "\"Principal\":{\"AWS\":\"_\"}", SEND, ANY, "")), ERR_INVALID, "_"},
    {POLICY(S("Allow", "\"Principal\":{\"AWS\":\"12345\"}", SEND, ANY, "")), ERR_INVALID, "12345"},
    {POLICY(S("Allow", "\"Principal\":{\"AWS\":\"arn:aws:iam::*:root\"}", SEND, ANY, "")),
     ERR_INVALID, "iam"},
    {POLICY(S("Allow", ALL ",\"NotPrincipal\":\"*\"", SEND, ANY, "")), ERR_INVALID, "NotPrincipal"},
    {HEAD "{\"Effect\":\"Allow\"," ALL "," ANY "}]}", ERR_INVALID, "Action"},
    {POLICY(S("Allow", ALL, "\"Action\":[]", ANY, "")), ERR_INVALID, "Action"},
    {POLICY(S("Allow", ALL, "\"Action\":{\"sqs\":1}", ANY, "")), ERR_INVALID, "Action"},
    {POLICY(S("Allow", ALL, ACT("sns:Publish"), ANY, "")), ERR_INVALID, "out of service scope"},
    {POLICY(S("Allow", ALL, ACT("SendMessage"), ANY, "")), ERR_INVALID, "out of service scope"},
    {POLICY(S("Allow", ALL, ACT("sqs:"), ANY, "")), ERR_INVALID, "out of service scope"},
    {POLICY(S("Allow", ALL, SEND, "\"Resource\":null", "")), ERR_INVALID, "Resource"},
    {POLICY(S("Allow", ALL, SEND, ANY, ",\"Condition\":[]")), ERR_INVALID, "Condition"},
    {WHEN("ArnIs", "aws:SourceArn", "\"*\""), ERR_INVALID, "ArnIs"},
    {WHEN("IfExists", "aws:SourceArn", "\"*\""), ERR_INVALID, "IfExists"},
    {WHEN("ArnLike", "SourceArn", "\"*\""), ERR_INVALID, "SourceArn"},
    {WHEN("ArnLike", "aws:SourceArn", "{}"), ERR_INVALID, "condition"},
    {WHEN("ArnLike", "aws:SourceArn", "[null]"), ERR_INVALID, "condition"},
    {POLICY(S("Allow", ALL, SEND, ANY, ",\"Condition\":{\"ArnLike\":\"*\"}")), ERR_INVALID,
     "condition"},
    /* The quotas of SQS. */
    {POLICY(S("Allow", ALL,
              "\"Action\":[\"sqs:A\",\"sqs:B\",\"sqs:C\",\"sqs:D\",\"sqs:E\",\"sqs:F\",\"sqs:G\","
              "\"sqs:H\"]",
              ANY, "")),
     ERR_LIMIT, "8 actions were found in a statement"},
    {HEAD TEN("{},") TEN("{},") "{}]}", ERR_LIMIT, "21 statements"},
};

static void invalid_policies_are_refused_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        struct policy *policy = NULL;
        struct error error = {0};
        int code = policy_parse(POLICY_OF_QUEUE, wrongs[i].document, &policy, &error);
        if (code != wrongs[i].code || !strstr(error.text, wrongs[i].says))
            fail_msg("%d \"%s\": %s", code, error.text, wrongs[i].document);
        assert_null(policy);
    }
}

/* As the service: it accepts any text in the policy of a queue. */
static void only_a_queue_has_resources_that_are_no_arns(void **state)
{
    struct policy *policy = NULL;
    struct error error = {0};
    (void)state;
    assert_int_equal(policy_parse(POLICY_OF_QUEUE,
                                  POLICY(S("Allow", ALL, SEND, "\"Resource\":\"photos\"", "")),
                                  &policy, &error),
                     0);
    policy_release(policy);
    policy = NULL;
    assert_int_equal(
        policy_parse(POLICY_OF_TOPIC,
                     POLICY(S("Allow", ALL, ACT("sns:Publish"), "\"Resource\":\"photos\"", "")),
                     &policy, &error),
        ERR_INVALID);
    assert_non_null(strstr(error.text, "photos"));
}

static void a_policy_that_is_too_long_or_too_deep_is_refused(void **state)
{
    (void)state;
    enum { SIZE = 40000 };
    char *text = malloc(SIZE + 1);
    struct policy *policy;
    assert_non_null(text);
    memset(text, '[', SIZE);
    text[SIZE] = '\0';
    assert_int_equal(policy_parse(POLICY_OF_QUEUE, text, &policy, NULL), ERR_LIMIT);
    assert_int_equal(policy_parse(POLICY_OF_TOPIC, text, &policy, NULL), ERR_LIMIT);
    text[30000] = '\0';
    assert_int_equal(policy_parse(POLICY_OF_TOPIC, text, &policy, NULL), ERR_INVALID);
    free(text);
}

/* A pattern designed to be slow must not be slow. */
static void wildcards_cost_little(void **state)
{
    (void)state;
    char source[200], document[1024];
    memset(source, 'a', sizeof source - 1);
    source[sizeof source - 1] = '\0';
    snprintf(document, sizeof document,
             WHEN("StringLike", "aws:SourceArn", "\"" TEN("*a*a*a*a*a") "b\""));
    struct policy_request request = topic_sends;
    request.source_arn = source;
    assert_int_equal(ask(POLICY_OF_QUEUE, document, &request), POLICY_SILENT);
}

/* Reasons. */

static void reason_has(const char *document, const struct policy_request *request, const char *part)
{
    struct policy *policy = NULL;
    char reason[POLICY_REASON_MAX];
    if (document)
        assert_int_equal(policy_parse(POLICY_OF_QUEUE, document, &policy, NULL), 0);
    policy_explain(policy, request, reason);
    policy_release(policy);
    if (!strstr(reason, part))
        fail_msg("\"%s\" is not in \"%s\"", part, reason);
}

static void a_refusal_names_what_is_missing(void **state)
{
    (void)state;
    reason_has(NULL, &bucket_sends, "no policy allows s3.amazonaws.com to SendMessage");
    reason_has(WHEN("ArnEquals", "aws:SourceArn", "\"" TOPIC "\""), &bucket_sends,
               "condition ArnEquals aws:SourceArn is not met");
    reason_has(WHEN("IpAddress", "aws:SourceIp", "\"0.0.0.0/0\""), &bucket_sends,
               "condition IpAddress aws:SourceIp cannot be evaluated here");
    reason_has(ALLOW(ALL, SEND, "\"Resource\":\"arn:aws:sqs:x\"", ""), &bucket_sends,
               "Resource is not " QUEUE);
    /* Of several statements, the closest one or the one that denies. */
    reason_has(POLICY(S("Allow", "\"Principal\":{\"AWS\":\"" ROOT "\"}", SEND, ANY, "") "," S(
                   "Allow", ALL, "\"Action\":\"sqs:PurgeQueue\"", ANY, ",\"Sid\":\"Near\"")),
               &bucket_sends, "Allow statement 2 (Near): its Action is not SendMessage");
    reason_has(POLICY(S("Allow", ALL, SEND, ANY, "") "," S("Deny", ALL, SEND, ANY,
                                                           ",\"Sid\":\"NoSends\"")),
               &bucket_sends, "Deny statement 2 (NoSends)");
}

static void gaps_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *document, *says;
    } gaps[] = {
        {WHEN("IpAddress", "aws:SourceIp", "\"0.0.0.0/0\""), "IpAddress aws:SourceIp"},
        {WHEN("StringEquals", "aws:PrincipalOrgID", "\"o\""), "aws:PrincipalOrgID"},
        {WHEN("StringEquals", "aws:SourceArn", "\"${aws:x}\""), "aws:SourceArn"},
        {ALLOW(ALL, SEND, "\"Resource\":\"arn:aws:sqs:*:*:${aws:x}\"", ""), "Resource"},
        {ALLOW("\"Principal\":{\"Federated\":\"x\"}", SEND, ANY, ""), "Federated"},
        {WHEN("ArnLike", "aws:SourceArn", "\"*\""), NULL},
    };
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        struct policy *policy;
        char text[256] = "";
        assert_int_equal(policy_parse(POLICY_OF_QUEUE, gaps[i].document, &policy, NULL), 0);
        assert_int_equal(policy_gap(policy, text, sizeof text), gaps[i].says != NULL);
        if (gaps[i].says)
            assert_non_null(strstr(text, gaps[i].says));
        policy_release(policy);
    }
    assert_false(policy_gap(NULL, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_decides),
        cmocka_unit_test(the_rule_of_eventbridge_may_send),
        cmocka_unit_test(the_topic_may_send_to_any_queue_with_the_policy),
        cmocka_unit_test(the_bucket_may_send),
        cmocka_unit_test(buckets_of_the_account_may_publish),
        cmocka_unit_test(invalid_policies_are_refused_with_a_reason),
        cmocka_unit_test(only_a_queue_has_resources_that_are_no_arns),
        cmocka_unit_test(a_policy_that_is_too_long_or_too_deep_is_refused),
        cmocka_unit_test(wildcards_cost_little),
        cmocka_unit_test(a_refusal_names_what_is_missing),
        cmocka_unit_test(gaps_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
