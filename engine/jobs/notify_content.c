/*
 * The identifier is a hash of the object version, the pipeline and the outcome, so that a repeated
 * message has the same one: FIFO queues and topics, and receivers of webhooks, recognise a
 * duplicate by it. It does not depend on anything that differs between two deliveries.
 */
#include "notify_content.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "iso_time.h"
#include "text_template.h"

static const char done_subject[] = "{name}: done";
static const char done_message[] = "The pipeline {pipeline} has stored the outputs of "
                                   "s3://{bucket}/{key}:\n\n{outputs}\n";
static const char done_links[] = "\nOpen them until {expires}:\n\n{links}\n";
static const char rejected_subject[] = "{name}: rejected";
static const char rejected_message[] = "The pipeline {pipeline} cannot process s3://{bucket}/{key}."
                                       "\n\nReason: {reason}\n{detail}\n";

struct output { /* borrowed, except the link */
    const char *bucket, *key, *content_type;
    const struct rendition *rendition; /* NULL: the labels */
    char *link;                        /* NULL: none */
};

struct notice_writer {
    const struct notify_facts *facts;
    struct output *outputs;
    size_t output_count;
    int64_t expires_s; /* of the links; 0: there are none */
    char time[ISO_TIME_SIZE], expires[ISO_TIME_SIZE];
};

static bool is_done(const struct notice_writer *w)
{
    return !w->facts->reason;
}

static const char *outcome_word(const struct notice_writer *w)
{
    return is_done(w) ? "done" : "rejected";
}

/* ---- identifiers ---- */

static void hash_text(struct hash *hash, const char *text)
{
    hash_update(hash, text ? text : "", (text ? strlen(text) : 0) + 1);
}

static void hash_end(struct hash *hash, char out[SHA256_HEX_SIZE])
{
    uint8_t digest[SHA256_SIZE];
    hash_finish(hash, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* The event's ETag counts, not that of the response: a message that is delivered again has the same
 * one. A message without version and ETag is about the version that was fetched. */
static const char *etag_of(const struct notify_facts *facts)
{
    const struct envelope_record *record = facts->record;
    return record->etag || record->version ? record->etag : facts->etag;
}

static void identify(const struct notice_writer *w, struct notify_content *out)
{
    const struct envelope_record *record = w->facts->record;
    struct hash id, group;
    hash_start(&group, HASH_SHA256);
    hash_text(&group, record->bucket);
    hash_text(&group, record->key);
    id = group;
    hash_end(&group, out->group);
    hash_text(&id, record->version);
    hash_text(&id, etag_of(w->facts));
    hash_text(&id, w->facts->pipeline);
    hash_text(&id, outcome_word(w));
    memcpy(out->id, "msg_", 4);
    hash_end(&id, out->id + 4);
}

/* ---- outputs and links ---- */

/* The earliest of them all: a link ends with the credentials that it was signed with. */
static void expires_note(struct notice_writer *w, const struct object_validity *valid)
{
    int64_t expires_s = valid->expires_s;
    if (valid->credentials_expire_s && valid->credentials_expire_s < expires_s)
        expires_s = valid->credentials_expire_s;
    if (!w->expires_s || expires_s < w->expires_s)
        w->expires_s = expires_s;
}

static int link_make(struct notice_writer *w, struct output *output, struct error *error)
{
    struct object_store *store = w->facts->store;
    struct object_validity valid = {0};
    const struct object_presign what = {.method = "GET",
                                        .name = {.bucket = output->bucket, .key = output->key},
                                        .expires_s = w->facts->notify->link_s};
    if (!what.expires_s)
        return 0;
    int code = store->ops->presign(store, &what, &output->link, &valid, error);
    if (!code)
        expires_note(w, &valid);
    return code;
}

static int outputs_collect(struct notice_writer *w, struct error *error)
{
    const struct render_item *item = w->facts->item;
    const char *bucket = w->facts->record->bucket;
    w->outputs = calloc(item->rendition_count + 1, sizeof *w->outputs);
    if (!w->outputs)
        return error_set(error, ERR_MEMORY, "out of memory");
    for (size_t i = 0; is_done(w) && i < item->rendition_count; i++) {
        const struct rendition *from = &item->renditions[i];
        w->outputs[w->output_count++] =
            (struct output){from->bucket ? from->bucket : bucket, from->key, from->content_type,
                            from->manifest ? NULL : from, NULL};
    }
    if (is_done(w) && item->sidecar_key)
        w->outputs[w->output_count++] =
            (struct output){item->sidecar_bucket ? item->sidecar_bucket : bucket, item->sidecar_key,
                            "application/json", NULL, NULL};
    int code = 0;
    for (size_t i = 0; i < w->output_count && !code; i++)
        code = link_make(w, &w->outputs[i], error);
    iso_time_format(w->expires_s, w->expires);
    return code;
}

/* ---- the document ---- */

static json_t *output_json(const struct output *output)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:s*}", "bucket", output->bucket, "key", output->key,
                             "content_type", output->content_type, "link", output->link);
    const struct rendition *rendition = output->rendition;
    if (json && rendition) {
        json_object_set_new(json, "size", json_integer((json_int_t)rendition->body.size));
        json_object_set_new(json, "width", json_integer(rendition->width));
        json_object_set_new(json, "height", json_integer(rendition->height));
    }
    return json;
}

static json_t *outputs_json(const struct notice_writer *w)
{
    json_t *array = json_array();
    for (size_t i = 0; i < w->output_count; i++)
        json_array_append_new(array, output_json(&w->outputs[i]));
    return array;
}

static json_t *labels_json(const struct label_set *labels)
{
    json_t *array = json_array();
    for (size_t i = 0; i < labels->count; i++) {
        const struct label *label = &labels->entries[i];
        json_array_append_new(array, json_pack("{s:s, s:s*, s:f}", "name", label->name, "value",
                                               label->value[0] ? label->value : NULL, "confidence",
                                               label->confidence));
    }
    return array;
}

static json_t *document_json(const struct notice_writer *w, const struct notify_content *content)
{
    const struct notify_facts *facts = w->facts;
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s*, s:s*}}", "type", content->parts.type,
                  "timestamp", w->time, "id", content->id, "pipeline", facts->pipeline, "source",
                  "bucket", facts->record->bucket, "key", facts->record->key, "version",
                  facts->record->version, "etag", etag_of(facts) ? etag_of(facts) : facts->etag);
    if (root && is_done(w)) {
        json_object_set_new(root, "outputs", outputs_json(w));
        if (facts->item->labels.count)
            json_object_set_new(root, "labels", labels_json(&facts->item->labels));
        if (w->expires_s)
            json_object_set_new(root, "links_expire", json_string(w->expires));
    } else if (root) {
        json_object_set_new(root, "reason", json_string(facts->reason));
        json_object_set_new(root, "detail", json_string(facts->detail));
    }
    return root;
}

static int document_write(const struct notice_writer *w, struct notify_content *out,
                          struct error *error)
{
    enum { DIGITS = 5 };
    json_t *root = document_json(w, out);
    out->document = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS)) : NULL;
    json_decref(root);
    if (!out->document)
        return error_set(error, ERR_MEMORY, "out of memory");
    out->parts.document = slice_of(out->document);
    if (out->parts.document.size > NOTIFY_DOCUMENT_MAX)
        return error_set(error, ERR_LIMIT, "its document is longer than %d bytes, the limit",
                         NOTIFY_DOCUMENT_MAX);
    return 0;
}

/* ---- text ---- */

/* Keys may contain any character; in a text for people, no key may begin a new line. */
static void clean(char *text)
{
    for (; text && *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
    }
}

static void output_line(struct buffer *out, const struct output *output)
{
    size_t start = out->size;
    buffer_format(out, "%ss3://%s/%s", start ? "\n" : "", output->bucket, output->key);
    if (!out->error)
        clean(out->data + start + (start > 0));
    if (output->rendition)
        buffer_format(out, " (%u x %u, %zu bytes)", output->rendition->width,
                      output->rendition->height, output->rendition->body.size);
}

static void labels_line(struct buffer *out, const struct label_set *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        const struct label *label = &labels->entries[i];
        buffer_format(out, "%s%s%s%s", i ? ", " : "", label->name, label->value[0] ? ": " : "",
                      label->value);
    }
}

/* The last part of a key. */
static const char *name_of(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash ? slash + 1 : key;
}

struct values { /* of the placeholders */
    struct buffer texts[NOTIFY_PART_COUNT];
    const char *list[NOTIFY_PART_COUNT];
};

static void values_of_source(struct buffer *texts, const struct notice_writer *w)
{
    const struct envelope_record *record = w->facts->record;
    const char *name = name_of(record->key), *dot = strrchr(name, '.');
    size_t dir = (size_t)(name - record->key);
    buffer_text(&texts[NOTIFY_PART_BUCKET], record->bucket);
    buffer_text(&texts[NOTIFY_PART_KEY], record->key);
    buffer_append(&texts[NOTIFY_PART_DIR], record->key, dir ? dir - 1 : 0);
    buffer_text(&texts[NOTIFY_PART_NAME], name);
    buffer_append(&texts[NOTIFY_PART_STEM], name,
                  dot && dot > name ? (size_t)(dot - name) : strlen(name));
    buffer_text(&texts[NOTIFY_PART_PIPELINE], w->facts->pipeline);
    buffer_text(&texts[NOTIFY_PART_OUTCOME], outcome_word(w));
}

static void values_of_outputs(struct buffer *texts, const struct notice_writer *w)
{
    const struct output *first = w->outputs;
    for (size_t i = 0; i < w->output_count; i++) {
        output_line(&texts[NOTIFY_PART_OUTPUTS], &w->outputs[i]);
        if (w->outputs[i].link)
            buffer_format(&texts[NOTIFY_PART_LINKS], "%s%s", i ? "\n" : "", w->outputs[i].link);
    }
    if (!w->output_count)
        return;
    buffer_text(&texts[NOTIFY_PART_IMAGE], name_of(first->key));
    buffer_format(&texts[NOTIFY_PART_OUTPUT], "s3://%s/%s", first->bucket, first->key);
    if (first->link) {
        buffer_text(&texts[NOTIFY_PART_LINK], first->link);
        buffer_text(&texts[NOTIFY_PART_EXPIRES], w->expires);
    }
}

static void values_clear(struct values *values)
{
    for (size_t i = 0; i < NOTIFY_PART_COUNT; i++)
        buffer_free(&values->texts[i]);
}

static int values_make(const struct notice_writer *w, struct values *values)
{
    int code = 0;
    struct buffer *texts = values->texts;
    for (size_t i = 0; i < NOTIFY_PART_COUNT; i++)
        buffer_init(&texts[i], NOTIFY_DOCUMENT_MAX);
    values_of_source(texts, w);
    values_of_outputs(texts, w);
    if (is_done(w)) {
        labels_line(&texts[NOTIFY_PART_LABELS], &w->facts->item->labels);
    } else {
        buffer_text(&texts[NOTIFY_PART_REASON], w->facts->reason);
        buffer_text(&texts[NOTIFY_PART_DETAIL], w->facts->detail);
    }
    for (size_t i = 0; i < NOTIFY_PART_COUNT && !code; i++) {
        code = texts[i].error;
        values->list[i] = texts[i].data ? texts[i].data : "";
        if (i != NOTIFY_PART_OUTPUTS && i != NOTIFY_PART_LINKS)
            clean(texts[i].data);
    }
    return code;
}

/* Makes any text a subject that SNS accepts: printable ASCII that neither begins nor ends with a
 * space, in at most NOTIFY_SUBJECT_MAX characters, and not empty. */
static void subject_fit(char *subject)
{
    char *to = subject;
    for (const char *from = subject; *from && to - subject < NOTIFY_SUBJECT_MAX; from++) {
        unsigned char c = (unsigned char)*from;
        if ((c & 0xc0) == 0x80)
            continue; /* the rest of a character */
        if (c != ' ' || to > subject)
            *to++ = c < 0x7f ? (char)c : '?';
    }
    while (to > subject && to[-1] == ' ')
        to--;
    *to = '\0';
}

static const char *subject_template(const struct notice_writer *w)
{
    const struct pipeline_notify *notify = w->facts->notify;
    if (!is_done(w) && notify->rejected_subject)
        return notify->rejected_subject;
    return notify->subject ? notify->subject : is_done(w) ? done_subject : rejected_subject;
}

static int subject_write(const struct notice_writer *w, const struct values *values,
                         struct notify_content *out)
{
    struct buffer text;
    buffer_init(&text, NOTIFY_DOCUMENT_MAX);
    text_template_expand(subject_template(w), notify_part_names, values->list, NOTIFY_PART_COUNT,
                         &text);
    int code = text.error;
    if (!code && text.size)
        subject_fit(text.data);
    if (!code && (!text.size || !text.data[0])) {
        buffer_clear(&text);
        code = buffer_format(&text, "thumbwheel: %s", outcome_word(w));
    }
    out->subject = buffer_take_text(&text);
    out->parts.subject = out->subject;
    return code;
}

static int text_write(const struct notice_writer *w, const struct values *values,
                      struct notify_content *out)
{
    const struct pipeline_notify *notify = w->facts->notify;
    const char *rejected = notify->rejected_message ? notify->rejected_message : notify->message;
    const char *message = is_done(w) ? notify->message : rejected;
    struct buffer text;
    buffer_init(&text, NOTIFY_DOCUMENT_MAX);
    text_template_expand(message      ? message
                         : is_done(w) ? done_message
                                      : rejected_message,
                         notify_part_names, values->list, NOTIFY_PART_COUNT, &text);
    if (!message && is_done(w) && notify->link_s)
        text_template_expand(done_links, notify_part_names, values->list, NOTIFY_PART_COUNT, &text);
    if (!text.size)
        buffer_byte(&text, ' '); /* SNS refuses an empty message */
    int code = text.error;
    out->text = buffer_take_text(&text);
    out->parts.text = out->text;
    return code;
}

static int texts_write(const struct notice_writer *w, struct notify_content *out,
                       struct error *error)
{
    struct values values;
    int code = values_make(w, &values);
    if (code)
        goto out;
    code = subject_write(w, &values, out);
    if (code)
        goto out;
    code = text_write(w, &values, out);
out:
    values_clear(&values);
    if (code == ERR_LIMIT)
        return error_set(error, code, "its text is longer than %d bytes, the limit",
                         NOTIFY_DOCUMENT_MAX);
    return code ? error_set(error, code, "out of memory") : 0;
}

/* ---- all of it ---- */

static void outputs_free(struct notice_writer *w)
{
    for (size_t i = 0; i < w->output_count; i++)
        free(w->outputs[i].link);
    free(w->outputs);
}

int notify_content_write(const struct notify_facts *facts, struct notify_content *out,
                         struct error *error)
{
    struct notice_writer w = {.facts = facts};
    *out = (struct notify_content){.parts = {.target = facts->notify->target,
                                             .secret = facts->notify->secret,
                                             .id = out->id,
                                             .group = out->group,
                                             .pipeline = facts->pipeline}};
    out->parts.type = is_done(&w) ? "photo.done" : "photo.rejected";
    iso_time_format(facts->now_s, w.time);
    identify(&w, out);
    int code = outputs_collect(&w, error);
    if (code)
        goto out;
    code = document_write(&w, out, error);
    if (code)
        goto out;
    if (facts->notify->kind == NOTIFY_TOPIC)
        code = texts_write(&w, out, error);
out:
    outputs_free(&w);
    return code;
}

void notify_content_clear(struct notify_content *content)
{
    free(content->subject);
    free(content->text);
    free(content->document);
    *content = (struct notify_content){0};
}
