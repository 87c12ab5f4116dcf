#include "sns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arn.h"
#include "partition.h"
#include "uri.h"
#include "xml_reader.h"

enum { FORM_MAX = 4 * 1024 * 1024, URL_MAX = 4096 };

static int form_make(const struct sns_client_call *call, struct buffer *out)
{
    buffer_format(out, "Action=%s&Version=2010-03-31", call->action);
    for (size_t i = 0; i < call->parameter_count; i++) {
        if (!call->parameters[i].value)
            continue;
        buffer_format(out, "&%s=", call->parameters[i].name);
        uri_encode(out, slice_of(call->parameters[i].value), false);
    }
    return out->error;
}

static int url_make(const struct aws *aws, enum aws_service service, const char *region,
                    struct buffer *out)
{
    endpoint_append(&aws->endpoints, service, region, out);
    return buffer_byte(out, '/');
}

static int region_of(const struct aws *aws, const char *topic_arn, char out[REGION_SIZE_MAX])
{
    struct slice region = slice_of(aws->region);
    if (topic_arn)
        region = arn_part(topic_arn, ARN_REGION);
    if (!region_is_plain(region))
        return ERR_INVALID;
    memcpy(out, region.data, region.size);
    out[region.size] = '\0';
    return 0;
}

int sns_start(struct aws *aws, const struct sns_client_call *call)
{
    const struct http_header headers[] = {
        {"content-type", "application/x-www-form-urlencoded; charset=utf-8"}};
    char region[REGION_SIZE_MAX];
    struct buffer form, url;
    buffer_init(&form, FORM_MAX);
    buffer_init(&url, URL_MAX);
    int code = region_of(aws, call->topic_arn, region);
    if (code)
        goto out;
    code = form_make(call, &form);
    if (code)
        goto out;
    code = url_make(aws, call->of_store ? AWS_S3 : AWS_SNS, region, &url);
    if (code)
        goto out;
    struct aws_call request = {.service = AWS_SNS,
                               .operation = call->action,
                               .method = "POST",
                               .resource = call->resource,
                               .url = url.data,
                               .region = endpoint_region(&aws->endpoints, AWS_SNS, region),
                               .trace = call->trace,
                               .headers = headers,
                               .header_count = 1,
                               .body = buffer_take(&form),
                               .settling = call->settling,
                               .response_max = AWS_RESPONSE_MAX,
                               .done = call->done,
                               .release = call->release,
                               .user = call->user};
    code = aws_request_start(aws, &request, call->out);
out:
    buffer_free(&form);
    buffer_free(&url);
    return code;
}

/* --- responses --- */

struct search {
    const char *path; /* of the element or of the map entry */
    const char *key;  /* NULL: an element */
    char *found;
    bool matches; /* the current entry has the wanted key */
};

static int element_found(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    (void)start;
    (void)end;
    struct search *s = user;
    if (s->found || strcmp(path, s->path) != 0)
        return 0;
    s->found = slice_dup(text);
    return s->found ? 0 : ERR_MEMORY;
}

static int entry_found(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    (void)start;
    (void)end;
    struct search *s = user;
    size_t size = strlen(s->path);
    if (s->found || strncmp(path, s->path, size) != 0)
        return 0;
    if (strcmp(path + size, "/key") == 0)
        s->matches = slice_equal_text(text, s->key);
    if (!s->matches || strcmp(path + size, "/value") != 0)
        return 0;
    s->found = slice_dup(text);
    return s->found ? 0 : ERR_MEMORY;
}

static int response_search(const struct aws_reply *reply, struct search *search, char **out)
{
    const struct bytes *body = &reply->response->body;
    int code = xml_read((struct slice){body->data, body->size}, NULL,
                        search->key ? entry_found : element_found, search);
    if (code) {
        free(search->found);
        search->found = NULL;
    }
    *out = search->found;
    return code;
}

int sns_response_text(const struct aws_reply *reply, const char *path, char **out)
{
    struct search search = {.path = path};
    return response_search(reply, &search, out);
}

int sns_response_attribute(const struct aws_reply *reply, const char *path, const char *key,
                           char **out)
{
    struct search search = {.path = path, .key = key};
    return response_search(reply, &search, out);
}
