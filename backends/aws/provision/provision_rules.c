/* EventBridge's rules and their targets. */
#include <stdlib.h>
#include <string.h>

#include "aws_json.h"
#include "json_text.h"
#include "provision_private.h"

static int events_call(struct provision *p, const char *operation, json_t *body, bool settling,
                       provision_reply *reply)
{
    const struct aws_json_call call = {.service = AWS_EVENTS,
                                       .target = "AWSEvents",
                                       .version = "1.1",
                                       .operation = operation,
                                       .resource = provision_now(p)->name,
                                       .url = p->events_url,
                                       .body = body,
                                       .settling = settling,
                                       .response_max = AWS_RESPONSE_MAX,
                                       .done = provision_replied,
                                       .release = provision_free,
                                       .user = p};
    p->reply = reply;
    return aws_json_start(p->aws, &call, NULL);
}

/* ---- rules ---- */

static int rule_known(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    if (provision_is_absent(error))
        return 0;
    json_t *root = aws_json_response(reply, error);
    if (!root)
        return error->code;
    const char *pattern = json_text_in(root, "EventPattern"), *state = json_text_in(root, "State");
    json_t *tree =
        pattern ? json_text_read(slice_of(pattern), JSON_LAST_DUPLICATE, NULL) : json_null();
    p->finding.exists = true;
    int code = provision_found(p, "EventPattern", tree ? tree : json_string(pattern));
    if (!code)
        code = provision_found(p, "State", json_string(state ? state : ""));
    json_decref(root);
    return code;
}

int provision_read_rule(struct provision *p)
{
    return events_call(p, "DescribeRule", json_pack("{s:s}", "Name", provision_now(p)->name), false,
                       rule_known);
}

int provision_write_rule(struct provision *p)
{
    json_t *pattern = provision_pattern(p->run->plan, p->index);
    char *text = pattern ? json_dumps(pattern, JSON_COMPACT) : NULL;
    int code = text ? events_call(p, "PutRule",
                                  json_pack("{s:s, s:s, s:s}", "Name", provision_now(p)->name,
                                            "EventPattern", text, "State", "ENABLED"),
                                  true, provision_written)
                    : ERR_MEMORY;
    free(text);
    json_decref(pattern);
    return code;
}

/* ---- targets ---- */

static int target_found(struct provision *p, const json_t *target)
{
    const char *id = json_text_in(target, "Id"), *arn = json_text_in(target, "Arn");
    const char *group = json_text_in(json_object_get(target, "SqsParameters"), "MessageGroupId");
    if (!id || !arn)
        return ERR_PROTOCOL;
    if (strcmp(id, provision_now(p)->name) != 0)
        return provision_other(p, "the rule %s also has the target \"%s\" (%s), which is not ours",
                               provision_base(p), id, arn);
    p->finding.exists = true;
    int code = provision_found(p, "Arn", json_string(arn));
    return code || !group ? code : provision_found(p, "MessageGroupId", json_string(group));
}

static int targets_list(struct provision *p, const char *token);

static int targets_known(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    if (provision_is_absent(error))
        return 0;
    json_t *root = aws_json_response(reply, error);
    if (!root)
        return error->code;
    const json_t *targets = json_object_get(root, "Targets");
    const char *token = json_text_in(root, "NextToken");
    int code = 0;
    for (size_t i = 0; i < json_array_size(targets) && !code; i++)
        code = target_found(p, json_array_get(targets, i));
    if (!code && token) {
        code = targets_list(p, token);
        code = code ? code : PROVISION_WAITS;
    }
    json_decref(root);
    return code;
}

static int targets_list(struct provision *p, const char *token)
{
    return events_call(p, "ListTargetsByRule",
                       json_pack("{s:s, s:s*}", "Rule", provision_base(p), "NextToken", token),
                       p->run->write, targets_known);
}

int provision_read_target(struct provision *p)
{
    return targets_list(p, NULL);
}

/* A 200 may contain the failure of the target. */
static int target_written(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    json_t *root = aws_json_response(reply, error);
    (void)p;
    if (!root)
        return error->code;
    const json_t *entry = json_array_get(json_object_get(root, "FailedEntries"), 0);
    const char *why = json_text_in(entry, "ErrorMessage");
    int code = 0;
    if (entry || aws_json_number(root, "FailedEntryCount"))
        code = error_set(error, ERR_REFUSED, "EventBridge refused the target: %s",
                         why ? why : "without a reason");
    json_decref(root);
    return code;
}

int provision_write_target(struct provision *p)
{
    const struct provision_resource *target = provision_now(p);
    char *arn = provision_arn_at(p, target->to);
    json_t *entry = json_pack("{s:s, s:s}", "Id", target->name, "Arn", arn);
    int failed = !entry;
    if (!failed && p->run->plan->resources[target->to].fifo)
        failed = json_object_set_new(entry, "SqsParameters",
                                     json_pack("{s:s}", "MessageGroupId", provision_base(p)));
    free(arn);
    if (failed) {
        json_decref(entry);
        return ERR_MEMORY;
    }
    return events_call(p, "PutTargets",
                       json_pack("{s:s, s:[o]}", "Rule", provision_base(p), "Targets", entry), true,
                       target_written);
}
