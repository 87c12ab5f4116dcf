#include "local_plan.h"

#include <string.h>

#include "local_names.h"

const char *local_region(const struct config *config)
{
    return config->backend.region ? config->backend.region : LOCAL_REGION;
}

static int check_queues(const struct pipeline_set *set, struct error *error)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct pipeline_facts *facts = set->ops->facts(set->items[i]);
        if (strpbrk(facts->queue, ":/"))
            return error_set(error, ERR_INVALID,
                             "%s: the queue \"%s\" is a URL or an ARN; the embedded cloud creates "
                             "queues by name: use only its name",
                             facts->file, facts->queue);
    }
    return 0;
}

int local_plan_make(struct local_plan *plan, const struct pipeline_set *set,
                    const struct config *config, bool envelopes, struct error *error)
{
    *plan = (struct local_plan){0};
    plan->run = (struct provision_run){
        .plan = &plan->plan,
        .place = {.partition = "aws", .region = local_region(config), .account = LOCAL_ACCOUNT},
        .write = true};
    const struct provision_settings settings = {.bucket = LOCAL_BUCKET,
                                                .prefix = LOCAL_PREFIX,
                                                .name = LOCAL_TOPIC,
                                                .notification_id = "thumbwheel",
                                                .max_receives = LOCAL_MAX_RECEIVES,
                                                .visibility_s = LOCAL_VISIBILITY_S,
                                                .any_bucket = true,
                                                .place = &plan->run.place,
                                                .envelopes = envelopes};
    int code = check_queues(set, error);
    if (!code)
        code = provision_plan_make(&plan->plan, set->ops, set->items, set->count, &settings, error);
    return code;
}

void local_plan_clear(struct local_plan *plan)
{
    provision_plan_clear(&plan->plan);
}
