/* The topics and queues that the pipelines notify. Each is made where its ARN says; by whom it is
 * read, and how, is left to its owner. */
#include <string.h>

#include "provision_build.h"
#include "resource_home.h"

static const char elsewhere[] = ", since it is in another account or region";

static void leave(struct provision_build *build, const struct pipeline_facts *facts,
                  const char *what, const char *why)
{
    provision_note(build,
                   "the %s %s, which the pipeline %s notifies, is left to its owner%s: create it, "
                   "and let the engine send to it",
                   what, facts->notify->target, facts->name, why);
}

static bool is_same_home(const struct provision_resource *a, const struct provision_resource *b)
{
    return strcmp(a->home_region, b->home_region) == 0 &&
           strcmp(a->home_account, b->home_account) == 0;
}

/* Whether the plan has it already. Two of one name may be in different places. */
static bool is_known(struct provision_build *build, const struct pipeline_facts *facts,
                     const struct provision_resource *wanted)
{
    for (size_t i = 0; i < build->plan->count; i++) {
        const struct provision_resource *other = &build->plan->resources[i];
        if (other->kind != wanted->kind || strcmp(other->name, wanted->name) != 0)
            continue;
        if (other->kind == PROVISION_TOPIC && !other->notify)
            provision_refuse(build,
                             "the pipeline %s notifies the topic %s, which brings the events of "
                             "new photos to the queues: use another --name",
                             facts->name, wanted->name);
        if (!other->home_region || (wanted->home_region && is_same_home(other, wanted)))
            return true;
    }
    return false;
}

/* In a template, the account and region are known when it is applied. */
static void add(struct provision_build *build, const struct pipeline_facts *facts,
                enum provision_kind kind, const char *name, const struct resource_home *home)
{
    struct provision_resource resource = {.kind = kind,
                                          .name = provision_keep(build, name),
                                          .on = PROVISION_NONE,
                                          .to = PROVISION_NONE,
                                          .fifo = provision_is_fifo(name),
                                          .notify = true};
    if (kind == PROVISION_QUEUE)
        resource.retention_s = build->plan->settings.retention_s;
    if (home && !build->plan->settings.place) {
        resource.home_region = provision_keep(build, home->region);
        resource.home_account = provision_keep(build, home->account);
    }
    if (!is_known(build, facts, &resource))
        provision_add(build, resource);
}

static bool is_plain_name(const struct pipeline_notify *notify)
{
    return !strpbrk(notify->target, ":/");
}

static void add_target(struct provision_build *build, const struct pipeline_facts *facts,
                       enum provision_kind kind)
{
    const struct provision_place *place = build->plan->settings.place;
    const char *target = facts->notify->target, *what = provision_kind_name(kind);
    struct resource_home home;
    const bool in_broker = provision_is_in_broker(build, target);
    const bool to_broker = build->plan->settings.via == PROVISION_RABBITMQ;
    if (in_broker && to_broker)
        return; /* provision_broker.c has made it */
    if (in_broker || to_broker)
        leave(build, facts, what,
              in_broker ? ", since it is in RabbitMQ" : ", since it is not in RabbitMQ");
    else if (is_plain_name(facts->notify))
        add(build, facts, kind, target, NULL);
    else if (!resource_home_read(target, &home))
        leave(build, facts, what, ", since its URL does not say where it is");
    else if (place && !resource_home_is(&home, place))
        leave(build, facts, what, elsewhere);
    else
        add(build, facts, kind, home.name, &home);
}

/* Every account has the default bus. */
static void note_event_bus(struct provision_build *build, const struct pipeline_facts *facts)
{
    static const char standard[] = "default";
    const struct provision_place *place = build->plan->settings.place;
    const char *target = facts->notify->target, *slash = strrchr(target, '/');
    struct resource_home home;
    if (place && resource_home_read(target, &home) && !resource_home_is(&home, place))
        leave(build, facts, "event bus", elsewhere);
    else if (strcmp(slash ? slash + 1 : target, standard) != 0)
        leave(build, facts, "event bus", "");
}

static void visit(struct provision_build *build, const struct pipeline_facts *facts)
{
    if (facts->notify->kind == NOTIFY_TOPIC)
        add_target(build, facts, PROVISION_TOPIC);
    else if (facts->notify->kind == NOTIFY_QUEUE)
        add_target(build, facts, PROVISION_QUEUE);
    else if (facts->notify->kind == NOTIFY_EVENT_BUS)
        note_event_bus(build, facts);
}

/* A queue that is given by its name is needed wherever the plan is applied, also if another pipeline
 * gives its ARN: names come first. */
void provision_build_notify(struct provision_build *build)
{
    for (int names = 1; names >= 0; names--)
        for (size_t i = 0; i < build->pipeline_count && !build->code; i++) {
            const struct pipeline_facts *facts = build->ops->facts(build->pipelines[i]);
            if (facts->notify && is_plain_name(facts->notify) == (names == 1))
                visit(build, facts);
        }
}
