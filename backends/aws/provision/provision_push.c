/*
 * Topics of Ceph's object gateway, which publish to a message broker ("Bucket Notifications", Ceph
 * documentation). The gateway itself serves them, at the endpoint of S3.
 *
 * A topic contains the broker's address with the user's password. The gateway takes and shows it over
 * HTTPS only, unless it is told otherwise. It never leaves this file: what is compared and reported
 * is the address without the password, and whether the password is the same.
 */
#include <stdlib.h>
#include <string.h>

#include "provision_private.h"
#include "secret.h"
#include "sns.h"
#include "uri.h"

enum { ENDPOINT_MAX = 8 * 1024 };

#define TOPIC_PATH "GetTopicResponse/GetTopicResult/Topic/"

static int topic_call(struct provision *p, const char *action,
                      const struct sns_parameter *parameters, size_t count, provision_reply *reply)
{
    const struct sns_client_call call = {.action = action,
                                         .resource = provision_now(p)->name,
                                         .parameters = parameters,
                                         .parameter_count = count,
                                         .of_store = true,
                                         .done = provision_replied,
                                         .release = provision_free,
                                         .user = p};
    p->reply = reply;
    return sns_start(p->aws, &call);
}

static void wipe_free(char *secret)
{
    if (secret)
        secret_wipe(secret, strlen(secret));
    free(secret);
}

/* The end of the user's name in an address, if it names one; NULL: it does not. */
static const char *user_end(const char *address)
{
    const char *start = strstr(address, "://");
    const size_t size = start ? strcspn(start + 3, "@/") : 0;
    return start && start[3 + size] == '@' ? start + 3 + strcspn(start + 3, ":@") : NULL;
}

/* The planned address with the password, for wipe_free; NULL: out of memory. */
static char *endpoint_make(const struct provision *p)
{
    const char *address = p->run->plan->settings.events_to, *user = user_end(address);
    const char *password = p->run->events_password;
    struct buffer out;
    if (!user || !password)
        return strdup(address);
    buffer_init(&out, ENDPOINT_MAX);
    buffer_reserve(&out, strlen(address) + 3 * strlen(password) + 1); /* so that it never moves */
    buffer_append(&out, address, (size_t)(user - address));
    buffer_byte(&out, ':');
    uri_encode(&out, slice_of(password), false);
    buffer_text(&out, strchr(user, '@'));
    return buffer_take_text(&out);
}

/* ---- reading ---- */

/* "name=value&…"; the gateway encodes neither. */
static int argument_found(struct provision *p, const char *arguments, const char *name)
{
    const size_t size = strlen(name);
    for (const char *at = arguments; at && *at; at = strchr(at, '&') ? strchr(at, '&') + 1 : NULL)
        if (strncmp(at, name, size) == 0 && at[size] == '=')
            return provision_found(p, name,
                                   json_stringn(at + size + 1, strcspn(at + size + 1, "&")));
    return 0;
}

/* Leaves the address without the password. */
static void password_cut(char *address)
{
    const char *user = user_end(address);
    if (!user || *user != ':')
        return;
    char *from = address + (user - address);
    const char *to = strchr(user, '@');
    memmove(from, to, strlen(to) + 1);
}

static int address_found(struct provision *p, char *address)
{
    char *wanted = endpoint_make(p);
    if (!wanted)
        return ERR_MEMORY;
    const bool is_same = strcmp(address, wanted) == 0;
    wipe_free(wanted);
    password_cut(address);
    /* Two addresses that differ in more than the password say nothing about it. */
    const bool is_other = !is_same && strcmp(address, p->run->plan->settings.events_to) == 0;
    int code = provision_found(p, "push-endpoint", json_string(address));
    if (!code && user_end(p->run->plan->settings.events_to))
        code = provision_found(p, "password",
                               json_string(is_same    ? "as given"
                                           : is_other ? "another one"
                                                      : "of another endpoint"));
    return code;
}

static int endpoint_found(struct provision *p, const struct aws_reply *reply)
{
    static const char *const names[] = {"amqp-exchange", "amqp-ack-level", "persistent"};
    char *address = NULL, *arguments = NULL;
    int code = sns_response_text(reply, TOPIC_PATH "EndPoint/EndpointAddress", &address);
    if (code)
        goto out;
    code = sns_response_text(reply, TOPIC_PATH "EndPoint/EndpointArgs", &arguments);
    if (code)
        goto out;
    code = address ? address_found(p, address) : 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !code; i++)
        code = argument_found(p, arguments, names[i]);
out:
    wipe_free(address);
    wipe_free(arguments);
    return code;
}

static bool is_plain_http(const struct provision *p)
{
    const char *url = p->aws->endpoints.urls[AWS_S3];
    return url && strncasecmp(url, "http://", 7) == 0;
}

/* The gateway says only "InvalidInput" or "AccessDenied", whatever the reason is. */
static int refused(const struct provision *p, struct error *error)
{
    const struct error why = *error;
    const bool is_unexplained =
        why.code == ERR_DENIED || why.code == ERR_INVALID || why.code == ERR_REFUSED;
    if (is_unexplained && is_plain_http(p) && user_end(p->run->plan->settings.events_to))
        error_set(error, why.code,
                  "%s; Ceph handles the broker's password over HTTPS only: use an endpoint with "
                  "https, or set rgw_allow_notification_secrets_in_cleartext",
                  why.text);
    return why.code;
}

static int push_topic_known(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    if (provision_is_absent(error))
        return 0;
    if (error->code)
        return refused(p, error);
    p->finding.exists = true;
    const int code = endpoint_found(p, reply);
    if (code)
        aws_error_unreadable(error, &reply->subject, code, "the topic cannot be read");
    return code;
}

int provision_read_push_topic(struct provision *p)
{
    char *arn = provision_arn_at(p, p->index);
    const struct sns_parameter parameters[] = {{"TopicArn", arn}};
    const int code = arn ? topic_call(p, "GetTopic", parameters, 1, push_topic_known) : ERR_MEMORY;
    free(arn);
    return code;
}

/* ---- writing ---- */

static int push_topic_written(struct provision *p, const struct aws_reply *reply,
                              struct error *error)
{
    (void)reply;
    p->topic_written = error->code == 0;
    return error->code ? refused(p, error) : 0;
}

/* Creates the topic, or gives it these attributes. */
int provision_write_push_topic(struct provision *p)
{
    char *endpoint = endpoint_make(p);
    const struct sns_parameter parameters[] = {
        {"Name", provision_now(p)->name},
        {"Attributes.entry.1.key", "push-endpoint"},
        {"Attributes.entry.1.value", endpoint},
        {"Attributes.entry.2.key", "amqp-exchange"},
        {"Attributes.entry.2.value", p->run->plan->settings.name},
        {"Attributes.entry.3.key", "amqp-ack-level"},
        {"Attributes.entry.3.value", "broker"},
        {"Attributes.entry.4.key", "persistent"},
        {"Attributes.entry.4.value", "true"},
    };
    const int code = endpoint
                         ? topic_call(p, "CreateTopic", parameters,
                                      sizeof parameters / sizeof parameters[0], push_topic_written)
                         : ERR_MEMORY;
    wipe_free(endpoint);
    return code;
}
