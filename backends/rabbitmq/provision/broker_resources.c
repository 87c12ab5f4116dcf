/* How exchanges, queues, bindings and policies are read and written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker_private.h"
#include "json_text.h"

static const struct provision_resource *now(const struct broker_run *run)
{
    return &run->run->plan->resources[run->index];
}

static const struct provision_resource *base(const struct broker_run *run)
{
    return &run->run->plan->resources[now(run)->on];
}

static bool is_absent(const struct error *error)
{
    return error->code == ERR_NOT_FOUND;
}

static int found(struct broker_run *run, const char *name, json_t *value)
{
    if (!run->finding.attributes)
        run->finding.attributes = json_object();
    return json_object_set_new(run->finding.attributes, name, value) ? ERR_MEMORY : 0;
}

static int conflict(struct broker_run *run, struct buffer *text)
{
    free(run->finding.conflict);
    run->finding.conflict = buffer_take_text(text);
    return run->finding.conflict ? 0 : ERR_MEMORY;
}

static int other(struct broker_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int other(struct broker_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = text_list_vformat(&run->finding.others, format, args);
    va_end(args);
    return text ? 0 : ERR_MEMORY;
}

/* The body of a 2xx reply must be of a type. */
static int unreadable(struct error *error)
{
    return error_set(error, ERR_PROTOCOL,
                     "the response of RabbitMQ's management API is not as "
                     "documented");
}

/* *out: what the response tells about a resource, an object or an array; NULL: there is none. */
static int body_read(const struct management_reply *reply, json_type type, const json_t **out,
                     struct error *error)
{
    *out = NULL;
    if (is_absent(error))
        return 0;
    if (error->code)
        return error->code;
    if (!reply->body || json_typeof(reply->body) != type)
        return unreadable(error);
    *out = reply->body;
    return 0;
}

/* A write has no response of interest. */
static int written(struct broker_run *run, const struct management_reply *reply,
                   struct error *error)
{
    (void)run;
    (void)reply;
    return error->code;
}

static int send_named(struct broker_run *run, const char *method, const char *collection,
                      const char *name, json_t *body, broker_reply *reply)
{
    struct buffer path;
    broker_path_begin(run, collection, &path);
    management_path_add(&path, name);
    return broker_send(run, method, &path, body, reply);
}

/* ---- exchanges ---- */

static bool is_ours(const json_t *exchange, const char *type)
{
    const char *is = json_text_in(exchange, "type");
    return is && strcmp(is, type) == 0 && json_is_true(json_object_get(exchange, "durable")) &&
           !json_is_true(json_object_get(exchange, "auto_delete")) &&
           !json_is_true(json_object_get(exchange, "internal"));
}

static int exchange_conflict(struct broker_run *run, const char *wanted, const json_t *exchange)
{
    struct buffer text;
    const char *type = json_text_in(exchange, "type");
    const bool lasts = json_is_true(json_object_get(exchange, "durable"));
    buffer_init(&text, 1024);
    buffer_format(&text,
                  "the exchange exists and is not a durable exchange of the type %s (its type is "
                  "%.40s%s): RabbitMQ cannot change it: use another --name, or delete it first if "
                  "nobody uses it",
                  wanted, type ? type : "unknown", lasts ? "" : ", not durable");
    return conflict(run, &text);
}

static int exchange_known(struct broker_run *run, const struct management_reply *reply,
                          struct error *error)
{
    const char *type = json_text_in(now(run)->attributes, "Type");
    const json_t *exchange;
    int code = body_read(reply, JSON_OBJECT, &exchange, error);
    if (code || !exchange)
        return code;
    run->finding.exists = true;
    if (!is_ours(exchange, type))
        return exchange_conflict(run, type, exchange);
    return found(run, "Type", json_string(type));
}

static int exchange_read(struct broker_run *run)
{
    return send_named(run, "GET", "exchanges", now(run)->name, NULL, exchange_known);
}

static int exchange_write(struct broker_run *run)
{
    json_t *body =
        json_pack("{s:s, s:b, s:b, s:b, s:{}}", "type", json_text_in(now(run)->attributes, "Type"),
                  "durable", 1, "auto_delete", 0, "internal", 0, "arguments");
    return body ? send_named(run, "PUT", "exchanges", now(run)->name, body, written) : ERR_MEMORY;
}

/* ---- queues ---- */

static const json_t *arguments_wanted(const struct broker_run *run)
{
    return json_object_get(now(run)->attributes, "Arguments");
}

/* What the queue has by its arguments, or else by its policy, whose keys lack the "x-". */
static const json_t *argument_found(const json_t *queue, const char *name)
{
    const json_t *value = json_object_get(json_object_get(queue, "arguments"), name);
    if (value || strncmp(name, "x-", 2) != 0)
        return value;
    return json_object_get(json_object_get(queue, "effective_policy_definition"), name + 2);
}

static void append_value(struct buffer *out, const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    buffer_format(out, "%.100s", text ? text : "not set");
    free(text);
}

/* "x-delivery-limit is 20, not 4", for each argument that differs. */
static size_t append_differences(const struct broker_run *run, const json_t *queue,
                                 struct buffer *out)
{
    size_t count = 0;
    const char *name;
    const json_t *wanted;
    json_object_foreach((json_t *)(uintptr_t)arguments_wanted(run), name, wanted)
    {
        const json_t *is = argument_found(queue, name);
        if (json_equal(is, wanted))
            continue;
        buffer_format(out, "%s%s is ", count++ ? "; " : "", name);
        append_value(out, is);
        buffer_text(out, ", not ");
        append_value(out, wanted);
    }
    return count;
}

static int queue_conflict(struct broker_run *run, struct buffer *differences)
{
    struct buffer text;
    buffer_init(&text, 8192);
    buffer_format(&text,
                  "the queue exists with other arguments, which RabbitMQ cannot change (it would "
                  "say PRECONDITION_FAILED): %s: name another queue in the pipeline file, or set "
                  "them by a policy (only x-queue-type has to be an argument), or delete the queue "
                  "when it is empty, and run this again",
                  differences->data);
    return conflict(run, &text);
}

static int note_arguments_of_others(struct broker_run *run, const json_t *queue)
{
    const char *name;
    const json_t *value;
    int code = 0;
    json_object_foreach(json_object_get(queue, "arguments"), name, value)
    {
        if (!code && !json_object_get(arguments_wanted(run), name))
            code = other(run, "its argument %s is not ours", name);
    }
    return code;
}

static int queue_known(struct broker_run *run, const struct management_reply *reply,
                       struct error *error)
{
    struct buffer differences;
    const json_t *queue;
    int code = body_read(reply, JSON_OBJECT, &queue, error);
    if (code || !queue)
        return code;
    run->finding.exists = true;
    buffer_init(&differences, 4096);
    code = append_differences(run, queue, &differences)
               ? queue_conflict(run, &differences)
               : found(run, "Arguments", json_deep_copy(arguments_wanted(run)));
    buffer_free(&differences);
    return code ? code : note_arguments_of_others(run, queue);
}

static int queue_read(struct broker_run *run)
{
    return send_named(run, "GET", "queues", now(run)->name, NULL, queue_known);
}

static int queue_write(struct broker_run *run)
{
    json_t *body = json_pack("{s:b, s:b, s:o}", "durable", 1, "auto_delete", 0, "arguments",
                             json_deep_copy(arguments_wanted(run)));
    return body ? send_named(run, "PUT", "queues", now(run)->name, body, written) : ERR_MEMORY;
}

/* ---- bindings ---- */

static int binding_known(struct broker_run *run, const struct management_reply *reply,
                         struct error *error)
{
    const char *wanted = json_text_in(now(run)->attributes, "RoutingKey");
    const json_t *bindings;
    int code = body_read(reply, JSON_ARRAY, &bindings, error);
    for (size_t i = 0; !code && i < json_array_size(bindings); i++) {
        const json_t *binding = json_array_get(bindings, i);
        const char *key = json_text_in(binding, "routing_key");
        if (key && strcmp(key, wanted) == 0 &&
            json_object_size(json_object_get(binding, "arguments")) == 0) {
            run->finding.exists = true;
            code = found(run, "RoutingKey", json_string(key));
        } else {
            code = other(run, "its binding with the routing key \"%.100s\" is not ours",
                         key ? key : "");
        }
    }
    return code;
}

static int binding_send(struct broker_run *run, const char *method, json_t *body,
                        broker_reply *reply)
{
    struct buffer path;
    broker_path_begin(run, "bindings", &path);
    buffer_text(&path, "/e");
    management_path_add(&path, base(run)->name);
    buffer_text(&path, "/q");
    management_path_add(&path, now(run)->name);
    return broker_send(run, method, &path, body, reply);
}

static int binding_read(struct broker_run *run)
{
    return binding_send(run, "GET", NULL, binding_known);
}

static int binding_write(struct broker_run *run)
{
    json_t *body = json_pack("{s:s, s:{}}", "routing_key",
                             json_text_in(now(run)->attributes, "RoutingKey"), "arguments");
    return body ? binding_send(run, "POST", body, written) : ERR_MEMORY;
}

/* ---- policies ---- */

static int policy_found(struct broker_run *run, const char *name, const json_t *policy,
                        const char *member)
{
    const json_t *value = json_object_get(policy, member);
    return value ? found(run, name, json_deep_copy(value)) : 0;
}

static int policy_known(struct broker_run *run, const struct management_reply *reply,
                        struct error *error)
{
    const json_t *policy;
    int code = body_read(reply, JSON_OBJECT, &policy, error);
    if (code || !policy)
        return code;
    run->finding.exists = true;
    code = policy_found(run, "Pattern", policy, "pattern");
    if (!code)
        code = policy_found(run, "ApplyTo", policy, "apply-to");
    return code ? code : policy_found(run, "Definition", policy, "definition");
}

/* Of the policies that match, RabbitMQ applies one. */
static int policy_exchange_known(struct broker_run *run, const struct management_reply *reply,
                                 struct error *error)
{
    if (error->code && !is_absent(error))
        return error->code;
    const char *policy = json_text_in(reply->body, "policy");
    int code = 0;
    if (!error->code && policy && strcmp(policy, now(run)->name) != 0)
        code = other(run,
                     "the policy %.100s applies to the exchange, and RabbitMQ applies one only: "
                     "unless it has a lower priority than 0, add the definition above to it",
                     policy);
    *error = (struct error){0};
    if (!code)
        code = send_named(run, "GET", "policies", now(run)->name, NULL, policy_known);
    return code ? code : BROKER_WAITS;
}

static int policy_read(struct broker_run *run)
{
    return send_named(run, "GET", "exchanges", base(run)->name, NULL, policy_exchange_known);
}

static int policy_write(struct broker_run *run)
{
    const json_t *wanted = now(run)->attributes;
    json_t *body = json_pack("{s:s, s:s, s:o, s:i}", "pattern", json_text_in(wanted, "Pattern"),
                             "apply-to", json_text_in(wanted, "ApplyTo"), "definition",
                             json_deep_copy(json_object_get(wanted, "Definition")), "priority", 0);
    return body ? send_named(run, "PUT", "policies", now(run)->name, body, written) : ERR_MEMORY;
}

/* ---- the kinds ---- */

static const struct {
    broker_start *read, *write;
} broker_kinds[PROVISION_KINDS] = {
    [PROVISION_EXCHANGE] = {exchange_read, exchange_write},
    [PROVISION_BROKER_QUEUE] = {queue_read, queue_write},
    [PROVISION_BINDING] = {binding_read, binding_write},
    [PROVISION_BROKER_POLICY] = {policy_read, policy_write},
};

broker_start *broker_reader(enum provision_kind kind)
{
    return broker_kinds[kind].read;
}

broker_start *broker_writer(enum provision_kind kind)
{
    return broker_kinds[kind].write;
}
