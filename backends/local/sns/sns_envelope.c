#include "sns_envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud.h"

enum { URL_MAX = 2048, SIGNED_MAX = 1024 * 1024 };

const char *sns_envelope_type_name(enum sns_envelope_type type)
{
    static const char *const names[] = {
        [SNS_NOTIFICATION] = "Notification",
        [SNS_SUBSCRIPTION_CONFIRMATION] = "SubscriptionConfirmation",
        [SNS_UNSUBSCRIBE_CONFIRMATION] = "UnsubscribeConfirmation",
    };
    return names[type];
}

void sns_timestamp(char out[SNS_TIMESTAMP_SIZE])
{
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t size = strftime(out, SNS_TIMESTAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + size, SNS_TIMESTAMP_SIZE - size, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

char *sns_unsubscribe_url(const struct cloud *cloud, const char *subscription)
{
    struct buffer url;
    buffer_init(&url, URL_MAX);
    buffer_format(&url, "%s/?Action=Unsubscribe&SubscriptionArn=%s", cloud->endpoint, subscription);
    return buffer_take_text(&url);
}

char *sns_confirm_url(const struct cloud *cloud, const char *topic, const char *token)
{
    struct buffer url;
    buffer_init(&url, URL_MAX);
    buffer_format(&url, "%s/?Action=ConfirmSubscription&TopicArn=%s&Token=%s", cloud->endpoint,
                  topic, token);
    return buffer_take_text(&url);
}

json_t *sns_envelope_attributes(json_t *attributes)
{
    json_t *out = json_object(), *attribute;
    const char *name;
    json_object_foreach(attributes, name, attribute)
    {
        json_t *value = json_object_get(attribute, "StringValue");
        if (!value)
            value = json_object_get(attribute, "BinaryValue");
        json_t *pair =
            json_pack("{s:O, s:O}", "Type", json_object_get(attribute, "DataType"), "Value", value);
        if (json_object_set_new(out, name, pair)) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

/* The string to sign. */

static void line_slice(struct buffer *out, const char *name, struct slice value)
{
    buffer_format(out, "%s\n", name);
    buffer_append(out, value.data, value.size);
    buffer_byte(out, '\n');
}

static void line(struct buffer *out, const char *name, const char *value)
{
    line_slice(out, name, slice_of(value));
}

static void canonical(const struct sns_envelope *e, const char *confirm_url, struct buffer *out)
{
    line_slice(out, "Message", e->body);
    line(out, "MessageId", e->id);
    if (e->type == SNS_NOTIFICATION) {
        if (e->subject.data)
            line_slice(out, "Subject", e->subject);
        line(out, "Timestamp", e->timestamp);
    } else {
        line(out, "SubscribeURL", confirm_url);
        line(out, "Timestamp", e->timestamp);
        line(out, "Token", e->token);
    }
    line(out, "TopicArn", e->topic);
    line(out, "Type", sns_envelope_type_name(e->type));
}

/* Created once for all queues that receive the same message. */
static int signing_begin(const struct cloud *cloud, struct sns_envelope *e, const char *confirm_url,
                         struct storage_unit *unit)
{
    struct buffer text;
    if (e->signing)
        return sns_signing_reserve(e->signing);
    buffer_init(&text, SIGNED_MAX);
    canonical(e, confirm_url, &text);
    if (text.error) {
        buffer_free(&text);
        return ERR_MEMORY;
    }
    int code = sns_signing_add(sns_signer_key(cloud->signer), e->signature_version,
                               buffer_take(&text), unit, &e->signing);
    return code ? code : sns_signing_reserve(e->signing);
}

/* The document. */

static int put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value);
}

static json_t *text_json(struct slice text)
{
    return json_stringn(text.data ? text.data : "", text.size);
}

static int head_put(json_t *object, const struct sns_envelope *e, const char *confirm_url)
{
    int failed = put(object, "Type", json_string(sns_envelope_type_name(e->type)));
    failed |= put(object, "MessageId", json_string(e->id));
    if (e->sequence)
        failed |= put(object, "SequenceNumber", json_string(e->sequence));
    if (e->token)
        failed |= put(object, "Token", json_string(e->token));
    failed |= put(object, "TopicArn", json_string(e->topic));
    if (e->subject.data)
        failed |= put(object, "Subject", text_json(e->subject));
    failed |= put(object, "Message", text_json(e->body));
    if (confirm_url)
        failed |= put(object, "SubscribeURL", json_string(confirm_url));
    failed |= put(object, "Timestamp", json_string(e->timestamp));
    return failed;
}

static int signature_put(const struct cloud *cloud, json_t *object, const struct sns_envelope *e,
                         const char *signature)
{
    int failed =
        put(object, "SignatureVersion", json_string(e->signature_version == 2 ? "2" : "1"));
    failed |= put(object, "Signature", json_string(signature));
    failed |=
        put(object, "SigningCertURL",
            json_sprintf("%s%s", cloud->endpoint, sns_signer_certificate_path(cloud->signer)));
    return failed;
}

static int tail_put(const struct cloud *cloud, json_t *object, const struct sns_envelope *e)
{
    if (e->type != SNS_NOTIFICATION)
        return 0;
    char *url = sns_unsubscribe_url(cloud, e->subscription);
    int failed = put(object, "UnsubscribeURL", url ? json_string(url) : NULL);
    free(url);
    if (json_object_size(e->attributes) > 0)
        failed |= put(object, "MessageAttributes", sns_envelope_attributes(e->attributes));
    return failed;
}

static char *document(const struct cloud *cloud, const struct sns_envelope *e,
                      const char *confirm_url, const char *signature)
{
    char *text = NULL;
    json_t *object = json_object();
    if (!head_put(object, e, confirm_url) &&
        (!signature || !signature_put(cloud, object, e, signature)) && !tail_put(cloud, object, e))
        text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

/* This must be the key: quotes within strings are escaped, and attribute values are objects.
 */
static size_t room_find(const char *text)
{
    static const char name[] = "\"Signature\":\"";
    return (size_t)(strstr(text, name) - text) + sizeof name - 1;
}

char *sns_envelope_unsigned(const struct cloud *cloud, struct sns_envelope *e,
                            struct storage_unit *unit, size_t *room)
{
    *room = 0;
    if (e->sequence)
        return document(cloud, e, NULL, NULL);
    char blank[SNS_SIGNATURE_SIZE], *text = NULL;
    char *confirm_url = e->token ? sns_confirm_url(cloud, e->topic, e->token) : NULL;
    memset(blank, ' ', SNS_SIGNATURE_LENGTH);
    blank[SNS_SIGNATURE_LENGTH] = '\0';
    if ((confirm_url || !e->token) && !signing_begin(cloud, e, confirm_url, unit))
        text = document(cloud, e, confirm_url, blank);
    if (text)
        *room = room_find(text);
    free(confirm_url);
    return text;
}
