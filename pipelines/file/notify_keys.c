#include "notify_keys.h"

#include <stdio.h>
#include <string.h>

#include "characters.h"
#include "nearest.h"
#include "pipeline_file.h"
#include "schema.h"
#include "text_template.h"
#include "yaml_reader.h"

static const struct yaml_node *node_of(const struct yaml_node *map, const char *name)
{
    const struct yaml_node *child = yaml_child(map, name);
    return child ? child : map;
}

static bool is_given(const struct yaml_node *map, const char *name)
{
    return node_of(map, name) != map;
}

static void fail(struct schema_reader *r, const struct yaml_node *map, const char *name,
                 const char *text)
{
    schema_fail(r, node_of(map, name)->place, name, "%s", text);
}

/* ---- the target ---- */

static bool is_name(const char *text, size_t max)
{
    return *text && strlen(text) <= max && is_made_of(text, LOWER UPPER DIGITS "._-/");
}

/* "arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE" */
static bool is_arn_of(const char *text, const char *service, const char *resource)
{
    enum { ACCOUNT_DIGITS = 12, REGION_MAX = 63 };
    char found[16] = "", region[REGION_MAX + 1] = "", account[ACCOUNT_DIGITS + 1] = "";
    int size = 0;
    if (sscanf(text, "arn:%*[a-z-]:%15[a-z]:%63[a-z0-9-]:%12[0-9]:%n", found, region, account,
               &size) != 3 ||
        size == 0)
        return false;
    const char *rest = text + size;
    size_t prefix = strlen(resource);
    return strcmp(found, service) == 0 && strlen(account) == ACCOUNT_DIGITS &&
           strncmp(rest, resource, prefix) == 0 && is_name(rest + prefix, 256);
}

static const char *after(const char *text, const char *prefix)
{
    size_t size = strlen(prefix);
    return strncmp(text, prefix, size) == 0 ? text + size : NULL;
}

/* The host is an address of this machine. */
static bool is_loopback(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *rest = after(host, names[i]);
        if (rest && (!*rest || strchr(":/?", *rest)))
            return true;
    }
    return false;
}

static bool is_url_text(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f || strchr("\\\"<>#", *text))
            return false;
    }
    return true;
}

static void check_url(struct schema_reader *r, const struct notify_config *notify,
                      const struct yaml_node *node)
{
    const char *https = after(notify->url, "https://"), *http = after(notify->url, "http://");
    const char *host = https ? https : http;
    if (!host || !*host || strchr(":/?", *host) || !is_url_text(host))
        fail(r, node, "url", "not a URL; expected for example https://example.com/photos");
    else if (memchr(host, '@', strcspn(host, "/?")))
        fail(r, node, "url", "must not contain a user or a password");
    else if (http && !notify->allow_http && !is_loopback(host))
        fail(r, node, "url",
             "http to another host than loopback can be read on the way; use https, or set "
             "allow_http: true");
}

static bool is_variable(const char *text)
{
    return *text && !strchr(DIGITS, *text) && is_made_of(text, LOWER UPPER DIGITS "_");
}

static void check_secret(struct schema_reader *r, const struct notify_config *notify,
                         const struct yaml_node *node)
{
    const char *variable = notify->secret ? after(notify->secret, "env:") : NULL;
    const char *path = notify->secret ? after(notify->secret, "file:") : NULL;
    if (!notify->secret)
        schema_fail(r, node->place, "secret",
                    "is required with url: env:NAME or file:PATH, where the signing secret is");
    else if (after(notify->secret, "whsec_"))
        fail(r, node, "secret",
             "a secret does not belong in a pipeline file; put it into an environment variable or "
             "a file, and write env:NAME or file:PATH here");
    else if ((!variable || !is_variable(variable)) && (!path || !*path))
        fail(r, node, "secret", "expected env:NAME or file:PATH");
}

struct notify_target {
    const char *name;
    enum notify_kind kind;
    char *text;
};

enum { TARGETS = 4 };

static void targets_list(const struct notify_config *notify, struct notify_target out[TARGETS])
{
    out[0] = (struct notify_target){"topic", NOTIFY_TOPIC, notify->topic};
    out[1] = (struct notify_target){"queue", NOTIFY_QUEUE, notify->queue};
    out[2] = (struct notify_target){"event_bus", NOTIFY_EVENT_BUS, notify->event_bus};
    out[3] = (struct notify_target){"url", NOTIFY_URL, notify->url};
}

/* False: there is none, or there are several. */
static bool check_target(struct schema_reader *r, struct notify_config *notify,
                         const struct yaml_node *node)
{
    struct notify_target targets[TARGETS];
    const struct notify_target *found = NULL;
    targets_list(notify, targets);
    for (size_t i = 0; i < TARGETS; i++) {
        if (targets[i].text && found) {
            schema_fail(r, node_of(node, targets[i].name)->place, targets[i].name,
                        "can't be combined with %s: a notification has exactly one target",
                        found->name);
            return false;
        }
        if (targets[i].text)
            found = &targets[i];
    }
    if (!found) {
        schema_fail(r, node->place, "topic", "one of topic, queue, event_bus and url is required");
        return false;
    }
    const struct yaml_place place = node_of(node, found->name)->place;
    notify->place = (struct pipeline_place){place.line, place.column};
    notify->seam.kind = found->kind;
    notify->seam.target = found->text;
    return true;
}

static void check_names(struct schema_reader *r, const struct notify_config *notify,
                        const struct yaml_node *node)
{
    enum { BUS_MAX = 256 };
    const char *bus = notify->event_bus;
    if (notify->topic && !is_arn_of(notify->topic, "sns", ""))
        fail(r, node, "topic", "not the ARN of a topic, arn:aws:sns:REGION:ACCOUNT:NAME");
    if (bus && !is_arn_of(bus, "events", "event-bus/") &&
        (after(bus, "arn:") || !is_name(bus, BUS_MAX)))
        fail(r, node, "event_bus",
             "not a bus; use its name or its ARN, arn:aws:events:REGION:ACCOUNT:event-bus/NAME");
    if (notify->url)
        check_url(r, notify, node);
    if (notify->url || notify->secret)
        check_secret(r, notify, node);
}

/* ---- the other keys ---- */

/* Keys that have no effect with the target are likely a mistake. */
static void check_needs(struct schema_reader *r, const struct notify_config *notify,
                        const struct yaml_node *node)
{
    static const struct {
        const char *name, *text;
        enum notify_kind kind;
    } needs[] = {
        {"subject", "only a topic has a subject", NOTIFY_TOPIC},
        {"message", "only a topic has a message; the other targets get a JSON document",
         NOTIFY_TOPIC},
        {"rejected_subject", "only a topic has a subject", NOTIFY_TOPIC},
        {"rejected_message", "only a topic has a message; the other targets get a JSON document",
         NOTIFY_TOPIC},
        {"secret", "only a notification to a url is signed", NOTIFY_URL},
        {"allow_http", "only concerns a url", NOTIFY_URL},
    };
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        if (is_given(node, needs[i].name) && notify->seam.kind != needs[i].kind)
            fail(r, node, needs[i].name, needs[i].text);
    }
}

static void check_links(struct schema_reader *r, const struct notify_config *notify,
                        const struct yaml_node *node)
{
    static const char *const parts[] = {"link", "links", "expires"};
    const struct {
        const char *name, *text;
    } templates[] = {{"subject", notify->subject},
                     {"message", notify->message},
                     {"rejected_subject", notify->rejected_subject},
                     {"rejected_message", notify->rejected_message}};
    for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++) {
        for (size_t j = 0; templates[i].text && j < sizeof parts / sizeof parts[0]; j++) {
            if (!notify->link_s && text_template_uses(templates[i].text, parts[j]))
                schema_fail(r, node_of(node, templates[i].name)->place, templates[i].name,
                            "{%s} needs link, the time for which links are valid: link: 24h",
                            parts[j]);
        }
    }
}

static void check_on(struct schema_reader *r, struct notify_config *notify,
                     const struct yaml_node *node)
{
    static const char *const outcomes[] = {"done", "rejected"};
    bool *const flags[] = {&notify->seam.done, &notify->seam.rejected};
    for (size_t i = 0; i < notify->on.count; i++) {
        const char *text = notify->on.entries[i];
        size_t j = 0;
        while (j < 2 && strcmp(text, outcomes[j]) != 0)
            j++;
        const char *nearest = nearest_name(text, outcomes, 2);
        if (j == 2)
            schema_fail(r, node_of(node, "on")->place, "on", "\"%.40s\" is not an outcome; %s%s",
                        text, nearest ? "did you mean " : "expected done or rejected",
                        nearest ? nearest : "");
        else if (*flags[j])
            schema_fail(r, node_of(node, "on")->place, "on", "%s is listed twice", text);
        else
            *flags[j] = true;
    }
    if (!notify->on.count)
        notify->seam.done = true;
}

static void check_use(struct schema_reader *r, const struct notify_config *notify,
                      const struct yaml_node *node)
{
    if (notify->seam.rejected)
        return;
    if (notify->rejected_subject)
        fail(r, node, "rejected_subject", "is never used, because on does not list rejected");
    if (notify->rejected_message)
        fail(r, node, "rejected_message", "is never used, because on does not list rejected");
}

void notify_keys_check(struct schema_reader *r, const struct yaml_node *node, void *filled)
{
    struct notify_config *notify = filled;
    if (!check_target(r, notify, node))
        return;
    check_needs(r, notify, node);
    check_names(r, notify, node);
    check_links(r, notify, node);
    check_on(r, notify, node);
    check_use(r, notify, node);
    struct pipeline_notify *seam = &notify->seam;
    seam->secret = notify->secret;
    seam->subject = notify->subject;
    seam->message = notify->message;
    seam->rejected_subject = notify->rejected_subject;
    seam->rejected_message = notify->rejected_message;
    seam->link_s = (unsigned)notify->link_s;
}
