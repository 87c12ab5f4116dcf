#include "provision_permissions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "provision_broker.h"
#include "resource_home.h"

enum { ACTIONS_MAX = 5, PATTERN_MAX = 4096 };

static const struct permit_row {
    const char *sid;
    const char *actions[ACTIONS_MAX + 1];
} rows[PERMIT_COUNT] = {
    [PERMIT_QUEUES] = {"Queues",
                       {"sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ReceiveMessage",
                        "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"}},
    [PERMIT_DEAD_LETTERS] = {"DeadLetters",
                             {"sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:SendMessage"}},
    [PERMIT_LIST] = {"TellMissingFromDenied", {"s3:ListBucket"}},
    [PERMIT_SOURCES] = {"Sources", {"s3:GetObject", "s3:GetObjectVersion"}},
    [PERMIT_SOURCE_TAGS] = {"SourceTags",
                            {"s3:GetObjectTagging", "s3:GetObjectVersionTagging",
                             "s3:PutObjectTagging", "s3:PutObjectVersionTagging"}},
    [PERMIT_FOCAL_TAGS] = {"FocalTags", {"s3:GetObjectTagging", "s3:GetObjectVersionTagging"}},
    [PERMIT_OVERLAYS] = {"Overlays", {"s3:GetObject"}},
    [PERMIT_OUTPUTS] = {"Outputs", {"s3:GetObject", "s3:PutObject"}},
    [PERMIT_OUTPUT_TAGS] = {"OutputTags", {"s3:PutObjectTagging"}},
    [PERMIT_OUTPUT_ACLS] = {"OutputAcls", {"s3:PutObjectAcl"}},
    [PERMIT_KEYS] = {"Keys", {"kms:GenerateDataKey"}},
    [PERMIT_KEY_ALIASES] = {"KeyAliases", {"kms:GenerateDataKey"}},
    [PERMIT_LABELS] = {"Labels", {"rekognition:DetectLabels"}},
    [PERMIT_NOTIFY_TOPICS] = {"NotifyTopics", {"sns:Publish"}},
    [PERMIT_NOTIFY_QUEUES] = {"NotifyQueues",
                              {"sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:SendMessage"}},
    [PERMIT_NOTIFY_BUSES] = {"NotifyBuses", {"events:PutEvents"}},
};

struct permissions_build {
    struct provision_permissions *out;
    const struct provision_plan *plan;
    int code;
};

/* "" after an error. */
static const char *keep(struct permissions_build *build, char *text)
{
    if (text_list_take(&build->out->texts, text)) {
        build->code = ERR_MEMORY;
        return "";
    }
    return text;
}

static const char *keep_format(struct permissions_build *build, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = text_list_vformat(&build->out->texts, format, args);
    va_end(args);
    if (!text)
        build->code = ERR_MEMORY;
    return text ? text : "";
}

static bool is_same(const struct provision_reach *a, const struct provision_reach *b)
{
    bool same_service =
        a->service && b->service ? strcmp(a->service, b->service) == 0 : a->service == b->service;
    return same_service && a->resource == b->resource && strcmp(a->text, b->text) == 0;
}

static void add(struct permissions_build *build, enum provision_permit permit,
                struct provision_reach reach)
{
    struct provision_permission *item = &build->out->items[permit];
    for (size_t i = 0; i < item->count; i++)
        if (is_same(&item->reaches[i], &reach))
            return;
    struct provision_reach *grown =
        reallocarray(item->reaches, item->count + 1, sizeof *item->reaches);
    if (!grown) {
        build->code = ERR_MEMORY;
        return;
    }
    item->reaches = grown;
    item->reaches[item->count++] = reach;
}

static void add_arn(struct permissions_build *build, enum provision_permit permit, const char *arn)
{
    add(build, permit, (struct provision_reach){.resource = PROVISION_NONE, .text = arn});
}

/* ---- queues ---- */

/* The account and region of a name, and of a host that is not AWS's, are those of the template. */
static void add_queue_url(struct permissions_build *build, enum provision_permit permit,
                          const char *url)
{
    struct resource_home home;
    const char *slash = strrchr(url, '/');
    if (resource_home_read(url, &home))
        add_arn(build, permit,
                keep_format(build, "arn:%s:sqs:%s:%s:%s", home.partition, home.region, home.account,
                            home.name));
    else
        add(build, permit,
            (struct provision_reach){PROVISION_NONE, "sqs",
                                     keep_format(build, "%s", slash ? slash + 1 : url)});
}

/* A name, URL or ARN. */
/* A policy of AWS says nothing about queues in a message broker. */
static bool is_in_broker(const struct permissions_build *build, const char *queue)
{
    const struct provision_broker *broker = build->plan->settings.broker;
    return broker && broker->is_address(queue);
}

static void add_queue(struct permissions_build *build, enum provision_permit permit,
                      const char *queue)
{
    if (is_in_broker(build, queue))
        return;
    size_t index = provision_find(build->plan, PROVISION_QUEUE, queue);
    if (index != PROVISION_NONE)
        add(build, permit, (struct provision_reach){index, NULL, ""});
    else if (strncmp(queue, "arn:", 4) == 0)
        add_arn(build, permit, keep_format(build, "%s", queue));
    else
        add_queue_url(build, permit, queue);
}

/* Nobody but its owner knows the dead-letter queue of a queue that the plan does not make. */
static void add_queues(struct permissions_build *build, const char *queue)
{
    size_t index = provision_find(build->plan, PROVISION_QUEUE, queue);
    add_queue(build, PERMIT_QUEUES, queue);
    if (index != PROVISION_NONE && build->plan->resources[index].to != PROVISION_NONE)
        add(build, PERMIT_DEAD_LETTERS,
            (struct provision_reach){build->plan->resources[index].to, NULL, ""});
}

/* Presigned links to outputs need no more than reading them. */
static void add_notify(struct permissions_build *build, const struct pipeline_notify *notify)
{
    const char *target = notify->target;
    if (notify->kind == NOTIFY_QUEUE)
        add_queue(build, PERMIT_NOTIFY_QUEUES, target);
    else if (notify->kind == NOTIFY_TOPIC)
        add_arn(build, PERMIT_NOTIFY_TOPICS, keep_format(build, "%s", target));
    else if (notify->kind == NOTIFY_EVENT_BUS && strncmp(target, "arn:", 4) == 0)
        add_arn(build, PERMIT_NOTIFY_BUSES, keep_format(build, "%s", target));
    else if (notify->kind == NOTIFY_EVENT_BUS)
        add(build, PERMIT_NOTIFY_BUSES,
            (struct provision_reach){PROVISION_NONE, "events",
                                     keep_format(build, "event-bus/%s", target)});
}

/* ---- objects ---- */

/* Appends text that stands for itself. A character that means something else in a policy, or that
 * policies do not allow, becomes a wildcard. */
static void append_literal(struct buffer *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        bool wide = c < ' ' || c > '~';
        bool repeats = out->size && out->data[out->size - 1] == '*';
        if (wide && !repeats)
            buffer_byte(out, '*');
        else if (!wide)
            buffer_byte(out, c == '*' || c == '?' || c == '$' ? '?' : (char)c);
    }
}

/* Appends "*"; two in a row match no more than one. */
static void append_any(struct buffer *out)
{
    if (!out->size || out->data[out->size - 1] != '*')
        buffer_byte(out, '*');
}

/* Any value of a placeholder is possible. The slash after an empty {dir} is omitted. */
static void append_placeholder(struct buffer *out, const char *pipeline, const char **cursor)
{
    const char *name = *cursor + 1, *end = strchr(name, '}');
    *cursor = end ? end + 1 : name + strlen(name);
    if (strncmp(name, "pipeline}", 9) == 0) {
        append_literal(out, pipeline, strlen(pipeline));
        return;
    }
    append_any(out);
    if (strncmp(name, "dir}", 4) == 0 && **cursor == '/')
        ++*cursor;
}

static const char *key_pattern(struct permissions_build *build, const char *pipeline,
                               const char *key)
{
    struct buffer text;
    buffer_init(&text, PATTERN_MAX);
    while (*key) {
        size_t literal = strcspn(key, "{");
        append_literal(&text, key, literal);
        key += literal;
        if (*key)
            append_placeholder(&text, pipeline, &key);
    }
    char *pattern = buffer_take_text(&text);
    buffer_free(&text);
    return keep(build, pattern);
}

/* An access point's objects have ARNs of their own form ("Configuring IAM policies for using access
 * points", Amazon S3 User Guide). Nothing tells to which access point an alias belongs. */
static void add_objects(struct permissions_build *build, enum provision_permit permit,
                        const char *bucket, const char *pattern)
{
    size_t index = provision_find(build->plan, PROVISION_BUCKET, bucket);
    if (strncmp(bucket, "arn:", 4) == 0)
        add_arn(build, permit, keep_format(build, "%s/object/%s", bucket, pattern));
    else if (index != PROVISION_NONE)
        add(build, permit,
            (struct provision_reach){index, NULL, keep_format(build, "/%s", pattern)});
}

static void add_list(struct permissions_build *build, const char *bucket)
{
    size_t index = provision_find(build->plan, PROVISION_BUCKET, bucket);
    if (strncmp(bucket, "arn:", 4) == 0)
        add_arn(build, PERMIT_LIST, keep_format(build, "%s", bucket));
    else if (index != PROVISION_NONE)
        add(build, PERMIT_LIST, (struct provision_reach){index, NULL, ""});
}

/* ---- sources ---- */

static void add_source(struct permissions_build *build, const struct pipeline_facts *facts,
                       const char *prefix)
{
    const char *bucket = build->plan->settings.bucket;
    struct buffer text;
    buffer_init(&text, PATTERN_MAX);
    append_literal(&text, prefix, strlen(prefix));
    append_any(&text);
    char *pattern = buffer_take_text(&text);
    buffer_free(&text);
    const char *kept = keep(build, pattern);
    add_objects(build, PERMIT_SOURCES, bucket, kept);
    if (facts->tags)
        add_objects(build, PERMIT_SOURCE_TAGS, bucket, kept);
    if (facts->tagged_focal)
        add_objects(build, PERMIT_FOCAL_TAGS, bucket, kept);
}

/* The keys that are both announced (--prefix) and accepted (match). */
static void add_sources(struct permissions_build *build, const struct pipeline_facts *facts)
{
    const char *announced = build->plan->settings.prefix ? build->plan->settings.prefix : "";
    add_list(build, build->plan->settings.bucket);
    if (facts->match_prefix_count == 0)
        add_source(build, facts, announced);
    for (size_t i = 0; i < facts->match_prefix_count; i++) {
        const char *accepted = facts->match_prefixes[i];
        if (strncmp(accepted, announced, strlen(announced)) == 0)
            add_source(build, facts, accepted);
        else if (strncmp(announced, accepted, strlen(accepted)) == 0)
            add_source(build, facts, announced);
    }
}

/* ---- outputs ---- */

/* A policy cannot name a key by its alias, but demand that the key has it ("Controlling access to
 * KMS keys by using aliases", AWS KMS Developer Guide). The policy of the account's own key for S3
 * allows its use through S3. */
static void add_key(struct permissions_build *build, const char *key)
{
    const char *alias = strstr(key, "alias/");
    if (alias) {
        if (text_list_add(&build->out->aliases, alias))
            build->code = ERR_MEMORY;
        add(build, PERMIT_KEY_ALIASES, (struct provision_reach){PROVISION_NONE, "kms", "key/*"});
    } else if (strncmp(key, "arn:", 4) == 0) {
        add_arn(build, PERMIT_KEYS, keep_format(build, "%s", key));
    } else {
        add(build, PERMIT_KEYS,
            (struct provision_reach){PROVISION_NONE, "kms", keep_format(build, "key/%s", key)});
    }
}

static void add_output(struct permissions_build *build, const char *pipeline,
                       const struct pipeline_output *output)
{
    const struct object_settings *settings = output->settings;
    const char *bucket = output->bucket ? output->bucket : build->plan->settings.bucket;
    const char *pattern = key_pattern(build, pipeline, output->key);
    add_list(build, bucket);
    add_objects(build, PERMIT_OUTPUTS, bucket, pattern);
    if (settings && settings->tag_count)
        add_objects(build, PERMIT_OUTPUT_TAGS, bucket, pattern);
    if (settings && settings->acl)
        add_objects(build, PERMIT_OUTPUT_ACLS, bucket, pattern);
    if (settings && settings->kms_key)
        add_key(build, settings->kms_key);
}

/* ---- overlays ---- */

static void add_overlay(struct permissions_build *build, const struct pipeline_overlay *overlay)
{
    const char *bucket = overlay->bucket ? overlay->bucket : build->plan->settings.bucket;
    struct buffer text;
    buffer_init(&text, PATTERN_MAX);
    append_literal(&text, overlay->key, strlen(overlay->key));
    char *pattern = buffer_take_text(&text);
    buffer_free(&text);
    const char *kept = keep(build, pattern);
    if (strncmp(bucket, "arn:", 4) != 0 &&
        provision_find(build->plan, PROVISION_BUCKET, bucket) == PROVISION_NONE)
        add_arn(build, PERMIT_OVERLAYS, keep_format(build, "arn:aws:s3:::%s/%s", bucket, kept));
    else
        add_objects(build, PERMIT_OVERLAYS, bucket, kept);
}

static void add_pipeline(struct permissions_build *build, const struct pipeline_ops *ops,
                         const struct pipeline *pipeline)
{
    const struct pipeline_facts *facts = ops->facts(pipeline);
    add_queues(build, facts->queue);
    if (facts->notify)
        add_notify(build, facts->notify);
    add_sources(build, facts);
    for (size_t i = 0; i < facts->overlay_count; i++)
        add_overlay(build, &facts->overlays[i]);
    for (size_t i = 0; i <= facts->output_count; i++) {
        const struct pipeline_output output = ops->output(pipeline, i);
        if (output.key)
            add_output(build, facts->name, &output);
    }
    if (facts->labeler && facts->labeler->kind == LABELER_REKOGNITION)
        add_arn(build, PERMIT_LABELS, "*"); /* the action knows no resources */
}

int provision_permissions_make(struct provision_permissions *out, const struct provision_plan *plan,
                               const struct pipeline_ops *ops, struct pipeline *const *pipelines,
                               size_t count, struct error *error)
{
    struct permissions_build build = {.out = out, .plan = plan};
    *out = (struct provision_permissions){0};
    for (size_t i = 0; i < count && !build.code; i++)
        add_pipeline(&build, ops, pipelines[i]);
    if (build.code)
        return error_set(error, build.code,
                         "the permissions of the pipelines cannot be listed (%s)",
                         error_name(build.code));
    return 0;
}

void provision_permissions_clear(struct provision_permissions *permissions)
{
    for (size_t i = 0; i < PERMIT_COUNT; i++)
        free(permissions->items[i].reaches);
    text_list_clear(&permissions->aliases);
    text_list_clear(&permissions->texts);
    *permissions = (struct provision_permissions){0};
}

/* ---- the policy ---- */

static json_t *actions_of(const struct permit_row *row)
{
    json_t *actions = json_array();
    for (size_t i = 0; row->actions[i]; i++) {
        if (json_array_append_new(actions, json_string(row->actions[i]))) {
            json_decref(actions);
            return NULL;
        }
    }
    return actions;
}

static json_t *aliases_of(const struct provision_permissions *permissions)
{
    json_t *aliases = json_array();
    for (size_t i = 0; i < permissions->aliases.count; i++)
        json_array_append_new(aliases, json_string(permissions->aliases.items[i]));
    return json_pack("{s:{s:o}}", "ForAnyValue:StringEquals", "kms:ResourceAliases", aliases);
}

static json_t *statement_of(const struct provision_permissions *permissions,
                            enum provision_permit permit, provision_reach_render *render,
                            void *user)
{
    const struct provision_permission *item = &permissions->items[permit];
    json_t *resources = json_array();
    int failed = !resources;
    for (size_t i = 0; i < item->count && !failed; i++)
        failed = json_array_append_new(resources, render(&item->reaches[i], user));
    if (failed) {
        json_decref(resources);
        return NULL;
    }
    json_t *statement =
        json_pack("{s:s, s:s, s:o, s:o}", "Sid", rows[permit].sid, "Effect", "Allow", "Action",
                  actions_of(&rows[permit]), "Resource", resources);
    if (permit == PERMIT_KEY_ALIASES && statement &&
        json_object_set_new(statement, "Condition", aliases_of(permissions))) {
        json_decref(statement);
        return NULL;
    }
    return statement;
}

json_t *provision_role_policy(const struct provision_permissions *permissions,
                              provision_reach_render *render, void *user)
{
    json_t *statements = json_array();
    int failed = !statements;
    for (enum provision_permit i = 0; i < PERMIT_COUNT && !failed; i++) {
        if (permissions->items[i].count)
            failed = json_array_append_new(statements, statement_of(permissions, i, render, user));
    }
    if (failed) {
        json_decref(statements);
        return NULL;
    }
    return json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", statements);
}
