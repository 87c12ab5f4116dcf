/* Topics, their policies and subscriptions. */
#include <stdlib.h>
#include <string.h>

#include "provision_private.h"
#include "sns.h"
#include "xml_reader.h"

static int sns_call(struct provision *p, const char *action, bool settling,
                    const struct sns_parameter *parameters, size_t count, provision_reply *reply)
{
    const struct sns_client_call call = {.action = action,
                                         .resource = provision_now(p)->name,
                                         .parameters = parameters,
                                         .parameter_count = count,
                                         .settling = settling,
                                         .done = provision_replied,
                                         .release = provision_free,
                                         .user = p};
    p->reply = reply;
    return sns_start(p->aws, &call);
}

/* ---- topics and their policies ---- */

static int topic_known(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    (void)reply;
    if (provision_is_absent(error))
        return 0;
    p->finding.exists = error->code == 0;
    return error->code;
}

/* An unreadable policy must not count as absent, because it would be overwritten. */
static int topic_policy_known(struct provision *p, const struct aws_reply *reply,
                              struct error *error)
{
    static const char entry[] =
        "GetTopicAttributesResponse/GetTopicAttributesResult/Attributes/entry";
    if (provision_is_absent(error))
        return 0;
    if (error->code)
        return error->code;
    int code = sns_response_attribute(reply, entry, "Policy", &p->text);
    if (code) {
        aws_error_unreadable(error, &reply->subject, code, "the topic's attributes cannot be read");
        return code;
    }
    return provision_policy_found(p, error);
}

static int topic_read(struct provision *p, size_t topic, bool settling, provision_reply *reply)
{
    char *arn = provision_arn_at(p, topic);
    const struct sns_parameter parameters[] = {{"TopicArn", arn}};
    int code = arn ? sns_call(p, "GetTopicAttributes", settling, parameters, 1, reply) : ERR_MEMORY;
    free(arn);
    return code;
}

int provision_read_topic(struct provision *p)
{
    if (provision_now(p)->push)
        return provision_read_push_topic(p);
    return topic_read(p, p->index, false, topic_known);
}

int provision_read_topic_policy(struct provision *p)
{
    return topic_read(p, provision_now(p)->on, p->run->write, topic_policy_known);
}

int provision_write_topic(struct provision *p)
{
    if (provision_now(p)->push)
        return provision_write_push_topic(p);
    const struct sns_parameter parameters[] = {{"Name", provision_now(p)->name},
                                               {"Attributes.entry.1.key", "FifoTopic"},
                                               {"Attributes.entry.1.value", "true"}};
    return sns_call(p, "CreateTopic", true, parameters, provision_now(p)->fifo ? 3 : 1,
                    provision_written);
}

int provision_write_topic_policy(struct provision *p)
{
    char *policy = NULL, *arn = provision_arn_at(p, provision_now(p)->on);
    int code = arn ? provision_policy_wanted(p, &policy) : ERR_MEMORY;
    const struct sns_parameter parameters[] = {
        {"TopicArn", arn}, {"AttributeName", "Policy"}, {"AttributeValue", policy}};
    if (!code)
        code = sns_call(p, "SetTopicAttributes", true, parameters, 3, provision_written);
    free(policy);
    free(arn);
    return code;
}

/* ---- subscriptions ---- */

static int subscription_known(struct provision *p, const struct aws_reply *reply,
                              struct error *error)
{
    static const char entry[] =
        "GetSubscriptionAttributesResponse/GetSubscriptionAttributesResult/Attributes/entry";
    char *raw = NULL;
    if (provision_is_absent(error)) /* it was removed meanwhile */
        return provision_keep_text(&p->found, NULL);
    if (error->code)
        return error->code;
    int code = sns_response_attribute(reply, entry, "RawMessageDelivery", &raw);
    p->finding.exists = true;
    if (!code)
        code = provision_found(p, "RawMessageDelivery",
                               json_boolean(raw && strcasecmp(raw, "true") == 0));
    free(raw);
    return code;
}

struct subscription_search {
    const char *endpoint;
    bool matches;      /* the current member's endpoint is the queue */
    char *arn, *found; /* of the current member; of the queue's subscription */
    char *token;       /* of the next page */
};

static int keep_slice(char **field, struct slice text)
{
    free(*field);
    *field = slice_dup(text);
    return *field ? 0 : ERR_MEMORY;
}

static int member_read(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    struct subscription_search *search = user;
    const char *name = strrchr(path, '/');
    (void)start;
    (void)end;
    if (!name)
        return 0;
    if (strcmp(name, "/SubscriptionArn") == 0)
        return keep_slice(&search->arn, text);
    if (strcmp(name, "/NextToken") == 0)
        return keep_slice(&search->token, text);
    if (strcmp(name, "/Endpoint") == 0)
        search->matches = slice_equal_text(text, search->endpoint);
    if (strcmp(name, "/member") != 0)
        return 0;
    if (search->matches && !search->found) {
        search->found = search->arn;
        search->arn = NULL;
    }
    search->matches = false;
    return 0;
}

static int subscriptions_list(struct provision *p, const char *token);

static int subscription_of(struct provision *p, const struct subscription_search *search,
                           struct error *error)
{
    if (!search->found)
        return search->token && search->token[0] ? subscriptions_list(p, search->token)
                                                 : PROVISION_WAITS;
    if (strncmp(search->found, "arn:", 4) != 0)
        return error_set(error, ERR_CONFLICT,
                         "its subscription waits for a confirmation, which the owner of the queue "
                         "must give");
    const struct sns_parameter parameters[] = {{"SubscriptionArn", search->found}};
    int code = provision_keep_text(&p->found, search->found);
    return code ? code
                : sns_call(p, "GetSubscriptionAttributes", p->run->write, parameters, 1,
                           subscription_known);
}

static int subscriptions_known(struct provision *p, const struct aws_reply *reply,
                               struct error *error)
{
    if (provision_is_absent(error))
        return 0;
    if (error->code)
        return error->code;
    char *endpoint = provision_arn_at(p, provision_now(p)->to);
    struct subscription_search search = {.endpoint = endpoint};
    const struct bytes *body = &reply->response->body;
    int code = endpoint
                   ? xml_read((struct slice){body->data, body->size}, NULL, member_read, &search)
                   : ERR_MEMORY;
    if (!code)
        code = subscription_of(p, &search, error);
    free(endpoint);
    free(search.arn);
    free(search.found);
    free(search.token);
    /* PROVISION_WAITS: there is none; 0: another request was sent. */
    return code == PROVISION_WAITS ? 0 : code ? code : PROVISION_WAITS;
}

static int subscriptions_list(struct provision *p, const char *token)
{
    char *arn = provision_arn_at(p, provision_now(p)->on);
    const struct sns_parameter parameters[] = {{"TopicArn", arn}, {"NextToken", token}};
    int code = arn ? sns_call(p, "ListSubscriptionsByTopic", p->run->write, parameters, 2,
                              subscriptions_known)
                   : ERR_MEMORY;
    free(arn);
    return code;
}

int provision_read_subscription(struct provision *p)
{
    return subscriptions_list(p, NULL);
}

int provision_write_subscription(struct provision *p)
{
    const char *raw = provision_now(p)->raw_delivery ? "true" : "false";
    if (p->found) {
        const struct sns_parameter changed[] = {{"SubscriptionArn", p->found},
                                                {"AttributeName", "RawMessageDelivery"},
                                                {"AttributeValue", raw}};
        return sns_call(p, "SetSubscriptionAttributes", true, changed, 3, provision_written);
    }
    char *topic = provision_arn_at(p, provision_now(p)->on);
    char *queue = provision_arn_at(p, provision_now(p)->to);
    const struct sns_parameter parameters[] = {
        {"TopicArn", topic},
        {"Protocol", "sqs"},
        {"Endpoint", queue},
        {"ReturnSubscriptionArn", "true"},
        {"Attributes.entry.1.key", "RawMessageDelivery"},
        {"Attributes.entry.1.value", raw},
    };
    int code = topic && queue
                   ? sns_call(p, "Subscribe", true, parameters,
                              sizeof parameters / sizeof parameters[0], provision_written)
                   : ERR_MEMORY;
    free(topic);
    free(queue);
    return code;
}
