/*
 * What the operations of SQS share (JSON 1.0 and Query protocol; service_call.h has the life of a
 * call). Loop thread.
 */
#ifndef THUMBWHEEL_SQS_CALL_H
#define THUMBWHEEL_SQS_CALL_H

#include <jansson.h>

#include "cloud.h"
#include "queues.h"
#include "service_call.h"

struct sqs_receive_call {
    struct service_call call; /* first */
    struct queue_poll poll;
    bool polling;
    struct receipt delivered[QUEUE_BATCH]; /* made visible again if the response is lost */
    size_t delivered_count;
};

/* Input. */
/* An integer (digits in the Query protocol); if absent, *out is unchanged. */
int sqs_input_int(const json_t *input, const char *name, int min, int max, int *out,
                  struct service_error *error);
/* An id of 1 to 128 ASCII letters, digits and punctuation marks; if absent, *out is NULL. */
int sqs_input_token(const json_t *input, const char *name, const char **out,
                    struct service_error *error);
/* SQS_ACCESS_DENIED: the queue's policy denies the call's action to the signer, or does not allow it
 * to one of another account. */
int sqs_permit(struct service_call *call, const struct local_queue *queue);
/* The queue named by QueueUrl or by the request's path, after checking permissions. */
int sqs_input_queue(struct service_call *call, struct local_queue **out);
/* SQS_QUEUE_DOES_NOT_EXIST, with the text of the call's protocol. */
int sqs_queue_absent(struct service_call *call);
/* A JSON string, or NULL. */
json_t *sqs_queue_url(const struct service_call *call, struct slice account, const char *name);

/* The actions. */
service_run sqs_create_queue, sqs_delete_queue, sqs_list_queues, sqs_get_queue_url,
    sqs_get_queue_attributes, sqs_set_queue_attributes, sqs_purge_queue,
    sqs_list_dead_letter_source_queues;
service_run sqs_tag_queue, sqs_untag_queue, sqs_list_queue_tags;
service_run sqs_add_permission, sqs_remove_permission;
service_run sqs_start_message_move_task, sqs_list_message_move_tasks, sqs_cancel_message_move_task;
service_run sqs_send_message, sqs_send_message_batch, sqs_receive_message, sqs_delete_message,
    sqs_delete_message_batch, sqs_change_message_visibility, sqs_change_message_visibility_batch;

/* Stops the poll, and makes the messages of a lost response visible again. */
void sqs_receive_message_ended(struct service_call *call, bool completed);

#endif
