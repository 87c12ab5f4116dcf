/*
 * Shared by the kinds of resources.
 *
 * A kind has two functions, which send the first request of reading and of writing a resource. Each
 * reply goes to the function in p->reply, which reads it and either sends another request
 * (PROVISION_WAITS), or ends the phase (0), or fails (a negative code, with the text in *error).
 */
#ifndef THUMBWHEEL_PROVISION_PRIVATE_H
#define THUMBWHEEL_PROVISION_PRIVATE_H

#include "aws_request.h"
#include "provision.h"
#include "s3_bucket.h"

enum { PROVISION_WAITS = 1 };

struct provision;

typedef int provision_start(struct provision *p); /* 0: a request was sent */
typedef int provision_reply(struct provision *p, const struct aws_reply *reply,
                            struct error *error);

struct provision {
    struct aws *aws;
    const struct provision_run *run;
    aws_done *done;
    void *user;
    size_t index;
    bool writing;
    provision_reply *reply;
    char *sqs_url, *events_url;

    bool topic_written; /* a topic of Ceph, which notifications copy */

    /* Of the current resource. */
    struct provision_finding finding;
    struct provision_change change;
    char *found; /* the queue's URL, or the subscription's ARN */
    char *text;  /* the current policy or document; NULL: none */
};

const struct provision_resource *provision_now(const struct provision *p);
/* The name of the resource that the current one is on. */
const char *provision_base(const struct provision *p);
/* For free(); NULL: out of memory. */
char *provision_arn_at(const struct provision *p, size_t index);
/* Sets an attribute of the finding; takes the value. */
int provision_found(struct provision *p, const char *name, json_t *value);
/* Adds a sentence on something that is not ours. */
int provision_other(struct provision *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int provision_keep_text(char **field, const char *text);
/* Whether the error says that the resource, or the one that it is on, does not exist. */
bool provision_is_absent(const struct error *error);
int provision_out_of_memory(struct error *error);
/* A provision_reply for writes that return nothing of interest. */
provision_reply provision_written;

/* A request on the current resource's bucket; the call's members for the result are set here. */
int provision_s3_call(struct provision *p, struct s3_bucket_call call, provision_reply *reply);
struct slice provision_body(const struct aws_reply *reply);
/* Takes the text. */
int provision_set_conflict(struct provision *p, struct buffer *text);
/* Whether the events go to a broker, and the store is not AWS. */
bool provision_to_broker(const struct provision *p);
extern const char provision_s3_namespace[];

/* The callback and the release function of all requests. */
void provision_replied(const struct aws_reply *reply, void *provision);
void provision_free(void *provision);

provision_start provision_read_bucket, provision_write_bucket;
provision_start provision_read_notification, provision_write_notification;
provision_start provision_read_lifecycle, provision_write_lifecycle;
provision_start provision_read_queue, provision_write_queue;
provision_start provision_read_queue_policy, provision_write_queue_policy;
provision_start provision_read_topic, provision_write_topic;
provision_start provision_read_push_topic, provision_write_push_topic;
provision_start provision_read_topic_policy, provision_write_topic_policy;
provision_start provision_read_subscription, provision_write_subscription;
provision_start provision_read_rule, provision_write_rule;
provision_start provision_read_target, provision_write_target;

/* Reads the statement of a policy resource out of the text; notes the statements of others. */
int provision_policy_found(struct provision *p, struct error *error);
/* The policy with our statement, for free(). */
int provision_policy_wanted(const struct provision *p, char **out);

#endif
