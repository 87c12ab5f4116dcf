/*
 * Shared by the steps of provisioning. A step's start sends one request, with the callback
 * provision_replied and the release function provision_free, or reports that there is nothing to
 * do; its finish reads the response.
 */
#ifndef THUMBWHEEL_PROVISION_PRIVATE_H
#define THUMBWHEEL_PROVISION_PRIVATE_H

#include "aws_request.h"
#include "provision.h"

enum { NOTHING_TO_DO = 1, ARN_MAX = 2048, ACCOUNT_MAX = 32 };

struct made_queue {
    char *url, *arn;
    char *dead_letter_url, *dead_letter_arn;
    char *policy, *redrive; /* as found; NULL: none */
    unsigned visibility_s;
};

struct provision {
    struct aws *aws;
    const struct fanout *fanout;
    aws_done *done;
    void *user;
    size_t step, item;
    size_t queue_count;
    struct made_queue *queues; /* one for each of fanout->queues */
    char *sqs_url;
    char *topic_arn, *topic_policy;
    char *notification; /* the bucket's current one */
};

void provision_free(void *provision);
void provision_replied(const struct aws_reply *reply, void *provision);

/* The account in an ARN. */
int provision_account(const char *arn, char out[ACCOUNT_MAX]);
/* S3 ARNs contain neither region nor account; their partition is that of the notified queue or
 * topic. */
int provision_bucket_arn(const struct provision *p, const char *sibling, char out[ARN_MAX]);

typedef int provision_start(struct provision *p); /* 0: wait for finish; NOTHING_TO_DO; negative */
typedef int provision_finish(struct provision *p, const struct aws_reply *reply,
                             struct error *error);

/* For the queue p->item. */
provision_start provision_dead_letter_create, provision_dead_letter_read;
provision_finish provision_dead_letter_created, provision_dead_letter_known;
provision_start provision_queue_create, provision_queue_read, provision_queue_write;
provision_finish provision_queue_created, provision_queue_known;

provision_start provision_topic_create, provision_topic_read, provision_topic_write;
provision_finish provision_topic_created, provision_topic_known;
provision_start provision_subscription_create;
provision_finish provision_subscription_created;

#endif
