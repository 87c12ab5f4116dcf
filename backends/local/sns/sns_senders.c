/*
 * One attempt of a delivery: a POST to a subscriber, a mail through the SMTP server, or a mail as a
 * file. Only the status of a subscriber's response matters; its body is discarded. Source: "Amazon
 * SNS message delivery retries" and "HTTP/HTTPS headers" in the SNS Developer Guide.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container_of.h"
#include "data_directory.h"
#include "delivery_policy.h"
#include "files.h"
#include "json_text.h"
#include "publish.h"
#include "secret.h"
#include "sns_endpoint.h"
#include "sns_mail.h"
#include "sns_outbox_internal.h"

enum { HEADERS_MAX = 8, DETAIL_SIZE = 200, BODY_MAX = 1024 * 1024 };

/* Both were validated when they were set. */
void sns_delivery_policy(const struct cloud *cloud, const struct subscription *s,
                         struct delivery_policy *out)
{
    char why[DELIVERY_POLICY_TEXT_MAX];
    const struct topic *topic = topics_find(cloud->topics, s->topic_arn);
    if (delivery_policy_read(topic ? json_text_in(topic->record.attributes, "DeliveryPolicy")
                                   : NULL,
                             json_text_in(s->record.attributes, "DeliveryPolicy"), out, why))
        delivery_policy_read(NULL, NULL, out, why);
}

/* HTTP. */

/* 2xx: accepted. Of the 4xx statuses, only "too many requests" is worth a retry. */
static enum sns_outcome outcome_of(int status)
{
    if (status >= 200 && status < 300)
        return SNS_SENT;
    return status >= 500 || status == 429 ? SNS_AGAIN : SNS_HOPELESS;
}

static void posted(const struct http_response *response, void *user)
{
    struct sns_item *item = user;
    char reason[DETAIL_SIZE];
    item->exchange = NULL;
    if (response->error) {
        sns_item_done(item, SNS_AGAIN, response->detail);
        return;
    }
    snprintf(reason, sizeof reason, "the subscriber responded with status %d", response->status);
    sns_item_done(item, outcome_of(response->status), reason);
}

static int client_of(struct sns_outbox *outbox)
{
    const struct http_client_options options = {
        .max_connections = 32,
        .max_host_connections = 8,
        .idle_timeout_ms = SNS_TIMEOUT_MS,
        .user_agent = "Amazon Simple Notification Service Agent",
    };
    return outbox->http ? 0
                        : http_client_create(outbox->cloud->loop, &options, &outbox->http, NULL);
}

static size_t headers_fill(const struct subscription *s, const struct sns_envelope *e, bool raw,
                           const struct delivery_policy *policy, const char *password,
                           struct http_header headers[HEADERS_MAX])
{
    size_t count = 0;
    const char *type = policy->content_type[0] ? policy->content_type : "text/plain; charset=UTF-8";
    headers[count++] =
        (struct http_header){"x-amz-sns-message-type", sns_envelope_type_name(e->type)};
    headers[count++] = (struct http_header){"x-amz-sns-message-id", e->id};
    headers[count++] = (struct http_header){"x-amz-sns-topic-arn", e->topic};
    if (e->type != SNS_SUBSCRIPTION_CONFIRMATION)
        headers[count++] = (struct http_header){"x-amz-sns-subscription-arn", s->record.named.name};
    if (raw)
        headers[count++] = (struct http_header){"x-amz-sns-rawdelivery", "true"};
    headers[count++] = (struct http_header){"Content-Type", type};
    if (password[0])
        headers[count++] = (struct http_header){"Authorization", password};
    return count;
}

static int item_post(struct sns_item *item, const struct subscription *s)
{
    struct sns_outbox *outbox = item->outbox;
    struct sns_envelope envelope;
    struct delivery_policy policy;
    struct http_header headers[HEADERS_MAX];
    sns_item_envelope(item, s, &envelope);
    sns_delivery_policy(outbox->cloud, s, &policy);
    bool raw = !item->text;
    if (raw)
        item->text = slice_dup(envelope.body);
    if (!item->text || client_of(outbox))
        return ERR_MEMORY;
    char *url = sns_endpoint_url(s->endpoint), *password = sns_endpoint_password(s->endpoint);
    int code = url && password ? 0 : ERR_MEMORY;
    const struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .header_count = headers_fill(s, &envelope, raw, &policy, password ? password : "", headers),
        .body = item->text,
        .body_size = raw ? envelope.body.size : strlen(item->text),
        .total_timeout_ms = SNS_TIMEOUT_MS,
    };
    if (!code)
        code = http_client_send(outbox->http, &request, posted, item, &item->exchange);
    free(url);
    if (password)
        secret_wipe(password, strlen(password));
    free(password);
    return code;
}

/* Mail: content. */

static int text_write(const struct sns_item *item, const struct subscription *s,
                      const struct sns_envelope *e, struct buffer *out)
{
    const struct cloud *cloud = item->outbox->cloud;
    if (e->token) {
        char *url = sns_confirm_url(cloud, s->topic_arn, e->token);
        buffer_format(
            out,
            e->type == SNS_SUBSCRIPTION_CONFIRMATION
                ? "You have chosen to subscribe to the topic:\n%s\n\nTo confirm this subscription, "
                  "visit this link (if this was in error, no action is necessary):\n%s\n"
                : "Your subscription to the topic below has been deactivated:\n%s\n\nIf this was "
                  "in error, visit this link to restore it:\n%s\n",
            s->topic_arn, url ? url : "");
        free(url);
        return url ? out->error : ERR_MEMORY;
    }
    char *url = sns_unsubscribe_url(cloud, s->record.named.name);
    buffer_append(out, e->body.data, e->body.size);
    buffer_format(out,
                  "\n\n--\nIf you wish to stop receiving notifications from this topic, visit "
                  "this link to unsubscribe:\n%s\n",
                  url ? url : "");
    free(url);
    return url ? out->error : ERR_MEMORY;
}

static int body_write(const struct sns_item *item, const struct subscription *s,
                      const struct sns_envelope *e, struct buffer *out)
{
    return item->text ? buffer_text(out, item->text) : text_write(item, s, e, out);
}

static int mail_write(const struct sns_item *item, const struct subscription *s, struct buffer *out)
{
    struct sns_envelope e;
    struct buffer body;
    const struct topic *topic = topics_find(item->outbox->cloud->topics, s->topic_arn);
    buffer_init(&body, BODY_MAX);
    sns_item_envelope(item, s, &e);
    int code = body_write(item, s, &e, &body);
    struct slice subject = e.subject;
    if (e.type == SNS_SUBSCRIPTION_CONFIRMATION)
        subject = SLICE_LITERAL("AWS Notification - Subscription Confirmation");
    else if (e.type == SNS_UNSUBSCRIBE_CONFIRMATION)
        subject = SLICE_LITERAL("AWS Notification - Unsubscribe Confirmation");
    else if (!subject.data)
        subject = SLICE_LITERAL("AWS Notification Message");
    const struct sns_mail mail = {
        .to = s->endpoint,
        .id = e.id,
        .display_name = topic ? json_text_in(topic->record.attributes, "DisplayName") : NULL,
        .subject = subject,
        .body = buffer_slice(&body),
    };
    if (!code)
        code = sns_mail_write(&mail, out);
    buffer_free(&body);
    return code;
}

/* Mail through an SMTP server. */

static void mailed(int code, const char *detail, void *user)
{
    struct sns_item *item = user;
    item->mail = NULL;
    sns_item_done(item,
                  code == 0             ? SNS_SENT
                  : code == ERR_INVALID ? SNS_HOPELESS
                                        : SNS_AGAIN,
                  detail);
}

static int mail_by_server(struct sns_item *item, const struct subscription *s, struct buffer *text)
{
    struct mail mail = {.server = item->outbox->smtp,
                        .from = SNS_MAIL_FROM,
                        .to = s->endpoint,
                        .text = buffer_take(text),
                        .timeout_ms = SNS_TIMEOUT_MS};
    int code = mail_send(item->outbox->cloud->loop, &mail, mailed, item, &item->mail);
    if (code)
        bytes_free(&mail.text);
    return code;
}

/* Mail as a file. */

struct file_task {
    struct storage_task task;
    struct sns_item *item;
    char *text;
    size_t size;
    char name[96];
};

static int spool_write(const char *path, const struct file_task *t, struct error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool failed = fd < 0 || file_write_all(fd, t->text, t->size) || fsync(fd);
    int number = errno;
    if (fd >= 0)
        close(fd);
    return failed ? data_directory_error(path, number, error) : 0;
}

/* Renamed to its final name only when it is complete. */
static int file_run(struct storage_task *task, struct storage *storage)
{
    struct file_task *t = container_of(task, struct file_task, task);
    char folder[4096], new[4200], path[4200];
    snprintf(folder, sizeof folder, "%s/outbox", storage_directory(storage));
    snprintf(path, sizeof path, "%s/%s.eml", folder, t->name);
    snprintf(new, sizeof new, "%s/.%s.new", folder, t->name);
    if (mkdir(folder, 0700) && errno != EEXIST)
        return data_directory_error(folder, errno, &task->error);
    int code = spool_write(new, t, &task->error);
    if (code)
        return code;
    if (rename(new, path))
        code = data_directory_error(path, errno, &task->error);
    if (code)
        return code;
    return storage_sync_directory(storage, "outbox", &task->error);
}

static void file_done(struct storage_task *task, int code)
{
    struct file_task *t = container_of(task, struct file_task, task);
    sns_item_done(t->item, code ? SNS_AGAIN : SNS_SENT, task->error.text);
    free(t->text);
    free(t);
}

static int mail_by_file(struct sns_item *item, struct buffer *text)
{
    struct file_task *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_MEMORY;
    t->task = (struct storage_task){.run = file_run, .done = file_done};
    t->item = item;
    t->size = text->size;
    t->text = buffer_take_text(text);
    snprintf(t->name, sizeof t->name, "%012llu-%.36s", (unsigned long long)item->id,
             json_text_in(item->message, "id"));
    storage_submit(item->outbox->cloud->storage, &t->task);
    return 0;
}

static int item_mail(struct sns_item *item, const struct subscription *s)
{
    struct buffer text;
    buffer_init(&text, 2 * SNS_MAIL_MAX);
    int code = mail_write(item, s, &text);
    if (!code)
        code = item->outbox->smtp ? mail_by_server(item, s, &text) : mail_by_file(item, &text);
    buffer_free(&text);
    return code;
}

/* The signature. */

static int signed_run(struct storage_task *task, struct storage *storage)
{
    (void)task;
    (void)storage;
    return 0;
}

static void signed_done(struct storage_task *task, int code)
{
    sns_item_signed(container_of(task, struct sns_item, signed_task), code);
}

static int item_sign(struct sns_item *item, struct sns_envelope *envelope)
{
    struct cloud *cloud = item->outbox->cloud;
    struct storage_unit unit = {0};
    size_t room;
    item->text = sns_envelope_unsigned(cloud, envelope, &unit, &room);
    if (!item->text) {
        publish_discard(&unit);
        return ERR_MEMORY;
    }
    sns_signing_place(envelope->signing, item->text + room);
    item->signed_task = (struct storage_task){.run = signed_run, .done = signed_done};
    storage_unit_add(&unit, &item->signed_task);
    storage_submit_unit(cloud->storage, &unit);
    return 0;
}

static bool is_raw(const struct subscription *s, const struct sns_envelope *e)
{
    return s->raw && e->type == SNS_NOTIFICATION;
}

static bool is_mail(const struct subscription *s)
{
    return strncmp(s->protocol, "email", 5) == 0;
}

int sns_item_send(struct sns_item *item, const struct subscription *s)
{
    return is_mail(s) ? item_mail(item, s) : item_post(item, s);
}

int sns_item_attempt(struct sns_item *item, const struct subscription *s)
{
    struct sns_envelope envelope;
    sns_item_envelope(item, s, &envelope);
    bool bare = is_mail(s) ? strcmp(s->protocol, "email") == 0 : is_raw(s, &envelope);
    return bare ? sns_item_send(item, s) : item_sign(item, &envelope);
}
