/* Queues. */
#include <stdlib.h>
#include <string.h>

#include "init_build.h"
#include "init_values.h"

/* Without the attributes that can be changed, because CreateQueue refuses a queue that exists with
 * others. */
int init_queue_create(struct init_build *build, const struct yaml_node *queue)
{
    const char *name = init_text(queue, "name");
    json_t *input = init_is_fifo(name) ? json_pack("{s:s, s:{s:s}}", "QueueName", name,
                                                   "Attributes", "FifoQueue", "true")
                                       : json_pack("{s:s}", "QueueName", name);
    return init_call_add(build, queue, NULL, INIT_SQS, "CreateQueue", input);
}

/* SQS accepts any host, and this path. */
static json_t *url_of(const struct init_build *build, const struct yaml_node *queue)
{
    return json_sprintf("http://localhost/%s/%s", build->home->account, init_text(queue, "name"));
}

/* Takes the attributes. */
static int set(struct init_build *build, const struct yaml_node *queue, const char *key,
               json_t *attributes)
{
    json_t *input =
        json_pack("{s:o, s:o}", "QueueUrl", url_of(build, queue), "Attributes", attributes);
    return init_call_add(build, queue, key, INIT_SQS, "SetQueueAttributes", input);
}

static int attributes_set(struct init_build *build, const struct yaml_node *queue)
{
    const struct yaml_node *map = yaml_child(queue, "attributes");
    json_t *attributes = json_object();
    for (const struct yaml_node *node = map->children; node; node = node->next) {
        if (strcmp(node->name, "FifoQueue") != 0 && /* it follows from the name */
            json_object_set_new(attributes, node->name, init_attribute(node))) {
            json_decref(attributes);
            return ERR_MEMORY;
        }
    }
    if (!json_object_size(attributes)) {
        json_decref(attributes);
        return 0;
    }
    return set(build, queue, "attributes", attributes);
}

static int redrive_set(struct init_build *build, const struct yaml_node *queue)
{
    const struct yaml_node *letters = yaml_child(queue, "dead_letters");
    json_t *policy = json_pack("{s:o, s:i}", "deadLetterTargetArn",
                               init_arn(build, "sqs", init_text(letters, "queue")),
                               "maxReceiveCount", atoi(init_text(letters, "receives")));
    char *text = policy ? json_dumps(policy, JSON_COMPACT) : NULL;
    json_t *attributes = text ? json_pack("{s:s}", "RedrivePolicy", text) : NULL;
    free(text);
    json_decref(policy);
    return set(build, queue, "dead_letters", attributes);
}

static int policy_set(struct init_build *build, const struct yaml_node *queue)
{
    const char *key = yaml_child(queue, "policy") ? "policy" : "allow";
    json_t *policy;
    int code = init_policy(build, queue, "sqs", "sqs:SendMessage", &policy);
    return code || !policy ? code : set(build, queue, key, json_pack("{s:o}", "Policy", policy));
}

static int tags_set(struct init_build *build, const struct yaml_node *queue)
{
    json_t *tags = json_object();
    for (const struct yaml_node *tag = yaml_child(queue, "tags")->children; tag; tag = tag->next) {
        if (json_object_set_new(tags, tag->name, json_string(tag->text))) {
            json_decref(tags);
            return ERR_MEMORY;
        }
    }
    return init_call_add(build, queue, "tags", INIT_SQS, "TagQueue",
                         json_pack("{s:o, s:o}", "QueueUrl", url_of(build, queue), "Tags", tags));
}

int init_queue_set(struct init_build *build, const struct yaml_node *queue)
{
    int code = yaml_child(queue, "attributes") ? attributes_set(build, queue) : 0;
    if (code)
        return code;
    code = yaml_child(queue, "dead_letters") ? redrive_set(build, queue) : 0;
    if (code)
        return code;
    code = policy_set(build, queue);
    if (code)
        return code;
    return yaml_child(queue, "tags") ? tags_set(build, queue) : 0;
}
