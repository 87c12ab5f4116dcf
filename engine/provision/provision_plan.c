#include "provision_plan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision_build.h"

enum { QUEUE_NAME_MAX = 80, RULE_NAME_MAX = 64 };

static const char dead_suffix[] = "-dlq";
static const char fifo_suffix[] = ".fifo";

/* ---- settings ---- */

/* The one bucket whose photos the pipelines take. */
static void settle_bucket(struct provision_build *build)
{
    struct provision_settings *settings = &build->plan->settings;
    const char *whose = "--bucket";
    for (size_t i = 0; i < build->pipeline_count; i++) {
        const struct pipeline_facts *facts = build->ops->facts(build->pipelines[i]);
        if (!facts->match_bucket || settings->any_bucket)
            continue;
        if (settings->bucket && strcmp(settings->bucket, facts->match_bucket) != 0)
            provision_refuse(build,
                             "the pipeline %s takes only photos of the bucket %s, but %s is %s: "
                             "provision one bucket at a time, with the pipelines of that bucket "
                             "(--pipelines)",
                             facts->name, facts->match_bucket, whose, settings->bucket);
        if (!settings->bucket) {
            settings->bucket = facts->match_bucket;
            whose = "that of another pipeline";
        }
    }
    if (!settings->bucket || !settings->bucket[0])
        provision_refuse(build, "no bucket: name it with --bucket, or in the pipelines' match");
    else if (provision_is_access_point(settings->bucket))
        provision_refuse(build,
                         "--bucket %s is an access point, which sends no events: name the bucket "
                         "behind it",
                         settings->bucket);
}

static bool is_plain(const char *name)
{
    size_t i = 0;
    while (isalnum((unsigned char)name[i]) || name[i] == '-' || name[i] == '_')
        i++;
    return i > 0 && i <= RULE_NAME_MAX && !name[i];
}

/* What only a broker has, and what it has not. */
static void settle_broker(struct provision_build *build)
{
    const struct provision_settings *settings = &build->plan->settings;
    if (settings->via == PROVISION_RABBITMQ) {
        if (settings->retention_s)
            provision_refuse(build, "--retention is not for RabbitMQ, whose queues keep messages "
                                    "until they are processed");
    } else if (settings->store != PROVISION_STORE_OTHER || settings->events_to) {
        provision_refuse(build, "--store and --events-to are for --via rabbitmq");
    }
}

static void settle(struct provision_build *build, const struct provision_settings *given)
{
    struct provision_settings *settings = &build->plan->settings;
    *settings = *given;
    if (!settings->name)
        settings->name = "thumbwheel";
    if (!is_plain(settings->name))
        provision_refuse(build, "--name \"%.80s\": a name has 1 to 64 letters, digits, '-' and '_'",
                         settings->name);
    settle_bucket(build);
    settle_broker(build);
    if (build->code)
        return;
    settings->bucket = provision_keep(build, settings->bucket);
    settings->name = provision_keep(build, settings->name);
    settings->prefix = settings->prefix ? provision_keep(build, settings->prefix) : NULL;
    settings->suffix = settings->suffix ? provision_keep(build, settings->suffix) : NULL;
    if (settings->notification_id)
        settings->notification_id = provision_keep(build, settings->notification_id);
    else if (strcmp(settings->name, "thumbwheel") == 0)
        settings->notification_id = "thumbwheel";
    else
        settings->notification_id = provision_keep_format(build, "thumbwheel-%s", settings->name);
}

/* ---- resources ---- */

static size_t add(struct provision_build *build, enum provision_kind kind, const char *name,
                  size_t on, size_t to)
{
    return provision_add(
        build, (struct provision_resource){.kind = kind, .name = name, .on = on, .to = to});
}

static size_t add_filtered(struct provision_build *build, enum provision_kind kind,
                           const char *name, size_t bucket)
{
    return add(build, kind, name, bucket, PROVISION_NONE);
}

static size_t add_topic(struct provision_build *build, size_t bucket)
{
    const char *name = build->plan->settings.name;
    size_t topic = add(build, PROVISION_TOPIC, name, PROVISION_NONE, PROVISION_NONE);
    add(build, PROVISION_TOPIC_POLICY, name, topic, bucket);
    return topic;
}

/* Ceph's topics know the broker that they publish to. */
static size_t add_push_topic(struct provision_build *build)
{
    return provision_add(build, (struct provision_resource){.kind = PROVISION_TOPIC,
                                                            .name = build->plan->settings.name,
                                                            .on = PROVISION_NONE,
                                                            .to = PROVISION_NONE,
                                                            .push = true});
}

bool provision_is_fifo(const char *name)
{
    return slice_ends_with(slice_of(name), fifo_suffix);
}

static void check_queue(struct provision_build *build, const struct pipeline_facts *facts)
{
    const enum provision_via via = build->plan->settings.via;
    if (provision_is_fifo(facts->queue) && via != PROVISION_EVENTBRIDGE)
        provision_refuse(
            build,
            "the queue %s of the pipeline %s is a FIFO queue, and %s cannot send to one: "
            "use --via eventbridge, or a standard queue",
            facts->queue, facts->name, via == PROVISION_SQS ? "S3" : "a topic that S3 notifies");
    if (strlen(facts->queue) + strlen(dead_suffix) > QUEUE_NAME_MAX)
        provision_refuse(build,
                         "the queue %.100s is too long: its dead-letter queue's name has \"%s\" "
                         "added, and SQS allows 80 characters",
                         facts->queue, dead_suffix);
}

/* A FIFO queue's dead-letter queue must be one as well. */
static size_t add_dead_letters(struct provision_build *build, const char *queue)
{
    const bool fifo = provision_is_fifo(queue);
    const int stem = (int)(strlen(queue) - (fifo ? strlen(fifo_suffix) : 0));
    const char *name =
        provision_keep_format(build, "%.*s%s%s", stem, queue, dead_suffix, fifo ? fifo_suffix : "");
    return provision_add(build,
                         (struct provision_resource){.kind = PROVISION_QUEUE,
                                                     .name = name,
                                                     .on = PROVISION_NONE,
                                                     .to = PROVISION_NONE,
                                                     .retention_s = PROVISION_DEAD_RETENTION_S,
                                                     .fifo = fifo,
                                                     .dead_letters = true});
}

static size_t add_queue(struct provision_build *build, const struct pipeline_facts *facts)
{
    const struct provision_settings *settings = &build->plan->settings;
    check_queue(build, facts);
    size_t dead_letters = add_dead_letters(build, facts->queue);
    return provision_add(build, (struct provision_resource){
                                    .kind = PROVISION_QUEUE,
                                    .name = provision_keep(build, facts->queue),
                                    .on = PROVISION_NONE,
                                    .to = dead_letters,
                                    .visibility_s = facts->visibility_s ? facts->visibility_s
                                                                        : settings->visibility_s,
                                    .retention_s = settings->retention_s,
                                    .max_receives = settings->max_receives,
                                    .fifo = provision_is_fifo(facts->queue)});
}

static void add_filters(struct provision_build *build, size_t resource,
                        const struct pipeline *pipeline, size_t to)
{
    const struct provision_settings *settings = &build->plan->settings;
    struct text_list prefixes;
    provision_prefixes(build, pipeline, &prefixes);
    for (size_t i = 0; i < prefixes.count && !build->code; i++) {
        const size_t before = build->plan->resources[resource].filter_count;
        const char *id = settings->notification_id;
        if (before)
            id = provision_keep_format(build, "%s/%zu", id, before + 1);
        provision_add_filter(
            build, resource,
            (struct provision_filter){.id = id,
                                      .prefix = provision_keep(build, prefixes.items[i]),
                                      .suffix = settings->suffix ? settings->suffix : "",
                                      .to = to});
    }
    text_list_clear(&prefixes);
}

/* A rule has at most five targets, so each queue gets its own. */
static void add_rule(struct provision_build *build, const struct pipeline *pipeline, size_t bucket,
                     size_t queue)
{
    const char *name = provision_keep_format(build, "%s-%s", build->plan->settings.name,
                                             build->ops->facts(pipeline)->name);
    if (!is_plain(name))
        provision_refuse(build,
                         "the rule \"%.100s\" cannot have this name: EventBridge allows 64 "
                         "letters, digits, '-' and '_': use another --name or pipeline name",
                         name);
    size_t rule = add_filtered(build, PROVISION_RULE, name, bucket);
    if (build->code)
        return;
    add_filters(build, rule, pipeline, PROVISION_NONE);
    add(build, PROVISION_QUEUE_POLICY, build->plan->resources[queue].name, queue, rule);
    add(build, PROVISION_TARGET, "thumbwheel", rule, queue);
}

/* What leads to the queue, except the bucket's notification, which comes last. */
static void connect(struct provision_build *build, const struct pipeline *pipeline, size_t bucket,
                    size_t topic, size_t queue)
{
    const struct provision_settings *settings = &build->plan->settings;
    const char *name = build->plan->resources[queue].name;
    switch (settings->via) {
    case PROVISION_SNS:
        add(build, PROVISION_QUEUE_POLICY, name, queue, topic);
        provision_add(build, (struct provision_resource){.kind = PROVISION_SUBSCRIPTION,
                                                         .name = name,
                                                         .on = topic,
                                                         .to = queue,
                                                         .raw_delivery = !settings->envelopes});
        return;
    case PROVISION_SQS:
        add(build, PROVISION_QUEUE_POLICY, name, queue, bucket);
        return;
    default:
        add_rule(build, pipeline, bucket, queue);
        return;
    }
}

static void note_foreign(struct provision_build *build, const struct pipeline_facts *facts)
{
    const struct provision_settings *settings = &build->plan->settings;
    if (provision_is_in_broker(build, facts->queue)) {
        provision_note(build,
                       "the queue of the pipeline %s, %s, is in RabbitMQ: --via rabbitmq makes it",
                       facts->name, facts->queue);
        return;
    }
    static const char *const duties[] = {
        [PROVISION_SNS] = "subscribe it to the topic",
        [PROVISION_SQS] = "let the bucket send to it, and notify it",
        [PROVISION_EVENTBRIDGE] = "make it the target of a rule",
    };
    provision_note(build,
                   "the queue of the pipeline %s, %s, is left to its owner, since it is given by "
                   "URL or ARN: create it with a dead-letter queue, and %s (%s)",
                   facts->name, facts->queue, duties[settings->via],
                   settings->via == PROVISION_SNS ? settings->name : settings->bucket);
}

static void add_pipelines(struct provision_build *build, size_t bucket, size_t topic)
{
    for (size_t i = 0; i < build->pipeline_count && !build->code; i++) {
        const struct pipeline *pipeline = build->pipelines[i];
        const struct pipeline_facts *facts = build->ops->facts(pipeline);
        if (!provision_makes_queue(build, i)) {
            note_foreign(build, facts);
            continue;
        }
        size_t queue = add_queue(build, facts);
        if (build->code)
            return;
        connect(build, pipeline, bucket, topic, queue);
    }
}

static bool makes_any_queue(const struct provision_build *build)
{
    for (size_t i = 0; i < build->pipeline_count; i++)
        if (provision_makes_queue(build, i))
            return true;
    return false;
}

/* The last resource: events flow when everything else is ready for them. */
static void add_notification(struct provision_build *build, size_t bucket, size_t topic)
{
    const struct provision_plan *plan = build->plan;
    const enum provision_via via = plan->settings.via;
    const bool by_topic = via == PROVISION_SNS || via == PROVISION_RABBITMQ;
    if (!makes_any_queue(build) && !by_topic)
        return;
    size_t last = add_filtered(
        build, via == PROVISION_EVENTBRIDGE ? PROVISION_EVENT_BRIDGE : PROVISION_NOTIFICATION,
        plan->settings.bucket, bucket);
    if (build->code || via == PROVISION_EVENTBRIDGE)
        return;
    if (by_topic)
        add_filters(build, last, NULL, topic);
    for (size_t i = 0; i < build->pipeline_count && via == PROVISION_SQS; i++)
        if (provision_makes_queue(build, i))
            add_filters(build, last, build->pipelines[i],
                        provision_find(plan, PROVISION_QUEUE,
                                       build->ops->facts(build->pipelines[i])->queue));
}

/* The events come from the store, over the broker, to every queue. */
static void build_rabbitmq(struct provision_build *build, size_t bucket)
{
    provision_build_broker(build);
    provision_settle_events_to(build);
    if (!build->code)
        provision_build_notify(build);
    if (build->code)
        return;
    switch (build->plan->settings.store) {
    case PROVISION_STORE_CEPH:
        add_notification(build, bucket, add_push_topic(build));
        return;
    case PROVISION_STORE_MINIO:
        provision_build_minio(build);
        return;
    default:
        provision_note_publisher(build);
        return;
    }
}

static void build_plan(struct provision_build *build)
{
    const struct provision_settings *settings = &build->plan->settings;
    size_t topic = PROVISION_NONE;
    size_t bucket = add(build, PROVISION_BUCKET, settings->bucket, PROVISION_NONE, PROVISION_NONE);
    provision_build_outputs(build);
    if (settings->via == PROVISION_RABBITMQ) {
        if (!build->code)
            build_rabbitmq(build, bucket);
        return;
    }
    if (settings->via == PROVISION_SNS)
        topic = add_topic(build, bucket);
    if (settings->via == PROVISION_SQS)
        provision_check_apart(build);
    if (!build->code)
        add_pipelines(build, bucket, topic);
    if (!build->code)
        provision_build_notify(build);
    if (!build->code)
        add_notification(build, bucket, topic);
}

int provision_plan_make(struct provision_plan *plan, const struct pipeline_ops *ops,
                        struct pipeline *const *pipelines, size_t count,
                        const struct provision_settings *settings, struct error *error)
{
    struct provision_build build = {
        .plan = plan, .ops = ops, .pipelines = pipelines, .pipeline_count = count, .error = error};
    *plan = (struct provision_plan){0};
    settle(&build, settings);
    if (!build.code)
        build_plan(&build);
    return build.code;
}

void provision_plan_clear(struct provision_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        json_decref(plan->resources[i].attributes);
    free(plan->resources);
    free(plan->filters);
    text_list_clear(&plan->notes);
    text_list_clear(&plan->commands);
    text_list_clear(&plan->texts);
    *plan = (struct provision_plan){0};
}

size_t provision_find(const struct provision_plan *plan, enum provision_kind kind, const char *name)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->resources[i].kind == kind && strcmp(plan->resources[i].name, name) == 0)
            return i;
    return PROVISION_NONE;
}
