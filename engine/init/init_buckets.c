/* Buckets: their settings and notifications are XML documents. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init_build.h"
#include "init_values.h"
#include "xml_writer.h"

enum { DOCUMENT_MAX = 256 * 1024 };

static const char name_space[] = "http://s3.amazonaws.com/doc/2006-03-01/";

static void document_begin(struct buffer *out, const char *root)
{
    buffer_init(out, DOCUMENT_MAX);
    buffer_format(out, XML_DECLARATION "<%s xmlns=\"%s\">", root, name_space);
}

/* Takes the body. */
static int put(struct init_build *build, const struct yaml_node *bucket, const char *key,
               const char *operation, const char *query, struct buffer *body)
{
    int code = body->error;
    struct init_request *request =
        code ? NULL : init_request_add(build, bucket, key, INIT_S3, operation);
    if (!request) {
        buffer_free(body);
        return code ? code : ERR_MEMORY;
    }
    request->query = query;
    request->body = body->size ? buffer_take_text(body) : NULL;
    return 0;
}

/* us-east-1 is the default, which must not be named. */
int init_bucket_create(struct init_build *build, const struct yaml_node *bucket)
{
    struct buffer body;
    buffer_init(&body, DOCUMENT_MAX);
    if (strcmp(build->home->region, "us-east-1") != 0) {
        document_begin(&body, "CreateBucketConfiguration");
        xml_element(&body, "LocationConstraint", build->home->region);
        xml_close(&body, "CreateBucketConfiguration");
    }
    int code = put(build, bucket, NULL, "CreateBucket", NULL, &body);
    if (!code)
        build->file->requests[build->file->count - 1].accepts = "BucketAlreadyOwnedByYou";
    return code;
}

/* Settings. */

static int versioning(struct init_build *build, const struct yaml_node *bucket)
{
    struct buffer body;
    document_begin(&body, "VersioningConfiguration");
    xml_element(&body, "Status",
                init_switch(bucket, "versioning", false) ? "Enabled" : "Suspended");
    xml_close(&body, "VersioningConfiguration");
    return put(build, bucket, "versioning", "PutBucketVersioning", "versioning=", &body);
}

static int tags(struct init_build *build, const struct yaml_node *bucket)
{
    struct buffer body;
    document_begin(&body, "Tagging");
    xml_open(&body, "TagSet");
    for (const struct yaml_node *tag = yaml_child(bucket, "tags")->children; tag; tag = tag->next) {
        xml_open(&body, "Tag");
        xml_element(&body, "Key", tag->name);
        xml_element(&body, "Value", tag->text);
        xml_close(&body, "Tag");
    }
    xml_close(&body, "TagSet");
    xml_close(&body, "Tagging");
    return put(build, bucket, "tags", "PutBucketTagging", "tagging=", &body);
}

static void texts_write(struct buffer *out, const struct yaml_node *map, const char *name,
                        const char *element)
{
    const struct yaml_node *list = yaml_child(map, name);
    for (const struct yaml_node *node = list ? list->children : NULL; node; node = node->next)
        xml_element(out, element, node->text);
}

static int cors(struct init_build *build, const struct yaml_node *bucket)
{
    struct buffer body;
    document_begin(&body, "CORSConfiguration");
    const struct yaml_node *rule = yaml_child(bucket, "cors")->children;
    for (; rule; rule = rule->next) {
        xml_open(&body, "CORSRule");
        texts_write(&body, rule, "origins", "AllowedOrigin");
        texts_write(&body, rule, "methods", "AllowedMethod");
        texts_write(&body, rule, "headers", "AllowedHeader");
        texts_write(&body, rule, "expose", "ExposeHeader");
        if (init_text(rule, "max_age"))
            xml_element(&body, "MaxAgeSeconds", init_text(rule, "max_age"));
        xml_close(&body, "CORSRule");
    }
    xml_close(&body, "CORSConfiguration");
    return put(build, bucket, "cors", "PutBucketCors", "cors=", &body);
}

/* A new bucket blocks policies that grant everybody something. */
static int public_access(struct init_build *build, const struct yaml_node *bucket)
{
    static const char *const blocks[] = {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy",
                                         "RestrictPublicBuckets"};
    const char *blocked = init_switch(bucket, "public", false) ? "false" : "true";
    struct buffer body;
    document_begin(&body, "PublicAccessBlockConfiguration");
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        xml_element(&body, blocks[i], blocked);
    xml_close(&body, "PublicAccessBlockConfiguration");
    return put(build, bucket, "public", "PutPublicAccessBlock", "publicAccessBlock=", &body);
}

static int policy(struct init_build *build, const struct yaml_node *bucket)
{
    struct buffer body;
    buffer_init(&body, DOCUMENT_MAX);
    char *text = init_document(yaml_child(bucket, "policy"));
    if (text)
        buffer_text(&body, text);
    free(text);
    if (!text)
        body.error = ERR_MEMORY;
    return put(build, bucket, "policy", "PutBucketPolicy", "policy=", &body);
}

int init_bucket_set(struct init_build *build, const struct yaml_node *bucket)
{
    static const struct {
        const char *key;
        init_item *set;
    } settings[] = {{"versioning", versioning},
                    {"tags", tags},
                    {"cors", cors},
                    {"public", public_access},
                    {"policy", policy}};
    int code = 0;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0] && !code; i++) {
        if (yaml_child(bucket, settings[i].key))
            code = settings[i].set(build, bucket);
    }
    return code;
}

/* Notifications. */

static void filter_write(struct buffer *out, const struct yaml_node *item)
{
    static const char *const names[] = {"prefix", "suffix"};
    if (!init_text(item, "prefix") && !init_text(item, "suffix"))
        return;
    xml_open(out, "Filter");
    xml_open(out, "S3Key");
    for (size_t i = 0; i < 2; i++) {
        if (!init_text(item, names[i]))
            continue;
        xml_open(out, "FilterRule");
        xml_element(out, "Name", names[i]);
        xml_element(out, "Value", init_text(item, names[i]));
        xml_close(out, "FilterRule");
    }
    xml_close(out, "S3Key");
    xml_close(out, "Filter");
}

/* Without an id, it is the number, so that S3 does not make one up each time. */
static void id_write(struct buffer *out, const struct yaml_node *item, unsigned number)
{
    const char *given = init_text(item, "id");
    char id[16];
    snprintf(id, sizeof id, "init-%u", number);
    xml_element(out, "Id", given ? given : id);
}

static int notification_write(struct init_build *build, struct buffer *out,
                              const struct yaml_node *item, unsigned number)
{
    const char *queue = init_text(item, "queue");
    const char *element = queue ? "QueueConfiguration" : "TopicConfiguration";
    json_t *arn = init_arn(build, queue ? "sqs" : "sns", queue ? queue : init_text(item, "topic"));
    if (!arn)
        return ERR_MEMORY;
    xml_open(out, element);
    id_write(out, item, number);
    xml_element(out, queue ? "Queue" : "Topic", json_string_value(arn));
    texts_write(out, item, "events", "Event");
    filter_write(out, item);
    xml_close(out, element);
    json_decref(arn);
    return 0;
}

int init_bucket_notify(struct init_build *build, const struct yaml_node *bucket)
{
    const struct yaml_node *list = yaml_child(bucket, "notifications");
    const char *key = list ? "notifications" : "event_bridge";
    struct buffer body;
    unsigned number = 0;
    int code = 0;
    if (!list && !yaml_child(bucket, key))
        return 0;
    document_begin(&body, "NotificationConfiguration");
    for (const struct yaml_node *item = list ? list->children : NULL; item && !code;
         item = item->next)
        code = notification_write(build, &body, item, ++number);
    if (init_switch(bucket, "event_bridge", false))
        buffer_text(&body, "<EventBridgeConfiguration/>");
    xml_close(&body, "NotificationConfiguration");
    if (code)
        body.error = code;
    return put(build, bucket, key, "PutBucketNotificationConfiguration", "notification=", &body);
}
