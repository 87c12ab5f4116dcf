/* GET /downloads/KEY: a presigned GET. */
#include "gate_private.h"

#include <stdlib.h>
#include <string.h>

#include "iso_time.h"

enum { PATH_START = sizeof "/downloads/" - 1 };

static bool contains(struct slice text, const char *word)
{
    return text.size && memmem(text.data, text.size, word, strlen(word));
}

static void respond(struct gate_call *call, const char *url, const char *expires)
{
    const struct http_header location[] = {{"Location", url}, {"Vary", "Accept"}};
    const bool as_json = contains(http_call_header(call->http, "accept"), "application/json");
    gate_respond(call, as_json ? 200 : 302,
                 json_pack("{s:s, s:s, s:s, s:s}", "key", call->key, "method", "GET", "url", url,
                           "expires", expires),
                 as_json ? location + 1 : location, as_json ? 1 : 2);
}

static int grant(struct gate_call *call, struct error *error)
{
    struct object_store *store = call->gate->options.store;
    const struct object_presign what = {
        .method = "GET",
        .name = {.bucket = call->place->bucket, .key = call->key},
        .expires_s = call->gate->options.expires_s,
    };
    struct object_validity valid;
    char *url, expires[ISO_TIME_SIZE];
    const int code = store->ops->presign(store, &what, &url, &valid, error);
    if (code)
        return code;
    iso_time_format(gate_end_of(&valid), expires);
    call->gate->results[GATE_RESULT_DOWNLOAD]++;
    log_info("download granted", LOG_TEXT("token", call->token),
             LOG_TEXT("bucket", call->place->bucket), LOG_TEXT("key", call->key));
    respond(call, url, expires);
    free(url);
    return 0;
}

static bool place_find(struct gate_call *call)
{
    const struct gate_options *options = &call->gate->options;
    for (size_t i = 0; i < options->download_count; i++) {
        const char *prefix = options->downloads[i].prefix;
        if (strncmp(call->key, prefix, strlen(prefix)) != 0 || !call->key[strlen(prefix)])
            continue;
        call->place = &options->downloads[i];
        call->located = &call->gate->downloads_located[i];
        return true;
    }
    return false;
}

void gate_download(struct gate_call *call)
{
    struct slice path = http_call_path(call->http);
    if (!gate_admit(call, GATE_DOWNLOAD))
        return;
    path = (struct slice){path.data + PATH_START, path.size - PATH_START};
    const int code = gate_key_decode(path, call->key);
    if (code) {
        gate_refuse(call, GATE_RESULT_INVALID, code == ERR_LIMIT ? 414 : 400, "invalid_key",
                    code == ERR_LIMIT ? "a key has at most 1024 bytes"
                                      : "the path has no valid key after /downloads/: "
                                        "percent-encoded UTF-8, without empty segments, \".\", "
                                        "\"..\", backslashes and control characters");
    } else if (!place_find(call)) {
        gate_refuse(call, GATE_RESULT_NOT_FOUND, 404, "not_found",
                    "no such key may be downloaded here");
    } else {
        call->grant = grant;
        gate_grant(call);
    }
}
