/* Topics and subscriptions. */
#include <string.h>

#include "init_build.h"
#include "init_values.h"

/* Without the attributes that can be changed, because CreateTopic refuses a topic that exists with
 * others. */
int init_topic_create(struct init_build *build, const struct yaml_node *topic)
{
    const char *name = init_text(topic, "name");
    json_t *input = init_is_fifo(name) ? json_pack("{s:s, s:{s:s}}", "Name", name, "Attributes",
                                                   "FifoTopic", "true")
                                       : json_pack("{s:s}", "Name", name);
    return init_call_add(build, topic, NULL, INIT_SNS, "CreateTopic", input);
}

/* Takes the value. */
static int set(struct init_build *build, const struct yaml_node *topic, const char *key,
               const char *name, json_t *value)
{
    json_t *input =
        json_pack("{s:o, s:s, s:o}", "TopicArn", init_arn(build, "sns", init_text(topic, "name")),
                  "AttributeName", name, "AttributeValue", value);
    return init_call_add(build, topic, key, INIT_SNS, "SetTopicAttributes", input);
}

static int attributes_set(struct init_build *build, const struct yaml_node *topic)
{
    const struct yaml_node *map = yaml_child(topic, "attributes");
    int code = 0;
    for (const struct yaml_node *node = map ? map->children : NULL; node && !code;
         node = node->next) {
        if (strcmp(node->name, "FifoTopic") != 0) /* it follows from the name */
            code = set(build, topic, "attributes", node->name, init_attribute(node));
    }
    return code;
}

static int policy_set(struct init_build *build, const struct yaml_node *topic)
{
    const char *key = yaml_child(topic, "policy") ? "policy" : "allow";
    json_t *policy;
    int code = init_policy(build, topic, "sns", "sns:Publish", &policy);
    return code || !policy ? code : set(build, topic, key, "Policy", policy);
}

int init_topic_set(struct init_build *build, const struct yaml_node *topic)
{
    const struct yaml_node *tags = yaml_child(topic, "tags");
    int code = attributes_set(build, topic);
    if (code)
        return code;
    code = policy_set(build, topic);
    if (code || !tags)
        return code;
    json_t *input =
        json_pack("{s:o, s:o}", "ResourceArn", init_arn(build, "sns", init_text(topic, "name")),
                  "Tags", init_tags(tags));
    return init_call_add(build, topic, "tags", INIT_SNS, "TagResource", input);
}

/* Subscriptions. */

static json_t *endpoint_of(const struct init_build *build, const struct yaml_node *item,
                           const char **protocol)
{
    const char *queue = init_text(item, "queue"), *email = init_text(item, "email");
    const char *url = init_text(item, "url");
    *protocol = queue                              ? "sqs"
                : email                            ? "email"
                : strncmp(url, "https://", 8) == 0 ? "https"
                                                   : "http";
    return queue ? init_arn(build, "sqs", queue) : json_string(email ? email : url);
}

static int attribute_set(struct init_build *build, const struct yaml_node *item,
                         const struct yaml_node *attribute)
{
    json_t *input = json_pack("{s:s, s:o}", "AttributeName", attribute->name, "AttributeValue",
                              init_attribute(attribute));
    int code =
        init_call_add(build, item, "attributes", INIT_SNS, "SetSubscriptionAttributes", input);
    if (!code)
        build->file->requests[build->file->count - 1].of_subscription = true;
    return code;
}

/* Without attributes, because Subscribe refuses a subscription that exists with others. */
int init_subscription(struct init_build *build, const struct yaml_node *item)
{
    const struct yaml_node *map = yaml_child(item, "attributes");
    const char *protocol;
    json_t *endpoint = endpoint_of(build, item, &protocol);
    json_t *input = json_pack("{s:o, s:s, s:o, s:s}", "TopicArn",
                              init_arn(build, "sns", init_text(item, "topic")), "Protocol",
                              protocol, "Endpoint", endpoint, "ReturnSubscriptionArn", "true");
    int code = init_call_add(build, item, NULL, INIT_SNS, "Subscribe", input);
    for (const struct yaml_node *node = map ? map->children : NULL; node && !code;
         node = node->next)
        code = attribute_set(build, item, node);
    return code;
}
