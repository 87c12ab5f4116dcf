/* The queues of the pipelines and their dead-letter queues, for commands of operators. */
#ifndef THUMBWHEEL_PIPELINE_QUEUES_H
#define THUMBWHEEL_PIPELINE_QUEUES_H

#include <stddef.h>

#include "queue_group.h"
#include "service.h"

struct pipeline_queues {
    struct service *service;
    size_t count;               /* pipelines */
    const char **names;         /* of the pipelines; borrowed */
    struct queue_group sources; /* the pipelines' queues, in the same order */
    struct queue_group letters; /* their dead-letter queues, each once */
    size_t *letters_of;         /* of each pipeline: in letters.items; SIZE_MAX: none */
};

/* Opens them; only: of this pipeline; NULL: of all. Queues that cannot be opened have an error.
 * Returns ERR_CANCELLED on an interrupt, ERR_MEMORY. Close it in any case. */
int pipeline_queues_open(struct pipeline_queues *queues, struct service *service,
                         const struct pipeline_set *pipelines, const char *only,
                         struct error *error);
/* Opens what was missing before, as after a deployment, and asks for all depths. */
int pipeline_queues_refresh(struct pipeline_queues *queues, struct error *error);
void pipeline_queues_close(struct pipeline_queues *queues);

/* The queue's own name; before it is open, the name that it was given. */
const char *pipeline_queues_name(const struct group_queue *item);

#endif
