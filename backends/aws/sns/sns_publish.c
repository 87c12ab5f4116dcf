/* PublishBatch. An entry's Id is its index; the request's connection carries one response. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arn.h"
#include "container_of.h"
#include "partition.h"
#include "sns.h"
#include "sns_topics.h"
#include "xml_reader.h"

enum {
    NAME_SIZE = 144,
    ENTRY_PARAMETERS = 4 + 3 * QUEUE_ATTRIBUTES_MAX,
    PARAMETERS_MAX = 1 + QUEUE_BATCH_MAX * ENTRY_PARAMETERS,
};

struct topic_publication {
    queue_batch_sent *done;
    void *user;
    size_t count;
};

/* The names of the parameters are made here. */
struct parameter_list {
    struct sns_parameter items[PARAMETERS_MAX];
    char names[PARAMETERS_MAX][NAME_SIZE];
    size_t count;
};

static int topic_check(const char *topic, struct error *error)
{
    struct slice name = arn_part(topic, ARN_RESOURCE);
    if (strncmp(topic, "arn:", 4) == 0 && slice_equal_text(arn_part(topic, ARN_SERVICE), "sns") &&
        region_is_plain(arn_part(topic, ARN_REGION)) && name.size &&
        !memchr(name.data, ':', name.size))
        return 0;
    return error_set(error, ERR_INVALID,
                     "\"%.200s\" is not the ARN of a topic, such as "
                     "arn:aws:sns:eu-central-1:123456789012:photos; \"aws sns list-topics\" "
                     "prints them",
                     topic);
}

/* ---- the request ---- */

static void add(struct parameter_list *list, const char *value, size_t entry, const char *name)
{
    if (!value)
        return;
    snprintf(list->names[list->count], NAME_SIZE, "PublishBatchRequestEntries.member.%zu.%s",
             entry + 1, name);
    list->items[list->count] = (struct sns_parameter){list->names[list->count], value};
    list->count++;
}

static void add_attributes(struct parameter_list *list, const struct queue_send *message,
                           size_t entry)
{
    for (size_t i = 0; i < message->attribute_count; i++) {
        const struct queue_attribute *attribute = &message->attributes[i];
        bool binary = strncmp(attribute->type, "Binary", 6) == 0;
        char name[NAME_SIZE / 2];
        snprintf(name, sizeof name, "MessageAttributes.entry.%zu.Name", i + 1);
        add(list, attribute->name, entry, name);
        snprintf(name, sizeof name, "MessageAttributes.entry.%zu.Value.DataType", i + 1);
        add(list, attribute->type, entry, name);
        snprintf(name, sizeof name, "MessageAttributes.entry.%zu.Value.%sValue", i + 1,
                 binary ? "Binary" : "String");
        add(list, attribute->value, entry, name);
    }
}

static void add_entry(struct parameter_list *list, const struct queue_send *message, size_t entry)
{
    static const char *const ids[QUEUE_BATCH_MAX] = {"0", "1", "2", "3", "4",
                                                     "5", "6", "7", "8", "9"};
    add(list, ids[entry], entry, "Id");
    add(list, message->body, entry, "Message");
    add(list, message->group, entry, "MessageGroupId");
    add(list, message->deduplication, entry, "MessageDeduplicationId");
    add_attributes(list, message, entry);
}

/* ---- the response ---- */

struct result_reader {
    struct queue_send_result results[QUEUE_BATCH_MAX];
    size_t count;
    char *id, *message_id, *code, *why; /* of the entry being read */
    char *texts[QUEUE_BATCH_MAX];       /* what the results point to */
};

static void entry_clear(struct result_reader *r)
{
    free(r->id);
    free(r->message_id);
    free(r->code);
    free(r->why);
    r->id = r->message_id = r->code = r->why = NULL;
}

static void entry_end(struct result_reader *r, bool failed)
{
    size_t index = r->id && r->id[0] >= '0' && r->id[0] <= '9' && !r->id[1]
                       ? (size_t)(r->id[0] - '0')
                       : QUEUE_BATCH_MAX;
    char **text = failed ? &r->why : &r->message_id;
    if (index < QUEUE_BATCH_MAX && index < r->count && !r->texts[index] &&
        (failed || r->message_id)) {
        r->results[index].code = failed ? aws_entry_kind(r->code, r->why) : 0;
        r->results[index].id = failed ? NULL : *text;
        r->results[index].why = failed && *text ? *text : "";
        r->texts[index] = *text;
        *text = NULL;
    }
    entry_clear(r);
}

static int text_keep(char **to, struct slice text)
{
    free(*to);
    *to = slice_dup(text);
    return *to ? 0 : ERR_MEMORY;
}

static int on_element(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    static const char result[] = "PublishBatchResponse/PublishBatchResult/";
    struct result_reader *r = user;
    (void)start;
    (void)end;
    if (strncmp(path, result, sizeof result - 1) != 0)
        return 0;
    path += sizeof result - 1;
    const bool failed = strncmp(path, "Failed/", 7) == 0;
    if (!failed && strncmp(path, "Successful/", 11) != 0)
        return 0;
    path = strchr(path, '/') + 1;
    if (strcmp(path, "member") == 0)
        entry_end(r, failed);
    else if (strcmp(path, "member/Id") == 0)
        return text_keep(&r->id, text);
    else if (strcmp(path, "member/MessageId") == 0)
        return text_keep(&r->message_id, text);
    else if (strcmp(path, "member/Code") == 0)
        return text_keep(&r->code, text);
    else if (strcmp(path, "member/Message") == 0)
        return text_keep(&r->why, text);
    return 0;
}

static void on_published(const struct aws_reply *reply, void *user)
{
    struct topic_publication publication = *(struct topic_publication *)user;
    struct result_reader reader = {.count = publication.count};
    struct error error = reply->error;
    free(user);
    for (size_t i = 0; i < publication.count && i < QUEUE_BATCH_MAX; i++)
        reader.results[i] = (struct queue_send_result){
            .code = ERR_PROTOCOL, .why = "the response does not mention the message"};
    if (!error.code) {
        const struct bytes *body = &reply->response->body;
        int code = xml_read((struct slice){body->data, body->size}, NULL, on_element, &reader);
        if (code)
            aws_error_unreadable(&error, &reply->subject, code, "the response cannot be read");
    }
    for (size_t i = 0; i < publication.count && i < QUEUE_BATCH_MAX && error.code; i++)
        reader.results[i] = (struct queue_send_result){.code = error.code, .why = error.text};
    publication.done(reader.results, publication.count, &error, publication.user);
    entry_clear(&reader);
    for (size_t i = 0; i < publication.count && i < QUEUE_BATCH_MAX; i++)
        free(reader.texts[i]);
}

static int publish_batch(struct topic_backend *backend, const char *topic,
                         const struct queue_send *messages, size_t count, queue_batch_sent *done,
                         void *user)
{
    if (count < 1 || count > QUEUE_BATCH_MAX)
        return ERR_INVALID;
    for (size_t i = 0; i < count; i++) {
        if (messages[i].attribute_count > QUEUE_ATTRIBUTES_MAX)
            return ERR_LIMIT;
    }
    struct topic_publication *publication = calloc(1, sizeof *publication);
    struct parameter_list *list = calloc(1, sizeof *list);
    int code = publication && list ? 0 : ERR_MEMORY;
    if (!code) {
        *publication = (struct topic_publication){done, user, count};
        list->items[list->count++] = (struct sns_parameter){"TopicArn", topic};
        for (size_t i = 0; i < count; i++)
            add_entry(list, &messages[i], i);
        const struct sns_client_call call = {.action = "PublishBatch",
                                             .resource = topic,
                                             .topic_arn = topic,
                                             .parameters = list->items,
                                             .parameter_count = list->count,
                                             .done = on_published,
                                             .release = free,
                                             .user = publication};
        code = sns_start(container_of(backend, struct aws, topic_batches), &call);
    }
    free(list);
    if (code)
        free(publication);
    return code;
}

const struct topic_backend_ops sns_ops = {.check = topic_check, .publish_batch = publish_batch};
