/*
 * The exchange of the events, and for each queue of a pipeline its retry and dead-letter queues
 * (amqp_topology.h) and its binding.
 *
 * A message that matches no binding is lost, although the broker confirms it. So a policy gives the
 * exchange an alternate exchange, and a queue keeps what goes there. It is a policy and not an
 * argument, because MinIO declares the exchange itself, without arguments, and the broker refuses
 * that if it has one.
 */
#include "broker_plan.h"

#include <stdlib.h>
#include <string.h>

#include "amqp_address.h"
#include "amqp_topology.h"

#define UNROUTED_SUFFIX ".unrouted"

struct broker_planning {
    const struct provision_broker_wish *wish;
    provision_broker_add *add;
    void *plan;
    struct error *error;
    struct text_list names; /* of the queues so far */
    size_t exchange;        /* its index in the plan */
};

static size_t add(struct broker_planning *p, enum provision_kind kind, const char *name, size_t on,
                  size_t to, json_t *attributes)
{
    return p->add(p->plan,
                  &(struct provision_broker_item){
                      .kind = kind, .name = name, .on = on, .to = to, .attributes = attributes});
}

/* ---- queues ---- */

static bool is_planned(const struct broker_planning *p, const char *name)
{
    for (size_t i = 0; i < p->names.count; i++)
        if (strcmp(p->names.items[i], name) == 0)
            return true;
    return false;
}

static json_t *arguments_of(const struct amqp_queue_plan *queue)
{
    json_t *arguments = json_object();
    for (size_t i = 0; i < queue->argument_count; i++) {
        const struct amqp_argument *argument = &queue->arguments[i];
        json_t *value =
            argument->text ? json_string(argument->text) : json_integer(argument->number);
        if (json_object_set_new(arguments, argument->name, value)) {
            json_decref(arguments);
            return NULL;
        }
    }
    return arguments ? json_pack("{s:o}", "Arguments", arguments) : NULL;
}

static int add_queue(struct broker_planning *p, const struct amqp_queue_plan *queue, size_t *out)
{
    if (is_planned(p, queue->name))
        return error_set(p->error, ERR_INVALID,
                         "two pipelines, or a pipeline and the retry or dead-letter queue of "
                         "another, need the queue %s: give one of them another name",
                         queue->name);
    if (text_list_add(&p->names, queue->name))
        return error_set(p->error, ERR_MEMORY, "out of memory");
    *out = add(p, PROVISION_BROKER_QUEUE, queue->name, PROVISION_NONE, PROVISION_NONE,
               arguments_of(queue));
    return 0;
}

static void add_binding(struct broker_planning *p, size_t exchange, const char *queue,
                        size_t queue_index)
{
    add(p, PROVISION_BINDING, queue, exchange, queue_index,
        json_pack("{s:s}", "RoutingKey", p->wish->exchange));
}

/* The queues that others refer to come first. */
static int add_work_queue(struct broker_planning *p, const char *name)
{
    static const size_t order[AMQP_QUEUES] = {AMQP_DEAD,      AMQP_WORK,      AMQP_RETRY,
                                              AMQP_RETRY + 1, AMQP_RETRY + 2, AMQP_RETRY + 3};
    struct amqp_topology topology;
    size_t indices[AMQP_QUEUES];
    int code = amqp_topology_make(name, p->wish->max_receives, &topology, p->error);
    for (size_t i = 0; i < AMQP_QUEUES && !code; i++)
        code = add_queue(p, &topology.queues[order[i]], &indices[order[i]]);
    if (code)
        return code;
    add_binding(p, p->exchange, name, indices[AMQP_WORK]);
    return 0;
}

static int add_keeping_queue(struct broker_planning *p, const char *name, size_t *out)
{
    struct amqp_queue_plan queue;
    const int code = amqp_keeping_queue_make(name, &queue, p->error);
    return code ? code : add_queue(p, &queue, out);
}

/* ---- exchanges ---- */

/* The letters of an exchange's name need no escapes in a pattern. */
static json_t *policy_make(const char *exchange, const char *alternate)
{
    return json_pack("{s:o, s:s, s:{s:s}}", "Pattern", json_sprintf("^%s$", exchange), "ApplyTo",
                     "exchanges", "Definition", "alternate-exchange", alternate);
}

static int add_exchanges(struct broker_planning *p)
{
    const char *name = p->wish->exchange;
    char unrouted[AMQP_NAME_SIZE];
    size_t queue = PROVISION_NONE;
    int code =
        amqp_name_check("exchange", name, sizeof unrouted - sizeof UNROUTED_SUFFIX, p->error);
    if (code)
        return code;
    strcpy(stpcpy(unrouted, name), UNROUTED_SUFFIX);
    const size_t alternate = add(p, PROVISION_EXCHANGE, unrouted, PROVISION_NONE, PROVISION_NONE,
                                 json_pack("{s:s}", "Type", "fanout"));
    code = add_keeping_queue(p, unrouted, &queue);
    if (code)
        return code;
    add_binding(p, alternate, unrouted, queue);
    p->exchange = add(p, PROVISION_EXCHANGE, name, PROVISION_NONE, PROVISION_NONE,
                      json_pack("{s:s}", "Type", "topic"));
    add(p, PROVISION_BROKER_POLICY, name, p->exchange, PROVISION_NONE, policy_make(name, unrouted));
    return 0;
}

/* ---- the plan ---- */

/* Whether both are in one virtual host of one cluster, whatever their queues. */
static int check_same_broker(const struct broker_planning *p, const struct amqp_address *address,
                             const char *text)
{
    const char *first = p->wish->queues[0];
    struct amqp_address other;
    int code = amqp_address_parse(first, &other, p->error);
    if (code)
        return code;
    char *same = amqp_address_text(address, other.queue);
    const bool differs = same && amqp_address_compare(first, same) != QUEUES_ARE_ONE;
    amqp_address_clear(&other);
    free(same);
    if (!same)
        return error_set(p->error, ERR_MEMORY, "out of memory");
    return differs ? error_set(p->error, ERR_INVALID,
                               "the queues %s and %s are in different brokers or virtual hosts: "
                               "provision one at a time, with the pipelines of that one "
                               "(--pipelines)",
                               first, text)
                   : 0;
}

static int add_address(struct broker_planning *p, const char *text, bool only_told)
{
    struct amqp_address address;
    size_t index;
    int code = amqp_address_parse(text, &address, p->error);
    if (code)
        return code; /* its text may be wrong because of a password in it */
    code = check_same_broker(p, &address, text);
    if (!code && !only_told)
        code = add_work_queue(p, address.queue);
    else if (!code && !is_planned(p, address.queue))
        code = add_keeping_queue(p, address.queue, &index);
    amqp_address_clear(&address);
    return code;
}

static int rabbitmq_plan(const struct provision_broker_wish *wish, provision_broker_add *add_item,
                         void *plan, struct error *error)
{
    struct broker_planning p = {.wish = wish, .add = add_item, .plan = plan, .error = error};
    int code = add_exchanges(&p);
    for (size_t i = 0; i < wish->queue_count && !code; i++)
        code = add_address(&p, wish->queues[i], false);
    for (size_t i = 0; i < wish->notified_count && !code; i++)
        code = add_address(&p, wish->notified[i], true);
    text_list_clear(&p.names);
    return code;
}

/* ---- where a store publishes to ---- */

static char *publish_address(const char *queue)
{
    struct amqp_address address;
    if (amqp_address_parse(queue, &address, NULL))
        return NULL;
    while (address.host_count > 1) /* a store connects to one node */
        free(address.hosts[--address.host_count].name);
    char *text = amqp_address_text(&address, NULL);
    char *slash = text ? strrchr(text, '/') : NULL;
    if (slash)
        *slash = '\0';
    amqp_address_clear(&address);
    return text;
}

static int publish_check(const char *text, struct error *error)
{
    struct amqp_address address = {0};
    struct buffer queue;
    buffer_init(&queue, 64 * 1024);
    buffer_format(&queue, "%s/queue", text);
    int code = queue.error ? error_set(error, ERR_INVALID, "the address is too long")
                           : amqp_address_parse(queue.data, &address, error);
    buffer_free(&queue);
    if (code)
        return code;
    if (address.host_count > 1)
        code = error_set(error, ERR_INVALID, "a store connects to one host: name one");
    amqp_address_clear(&address);
    return code;
}

const struct provision_broker rabbitmq_broker = {.is_address = amqp_address_is,
                                                 .plan = rabbitmq_plan,
                                                 .publish_address = publish_address,
                                                 .publish_check = publish_check};
