/* Rows of topics and subscriptions. Tasks are made on the loop thread with copies, and freed there
 * after `done`. */
#ifndef THUMBWHEEL_TOPIC_ROWS_H
#define THUMBWHEEL_TOPIC_ROWS_H

#include "topics.h"

enum topic_row_change {
    TOPIC_ROW_INSERT,
    TOPIC_ROW_UPDATE, /* the attributes */
    TOPIC_ROW_DELETE, /* a topic's with its subscriptions */
    TOPIC_ROW_NONE,   /* writes nothing: its end comes after that of what was submitted before */
};

struct topic_row_facts { /* borrowed */
    const char *arn;
    const char *topic, *endpoint; /* of a subscription; NULL: a topic */
    json_t *attributes;
};

struct topic_row_task {
    struct storage_task task;
    enum topic_row_change change;
    struct topic_record *record; /* retained */
    char *arn, *topic, *endpoint, *attributes;
    /* Loop thread. */
    void (*settled)(struct topic_row_task *task, int status); /* may be NULL */
    topic_written *done;                                      /* then; may be NULL */
    void *user;
    json_t *previous;               /* of an update; owned */
    struct policy *previous_policy; /* held */
    unsigned version;
};

/* NULL without memory. */
struct topic_row_task *topic_row_task_new(struct topic_record *record, enum topic_row_change change,
                                          const struct topic_row_facts *facts);

void record_release(struct topic_record *record);

/* Calls loaded for each row, topics first. */
int topic_rows_load(struct storage *storage,
                    int (*loaded)(const struct topic_row_facts *row, void *user), void *user,
                    struct error *error);

#endif
