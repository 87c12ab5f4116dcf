/* The prefixes of notifications and rules. Suffixes come only from the settings: a pipeline's match
 * ignores the case of a suffix, S3 does not. */
#include <string.h>

#include "provision_build.h"

static bool covers(const char *prefix, const char *other)
{
    return strncmp(prefix, other, strlen(prefix)) == 0;
}

/* Adds a prefix, unless one of the list covers it; removes those that it covers. */
static void add_prefix(struct provision_build *build, struct text_list *list, const char *prefix)
{
    for (size_t i = 0; i < list->count; i++)
        if (covers(list->items[i], prefix))
            return;
    struct text_list kept = {0};
    int code = 0;
    for (size_t i = 0; i < list->count && !code; i++)
        if (!covers(prefix, list->items[i]))
            code = text_list_add(&kept, list->items[i]);
    if (!code)
        code = text_list_add(&kept, prefix);
    text_list_clear(list);
    *list = kept;
    if (code && !build->code)
        build->code = error_set(build->error, code, "out of memory");
}

static void add_pipeline(struct provision_build *build, const struct pipeline *pipeline,
                         struct text_list *out)
{
    const struct pipeline_facts *facts = build->ops->facts(pipeline);
    if (build->plan->settings.prefix || facts->match_prefix_count == 0) {
        const char *prefix = build->plan->settings.prefix;
        add_prefix(build, out, prefix ? prefix : "");
        return;
    }
    for (size_t i = 0; i < facts->match_prefix_count; i++)
        add_prefix(build, out, facts->match_prefixes[i]);
}

void provision_prefixes(struct provision_build *build, const struct pipeline *pipeline,
                        struct text_list *out)
{
    *out = (struct text_list){0};
    if (pipeline)
        add_pipeline(build, pipeline, out);
    for (size_t i = 0; i < build->pipeline_count && !pipeline; i++)
        if (provision_makes_queue(build, i))
            add_pipeline(build, build->pipelines[i], out);
}

static void check_pair(struct provision_build *build, const struct pipeline *one,
                       const struct pipeline *other)
{
    struct text_list a, b;
    provision_prefixes(build, one, &a);
    provision_prefixes(build, other, &b);
    for (size_t i = 0; i < a.count; i++)
        for (size_t k = 0; k < b.count; k++)
            if (covers(a.items[i], b.items[k]) || covers(b.items[k], a.items[i]))
                provision_refuse(build,
                                 "the pipelines %s and %s take the same photos (\"%s\", \"%s\"), "
                                 "and S3 notifies only one queue for each photo: use --via sns or "
                                 "--via eventbridge, or give them prefixes that do not overlap",
                                 build->ops->facts(one)->name, build->ops->facts(other)->name,
                                 a.items[i], b.items[k]);
    text_list_clear(&a);
    text_list_clear(&b);
}

void provision_check_apart(struct provision_build *build)
{
    for (size_t i = 0; i < build->pipeline_count; i++)
        for (size_t k = i + 1; k < build->pipeline_count; k++)
            if (provision_makes_queue(build, i) && provision_makes_queue(build, k))
                check_pair(build, build->pipelines[i], build->pipelines[k]);
}
