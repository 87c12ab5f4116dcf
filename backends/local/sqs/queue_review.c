/* Iterates over the table of messages. Entries only move to later chains, so one pass over the
 * chains finds every message that existed at the start. */
#include "queue_review.h"

#include "queues_internal.h"

enum { STEP = 500, PAUSE_MS = 1 };

/* Updating a message may also free others in the chain, so the chain is read again from its
 * beginning; an updated message does not change twice. */
static size_t chain_review(struct queues *queues, size_t at)
{
    size_t count = 1;
    struct id_entry *entry = queues->messages.chains[at];
    while (entry) {
        count++;
        bool changed = message_review(container_of(entry, struct local_message, entry));
        entry = changed ? queues->messages.chains[at] : entry->next;
    }
    return count;
}

static void review_step(struct deadline *deadline)
{
    struct queues *queues = container_of(deadline, struct queues, review.step);
    struct queue_review *review = &queues->review;
    size_t count = 0;
    while (count < STEP && review->at < queues->messages.chain_count)
        count += chain_review(queues, review->at++);
    if (review->at == queues->messages.chain_count) {
        review->running = review->again;
        review->again = false;
        review->at = 0;
    }
    if (review->running)
        deadline_set(queues->deadlines, &review->step, deadlines_now(queues->deadlines) + PAUSE_MS);
}

void review_open(struct queues *queues)
{
    queues->review.step.expired = review_step;
    queues->deadline_users++;
}

void review_start(struct queues *queues)
{
    struct queue_review *review = &queues->review;
    review->again = review->running;
    review->running = true;
    if (!deadline_is_set(&review->step))
        deadline_set(queues->deadlines, &review->step, deadlines_now(queues->deadlines));
}
