/* GetObjectTagging and PutObjectTagging. */
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "s3_private.h"
#include "xml_reader.h"
#include "xml_writer.h"

enum { TAGGING_MAX = 64 * 1024 };

struct tag_reader {
    char *texts[OBJECT_TAGS_MAX][2]; /* key and value */
    size_t count;
    char *key, *value; /* of the tag being read */
};

static int text_set(char **field, struct slice text)
{
    free(*field);
    *field = slice_dup(text);
    return *field ? 0 : ERR_MEMORY;
}

static int tag_element(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    (void)start;
    (void)end;
    struct tag_reader *r = user;
    if (strcmp(path, "Tagging/TagSet/Tag/Key") == 0)
        return text_set(&r->key, text);
    if (strcmp(path, "Tagging/TagSet/Tag/Value") == 0)
        return text_set(&r->value, text);
    if (strcmp(path, "Tagging/TagSet/Tag") != 0)
        return 0;
    if (!r->key || !r->value || r->count == OBJECT_TAGS_MAX)
        return ERR_PROTOCOL;
    r->texts[r->count][0] = r->key;
    r->texts[r->count++][1] = r->value;
    r->key = r->value = NULL;
    return 0;
}

static void reader_free(struct tag_reader *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->texts[i][0]);
        free(r->texts[i][1]);
    }
    free(r->key);
    free(r->value);
}

static void on_tags(const struct aws_reply *reply, void *user)
{
    void *their;
    union object_callback done = s3_operation_end(user, &their);
    struct tag_reader reader = {0};
    struct object_pair tags[OBJECT_TAGS_MAX];
    struct error error = reply->error;
    if (!error.code) {
        const struct bytes *body = &reply->response->body;
        int code = xml_read((struct slice){body->data, body->size}, NULL, tag_element, &reader);
        if (code)
            aws_error_unreadable(&error, &reply->subject, code, "the response cannot be read");
    }
    s3_tell_missing(reply, &error);
    for (size_t i = 0; i < reader.count; i++)
        tags[i] = (struct object_pair){reader.texts[i][0], reader.texts[i][1]};
    done.tags(tags, error.code ? 0 : reader.count, &error, their);
    reader_free(&reader);
}

static int tagging_start(struct object_store *store, const struct object_name *name,
                         struct s3_call *call, struct object_request **out)
{
    struct buffer query;
    buffer_init(&query, TAGGING_MAX);
    int code = name->key ? s3_version_query(name, "tagging=", &query) : ERR_INVALID;
    call->bucket = name->bucket;
    call->key = name->key;
    call->trace = name->trace;
    call->query = query.data;
    call->response_max = AWS_RESPONSE_MAX;
    if (code)
        bytes_free(&call->body);
    else
        code = s3_start(container_of(store, struct aws, objects), call, out);
    buffer_free(&query);
    return code;
}

int s3_get_tags(struct object_store *store, const struct object_name *name, object_tags_got *done,
                void *user, struct object_request **out)
{
    struct s3_call call = {.operation = "GetObjectTagging",
                           .method = "GET",
                           .replied = on_tags,
                           .done.tags = done,
                           .user = user};
    return tagging_start(store, name, &call, out);
}

static int tagging_document(const struct object_pair *tags, size_t count, struct buffer *out)
{
    buffer_text(out, "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>");
    for (size_t i = 0; i < count; i++) {
        buffer_text(out, "<Tag><Key>");
        xml_strict_text(out, slice_of(tags[i].name));
        buffer_text(out, "</Key><Value>");
        xml_strict_text(out, slice_of(tags[i].value));
        buffer_text(out, "</Value></Tag>");
    }
    return buffer_text(out, "</TagSet></Tagging>");
}

static void on_tags_put(const struct aws_reply *reply, void *user)
{
    void *their;
    union object_callback done = s3_operation_end(user, &their);
    struct error error = reply->error;
    s3_tell_missing(reply, &error);
    done.done(&error, their);
}

int s3_put_tags(struct object_store *store, const struct object_name *name,
                const struct object_pair *tags, size_t count, object_done *done, void *user,
                struct object_request **out)
{
    if (count > OBJECT_TAGS_MAX)
        return ERR_LIMIT;
    char md5[S3_MD5_SIZE];
    struct buffer document;
    buffer_init(&document, TAGGING_MAX);
    int code = tagging_document(tags, count, &document);
    if (code) {
        buffer_free(&document);
        return code;
    }
    s3_content_md5(document.data, document.size, md5);
    const struct http_header headers[] = {{"content-type", "application/xml"},
                                          {"content-md5", md5}};
    struct s3_call call = {.operation = "PutObjectTagging",
                           .method = "PUT",
                           .headers = headers,
                           .header_count = 2,
                           .body = buffer_take(&document),
                           .replied = on_tags_put,
                           .done.done = done,
                           .user = user};
    return tagging_start(store, name, &call, out);
}
