/* Builds the requests of an init file. Functions return 0 or ERR_MEMORY. */
#ifndef THUMBWHEEL_INIT_BUILD_H
#define THUMBWHEEL_INIT_BUILD_H

#include "init_file.h"
#include "yaml_reader.h"

struct init_build {
    struct init_file *file;
    const struct init_home *home;
    char path[INIT_KEY_MAX / 2]; /* of the current item: "queues[0]" */
};

typedef int init_item(struct init_build *build, const struct yaml_node *item);

/* Calls `each` for the items of a list; absent: none. */
int init_each(struct init_build *build, const struct yaml_node *map, const char *name,
              init_item *each);

/* The request that follows from a key of the current item, or from the item (key NULL). It is
 * borrowed until the next one. NULL: no memory. */
struct init_request *init_request_add(struct init_build *build, const struct yaml_node *item,
                                      const char *key, enum init_service service,
                                      const char *operation);
/* The same for a JSON service; takes input (NULL: no memory). */
int init_call_add(struct init_build *build, const struct yaml_node *item, const char *key,
                  enum init_service service, const char *operation, json_t *input);

/* A name, or an ARN as it is: a JSON string. NULL: no memory. */
json_t *init_arn(const struct init_build *build, const char *service, const char *name);
bool init_is_fifo(const char *name); /* of a queue or a topic */
/* The list [{"Key": …, "Value": …}]; NULL: no memory. */
json_t *init_tags(const struct yaml_node *map);
/* `policy`, or one that lets the services in `allow` use the action on the resource: a JSON string.
 * *out NULL: neither is given. */
int init_policy(const struct init_build *build, const struct yaml_node *item, const char *service,
                const char *action, json_t **out);

init_item init_bucket_create, init_bucket_set, init_bucket_notify;
init_item init_queue_create, init_queue_set;
init_item init_topic_create, init_topic_set, init_subscription;
init_item init_bus_create, init_rule;

#endif
