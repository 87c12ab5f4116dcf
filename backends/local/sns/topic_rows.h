/* Rows of topics and subscriptions. Tasks are created on the loop thread with copies of the data,
 * and freed there after `done`. */
#ifndef THUMBWHEEL_TOPIC_ROWS_H
#define THUMBWHEEL_TOPIC_ROWS_H

#include "topics.h"

enum topic_row_change {
    TOPIC_ROW_INSERT,
    TOPIC_ROW_UPDATE, /* attributes and details */
    TOPIC_ROW_DELETE, /* a topic with its subscriptions */
    TOPIC_ROW_NONE,   /* writes nothing: completes after all earlier tasks */
};

struct topic_row_facts { /* borrowed */
    const char *arn;
    const char *topic, *endpoint; /* of a subscription; NULL: a topic */
    json_t *attributes, *details;
};

struct topic_row_task {
    struct storage_task task;
    enum topic_row_change change;
    struct topic_record *record; /* retained */
    char *arn, *topic, *endpoint, *attributes, *details;
    /* Loop thread. */
    void (*settled)(struct topic_row_task *task, int code); /* may be NULL */
    topic_written *done;                                    /* called then; may be NULL */
    void *user;
    /* For an update: the replaced values; owned. */
    json_t *previous, *previous_details;
    struct record_rules previous_rules;
    struct list update; /* in the record's changes */
};

/* NULL if memory is short. */
struct topic_row_task *topic_row_task_new(struct topic_record *record, enum topic_row_change change,
                                          const struct topic_row_facts *facts);

void record_release(struct topic_record *record);
void record_rules_free(struct record_rules *rules);

/* Calls loaded for each row, topics first. */
int topic_rows_load(struct storage *storage,
                    int (*loaded)(const struct topic_row_facts *row, void *user), void *user,
                    struct error *error);

#endif
