/*
 * An SQS request, from its parsed input to its response, independent of the protocol.
 *
 * The input and the output are JSON trees with the structure of the service model. sqs_json.c and
 * sqs_query.c read and write them; the actions (sqs_*_actions.c) are independent of the protocol.
 * Loop thread.
 *
 * A call is freed when its HTTP side has ended and it has no pending change.
 */
#ifndef THUMBWHEEL_SQS_CALL_H
#define THUMBWHEEL_SQS_CALL_H

#include <jansson.h>

#include "cloud.h"
#include "queues.h"

struct sqs_call;

struct sqs_action {
    const char *name;
    /* SQS_OK: call->output is the response; it is sent at once or, if call->pending is set, after
     * sqs_call_written or a poll. */
    enum sqs_code (*run)(struct sqs_call *call);
};

struct sqs_wire { /* a protocol */
    void (*respond)(struct sqs_call *call);
    void (*refuse)(struct cloud_request *request, const struct sqs_error *error);
};

struct sqs_call {
    struct cloud_request *request; /* NULL after the HTTP side has ended */
    struct queues *queues;
    const struct sqs_action *action;
    const struct sqs_wire *wire;
    json_t *input, *output;
    struct sqs_error error;
    bool pending;
    struct queue_poll poll; /* for ReceiveMessage */
    bool polling;
    struct receipt delivered[QUEUE_BATCH]; /* messages to return if the response does not arrive */
    size_t delivered_count;
};

extern const struct sqs_wire sqs_json_wire, sqs_query_wire;

/* Reads the request's action and input; *action is the name. Both protocols return SQS_OK,
 * SQS_MALFORMED, SQS_INVALID_ACTION, … */
enum sqs_code sqs_json_read(struct cloud_request *request, const char **action, json_t **input,
                            struct sqs_error *error);
enum sqs_code sqs_query_read(struct cloud_request *request, const char **action, json_t **input,
                             struct sqs_error *error);

/* A queue_written callback: the change that the call waits for is settled. */
void sqs_call_written(int status, void *call);
/* Responds with the output or the error, once nothing is pending. */
void sqs_call_finish(struct sqs_call *call);

/* Input. */
/* An integer (digits in the Query protocol); if absent, *out is unchanged. */
enum sqs_code sqs_input_int(const json_t *input, const char *name, int min, int max, int *out,
                            struct sqs_error *error);
/* An id of 1 to 128 ASCII letters, digits and punctuation marks; if absent, *out is NULL. */
enum sqs_code sqs_input_token(const json_t *input, const char *name, const char **out,
                              struct sqs_error *error);
/* SQS_ACCESS_DENIED: the queue's policy denies the call's action to the account. */
enum sqs_code sqs_permit(struct sqs_call *call, const struct local_queue *queue);
/* The queue named by QueueUrl or by the request's path, after checking permissions. */
enum sqs_code sqs_input_queue(struct sqs_call *call, struct local_queue **out);
json_t *sqs_queue_url(const struct sqs_call *call, const char *name); /* a JSON string, or NULL */

/* The actions. */
typedef enum sqs_code sqs_run(struct sqs_call *call);
sqs_run sqs_create_queue, sqs_delete_queue, sqs_list_queues, sqs_get_queue_url,
    sqs_get_queue_attributes, sqs_set_queue_attributes, sqs_purge_queue,
    sqs_list_dead_letter_source_queues;
sqs_run sqs_tag_queue, sqs_untag_queue, sqs_list_queue_tags;
sqs_run sqs_add_permission, sqs_remove_permission;
sqs_run sqs_start_message_move_task, sqs_list_message_move_tasks, sqs_cancel_message_move_task;
sqs_run sqs_send_message, sqs_send_message_batch, sqs_receive_message, sqs_delete_message,
    sqs_delete_message_batch, sqs_change_message_visibility, sqs_change_message_visibility_batch;

#endif
