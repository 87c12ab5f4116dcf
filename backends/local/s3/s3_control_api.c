/* ListTagsForResource, TagResource and UntagResource of S3 Control: the tags of a bucket, which
 * PutBucketTagging sets, too. */
#include <stdlib.h>
#include <string.h>

#include "bucket_tagging.h"
#include "s3_body.h"
#include "s3_control.h"
#include "s3_handlers.h"
#include "s3_tags.h"

enum { BODY_MAX = 64 * 1024, RESPONSE_MAX = 128 * 1024 };

void s3_list_tags(struct s3_request *request)
{
    struct bucket bucket;
    struct buffer out;
    if (!s3_control_check_account(request) || !s3_find_bucket(request, &bucket))
        return;
    const char *tags = bucket.settings[BUCKET_TAGGING].read;
    buffer_init(&out, RESPONSE_MAX);
    buffer_text(&out, XML_DECLARATION "\n<ListTagsForResourceResult xmlns=\"" S3_CONTROL_NAMESPACE
                                      "\"><Tags>");
    s3_tags_to_xml(tags ? tags : "", &out);
    buffer_text(&out, "</Tags></ListTagsForResourceResult>");
    s3_respond_xml(request, &out);
}

/* Changing. */

struct tags_change {
    struct s3_request *request;
    char *added;       /* stored form; NULL: tags are removed */
    const char **keys; /* of the request's parameters */
    size_t key_count;
    /* set by the storage thread */
    enum s3_error verdict;
    char message[BUCKET_SETTING_MESSAGE_MAX];
};

static void change_free(void *operation)
{
    struct tags_change *change = operation;
    free(change->added);
    free(change->keys);
    free(change);
}

static enum s3_error apply(struct tags_change *change, const char *tags,
                           struct bucket_setting *setting)
{
    struct error error = {0};
    char *result = NULL;
    int code = change->added
                   ? s3_tags_merge(tags, change->added, S3_BUCKET_TAGS_MAX, &result, &error)
                   : s3_tags_without(tags, change->keys, change->key_count, &result, &error);
    return bucket_tagging_keep(code, &error, result, setting, change->message);
}

static enum s3_error edit(const char *document, struct bucket_setting *setting, void *user)
{
    struct tags_change *change = user;
    struct bucket_setting old = {0};
    change->verdict =
        document ? bucket_setting_read(BUCKET_TAGGING, slice_of(document), &old, change->message)
                 : S3_OK;
    if (!change->verdict)
        change->verdict = apply(change, old.read ? old.read : "", setting);
    bucket_setting_clear(BUCKET_TAGGING, &old);
    return change->verdict;
}

static void on_edited(int code, const struct error *error, void *user)
{
    struct tags_change *change = user;
    struct s3_request *request = change->request;
    if (change->verdict)
        s3_respond_error(request, change->verdict, *change->message ? change->message : NULL);
    else if (code)
        s3_respond_failure(request, code, error);
    else
        s3_respond_empty(request, 204, NULL, 0);
    s3_request_release(request);
}

static struct tags_change *change_create(struct s3_request *request)
{
    struct tags_change *change = s3_operation(request, sizeof *change, change_free);
    if (change)
        change->request = request;
    return change;
}

static void change_start(struct tags_change *change)
{
    struct s3_request *request = change->request;
    s3_request_hold(request);
    if (!buckets_edit(request->cloud->buckets, request->bucket, BUCKET_TAGGING, edit, on_edited,
                      change))
        return;
    s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
    s3_request_release(request);
}

static int read_tags(struct slice body, char **tags, struct error *error)
{
    struct s3_xml_node *root = NULL;
    int code = s3_xml_parse(body, &root, error);
    if (code)
        return code == ERR_MEMORY ? code : ERR_PROTOCOL;
    const struct s3_xml_node *list = s3_xml_child(root, "Tags");
    code = strcmp(root->name, "TagResourceRequest") == 0 && list
               ? s3_tags_from_list(list, S3_BUCKET_TAGS_MAX, tags, error)
               : ERR_PROTOCOL;
    s3_xml_free(root);
    return code;
}

static void on_tags(struct s3_request *request, struct slice body)
{
    struct error error = {0};
    struct tags_change *change = change_create(request);
    if (!change)
        return;
    int code = read_tags(body, &change->added, &error);
    if (code == ERR_INVALID)
        s3_respond_error(request, S3_INVALID_TAG, error.text);
    else if (code)
        s3_respond_error(request, code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML, NULL);
    else
        change_start(change);
}

void s3_tag_resource(struct s3_request *request)
{
    struct bucket bucket;
    if (s3_control_check_account(request) && s3_find_bucket(request, &bucket))
        s3_collect(request, BODY_MAX, on_tags);
}

void s3_untag_resource(struct s3_request *request)
{
    struct bucket bucket;
    if (!s3_control_check_account(request) || !s3_find_bucket(request, &bucket))
        return;
    struct tags_change *change = change_create(request);
    if (!change)
        return;
    change->keys = calloc(request->parameter_count + 1, sizeof *change->keys);
    if (!change->keys) {
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
        return;
    }
    for (size_t i = 0; i < request->parameter_count; i++) {
        if (strcmp(request->parameters[i].name, "tagKeys") == 0)
            change->keys[change->key_count++] = request->parameters[i].value;
    }
    change_start(change);
}
