/* thumbwheel send: events for objects that exist, or any messages. */
#include "command.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core_files.h"
#include "json_line.h"
#include "object_address.h"
#include "payload_pointer.h"
#include "producer.h"
#include "send_targets.h"
#include "terminal.h"

struct sending {
    const struct assembly *assembly;
    const struct config *config;
    struct pipeline_set pipelines;
    struct send_targets targets;
    struct producer_item *items;
    struct object_address *addresses; /* of the items with a URL */
    size_t item_count;
    struct queue_attribute attributes[QUEUE_ATTRIBUTES_MAX];
    size_t attribute_count;
    struct producer *producer;
    size_t sent, failed;
};

/* ---- the arguments ---- */

static bool is_address(const char *argument)
{
    return strncmp(argument, "s3://", 5) == 0;
}

static int address_read(const char *argument, struct producer_item *item,
                        struct object_address *address, struct error *error)
{
    int code = object_address_read(argument, address, error);
    if (code)
        return code;
    item->bucket = address->bucket;
    item->key = address->key;
    if (*item->key)
        return 0;
    return error_set(error, ERR_INVALID, "\"%s\" names no object; expected s3://BUCKET/KEY",
                     argument);
}

static int argument_read(struct sending *sending, size_t index, struct error *error)
{
    const struct config *config = sending->config;
    const char *argument = config->paths.items[index];
    struct producer_item *item = &sending->items[index];
    *item = (struct producer_item){.name = argument};
    if (is_address(argument))
        return address_read(argument, item, &sending->addresses[index], error);
    if (config->provision.bucket && strcmp(argument, "-") != 0) {
        item->bucket = config->provision.bucket;
        item->key = argument;
        return 0;
    }
    item->path = argument;
    if (!send_targets_named(config))
        return error_set(error, ERR_INVALID,
                         "\"%s\" is a message of your own: name a queue or topic for it with "
                         "--queue or --topic (an object is s3://BUCKET/KEY)",
                         argument);
    return 0;
}

static int arguments_read(struct sending *sending, struct error *error)
{
    const struct text_list *paths = &sending->config->paths;
    size_t from_input = 0;
    int code = 0;
    if (!paths->count)
        return error_set(error, ERR_INVALID,
                         "nothing to send: give files, s3://BUCKET/KEY, or - for standard input");
    if (sending->config->send.deduplication && paths->count > 1)
        return error_set(error, ERR_INVALID,
                         "--deduplication is for one message: of several with the same id only the "
                         "first would be kept");
    sending->items = calloc(paths->count, sizeof *sending->items);
    sending->addresses = calloc(paths->count, sizeof *sending->addresses);
    if (!sending->items || !sending->addresses)
        return error_set(error, ERR_MEMORY, "out of memory");
    sending->item_count = paths->count;
    for (size_t i = 0; i < paths->count && !code; i++) {
        code = argument_read(sending, i, error);
        from_input += strcmp(paths->items[i], "-") == 0;
    }
    if (!code && from_input > 1)
        code = error_set(error, ERR_INVALID, "standard input (-) can be read only once");
    return code;
}

/* ---- attributes ---- */

static bool name_is_reserved(const char *name)
{
    return strcmp(name, PAYLOAD_SIZE_ATTRIBUTE) == 0 || strcmp(name, "SQSLargePayloadSize") == 0;
}

/* The text is cut at its '='. */
static int attribute_read(char *text, struct queue_attribute *out, struct error *error)
{
    char *value = strchr(text, '=');
    if (!value || value == text || !value[1])
        return error_set(error, ERR_INVALID,
                         "--attribute: \"%s\" is not allowed; give NAME=VALUE, neither of them "
                         "empty",
                         text);
    *value++ = '\0';
    *out = (struct queue_attribute){text, (char *)"String", value};
    if (name_is_reserved(text))
        return error_set(error, ERR_INVALID,
                         "--attribute: the name %s is reserved for payloads in S3", text);
    return 0;
}

static int attributes_read(struct sending *sending, struct error *error)
{
    const struct send_settings *send = &sending->config->send;
    const size_t most = QUEUE_ATTRIBUTES_MAX - (send->payload_bucket != NULL);
    int code = 0;
    if (send->always_through_s3 && !send->payload_bucket)
        return error_set(error, ERR_INVALID,
                         "--always-through-s3 needs a bucket: --payload-bucket NAME");
    if (send->attributes.count > most)
        return error_set(error, ERR_INVALID, "a message has at most %zu attributes%s", most,
                         send->payload_bucket ? " beside that of a payload in S3" : "");
    for (size_t i = 0; i < send->attributes.count && !code; i++)
        code = attribute_read(send->attributes.items[i],
                              &sending->attributes[sending->attribute_count++], error);
    return code;
}

/* ---- results ---- */

static int print_json(const struct producer_result *result, const char *payload)
{
    const char *target = result->target ? send_target_name(result->target) : NULL;
    json_t *tree = json_pack("{s:s, s:s?, s:s?, s:s?, s:s?}", "argument", result->item->name,
                             "target", target, "message_id", result->id, "payload", payload,
                             "error", result->error.code ? result->error.text : NULL);
    return json_line_print(tree, stdout);
}

static void on_settled(const struct producer_result *result, void *user)
{
    struct sending *sending = user;
    char *payload = NULL;
    const bool failed = result->error.code != 0;
    sending->sent += !failed;
    sending->failed += failed;
    if (result->payload_key &&
        asprintf(&payload, "s3://%s/%s", result->payload_bucket, result->payload_key) < 0)
        payload = NULL;
    if (failed)
        command_error("%s: %s", result->item->name, result->error.text);
    if (sending->config->json)
        print_json(result, payload);
    else if (!failed)
        terminal_line(stdout, "%s  %s -> %s%s%s", result->id, result->item->name,
                      send_target_name(result->target), payload ? "  payload " : "",
                      payload ? payload : "");
    free(payload);
}

/* ---- the command ---- */

static bool wants(size_t target, const char *bucket, const char *key, void *user)
{
    const struct sending *sending = user;
    const struct pipeline_set *set = sending->targets.pipelines;
    return !set || set->ops->matches(set->items[target], bucket, key);
}

static bool is_done(void *user)
{
    return producer_done(((struct sending *)user)->producer);
}

static void set(void *flag)
{
    *(bool *)flag = true;
}

static bool is_set(void *flag)
{
    return *(bool *)flag;
}

static int produce(struct service *service, struct sending *sending, struct error *error)
{
    const struct send_settings *send = &sending->config->send;
    const struct producer_options options = {.loop = &service->loop,
                                             .store = service->backend.store,
                                             .items = sending->items,
                                             .item_count = sending->item_count,
                                             .targets = sending->targets.items,
                                             .target_count = sending->targets.count,
                                             .wants = wants,
                                             .attributes = sending->attributes,
                                             .attribute_count = sending->attribute_count,
                                             .group = send->group,
                                             .deduplication = send->deduplication,
                                             .always_through_s3 = send->always_through_s3,
                                             .payload_bucket = send->payload_bucket,
                                             .settled = on_settled,
                                             .user = sending};
    bool closed = false;
    int code = producer_start(&options, &sending->producer);
    if (code)
        return error_set(error, code, "out of memory or descriptors");
    if (!service_wait(service, is_done, sending)) {
        producer_stop(sending->producer);
        service_finish(service, is_done, sending);
        error_set(error, ERR_CANCELLED, "interrupted: %zu messages were sent", sending->sent);
    }
    producer_close(sending->producer, set, &closed);
    service_finish(service, is_set, &closed);
    return error->code;
}

static int open_and_produce(struct service *service, struct sending *sending, struct error *error)
{
    int code = send_targets_open(&sending->targets, service, &sending->pipelines, error);
    return code ? code : produce(service, sending, error);
}

static int send_all(struct sending *sending)
{
    struct service service;
    struct error error = {0};
    const struct service_options options = {.assembly = sending->assembly,
                                            .config = sending->config};
    int code = service_open(&service, &options, &error);
    if (!code)
        code = open_and_produce(&service, sending, &error);
    send_targets_close(&sending->targets);
    service_close(&service);
    if (code)
        command_error("%s", error.code ? error.text : error_name(code));
    if (!code && sending->failed)
        return STATUS_FAILED;
    return (int)command_status(code);
}

static int prepare(struct sending *sending, struct error *error)
{
    int code = send_targets_check(sending->assembly, sending->config, error);
    if (!code)
        code = attributes_read(sending, error);
    return code ? code : arguments_read(sending, error);
}

static void sending_clear(struct sending *sending)
{
    for (size_t i = 0; i < sending->item_count; i++)
        object_address_free(&sending->addresses[i]);
    free(sending->addresses);
    free(sending->items);
    pipeline_set_clear(&sending->pipelines);
}

int cmd_send(const struct assembly *assembly, const struct config *config)
{
    struct sending sending = {.assembly = assembly, .config = config};
    struct error error = {0};
    int exit_status = STATUS_OK;
    core_files_forbid();
    int code = prepare(&sending, &error);
    if (code) {
        command_error("%s", error.text);
        exit_status = (int)command_status(code);
    } else if (!send_targets_named(config)) {
        exit_status = command_load_pipelines(assembly, config, &sending.pipelines);
    }
    if (exit_status == STATUS_OK)
        exit_status = send_all(&sending);
    sending_clear(&sending);
    return exit_status;
}
