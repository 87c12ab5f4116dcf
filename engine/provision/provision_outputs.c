/* The buckets of the outputs, and the lifecycles that let outputs expire. */
#include <stdlib.h>
#include <string.h>

#include "provision_build.h"

enum { LIFECYCLE_ID_MAX = 255 };

static const char *bucket_of(const struct provision_build *build, struct pipeline_output output)
{
    return output.bucket ? output.bucket : build->plan->settings.bucket;
}

/* S3 reserves the suffix for aliases ("Bucket naming rules", Amazon S3 User Guide). */
bool provision_is_access_point(const char *bucket)
{
    return strncmp(bucket, "arn:", 4) == 0 || slice_ends_with(slice_of(bucket), "-s3alias");
}

static void note_access_point(struct provision_build *build, const struct pipeline_facts *facts,
                              const char *name)
{
    const char *more = strncmp(name, "arn:", 4) == 0 ? "" : "; add it to the role's policy by hand";
    for (size_t i = 0; i < build->plan->notes.count; i++)
        if (strstr(build->plan->notes.items[i], name))
            return;
    provision_note(build,
                   "the access point %s, which gets outputs of the pipeline %s, is left to its "
                   "owner, and so is the bucket behind it%s",
                   name, facts->name, more);
}

static void add_bucket(struct provision_build *build, const struct pipeline_facts *facts,
                       const char *bucket)
{
    if (provision_is_access_point(bucket))
        note_access_point(build, facts, bucket);
    else if (provision_find(build->plan, PROVISION_BUCKET, bucket) == PROVISION_NONE)
        provision_add(build, (struct provision_resource){.kind = PROVISION_BUCKET,
                                                         .name = provision_keep(build, bucket),
                                                         .on = PROVISION_NONE,
                                                         .to = PROVISION_NONE,
                                                         .output = true});
}

/* An expiry must never reach the photos themselves. */
static void check_source(struct provision_build *build, const struct pipeline_facts *facts,
                         const char *key, const char *prefix, const char *source)
{
    if (strncmp(source, prefix, strlen(prefix)) == 0 ||
        strncmp(prefix, source, strlen(source)) == 0)
        provision_refuse(build,
                         "--lifecycle-days would delete photos too: the outputs \"%s\" of the "
                         "pipeline %s are in the photos' bucket, and nothing tells them from "
                         "\"%s\": give the outputs a prefix or a bucket of their own",
                         key, facts->name, source);
}

static void check_sources(struct provision_build *build, const struct pipeline_facts *facts,
                          const char *key, const char *prefix)
{
    for (size_t i = 0; i < build->pipeline_count; i++) {
        struct text_list sources;
        provision_prefixes(build, build->pipelines[i], &sources);
        for (size_t k = 0; k < sources.count; k++)
            check_source(build, facts, key, prefix, sources.items[k]);
        text_list_clear(&sources);
    }
}

/* One lifecycle for each bucket: S3 replaces the whole configuration. */
static size_t lifecycle_of(struct provision_build *build, const char *bucket)
{
    size_t found = provision_find(build->plan, PROVISION_LIFECYCLE, bucket);
    size_t on = provision_find(build->plan, PROVISION_BUCKET, bucket);
    if (found != PROVISION_NONE || on == PROVISION_NONE)
        return found;
    return provision_add(build,
                         (struct provision_resource){.kind = PROVISION_LIFECYCLE,
                                                     .name = build->plan->resources[on].name,
                                                     .on = on,
                                                     .to = PROVISION_NONE,
                                                     .days = build->plan->settings.lifecycle_days});
}

static bool has_prefix(const struct provision_plan *plan, size_t lifecycle, const char *prefix)
{
    const struct provision_resource *resource = &plan->resources[lifecycle];
    for (size_t i = 0; i < resource->filter_count; i++)
        if (strcmp(plan->filters[resource->filter + i].prefix, prefix) == 0)
            return true;
    return false;
}

static void add_expiry(struct provision_build *build, const char *bucket, const char *prefix)
{
    size_t lifecycle = lifecycle_of(build, bucket);
    if (lifecycle == PROVISION_NONE || has_prefix(build->plan, lifecycle, prefix))
        return;
    const char *id = *prefix ? provision_keep_format(build, "thumbwheel-%s", prefix) : "thumbwheel";
    if (strlen(id) > LIFECYCLE_ID_MAX)
        provision_refuse(build, "the prefix of the outputs \"%.100s…\" is too long for a lifecycle",
                         prefix);
    provision_add_filter(
        build, lifecycle,
        (struct provision_filter){.id = id, .prefix = prefix, .suffix = "", .to = PROVISION_NONE});
}

/* Expires what begins like the output's key, up to its first placeholder. */
static void add_lifecycle(struct provision_build *build, const struct pipeline_facts *facts,
                          struct pipeline_output output)
{
    const char *bucket = bucket_of(build, output);
    const char *prefix =
        provision_keep_format(build, "%.*s", (int)strcspn(output.key, "{}"), output.key);
    if (strcmp(bucket, build->plan->settings.bucket) == 0)
        check_sources(build, facts, output.key, prefix);
    if (!build->code)
        add_expiry(build, bucket, prefix);
}

static void visit_outputs(struct provision_build *build, const char *only)
{
    for (size_t i = 0; i < build->pipeline_count; i++) {
        const struct pipeline_facts *facts = build->ops->facts(build->pipelines[i]);
        for (size_t k = 0; k <= facts->output_count && !build->code; k++) {
            const struct pipeline_output output = build->ops->output(build->pipelines[i], k);
            if (output.key && !only)
                add_bucket(build, facts, bucket_of(build, output));
            else if (output.key && strcmp(bucket_of(build, output), only) == 0)
                add_lifecycle(build, facts, output);
        }
    }
}

/* The filters of one resource lie beside each other: one bucket after the other. */
void provision_build_outputs(struct provision_build *build)
{
    visit_outputs(build, NULL);
    const size_t buckets = build->plan->count;
    for (size_t i = 0; i < buckets && build->plan->settings.lifecycle_days && !build->code; i++)
        visit_outputs(build, build->plan->resources[i].name);
}
