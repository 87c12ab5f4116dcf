#include "local_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local_names.h"

static int plan_queue(const struct pipeline_facts *facts, struct fanout_queue *queue,
                      struct error *error)
{
    if (strpbrk(facts->queue, ":/"))
        return error_set(error, ERR_INVALID,
                         "%s: the queue \"%s\" is a URL or an ARN; the embedded cloud creates "
                         "queues by name: use only its name",
                         facts->file, facts->queue);
    char *dead_letters = NULL;
    if (asprintf(&dead_letters, "%s%s", facts->queue, LOCAL_DEAD_SUFFIX) < 0)
        return error_set(error, ERR_MEMORY, "out of memory");
    *queue = (struct fanout_queue){.name = facts->queue,
                                   .dead_letter_name = dead_letters,
                                   .max_receives = LOCAL_MAX_RECEIVES,
                                   .visibility_s = facts->visibility_s ? facts->visibility_s
                                                                       : LOCAL_VISIBILITY_S};
    return 0;
}

static int plan_buckets(const struct pipeline_ops *ops, const struct pipeline *pipeline,
                        struct text_list *buckets)
{
    int code = 0;
    for (size_t i = 0; i <= ops->facts(pipeline)->output_count && !code; i++) {
        const char *bucket = ops->output(pipeline, i).bucket;
        if (bucket)
            code = text_list_add(buckets, bucket); /* creating a bucket twice is harmless */
    }
    return code;
}

static int plan_pipeline(struct local_plan *plan, const struct pipeline_ops *ops,
                         const struct pipeline *pipeline, struct error *error)
{
    int code = plan_buckets(ops, pipeline, &plan->buckets);
    if (code)
        return error_set(error, code, "out of memory");
    code = plan_queue(ops->facts(pipeline), &plan->queues[plan->fanout.queue_count], error);
    plan->fanout.queue_count += !code;
    return code;
}

int local_plan_make(struct local_plan *plan, const struct pipeline_set *set, struct error *error)
{
    int code = 0;
    *plan = (struct local_plan){
        .fanout = {.bucket = LOCAL_BUCKET, .prefix = LOCAL_PREFIX, .topic = LOCAL_TOPIC}};
    plan->queues = calloc(set->count, sizeof *plan->queues);
    if (!plan->queues)
        return error_set(error, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < set->count && !code; i++)
        code = plan_pipeline(plan, set->ops, set->items[i], error);
    plan->fanout.queues = plan->queues;
    plan->fanout.extra_buckets = (const char *const *)plan->buckets.items;
    plan->fanout.extra_bucket_count = plan->buckets.count;
    return code;
}

void local_plan_clear(struct local_plan *plan)
{
    for (size_t i = 0; i < plan->fanout.queue_count; i++)
        free((char *)plan->queues[i].dead_letter_name);
    free(plan->queues);
    text_list_clear(&plan->buckets);
}
