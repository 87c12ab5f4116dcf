#include "call_model.h"

enum { NAMES_MAX = 400, NAME_SIZE = 600, OBJECTS_MAX = 64 };

/* Names, each once. */
struct names {
    char list[NAMES_MAX][NAME_SIZE];
    size_t count;
};

enum set { QUEUES, TOPICS, RULES, BUCKETS, SETS };
static struct names sets[SETS];
static struct names gone_subscriptions, gone_uploads, deleted_messages;

/* The latest receipt handle of a message, and its queue. */
static struct receipt {
    char message[64], handle[NAME_SIZE], queue[NAME_SIZE];
} receipts[OBJECTS_MAX];
static size_t receipt_count;
static bool messages_move; /* a redrive gives a message another handle in another queue */

static struct object {
    char path[NAME_SIZE]; /* as it was sent, with ?versionId= for a version */
    char *body;           /* NULL: it was deleted */
    size_t size;
} objects[OBJECTS_MAX];
static size_t object_count;

/* A response was not seen, so what the cloud has done is unknown. */
static bool unsure;

/* --- names --- */

static size_t names_find(const struct names *names, struct slice name)
{
    size_t i = 0;
    while (i < names->count && !slice_equal_text(name, names->list[i]))
        i++;
    return i;
}

static bool names_has(const struct names *names, struct slice name)
{
    return names_find(names, name) < names->count;
}

static void names_add(struct names *names, struct slice name)
{
    if (names_has(names, name))
        return;
    unsure = unsure || names->count == NAMES_MAX || name.size >= NAME_SIZE;
    if (!unsure)
        snprintf(names->list[names->count++], NAME_SIZE, "%.*s", (int)name.size, name.data);
}

static void names_remove(struct names *names, struct slice name)
{
    size_t at = names_find(names, name);
    if (at < names->count)
        memmove(names->list[at], names->list[--names->count], NAME_SIZE);
}

/* Each value between the two texts. */
static void names_read(struct names *names, const char *body, const char *begin, const char *end)
{
    const char *at = body, *until;
    while ((at = strstr(at, begin)) && (until = strstr(at += strlen(begin), end)))
        names_add(names, (struct slice){at, (size_t)(until - at)});
}

static struct slice last_part(const char *text, char separator)
{
    const char *at = text ? strrchr(text, separator) : NULL;
    return slice_of(at ? at + 1 : text);
}

static struct slice between(struct slice text, const char *begin, const char *end)
{
    const char *at = text.size ? memmem(text.data, text.size, begin, strlen(begin)) : NULL;
    if (!at)
        return (struct slice){"", 0};
    at += strlen(begin);
    size_t left = (size_t)(text.data + text.size - at);
    const char *until = memmem(at, left, end, strlen(end));
    return (struct slice){at, until ? (size_t)(until - at) : 0};
}

void call_model_reset(void)
{
    for (size_t i = 0; i < SETS; i++)
        sets[i].count = 0;
    gone_subscriptions.count = gone_uploads.count = deleted_messages.count = 0;
    for (size_t i = 0; i < object_count; i++)
        free(objects[i].body);
    object_count = receipt_count = 0;
    unsure = messages_move = false;
}

/* --- SQS --- */

static const char *member(const json_t *tree, const char *name)
{
    return json_string_value(json_object_get(tree, name));
}

static void receipt_keep(const json_t *message, struct slice queue)
{
    const char *id = member(message, "MessageId"), *handle = member(message, "ReceiptHandle");
    size_t i = 0;
    require(id && handle);
    require(messages_move || !names_has(&deleted_messages, slice_of(id)));
    while (i < receipt_count && strcmp(receipts[i].message, id) != 0)
        i++;
    if (i == OBJECTS_MAX)
        return;
    receipt_count += i == receipt_count;
    snprintf(receipts[i].message, sizeof receipts[i].message, "%s", id);
    snprintf(receipts[i].handle, NAME_SIZE, "%s", handle);
    snprintf(receipts[i].queue, NAME_SIZE, "%.*s", (int)queue.size, queue.data);
}

static void message_deleted(const char *handle, struct slice queue)
{
    for (size_t i = 0; handle && i < receipt_count; i++) {
        if (!strcmp(receipts[i].handle, handle) && slice_equal_text(queue, receipts[i].queue))
            names_add(&deleted_messages, slice_of(receipts[i].message));
    }
}

static void update_sqs(const char *action, const json_t *request, const json_t *response)
{
    struct slice queue = last_part(member(request, "QueueUrl"), '/');
    size_t i;
    json_t *message;
    if (!strcmp(action, "CreateQueue"))
        names_add(&sets[QUEUES], last_part(member(response, "QueueUrl"), '/'));
    if (!strcmp(action, "DeleteQueue"))
        names_remove(&sets[QUEUES], queue);
    if (!strcmp(action, "GetQueueUrl"))
        require(unsure || names_has(&sets[QUEUES], last_part(member(response, "QueueUrl"), '/')));
    if (!strcmp(action, "StartMessageMoveTask") ||
        json_object_get(json_object_get(request, "Attributes"), "RedrivePolicy"))
        messages_move = true;
    if (!strcmp(action, "DeleteMessage"))
        message_deleted(member(request, "ReceiptHandle"), queue);
    json_array_foreach(json_object_get(response, "Messages"), i, message)
        receipt_keep(message, queue);
}

static void update_events(const char *action, const json_t *request, const json_t *response)
{
    if (!strcmp(action, "PutRule"))
        names_add(&sets[RULES], last_part(member(response, "RuleArn"), '/'));
    if (!strcmp(action, "DeleteRule"))
        names_remove(&sets[RULES], slice_of(member(request, "Name")));
}

static void update_json(const struct exchanged *e)
{
    struct slice body = call_body(e->response);
    json_t *request = json_loadb(e->request->body.data, e->request->body.size, 0, NULL);
    json_t *response = json_loadb(body.data, body.size, 0, NULL);
    if (e->protocol == CALL_SQS)
        update_sqs(e->action, request, response);
    if (e->protocol == CALL_EVENTS)
        update_events(e->action, request, response);
    json_decref(request);
    json_decref(response);
}

/* --- SNS --- */

/* A parameter of the form that was sent, decoded. For free(). */
static char *parameter(struct slice form, const char *name)
{
    while (form.size) {
        struct slice value = fuzz_cut(&form, '&'), found = fuzz_cut(&value, '=');
        if (slice_equal_text(found, name)) {
            char *text = slice_dup(value);
            size_t size = 0;
            for (const char *c = text; c && *c; c++) {
                unsigned byte;
                bool coded = *c == '%' && sscanf(c + 1, "%2x", &byte) == 1;
                text[size++] = coded ? (char)byte : *c;
                c += coded ? 2 : 0;
            }
            if (text)
                text[size] = '\0';
            return text;
        }
    }
    return NULL;
}

static void update_sns(const struct exchanged *e)
{
    struct slice body = call_body(e->response);
    char *topic = parameter(e->request->body, "TopicArn");
    char *subscription = parameter(e->request->body, "SubscriptionArn");
    if (!strcmp(e->action, "CreateTopic"))
        names_add(&sets[TOPICS], between(body, "<TopicArn>", "</TopicArn>"));
    if (!strcmp(e->action, "DeleteTopic"))
        names_remove(&sets[TOPICS], slice_of(topic));
    if (!strcmp(e->action, "GetTopicAttributes"))
        require(unsure || names_has(&sets[TOPICS], slice_of(topic)));
    if (!strcmp(e->action, "Unsubscribe"))
        names_add(&gone_subscriptions, slice_of(subscription));
    if (!strcmp(e->action, "Subscribe"))
        names_remove(&gone_subscriptions, between(body, "<SubscriptionArn>", "</SubscriptionArn>"));
    free(topic);
    free(subscription);
}

/* --- S3 --- */

static struct object *object_find(const char *path)
{
    for (size_t i = 0; i < object_count; i++) {
        if (!strcmp(objects[i].path, path))
            return &objects[i];
    }
    return NULL;
}

static void object_set(const char *path, struct slice body, bool deleted)
{
    struct object *object = object_find(path);
    if (!object && object_count < OBJECTS_MAX)
        object = &objects[object_count++];
    else if (object)
        free(object->body);
    if (!object)
        return;
    snprintf(object->path, sizeof object->path, "%s", path);
    object->size = body.size;
    object->body = deleted ? NULL : fuzz_copy(body);
}

/* Everything below the path is unknown from now on. */
static void objects_forget(const char *path)
{
    for (size_t i = 0; i < object_count;) {
        if (strncmp(objects[i].path, path, strlen(path)) != 0) {
            i++;
            continue;
        }
        free(objects[i].body);
        objects[i] = objects[--object_count];
    }
}

static void object_compare(const char *path, unsigned status, struct slice body)
{
    const struct object *object = object_find(path);
    if (!object || unsure || status == 403)
        return;
    require(object->body ? status == 200 : status == 404 || status == 405);
    if (object->body)
        require(object->size == body.size &&
                !memcmp(object->body, body.data ? body.data : "", body.size));
}

static bool has_header(const struct fuzz_request *request, const char *prefix)
{
    for (size_t i = 0; i < request->header_count; i++) {
        struct slice name = request->headers[i].name;
        if (name.size >= strlen(prefix) && !strncasecmp(name.data, prefix, strlen(prefix)))
            return true;
    }
    return false;
}

static void object_put(const struct exchanged *e, const char *path)
{
    char version[NAME_SIZE];
    struct slice id = call_header(e->response, "x-amz-version-id");
    if (has_header(e->request, "x-amz-copy-source") || e->request->query.size) {
        objects_forget(path);
        return;
    }
    if (!id.size) /* a bucket without versions */
        id = slice_of("null");
    object_set(path, e->request->body, false);
    snprintf(version, sizeof version, "%s?versionId=%.*s", path, (int)id.size, id.data);
    object_set(version, e->request->body, false);
}

static void object_deleted(const struct exchanged *e, const char *path)
{
    char version[2 * NAME_SIZE];
    struct slice query = e->request->query;
    snprintf(version, sizeof version, "%s?%.*s", path, (int)query.size, query.data);
    struct slice upload = between(query, "uploadId=", "&");
    if (slice_starts_with(query, "uploadId=") && !upload.size) {
        names_add(&gone_uploads, (struct slice){query.data + 9, query.size - 9});
    } else if (!query.size) {
        objects_forget(path); /* the version "null", too, if versions are suspended */
        object_set(path, query, true);
    } else if (slice_starts_with(query, "versionId=") && strlen(version) < NAME_SIZE) {
        objects_forget(path);
        object_set(version, query, true);
    } else if (!slice_starts_with(query, "tagging")) {
        objects_forget(path);
    }
}

static void update_object(const struct exchanged *e, const char *path, unsigned status)
{
    char version[2 * NAME_SIZE];
    struct slice method = e->request->method, query = e->request->query;
    bool done = status < 300;
    snprintf(version, sizeof version, "%s%s%.*s", path, query.size ? "?" : "", (int)query.size,
             query.data);
    if (slice_equal_text(method, "GET") && !has_header(e->request, "If-") &&
        !has_header(e->request, "Range"))
        object_compare(version, status, call_body(e->response));
    if (slice_starts_with(query, "uploadId=") && slice_equal_text(method, "GET") && done)
        require(unsure ||
                !names_has(&gone_uploads, (struct slice){query.data + 9, query.size - 9}));
    if (slice_equal_text(method, "PUT") && done && !slice_starts_with(query, "tagging") &&
        !slice_starts_with(query, "uploadId"))
        object_put(e, path);
    if (slice_equal_text(method, "POST") && done)
        objects_forget(path);
    if (slice_equal_text(method, "DELETE") && done)
        object_deleted(e, path);
}

static void update_bucket(const struct exchanged *e, const char *path, unsigned status)
{
    struct slice method = e->request->method;
    bool done = status < 300;
    if (slice_equal_text(method, "PUT") && done && !e->request->query.size)
        names_add(&sets[BUCKETS], slice_of(path + 1));
    if (slice_equal_text(method, "DELETE") && done && !e->request->query.size)
        names_remove(&sets[BUCKETS], slice_of(path + 1));
    if (slice_equal_text(method, "HEAD"))
        require(unsure || status == 403 ||
                (status == 200) == names_has(&sets[BUCKETS], slice_of(path + 1)));
    if (!slice_equal_text(method, "GET") && !slice_equal_text(method, "HEAD") && done) {
        objects_forget(path); /* an expiry, a deletion of many */
        unsure =
            unsure || (e->request->query.size && !slice_starts_with(e->request->query, "delete") &&
                       slice_equal_text(method, "POST"));
    }
}

static void update_s3(const struct exchanged *e, unsigned status)
{
    char path[NAME_SIZE];
    struct slice sent = e->request->path;
    snprintf(path, sizeof path, "%.*s", (int)sent.size, sent.data);
    const char *key = strchr(*path ? path + 1 : path, '/');
    if (sent.size >= NAME_SIZE || strchr(path, '%')) /* one name has several spellings */
        unsure = unsure || !key || status < 300;
    else if (key && key[1])
        update_object(e, path, status);
    else if (!key && path[1])
        update_bucket(e, path, status);
    else if (status < 300 && key)
        unsure = true; /* "/bucket/": the bucket itself */
}

void call_model_update(const struct exchanged *e)
{
    if (!e->response.size) {
        unsure = true;
        return;
    }
    unsigned status = call_status(e->response);
    if (e->protocol == CALL_S3)
        update_s3(e, status);
    else if (status < 300 && e->protocol == CALL_SNS)
        update_sns(e);
    else if (status < 300)
        update_json(e);
}

/* --- comparison with the cloud --- */

static void same_names(const struct names *expected, const struct names *found, const char *what)
{
    for (size_t i = 0; i < expected->count; i++) {
        if (!names_has(found, slice_of(expected->list[i]))) {
            fprintf(stderr, "%s not listed: %s\n", what, expected->list[i]);
            abort();
        }
    }
    for (size_t i = 0; i < found->count; i++) {
        if (!names_has(expected, slice_of(found->list[i]))) {
            fprintf(stderr, "%s listed, but not there: %s\n", what, found->list[i]);
            abort();
        }
    }
}

/* All pages of a list whose request and response are JSON. */
static void list_json(call_ask *ask, const char *service, const char *target, const char *options,
                      struct names *found, const char *list, const char *name)
{
    char request[4096], token[2048] = "";
    bool more = true;
    for (int pages = 0; more; pages++) {
        unsigned status;
        size_t i;
        json_t *entry;
        require(pages < NAMES_MAX);
        snprintf(
            request, sizeof request,
            "POST /\nX-Amz-Target: %s\nContent-Type: application/x-amz-json-1.%d\n\n{%s%s%s%s}",
            target, !strcmp(service, "events"), options, *token ? ",\"NextToken\":\"" : "", token,
            *token ? "\"" : "");
        char *body = ask(service, request, &status);
        require(status == 200);
        json_t *response = json_loads(body, 0, NULL);
        json_array_foreach(json_object_get(response, list), i, entry) names_add(
            found, name ? slice_of(member(entry, name)) : last_part(json_string_value(entry), '/'));
        more = member(response, "NextToken") != NULL;
        snprintf(token, sizeof token, "%s", more ? member(response, "NextToken") : "");
        json_decref(response);
        free(body);
    }
}

static void verify_s3(call_ask *ask, struct names *found)
{
    unsigned status;
    char request[2 * NAME_SIZE];
    char *body = ask("s3", "GET /\n\n", &status);
    found->count = 0;
    names_read(found, body, "<Name>", "</Name>");
    same_names(&sets[BUCKETS], found, "bucket");
    free(body);
    for (size_t i = 0; i < object_count; i++) {
        struct object object = objects[i];
        snprintf(request, sizeof request, "GET %s\n\n", object.path);
        free(ask("s3", request, &status)); /* compared by call_model_update */
    }
}

void call_model_verify(call_ask *ask)
{
    static struct names found;
    unsigned status;
    if (unsure)
        return;
    found.count = 0;
    list_json(ask, "sqs", "AmazonSQS.ListQueues", "\"MaxResults\":2", &found, "QueueUrls", NULL);
    same_names(&sets[QUEUES], &found, "queue");
    found.count = 0;
    list_json(ask, "events", "AWSEvents.ListRules", "\"Limit\":1", &found, "Rules", "Name");
    same_names(&sets[RULES], &found, "rule");
    found.count = 0;
    char *body = ask("sns",
                     "POST /\nContent-Type: "
                     "application/x-www-form-urlencoded\n\nAction=ListTopics&Version=2010-03-31",
                     &status);
    names_read(&found, body, "<TopicArn>", "</TopicArn>");
    same_names(&sets[TOPICS], &found, "topic");
    free(body);
    body = ask("sns",
               "POST /\nContent-Type: "
               "application/x-www-form-urlencoded\n\nAction=ListSubscriptions&Version=2010-03-31",
               &status);
    found.count = 0;
    names_read(&found, body, "<SubscriptionArn>", "</SubscriptionArn>");
    for (size_t i = 0; i < gone_subscriptions.count; i++)
        require(!names_has(&found, slice_of(gone_subscriptions.list[i])));
    free(body);
    verify_s3(ask, &found);
}
