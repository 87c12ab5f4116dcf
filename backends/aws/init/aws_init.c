#include "aws_init.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws_json.h"
#include "json_text.h"
#include "notification_same.h"
#include "s3_bucket.h"
#include "sns.h"
#include "sqs_private.h"

enum { PARAMETERS_MAX = 160, PARAMETER_NAME_MAX = 64, URL_MAX = 4096 };

static const char notification[] = "PutBucketNotificationConfiguration";

struct init_run {
    struct aws *aws;
    const struct init_file *file;
    aws_init_done *done;
    void *user;
    size_t index;
    char *sqs_url, *events_url;
    char *subscription; /* the ARN of the last one */
    bool reading;       /* what the current request would replace */
};

static void replied(const struct aws_reply *reply, void *user);

static void run_free(void *user)
{
    struct init_run *run = user;
    free(run->sqs_url);
    free(run->events_url);
    free(run->subscription);
    free(run);
}

static const struct init_request *request_now(const struct init_run *run)
{
    return &run->file->requests[run->index];
}

/* ---- JSON, S3 ---- */

static int json_send(struct init_run *run, enum aws_service service, const char *target,
                     const char *version, const char *url)
{
    const struct init_request *request = request_now(run);
    const struct aws_json_call call = {.service = service,
                                       .target = target,
                                       .version = version,
                                       .operation = request->operation,
                                       .resource = request->resource,
                                       .url = url,
                                       .body = json_incref(request->input),
                                       .response_max = AWS_RESPONSE_MAX,
                                       .done = replied,
                                       .release = run_free,
                                       .user = run};
    return aws_json_start(run->aws, &call, NULL);
}

/* Each change of a notification sends a test event, so one that would change nothing is not sent. */
static int notification_read(struct init_run *run)
{
    struct s3_bucket_call call = {.operation = "GetBucketNotificationConfiguration",
                                  .method = "GET",
                                  .bucket = request_now(run)->resource,
                                  .query = request_now(run)->query,
                                  .done = replied,
                                  .release = run_free,
                                  .user = run};
    run->reading = true;
    return s3_bucket_start(run->aws, &call);
}

static int s3_send(struct init_run *run)
{
    const struct init_request *request = request_now(run);
    struct s3_bucket_call call = {.operation = request->operation,
                                  .method = "PUT",
                                  .bucket = request->resource,
                                  .query = request->query,
                                  .done = replied,
                                  .release = run_free,
                                  .user = run};
    if (request->body)
        call.body = bytes_borrow(request->body, strlen(request->body));
    return s3_bucket_start(run->aws, &call);
}

/* ---- SNS: the members as parameters of its Query protocol ---- */

struct init_form {
    struct sns_parameter parameters[PARAMETERS_MAX];
    char names[PARAMETERS_MAX][PARAMETER_NAME_MAX];
    size_t count;
};

static int form_add(struct init_form *form, const char *value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The value is borrowed. */
static int form_add(struct init_form *form, const char *value, const char *format, ...)
{
    va_list args;
    if (form->count == PARAMETERS_MAX || !value)
        return ERR_LIMIT;
    va_start(args, format);
    vsnprintf(form->names[form->count], PARAMETER_NAME_MAX, format, args);
    va_end(args);
    form->parameters[form->count] = (struct sns_parameter){form->names[form->count], value};
    form->count++;
    return 0;
}

/* Attributes. */
static int map_add(struct init_form *form, const char *name, json_t *map)
{
    const char *key;
    json_t *value;
    unsigned index = 0;
    int code = 0;
    json_object_foreach(map, key, value)
    {
        index++;
        code = form_add(form, key, "%.30s.entry.%u.key", name, index);
        if (code)
            return code;
        code = form_add(form, json_string_value(value), "%.30s.entry.%u.value", name, index);
        if (code)
            return code;
    }
    return 0;
}

/* Tags. */
static int list_add(struct init_form *form, const char *name, const json_t *list)
{
    const char *key;
    json_t *value;
    for (unsigned i = 0; i < json_array_size(list); i++) {
        json_object_foreach(json_array_get(list, i), key, value)
        {
            int code =
                form_add(form, json_string_value(value), "%.20s.member.%u.%.20s", name, i + 1, key);
            if (code)
                return code;
        }
    }
    return 0;
}

static int member_add(struct init_form *form, const char *name, json_t *value)
{
    if (json_is_object(value))
        return map_add(form, name, value);
    if (json_is_array(value))
        return list_add(form, name, value);
    return form_add(form, json_string_value(value), "%.60s", name);
}

static int form_make(const struct init_run *run, struct init_form *form)
{
    const struct init_request *request = request_now(run);
    const char *name;
    json_t *value;
    json_object_foreach(request->input, name, value)
    {
        int code = member_add(form, name, value);
        if (code)
            return code;
    }
    return request->of_subscription ? form_add(form, run->subscription, "SubscriptionArn") : 0;
}

static int sns_send(struct init_run *run)
{
    const struct init_request *request = request_now(run);
    struct init_form *form = calloc(1, sizeof *form);
    int code = form ? form_make(run, form) : ERR_MEMORY;
    if (code)
        goto out;
    const struct sns_client_call call = {.action = request->operation,
                                         .resource = request->resource,
                                         .parameters = form->parameters,
                                         .parameter_count = form->count,
                                         .done = replied,
                                         .release = run_free,
                                         .user = run};
    code = sns_start(run->aws, &call);
out:
    free(form);
    return code;
}

/* ---- the run ---- */

static int request_send(struct init_run *run)
{
    switch (request_now(run)->service) {
    case INIT_S3:
        return strcmp(request_now(run)->operation, notification) == 0 ? notification_read(run)
                                                                      : s3_send(run);
    case INIT_SQS:
        return json_send(run, AWS_SQS, "AmazonSQS", NULL, run->sqs_url);
    case INIT_SNS:
        return sns_send(run);
    case INIT_EVENTS:
        return json_send(run, AWS_EVENTS, "AWSEvents", "1.1", run->events_url);
    }
    return ERR_INVALID;
}

/* A 200 may contain the failure of a target. */
static int entries_check(const json_t *object, struct error *error)
{
    const json_t *entry = json_array_get(json_object_get(object, "FailedEntries"), 0);
    const char *why = json_text_in(entry, "ErrorMessage");
    return entry ? error_set(error, ERR_INVALID, "%s", why ? why : "a target was refused") : 0;
}

static int subscription_keep(struct init_run *run, const struct aws_reply *reply)
{
    static const char path[] = "SubscribeResponse/SubscribeResult/SubscriptionArn";
    free(run->subscription);
    run->subscription = NULL;
    return sns_response_text(reply, path, &run->subscription);
}

static int reply_read(struct init_run *run, const struct aws_reply *reply, struct error *error)
{
    const struct init_request *request = request_now(run);
    *error = reply->error;
    if (error->code && request->accepts && strcmp(reply->fault.code, request->accepts) == 0) {
        *error = (struct error){0};
        return 0;
    }
    if (error->code && reply->fault.code[0] && error->code != ERR_MEMORY)
        error->code = ERR_INVALID; /* it was understood and refused */
    if (error->code)
        return error->code;
    if (strcmp(request->operation, "Subscribe") == 0)
        return subscription_keep(run, reply);
    return entries_check(reply->object, error);
}

static int notification_compare(const struct init_run *run, const struct aws_reply *reply,
                                bool *needed)
{
    const struct bytes *body = &reply->response->body;
    bool same;
    int code = notification_same((struct slice){body->data, body->size},
                                 slice_of(request_now(run)->body), &same);
    *needed = !same;
    return code;
}

static void finish(struct init_run *run, struct error *error)
{
    aws_init_done *done = run->done;
    void *user = run->user;
    if (error->code)
        error_prefix(error, "%s:%d:%d: %s", run->file->name, request_now(run)->line,
                     request_now(run)->column, request_now(run)->key);
    run_free(run);
    done(error, user);
}

/* Sends what follows from a reply; *waits: a request was sent. */
static int run_continue(struct init_run *run, const struct aws_reply *reply, struct error *error,
                        bool *waits)
{
    bool needed = false;
    int code = reply_read(run, reply, error);
    if (code)
        return code;
    if (run->reading) {
        code = notification_compare(run, reply, &needed);
        run->reading = false;
    }
    if (code)
        return code;
    *waits = needed || run->index + 1 < run->file->count;
    if (needed)
        return s3_send(run);
    if (!*waits)
        return 0;
    run->index++;
    return request_send(run);
}

static void replied(const struct aws_reply *reply, void *user)
{
    struct init_run *run = user;
    struct error error = {0};
    bool waits = false;
    int code = run_continue(run, reply, &error, &waits);
    if (!code && waits)
        return;
    if (code && !error.code)
        error_set(&error, code, "%s", error_name(code));
    finish(run, &error);
}

int aws_init(struct aws *aws, const struct init_file *file, aws_init_done *done, void *user)
{
    struct buffer url;
    if (!file->count)
        return ERR_INVALID;
    struct init_run *run = calloc(1, sizeof *run);
    if (!run)
        return ERR_MEMORY;
    *run = (struct init_run){.aws = aws, .file = file, .done = done, .user = user};
    buffer_init(&url, URL_MAX);
    endpoint_append(&aws->endpoints, AWS_EVENTS, aws->region, &url);
    buffer_byte(&url, '/');
    run->events_url = buffer_take_text(&url);
    run->sqs_url = sqs_endpoint(aws, NULL);
    int code = run->sqs_url && run->events_url ? request_send(run) : ERR_MEMORY;
    if (code)
        run_free(run);
    return code;
}
