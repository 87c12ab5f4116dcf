/* The runner: one resource after the other is read, compared and, if that is asked for, written. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "provision_private.h"
#include "sqs_private.h"

/* Those without functions are in a message broker. */
static const struct kind {
    provision_start *read, *write;
} kinds[PROVISION_KINDS] = {
    [PROVISION_BUCKET] = {provision_read_bucket, provision_write_bucket},
    [PROVISION_LIFECYCLE] = {provision_read_lifecycle, provision_write_lifecycle},
    [PROVISION_TOPIC] = {provision_read_topic, provision_write_topic},
    [PROVISION_TOPIC_POLICY] = {provision_read_topic_policy, provision_write_topic_policy},
    [PROVISION_QUEUE] = {provision_read_queue, provision_write_queue},
    [PROVISION_QUEUE_POLICY] = {provision_read_queue_policy, provision_write_queue_policy},
    [PROVISION_SUBSCRIPTION] = {provision_read_subscription, provision_write_subscription},
    [PROVISION_RULE] = {provision_read_rule, provision_write_rule},
    [PROVISION_TARGET] = {provision_read_target, provision_write_target},
    [PROVISION_NOTIFICATION] = {provision_read_notification, provision_write_notification},
    [PROVISION_EVENT_BRIDGE] = {provision_read_notification, provision_write_notification},
};

/* ---- for the kinds ---- */

const struct provision_resource *provision_now(const struct provision *p)
{
    return &p->run->plan->resources[p->index];
}

const char *provision_base(const struct provision *p)
{
    return p->run->plan->resources[provision_now(p)->on].name;
}

char *provision_arn_at(const struct provision *p, size_t index)
{
    return provision_arn(p->run->plan, index, &p->run->place);
}

int provision_found(struct provision *p, const char *name, json_t *value)
{
    if (!p->finding.attributes)
        p->finding.attributes = json_object();
    return json_object_set_new(p->finding.attributes, name, value) ? ERR_MEMORY : 0;
}

int provision_other(struct provision *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = text_list_vformat(&p->finding.others, format, args);
    va_end(args);
    return text ? 0 : ERR_MEMORY;
}

int provision_keep_text(char **field, const char *text)
{
    free(*field);
    *field = text ? slice_dup(slice_of(text)) : NULL;
    return *field || !text ? 0 : ERR_MEMORY;
}

bool provision_is_absent(const struct error *error)
{
    return error->code == ERR_NO_CONTAINER || error->code == ERR_NOT_FOUND;
}

int provision_out_of_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "out of memory");
}

int provision_written(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    (void)p;
    (void)reply;
    return error->code;
}

/* ---- the runner ---- */

static void resource_clear(struct provision *p)
{
    provision_finding_clear(&p->finding);
    provision_change_clear(&p->change);
    free(p->found);
    free(p->text);
    p->found = p->text = NULL;
}

void provision_free(void *user)
{
    struct provision *p = user;
    resource_clear(p);
    free(p->sqs_url);
    free(p->events_url);
    free(p);
}

static int start_phase(struct provision *p, bool writing)
{
    const struct kind *kind = &kinds[provision_now(p)->kind];
    p->writing = writing;
    return writing ? kind->write(p) : kind->read(p);
}

static int next_resource(struct provision *p)
{
    const struct provision_plan *plan = p->run->plan;
    resource_clear(p);
    do
        p->index++;
    while (p->index < plan->count && !kinds[plan->resources[p->index].kind].read);
    return p->index < plan->count ? start_phase(p, false) : 0;
}

/* Ceph copies a topic into the notifications that name it when they are written. */
static bool is_outdated(const struct provision *p)
{
    return p->topic_written && provision_now(p)->kind == PROVISION_NOTIFICATION;
}

/* After a resource was read. */
static int compare(struct provision *p, struct error *error)
{
    const struct provision_run *run = p->run;
    int code = provision_compare(run->plan, p->index, &run->place, &p->finding, &p->change);
    if (code)
        return provision_out_of_memory(error);
    if (run->compared)
        run->compared(p->index, &p->change, run->user);
    if (!run->write || (p->change.action == PROVISION_KEEP && !is_outdated(p)))
        code = next_resource(p);
    else if (p->change.action == PROVISION_CONFLICT)
        return error_set(error, ERR_CONFLICT, "%s", p->change.conflict);
    else
        code = start_phase(p, true);
    return code ? error_set(error, code, "%s", error_name(code)) : 0;
}

static int resource_written(struct provision *p, struct error *error)
{
    log_debug("provisioned", LOG_TEXT("kind", provision_kind_name(provision_now(p)->kind)),
              LOG_TEXT("name", provision_now(p)->name));
    if (p->run->written)
        p->run->written(p->index, p->run->user);
    int code = next_resource(p);
    return code ? error_set(error, code, "%s", error_name(code)) : 0;
}

static void finish(struct provision *p, struct error *error)
{
    aws_done *done = p->done;
    void *user = p->user;
    if (error->code && p->index < p->run->plan->count)
        error_prefix(error, "%s %s: cannot %s it", provision_kind_name(provision_now(p)->kind),
                     provision_now(p)->name, p->writing ? "set" : "read");
    provision_free(p);
    done(error, user);
}

void provision_replied(const struct aws_reply *reply, void *user)
{
    struct provision *p = user;
    struct error error = reply->error;
    int code = p->reply(p, reply, &error);
    if (code == PROVISION_WAITS)
        return;
    if (code == 0)
        error.code = code = p->writing ? resource_written(p, &error) : compare(p, &error);
    else if (!error.code)
        error_set(&error, code, "%s", error_name(code));
    if (code || p->index == p->run->plan->count)
        finish(p, &error);
}

int aws_provision(struct aws *aws, const struct provision_run *run, aws_done *done, void *user)
{
    if (run->plan->count == 0)
        return ERR_INVALID;
    struct provision *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_MEMORY;
    *p = (struct provision){.aws = aws, .run = run, .done = done, .user = user};
    struct buffer url;
    buffer_init(&url, 4096);
    endpoint_append(&aws->endpoints, AWS_EVENTS, aws->region, &url);
    buffer_byte(&url, '/');
    p->events_url = buffer_take_text(&url);
    p->sqs_url = sqs_endpoint(aws, NULL);
    int code = p->sqs_url && p->events_url ? start_phase(p, false) : ERR_MEMORY;
    if (code)
        provision_free(p);
    return code;
}
