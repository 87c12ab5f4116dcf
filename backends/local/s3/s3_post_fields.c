/*
 * The fields of a PostObject form: the key, the signature of the policy, its conditions, the metadata.
 * Last, the bucket's policy decides for the one who signed the form.
 */
#include "s3_post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "object_store.h"
#include "s3_access.h"
#include "s3_address.h"
#include "s3_handlers.h"
#include "s3_headers.h"
#include "s3_metadata.h"
#include "s3_tags.h"
#include "s3_time.h"
#include "signature_explain.h"
#include "utf8.h"

static enum s3_error refuse(struct post *post, enum s3_error error, const char *message)
{
    snprintf(post->policy.message, sizeof post->policy.message, "%.180s", message);
    return error;
}

static enum s3_error refuse_field(struct post *post, const char *name, const char *value,
                                  const char *message)
{
    s3_detail(post->intake.request, "ArgumentName", name);
    s3_detail(post->intake.request, "ArgumentValue", value);
    return refuse(post, S3_INVALID_ARGUMENT, message);
}

/* localstack recorded the elements of the service: the policy is what is signed. */
static enum s3_error refuse_signature(struct post *post, const struct signed_text *text)
{
    struct s3_request *request = post->intake.request;
    s3_detail(request, "AWSAccessKeyId", post->signer.access_key);
    s3_detail(request, "StringToSign", text->text);
    s3_detail(request, "SignatureProvided", text->signature);
    signature_explain_bytes(&request->details, "StringToSignBytes", slice_of(text->text));
    return S3_SIGNATURE_MISMATCH;
}

/* ${filename} is replaced by the file name that the browser sent. */
static char *expand_key(const struct s3_form *form, const char *key)
{
    static const char variable[] = "${filename}";
    struct buffer out;
    const char *at;
    buffer_init(&out, OBJECT_KEY_MAX + S3_FORM_HEADERS_MAX);
    for (; (at = strstr(key, variable)); key = at + sizeof variable - 1) {
        buffer_append(&out, key, (size_t)(at - key));
        buffer_text(&out, form->filename);
    }
    buffer_text(&out, key);
    return buffer_take_text(&out);
}

static enum s3_error take_key(struct post *post)
{
    struct s3_request *request = post->intake.request;
    const char *key = s3_form_value(&post->form, "key");
    if (!key || !*key)
        return refuse_field(post, "key", "",
                            "Bucket POST must contain a field named 'key'.  If it is specified, "
                            "please check the order of the fields.");
    char *expanded = expand_key(&post->form, key);
    if (!expanded)
        return S3_KEY_TOO_LONG;
    free(request->key);
    request->key = expanded;
    cloud_request_note_key(request->base, expanded);
    if (!*expanded || strlen(expanded) > OBJECT_KEY_MAX)
        return *expanded ? S3_KEY_TOO_LONG : S3_INVALID_ARGUMENT;
    return utf8_length(expanded) < 0 || s3_key_climbs(expanded) ? S3_INVALID_URI : S3_OK;
}

/* Signature Version 2 has no region. */
static enum s3_error check_region(struct post *post)
{
    struct s3_request *request = post->intake.request;
    struct bucket bucket;
    char text[300];
    if (post->signer.version2 || !buckets_find(request->cloud->buckets, request->bucket, &bucket) ||
        strcmp(post->signer.region, bucket.region) == 0)
        return S3_OK;
    snprintf(text, sizeof text,
             "Error parsing the X-Amz-Credential parameter; the region '%s' is wrong; expecting "
             "'%.64s'",
             post->signer.region, bucket.region);
    return refuse(post, S3_QUERY_MALFORMED, text);
}

static enum s3_error check_signer(struct post *post, const struct signed_text *text)
{
    struct s3_request *request = post->intake.request;
    const struct access_key_list *keys = request->cloud->access_keys;
    int64_t now = (int64_t)time(NULL);
    enum signature_code code = text->date
                                   ? signature_verify_text(keys, text, now, &post->signer)
                                   : signature_verify_v2_text(keys, text, now, &post->signer);
    switch (code) {
    case SIGNATURE_OK:
        request->caller = post->signer.key;
        access_key_account(request->caller, request->account);
        return check_region(post);
    case SIGNATURE_UNKNOWN_KEY:
        s3_detail(request, "AWSAccessKeyId", post->signer.access_key);
        return S3_INVALID_ACCESS_KEY;
    case SIGNATURE_BAD_TOKEN:
        return S3_INVALID_TOKEN;
    case SIGNATURE_TOKEN_EXPIRED:
        return S3_EXPIRED_TOKEN;
    case SIGNATURE_MALFORMED:
        return refuse(post, S3_INVALID_ARGUMENT,
                      "The x-amz-credential or x-amz-date field is not valid.");
    default:
        return refuse_signature(post, text);
    }
}

/* Signature Version 2: "AWSAccessKeyId", "signature". */
static bool has_version2(const struct post *post, const char *policy, struct signed_text *out)
{
    *out = (struct signed_text){.credential = s3_form_value(&post->form, "awsaccesskeyid"),
                                .text = policy,
                                .signature = s3_form_value(&post->form, "signature"),
                                .token = s3_form_value(&post->form, "x-amz-security-token")};
    return out->credential && out->signature;
}

static enum s3_error check_signature(struct post *post, const char *policy)
{
    struct signed_text version2;
    if (has_version2(post, policy, &version2))
        return check_signer(post, &version2);
    static const char *const names[] = {"x-amz-algorithm", "x-amz-credential", "x-amz-date",
                                        "x-amz-signature"};
    const char *values[4];
    char text[128];
    for (size_t i = 0; i < 4; i++) {
        values[i] = s3_form_value(&post->form, names[i]);
        snprintf(text, sizeof text,
                 "Bucket POST must contain a field named '%s'.  If it is specified, please check "
                 "the order of the fields.",
                 names[i]);
        if (!values[i])
            return refuse_field(post, names[i], "", text);
    }
    if (strcmp(values[0], "AWS4-HMAC-SHA256") != 0)
        return refuse(post, S3_INVALID_ARGUMENT,
                      "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
    return check_signer(
        post, &(struct signed_text){.credential = values[1],
                                    .date = values[2],
                                    .text = policy,
                                    .signature = values[3],
                                    .token = s3_form_value(&post->form, "x-amz-security-token")});
}

/* Without a policy the request is anonymous, unless it is itself signed. */
static enum s3_error check_policy(struct post *post)
{
    struct s3_request *request = post->intake.request;
    const char *policy = s3_form_value(&post->form, "policy");
    post->policy = (struct s3_post_policy){.size_max = UINT64_MAX};
    enum s3_error error = policy ? check_signature(post, policy) : S3_OK;
    if (error)
        return error;
    if (policy)
        error = s3_post_policy_check(&post->policy, policy, &post->form, request->bucket,
                                     request->key, s3_time_now_ms());
    if (error)
        return error;
    if (!s3_access_allowed(request, request->bucket, "PutObject", request->key))
        return S3_ACCESS_DENIED;
    return S3_OK;
}

static enum s3_error check_known(struct post *post)
{
    const char *name = s3_unknown_field(&post->form);
    char text[160];
    if (!name)
        return S3_OK;
    snprintf(text, sizeof text, "The field %.100s of PostObject is not implemented.", name);
    return refuse(post, S3_NOT_IMPLEMENTED, text);
}

/* In a form, the tags are an XML document. */
static enum s3_error take_tags(struct post *post)
{
    const char *document = s3_form_value(&post->form, "tagging");
    struct error error = {0};
    char *tags = NULL;
    if (!document)
        return S3_OK;
    int code = s3_tags_from_xml(slice_of(document), OBJECT_TAGS_MAX, &tags, NULL, &error);
    if (code)
        return code == ERR_INVALID ? refuse(post, S3_INVALID_TAG, error.text) : S3_MALFORMED_XML;
    free(post->object.tags);
    post->object.tags = tags;
    return S3_OK;
}

static enum s3_error take_metadata(struct post *post)
{
    const char *message = NULL;
    enum s3_error error = s3_metadata_read(post->intake.request, &post->object, &message);
    if (error && message)
        refuse(post, error, message);
    return error ? error : take_tags(post);
}

enum s3_error s3_post_fields_take(struct post *post)
{
    enum s3_error error = take_key(post);
    if (error)
        return error;
    error = check_policy(post);
    if (error)
        return error;
    error = check_known(post);
    if (error)
        return error;
    return take_metadata(post);
}
