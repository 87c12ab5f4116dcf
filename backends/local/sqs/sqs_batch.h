/* Shared by the batch actions of SQS: rules for entries and the two lists of results. Loop
 * thread. */
#ifndef THUMBWHEEL_SQS_BATCH_H
#define THUMBWHEEL_SQS_BATCH_H

#include "sqs_call.h"

/* One to ten entries with valid, distinct ids. *entries is borrowed from the input. */
int sqs_batch_entries(struct service_call *call, json_t **entries);
const char *sqs_entry_id(const json_t *entry);
/* Takes result (NULL: memory is short) and adds the entry's Id to it. */
int sqs_batch_success(struct service_call *call, const json_t *entry, json_t *result);
int sqs_batch_failure(struct service_call *call, const json_t *entry,
                      const struct service_error *error);

#endif
