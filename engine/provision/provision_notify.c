/* The topics and queues that the pipelines notify. Each is made where its ARN says; by whom it is
 * read, and how, is left to its owner. */
#include <string.h>

#include "provision_build.h"
#include "resource_home.h"

static void leave(struct provision_build *build, const struct pipeline_facts *facts,
                  const char *what, const char *why)
{
    provision_note(build,
                   "the %s %s, which the pipeline %s notifies, is left to its owner%s: create it, "
                   "and let the engine send to it",
                   what, facts->notify->target, facts->name, why);
}

/* Whether it is in the plan already. */
static bool is_known(struct provision_build *build, const struct pipeline_facts *facts,
                     enum provision_kind kind, const char *name)
{
    const size_t index = provision_find(build->plan, kind, name);
    if (index == PROVISION_NONE)
        return false;
    if (kind == PROVISION_TOPIC && !build->plan->resources[index].notify)
        provision_refuse(build,
                         "the pipeline %s notifies the topic %s, which brings the events of new "
                         "photos to the queues: use another --name",
                         facts->name, name);
    return true;
}

/* In a template, the account and region are known when it is applied. */
static void add(struct provision_build *build, const struct pipeline_facts *facts,
                enum provision_kind kind, const char *name, const struct resource_home *home)
{
    if (is_known(build, facts, kind, name))
        return;
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
    provision_add(build, resource);
}

static void add_target(struct provision_build *build, const struct pipeline_facts *facts,
                       enum provision_kind kind)
{
    const struct provision_place *place = build->plan->settings.place;
    const char *target = facts->notify->target, *what = provision_kind_name(kind);
    struct resource_home home;
    if (!strpbrk(target, ":/"))
        add(build, facts, kind, target, NULL);
    else if (!resource_home_read(target, &home))
        leave(build, facts, what, ", since its URL does not say where it is");
    else if (place && !resource_home_is(&home, place))
        leave(build, facts, what, ", since it is in another account or region");
    else
        add(build, facts, kind, home.name, &home);
}

/* Every account has the default bus. */
static void note_event_bus(struct provision_build *build, const struct pipeline_facts *facts)
{
    static const char standard[] = "default";
    const char *slash = strrchr(facts->notify->target, '/');
    if (strcmp(slash ? slash + 1 : facts->notify->target, standard) != 0)
        leave(build, facts, "event bus", "");
}

void provision_build_notify(struct provision_build *build)
{
    for (size_t i = 0; i < build->pipeline_count && !build->code; i++) {
        const struct pipeline_facts *facts = build->ops->facts(build->pipelines[i]);
        if (!facts->notify)
            continue;
        if (facts->notify->kind == NOTIFY_TOPIC)
            add_target(build, facts, PROVISION_TOPIC);
        else if (facts->notify->kind == NOTIFY_QUEUE)
            add_target(build, facts, PROVISION_QUEUE);
        else if (facts->notify->kind == NOTIFY_EVENT_BUS)
            note_event_bus(build, facts);
    }
}
