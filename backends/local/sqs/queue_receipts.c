/* Operations with receipt handles: deleting messages, and changing their visibility timeout. */
#include "queue_rows.h"

enum receipt_state { RECEIPT_CURRENT, RECEIPT_OLD, RECEIPT_GONE, RECEIPT_INVALID };

/* The receipts of earlier receives count in standard queues, but not in FIFO queues. *out is the
 * message, unless it no longer exists or the receipt is not from this queue. A message that is being
 * deleted counts as deleted. */
static enum receipt_state receipt_find(struct local_queue *queue, struct slice text,
                                       struct local_message **out)
{
    struct receipt receipt;
    if (receipt_read(queue->queues->receipt_key, text, &receipt) || receipt.queue != queue->id)
        return RECEIPT_INVALID;
    struct id_entry *entry = id_table_find(&queue->queues->messages, receipt.message);
    if (!entry)
        return RECEIPT_GONE;
    struct local_message *m = container_of(entry, struct local_message, entry);
    if (m->queue != queue || m->state == MESSAGE_PENDING || message_is_purged(m) ||
        message_receipt(m).nonce != receipt.nonce)
        return RECEIPT_GONE;
    *out = m;
    return receipt.serial == m->count || !queue->attributes.fifo ? RECEIPT_CURRENT : RECEIPT_OLD;
}

static void delete_settled(struct message_task *task, int code)
{
    for (size_t i = 0; i < task->count; i++) {
        struct local_message *m = task->rows[i].message;
        if (code)
            message_settle(m);
        else
            message_free(m);
    }
}

static void change_refuse(enum receipt_state state, struct slice receipt,
                          struct service_error *error)
{
    int shown = receipt.size > 100 ? 100 : (int)receipt.size;
    if (state == RECEIPT_INVALID)
        service_error_set(error, SQS_RECEIPT_INVALID,
                          "The input receipt handle \"%.*s\" is not a valid receipt handle.", shown,
                          receipt.data ? receipt.data : "");
    else
        service_error_set(error, SQS_INVALID_PARAMETER,
                          "Value %.*s for parameter ReceiptHandle is invalid. Reason: %s", shown,
                          receipt.data ? receipt.data : "",
                          state == RECEIPT_OLD
                              ? "The receipt handle has expired."
                              : "Message does not exist or is not available for visibility timeout "
                                "change.");
}

/* In a FIFO queue a receipt expires with the visibility timeout, because another consumer may be
 * processing the message. */
static bool fifo_expired(const struct local_queue *queue, enum receipt_state state,
                         const struct local_message *m)
{
    return queue->attributes.fifo &&
           (state == RECEIPT_OLD || (state == RECEIPT_CURRENT && m->state != MESSAGE_IN_FLIGHT));
}

int local_queue_delete_messages(struct local_queue *queue,
                                const struct queue_receipt_entry *entries, size_t count,
                                struct service_error *errors, queue_written *done, void *user)
{
    struct message_task *task = message_task_new(queue, count, message_rows_delete, delete_settled);
    if (!task)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct local_message *m = NULL;
        enum receipt_state state = receipt_find(queue, entries[i].receipt, &m);
        if (state == RECEIPT_INVALID)
            change_refuse(state, entries[i].receipt, &errors[i]);
        else if (fifo_expired(queue, state, m))
            change_refuse(RECEIPT_OLD, entries[i].receipt, &errors[i]);
        if (state != RECEIPT_CURRENT || errors[i].code != 0)
            continue;
        message_hold(m);
        message_task_add(task, m);
    }
    task->done = done;
    task->user = user;
    message_task_submit(task);
    return 0;
}

/* In a standard queue a message can be hidden again after its timeout. The timeout starts now, but
 * must end within twelve hours of the receive; a longer one is refused, not truncated. */
static int visibility_change(struct local_message *m, int visibility_s, struct service_error *error)
{
    int64_t until = deadlines_now(m->queue->queues->deadlines) + (int64_t)visibility_s * 1000;
    bool visible_again = !m->queue->attributes.fifo && m->count > m->base;
    if (m->state != MESSAGE_IN_FLIGHT && !visible_again)
        return error->code = SQS_NOT_IN_FLIGHT;
    if (m->received_ms && until > m->received_ms + (int64_t)SQS_VISIBILITY_MAX_S * 1000)
        return service_error_set(
            error, SQS_INVALID_PARAMETER,
            "Value %d for parameter VisibilityTimeout is invalid. Reason: Total "
            "VisibilityTimeout for the message is beyond the limit [43200 "
            "seconds].",
            visibility_s);
    message_hold(m);
    m->due_ms = visibility_s ? until : 0;
    return 0;
}

int local_queue_change(struct local_queue *queue, const struct queue_receipt_entry *entries,
                       size_t count, struct service_error *errors, queue_written *done, void *user)
{
    struct message_task *task = message_task_new(queue, count, message_rows_update, NULL);
    if (!task)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct local_message *m;
        enum receipt_state state = receipt_find(queue, entries[i].receipt, &m);
        if (state != RECEIPT_CURRENT) {
            change_refuse(state, entries[i].receipt, &errors[i]);
        } else if (visibility_change(m, entries[i].visibility_s, &errors[i]) == 0) {
            message_task_add(task, m);
            message_settle(m);
        }
    }
    task->done = done;
    task->user = user;
    message_task_submit(task);
    return 0;
}
