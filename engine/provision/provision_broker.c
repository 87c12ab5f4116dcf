/* The part of a plan that is in a message broker, and how a store comes to publish to it. */
#include "provision_broker.h"

#include <stdlib.h>
#include <string.h>

#include "provision_build.h"

struct broker_queues { /* addresses, each once; borrowed from the pipelines */
    const char **items;
    size_t count;
};

bool provision_is_in_broker(const struct provision_build *build, const char *queue)
{
    const struct provision_broker *broker = build->plan->settings.broker;
    return broker && broker->is_address(queue);
}

static void add_once(struct broker_queues *queues, const char *address)
{
    for (size_t i = 0; i < queues->count; i++)
        if (strcmp(queues->items[i], address) == 0)
            return;
    queues->items[queues->count++] = address;
}

static void note_elsewhere(struct provision_build *build, const struct pipeline_facts *facts)
{
    provision_note(build,
                   "the queue of the pipeline %s, %s, is not in RabbitMQ and is left as it is: "
                   "provision it with another --via",
                   facts->name, facts->queue);
}

static void collect(struct provision_build *build, struct broker_queues *queues,
                    struct broker_queues *told)
{
    for (size_t i = 0; i < build->pipeline_count; i++) {
        const struct pipeline_facts *facts = build->ops->facts(build->pipelines[i]);
        const struct pipeline_notify *notify = facts->notify;
        if (provision_is_in_broker(build, facts->queue))
            add_once(queues, facts->queue);
        else
            note_elsewhere(build, facts);
        if (notify && notify->kind == NOTIFY_QUEUE && provision_is_in_broker(build, notify->target))
            add_once(told, notify->target);
    }
}

static size_t on_item(void *plan, const struct provision_broker_item *item)
{
    struct provision_build *build = plan;
    if (!item->attributes)
        provision_fail(build, ERR_MEMORY);
    const size_t index =
        provision_add(build, (struct provision_resource){.kind = item->kind,
                                                         .name = provision_keep(build, item->name),
                                                         .on = item->on,
                                                         .to = item->to,
                                                         .attributes = item->attributes});
    if (index == PROVISION_NONE)
        json_decref(item->attributes);
    return index;
}

static void plan_queues(struct provision_build *build, const struct broker_queues *queues,
                        const struct broker_queues *told)
{
    const struct provision_settings *settings = &build->plan->settings;
    const struct provision_broker_wish wish = {.exchange = settings->name,
                                               .queues = queues->items,
                                               .queue_count = queues->count,
                                               .notified = told->items,
                                               .notified_count = told->count,
                                               .max_receives = settings->max_receives};
    if (queues->count == 0) {
        provision_refuse(build, "no pipeline has a queue in RabbitMQ: write its address into the "
                                "pipeline file, as in queue: amqp://USER@HOST/VHOST/QUEUE");
        return;
    }
    build->plan->broker = provision_keep(build, queues->items[0]);
    const int code = settings->broker->plan(&wish, on_item, build, build->error);
    if (code && !build->code)
        build->code = code;
}

void provision_build_broker(struct provision_build *build)
{
    const size_t room = build->pipeline_count ? build->pipeline_count : 1;
    struct broker_queues queues = {.items = calloc(room, sizeof *queues.items)};
    struct broker_queues told = {.items = calloc(room, sizeof *told.items)};
    if (queues.items && told.items) {
        collect(build, &queues, &told);
        plan_queues(build, &queues, &told);
    } else {
        provision_fail(build, ERR_MEMORY);
    }
    free(queues.items);
    free(told.items);
}

/* ---- where the store publishes to ---- */

void provision_settle_events_to(struct provision_build *build)
{
    struct provision_settings *settings = &build->plan->settings;
    if (build->code)
        return;
    if (settings->events_to) {
        const int code = settings->broker->publish_check(settings->events_to, build->error);
        if (code) {
            build->code = code;
            error_prefix(build->error, "--events-to");
            return;
        }
        settings->events_to = provision_keep(build, settings->events_to);
        return;
    }
    char *address = settings->broker->publish_address(build->plan->broker);
    if (address)
        settings->events_to = provision_keep(build, address);
    else
        provision_fail(build, ERR_MEMORY);
    free(address);
}

void provision_note_publisher(struct provision_build *build)
{
    const struct provision_settings *settings = &build->plan->settings;
    provision_note(build,
                   "the events of new photos in %s are left to the store: let it publish them to "
                   "the exchange %s of %s with the routing key %s; --store ceph does it, --store "
                   "minio prints how",
                   settings->bucket, settings->name, settings->events_to, settings->name);
}

static void command(struct provision_build *build, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void command(struct provision_build *build, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!text_list_vformat(&build->plan->commands, format, args))
        provision_fail(build, ERR_MEMORY);
    va_end(args);
}

/* "amqp://USER:PASSWORD@HOST…", in which the reader replaces the word. */
static void add_target_command(struct provision_build *build)
{
    const struct provision_settings *settings = &build->plan->settings;
    const char *to = settings->events_to, *at = strrchr(to, '@');
    const char *name = settings->name;
    const int user = at ? (int)(at - to) : 0;
    command(build,
            "mc admin config set ALIAS notify_amqp:%s url='%.*s%s%s' exchange=%s "
            "exchange_type=topic routing_key=%s durable=on delivery_mode=2 publisher_confirms=on "
            "queue_dir=/var/lib/minio/events",
            name, user, to, at ? ":PASSWORD" : "", to + user, name, name);
}

/* A path of the shell's: MinIO's keys may hold anything. */
static void add_event_command(struct provision_build *build, const char *prefix)
{
    const struct provision_settings *settings = &build->plan->settings;
    struct buffer text;
    buffer_init(&text, 8192);
    buffer_format(&text, "mc event add ALIAS/%s arn:minio:sqs::%s:amqp --event put",
                  settings->bucket, settings->name);
    const struct {
        const char *option, *value;
    } filters[] = {{"prefix", prefix}, {"suffix", settings->suffix ? settings->suffix : ""}};
    for (size_t i = 0; i < 2; i++) {
        if (!filters[i].value[0])
            continue;
        buffer_format(&text, " --%s '", filters[i].option);
        for (const char *c = filters[i].value; *c; c++)
            buffer_format(&text, *c == '\'' ? "'\\''" : "%c", *c);
        buffer_byte(&text, '\'');
    }
    char *line = buffer_take_text(&text);
    if (line)
        command(build, "%s", line);
    else
        provision_fail(build, ERR_MEMORY);
    free(line);
}

void provision_build_minio(struct provision_build *build)
{
    struct text_list prefixes;
    add_target_command(build);
    command(build, "mc admin service restart ALIAS");
    provision_prefixes(build, NULL, &prefixes);
    for (size_t i = 0; i < prefixes.count && !build->code; i++)
        add_event_command(build, prefixes.items[i]);
    text_list_clear(&prefixes);
}
