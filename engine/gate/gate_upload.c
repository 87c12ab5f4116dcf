/* POST /uploads: a key, and a presigned PUT or form for it. */
#include "gate_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "iso_time.h"
#include "json_text.h"
#include "wall_clock.h"

/* ---- the response ---- */

static json_t *put_json(const struct gate_call *call, const char *url, const char *expires)
{
    return json_pack("{s:s, s:s, s:s, s:{s:s}, s:I, s:s}", "key", call->key, "method", "PUT", "url",
                     url, "headers", "Content-Type", call->type, "size", (json_int_t)call->size,
                     "expires", expires);
}

static json_t *form_json(const struct gate_call *call, const struct object_form_made *form,
                         const char *expires)
{
    json_t *fields = json_object();
    for (size_t i = 0; i < form->count; i++)
        json_object_set_new(fields, form->fields[i].name, json_string(form->fields[i].value));
    if (json_object_size(fields) != form->count) {
        json_decref(fields);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:I, s:s}", "key", call->key, "method", "POST", "url",
                     form->url, "fields", fields, "max_size", (json_int_t)call->size, "expires",
                     expires);
}

static void granted(struct gate_call *call, json_t *body)
{
    call->gate->results[GATE_RESULT_UPLOAD]++;
    log_info("upload granted", LOG_TEXT("token", call->token),
             LOG_TEXT("bucket", call->place->bucket), LOG_TEXT("key", call->key),
             LOG_TEXT("type", call->type), LOG_INT("size", call->size));
    gate_respond(call, 201, body, NULL, 0);
}

static int grant_put(struct gate_call *call, struct error *error)
{
    struct object_store *store = call->gate->options.store;
    const struct object_presign what = {
        .method = "PUT",
        .name = {.bucket = call->place->bucket, .key = call->key},
        .expires_s = call->gate->options.expires_s,
        .content_type = call->type,
        .sized = true,
        .size = call->size,
    };
    struct object_validity valid;
    char *url, expires[ISO_TIME_SIZE];
    const int code = store->ops->presign(store, &what, &url, &valid, error);
    if (code)
        return code;
    iso_time_format(gate_end_of(&valid), expires);
    granted(call, put_json(call, url, expires));
    free(url);
    return 0;
}

static int grant_form(struct gate_call *call, struct error *error)
{
    struct object_store *store = call->gate->options.store;
    const struct object_form what = {
        .bucket = call->place->bucket,
        .key = call->key,
        .expires_s = call->gate->options.expires_s,
        .content_type = call->type,
        .size_max = call->size,
    };
    struct object_form_made form;
    char expires[ISO_TIME_SIZE];
    const int code = store->ops->presign_form(store, &what, &form, error);
    if (code)
        return code;
    iso_time_format(gate_end_of(&form.valid), expires);
    granted(call, form_json(call, &form, expires));
    object_form_free(&form);
    return 0;
}

/* ---- the request ---- */

static bool refuse(struct gate_call *call, const char *message)
{
    gate_refuse(call, GATE_RESULT_INVALID, 400, "invalid_request", "%s", message);
    return false;
}

static bool check_members(struct gate_call *call, const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key,
                        value) if (strcmp(key, "method") != 0 && strcmp(key, "content_type") != 0 &&
                                   strcmp(key, "size") !=
                                       0) return refuse(call, "the request has members other than "
                                                              "method, content_type and size; "
                                                              "the gate chooses bucket and key");
    return true;
}

static bool read_method(struct gate_call *call, const json_t *object)
{
    const json_t *value = json_object_get(object, "method");
    const char *text = value ? json_string_value(value) : "PUT";
    call->form = text && strcmp(text, "POST") == 0;
    if (!text || (!call->form && strcmp(text, "PUT") != 0))
        return refuse(call, "method must be \"PUT\" or, for a form, \"POST\"");
    call->grant = call->form ? grant_form : grant_put;
    return true;
}

static bool read_type(struct gate_call *call, const json_t *object)
{
    const char *text = json_text_in(object, "content_type");
    if (!text || !gate_type_is_valid(text))
        return refuse(call, "content_type must be a type in lower case without parameters, for "
                            "example \"image/jpeg\"");
    memcpy(call->type, text, strlen(text) + 1);
    return true;
}

/* Of a form, size is optional: the store checks the limit itself. */
static bool read_size(struct gate_call *call, const json_t *object)
{
    const json_t *value = json_object_get(object, "size");
    call->size = call->max_size;
    if (!value && call->form)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return refuse(call, "size must be the number of bytes that you are going to upload; only a "
                            "form (\"method\": \"POST\") can do without");
    call->size = (uint64_t)json_integer_value(value);
    if (call->size <= call->max_size)
        return true;
    gate_refuse(call, GATE_RESULT_LIMITED, 413, "too_large",
                "this token may upload at most %" PRIu64 " bytes at a time", call->max_size);
    return false;
}

static bool request_read(struct gate_call *call, const struct bytes *body)
{
    json_t *root =
        json_text_read((struct slice){body->data, body->size}, JSON_REJECT_DUPLICATES, NULL);
    bool is_valid = json_is_object(root);
    if (!is_valid)
        refuse(call, "the body must be a JSON object such as {\"content_type\": \"image/jpeg\", "
                     "\"size\": 12345}");
    is_valid = is_valid && check_members(call, root) && read_method(call, root) &&
               read_type(call, root) && read_size(call, root);
    json_decref(root);
    return is_valid;
}

/* The token that was checked before the body arrived; it may have been withdrawn since. */
static const struct gate_token *token_again(struct gate_call *call)
{
    const struct gate_tokens *tokens = &call->gate->file.tokens;
    for (size_t i = 0; i < tokens->count; i++)
        if (strcmp(tokens->items[i].name, call->token) == 0)
            return &tokens->items[i];
    gate_refuse(call, GATE_RESULT_UNAUTHORIZED, 401, "unauthorized", "the token was withdrawn");
    return NULL;
}

static void on_body(struct http_call *http, struct bytes *body, void *user)
{
    struct gate_call *call = user;
    (void)http;
    const struct gate_token *token = token_again(call);
    if (!token)
        return;
    call->max_size = token->max_size;
    if (!request_read(call, body))
        return;
    if (!gate_token_allows_type(token, call->type)) {
        gate_refuse(call, GATE_RESULT_INVALID, 415, "type_not_allowed",
                    "this token may not upload this content type");
        return;
    }
    if (gate_key_make(call->place->prefix, call->type, wall_clock_ms() / 1000, call->key)) {
        gate_refuse_for(call, GATE_RESULT_UNAVAILABLE, 503, "unavailable", 1,
                        "no key could be made; try again");
        return;
    }
    gate_grant(call);
}

static bool is_json(struct slice type)
{
    static const char json[] = "application/json";
    const size_t size = sizeof json - 1;
    return type.size >= size && strncasecmp(type.data, json, size) == 0 &&
           (type.size == size || type.data[size] == ';' || type.data[size] == ' ');
}

void gate_upload(struct gate_call *call)
{
    if (!gate_admit(call, GATE_UPLOAD))
        return;
    if (!is_json(http_call_header(call->http, "content-type"))) {
        gate_refuse(call, GATE_RESULT_INVALID, 415, "not_json",
                    "the body must be JSON, with the header Content-Type: application/json; the "
                    "photo itself goes to the URL in the response");
        return;
    }
    if (http_call_content_length(call->http) > GATE_BODY_MAX) {
        gate_refuse(call, GATE_RESULT_INVALID, 413, "request_too_large",
                    "the body may have at most %d bytes; the photo itself goes to the URL in the "
                    "response",
                    GATE_BODY_MAX);
        return;
    }
    call->place = call->gate->options.uploads;
    call->located = &call->gate->uploads_located;
    http_call_collect(call->http, GATE_BODY_MAX, on_body, call);
}
