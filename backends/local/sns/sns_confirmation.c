#include "sns_confirmation.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cloud.h"
#include "container_of.h"
#include "hex.h"
#include "publish.h"
#include "resource_name.h"
#include "sns_expiry.h"
#include "wall_clock.h"

enum { TOKEN_BYTES = 32, TOKEN_SIZE = 2 * TOKEN_BYTES + 1, PAGE = 64 };

#define TOKEN_LIFE_MS (INT64_C(2) * 24 * 3600 * 1000)

static int token_make(char out[TOKEN_SIZE])
{
    uint8_t bytes[TOKEN_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return ERR_IO;
    hex_write(bytes, sizeof bytes, out);
    return 0;
}

bool confirmation_is_needed(const char *protocol, const char *endpoint, struct slice account)
{
    return strcmp(protocol, "sqs") != 0 || !slice_equal(arn_account(endpoint), account);
}

json_t *confirmation_details(const char *protocol, const char *principal, bool pending)
{
    char token[TOKEN_SIZE];
    if (!pending)
        return json_pack("{s:s, s:s*}", "protocol", protocol, "principal", principal);
    if (token_make(token))
        return NULL;
    return json_pack("{s:s, s:s*, s:b, s:s, s:I}", "protocol", protocol, "principal", principal,
                     "pending", 1, "token", token, "token_ms", (json_int_t)wall_clock_ms());
}

static json_t *details_renewed(const struct subscription *s)
{
    const json_t *principal = json_object_get(s->record.details, "principal");
    return confirmation_details(s->protocol, json_string_value(principal), true);
}

/* The message. */

struct sent {
    struct storage_task task;
    topic_written *done;
    void *user;
};

static int sent_run(struct storage_task *task, struct storage *storage)
{
    (void)task;
    (void)storage;
    return 0;
}

static void sent_done(struct storage_task *task, int code)
{
    struct sent *sent = container_of(task, struct sent, task);
    topic_written *done = sent->done;
    void *user = sent->user;
    free(sent);
    done(code, user);
}

static int text_write(const struct subscription *s, struct buffer *out)
{
    return s->ended ? buffer_format(out,
                                    "You have chosen to deactivate subscription %s.\nTo cancel "
                                    "this operation and restore the subscription, visit the "
                                    "SubscribeURL included in this message.",
                                    s->record.named.name)
                    : buffer_format(out,
                                    "You have chosen to subscribe to the topic %s.\nTo confirm "
                                    "the subscription, visit the SubscribeURL included in this "
                                    "message.",
                                    s->topic_arn);
}

static int message_add(struct cloud *cloud, const struct subscription *s, struct storage_unit *unit)
{
    char id[UUID_TEXT_SIZE], timestamp[SNS_TIMESTAMP_SIZE];
    struct buffer text;
    uuid_make_text(id);
    sns_timestamp(timestamp);
    buffer_init(&text, 2048);
    int code = text_write(s, &text);
    const struct sns_envelope envelope = {
        .type = s->ended ? SNS_UNSUBSCRIBE_CONFIRMATION : SNS_SUBSCRIPTION_CONFIRMATION,
        .id = id,
        .timestamp = timestamp,
        .body = buffer_slice(&text),
        .token = json_string_value(json_object_get(s->record.details, "token")),
    };
    const struct sns_delivery delivery = {.envelope = &envelope};
    if (!code)
        code = sns_outbox_add(cloud->outbox, s, &delivery, unit);
    buffer_free(&text);
    return code;
}

/* An expired token is replaced first; the message is written after it.
 */
static int token_renew(struct subscription *s)
{
    const json_t *made = json_object_get(s->record.details, "token_ms");
    if (wall_clock_ms() - json_integer_value(made) < TOKEN_LIFE_MS / 2)
        return 0;
    json_t *details = details_renewed(s);
    int code = details ? subscription_set_details(s, details, NULL, NULL) : ERR_MEMORY;
    json_decref(details);
    return code;
}

static int message_send(struct cloud *cloud, struct subscription *s, topic_written *done,
                        void *user)
{
    struct storage_unit unit = {0};
    struct sent *sent = calloc(1, sizeof *sent);
    int code = sent ? message_add(cloud, s, &unit) : ERR_MEMORY;
    if (code) {
        free(sent);
        publish_discard(&unit);
        return code;
    }
    *sent = (struct sent){{.run = sent_run, .done = sent_done}, done, user};
    storage_unit_add(&unit, &sent->task);
    storage_submit_unit(cloud->storage, &unit);
    sns_expiry_expect(cloud->expiry, confirmation_end_ms(s));
    return 0;
}

int confirmation_send(struct cloud *cloud, struct subscription *s, topic_written *done, void *user)
{
    int code = token_renew(s);
    return code ? code : message_send(cloud, s, done, user);
}

int confirmation_end(struct cloud *cloud, struct subscription *s, topic_written *done, void *user)
{
    json_t *details = details_renewed(s);
    int code = ERR_MEMORY;
    if (details && !json_object_del(details, "pending") &&
        !json_object_set_new(details, "ended", json_true()))
        code = subscription_set_details(s, details, NULL, NULL);
    json_decref(details);
    return code ? code : message_send(cloud, s, done, user);
}

int64_t confirmation_end_ms(const struct subscription *s)
{
    const json_t *made = json_object_get(s->record.details, "token_ms");
    return s->pending || s->ended ? json_integer_value(made) + TOKEN_LIFE_MS : 0;
}

/* The response. */

static bool same_text(const char *a, const char *b)
{
    size_t size = strlen(b);
    unsigned char difference = 0;
    if (!a || strlen(a) != size)
        return false;
    for (size_t i = 0; i < size; i++)
        difference |= (unsigned char)(a[i] ^ b[i]);
    return difference == 0;
}

static bool token_fits(const struct subscription *s, const char *token)
{
    const char *own = json_string_value(json_object_get(s->record.details, "token"));
    int64_t end = confirmation_end_ms(s);
    return same_text(own, token) && (!end || wall_clock_ms() < end);
}

struct subscription *confirmation_find(struct topic *topic, const char *token)
{
    struct subscription *page[PAGE];
    const char *after = NULL;
    bool more = true;
    while (more) {
        size_t count =
            topics_list_all_subscriptions(topic->record.topics, topic, after, page, PAGE, &more);
        for (size_t i = 0; i < count; i++) {
            if (token_fits(page[i], token))
                return page[i];
        }
        if (count == 0)
            return NULL;
        after = page[count - 1]->record.named.name;
    }
    return NULL;
}

int confirmation_accept(struct subscription *s, bool authenticated, topic_written *done, void *user)
{
    if (!s->pending && !s->ended)
        return subscription_confirm(s, done, user);
    json_t *details = json_copy(s->record.details);
    json_object_del(details, "pending");
    json_object_del(details, "ended");
    int code = ERR_MEMORY;
    if (details && (!authenticated || !json_object_set_new(details, "authenticated", json_true())))
        code = subscription_set_details(s, details, done, user);
    json_decref(details);
    return code;
}

bool confirmation_guards(const struct subscription *s)
{
    return strcmp(s->protocol, "sqs") == 0 ||
           json_is_true(json_object_get(s->record.details, "authenticated"));
}
