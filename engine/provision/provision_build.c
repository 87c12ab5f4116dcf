#include "provision_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void provision_fail(struct provision_build *build, int code)
{
    if (!build->code)
        build->code = error_set(build->error, code, "%s", "out of memory");
}

const char *provision_keep(struct provision_build *build, const char *text)
{
    return provision_keep_format(build, "%s", text);
}

const char *provision_keep_format(struct provision_build *build, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = text_list_vformat(&build->plan->texts, format, args);
    va_end(args);
    if (!text)
        provision_fail(build, ERR_MEMORY);
    return text ? text : "";
}

void provision_note(struct provision_build *build, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!text_list_vformat(&build->plan->notes, format, args))
        provision_fail(build, ERR_MEMORY);
    va_end(args);
}

void provision_refuse(struct provision_build *build, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!build->code)
        build->code = error_set(build->error, ERR_INVALID, "%s", text);
}

size_t provision_add(struct provision_build *build, struct provision_resource resource)
{
    struct provision_plan *plan = build->plan;
    struct provision_resource *grown =
        reallocarray(plan->resources, plan->count + 1, sizeof *plan->resources);
    if (!grown) {
        provision_fail(build, ERR_MEMORY);
        return PROVISION_NONE;
    }
    plan->resources = grown;
    plan->resources[plan->count] = resource;
    return plan->count++;
}

void provision_add_filter(struct provision_build *build, size_t resource,
                          struct provision_filter filter)
{
    struct provision_plan *plan = build->plan;
    struct provision_filter *grown =
        reallocarray(plan->filters, plan->filter_count + 1, sizeof *plan->filters);
    if (!grown || resource == PROVISION_NONE) {
        plan->filters = grown ? grown : plan->filters;
        provision_fail(build, ERR_MEMORY);
        return;
    }
    struct provision_resource *owner = &plan->resources[resource];
    plan->filters = grown;
    plan->filters[plan->filter_count] = filter;
    if (owner->filter_count++ == 0)
        owner->filter = plan->filter_count;
    plan->filter_count++;
}

bool provision_makes_queue(const struct provision_build *build, size_t pipeline)
{
    const char *queue = build->ops->facts(build->pipelines[pipeline])->queue;
    return build->plan->settings.via == PROVISION_RABBITMQ ? provision_is_in_broker(build, queue)
                                                           : !strpbrk(queue, ":/");
}
