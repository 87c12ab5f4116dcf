#include "gate_token_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base64.h"
#include "container_of.h"
#include "json_file.h"
#include "log.h"
#include "secret.h"

enum { RANDOM_BYTES = 32 };

/* ---- reading ---- */

static int parse(struct slice text, const char *path, void *out, struct error *error)
{
    const int code = gate_tokens_read(text, path, out, error);
    if (code)
        gate_tokens_free(out);
    return code;
}

static void on_changed(struct secret_watch *watch)
{
    struct gate_token_file *file = container_of(watch, struct gate_token_file, watch);
    gate_tokens_inherit(&file->next, &file->tokens);
    gate_tokens_free(&file->tokens);
    file->tokens = file->next;
    file->next = (struct gate_tokens){0};
    log_info("tokens were read again", LOG_INT("tokens", file->tokens.count));
}

static void on_failed(const struct error *error)
{
    log_error("the token file is not valid; the old tokens remain", LOG_TEXT("error", error->text));
}

static const struct secret_watch_kind kind = {GATE_TOKEN_FILE_MAX, parse, on_changed, on_failed};

int gate_token_file_read(struct gate_token_file *file, const char *path, struct error *error)
{
    *file = (struct gate_token_file){0};
    return secret_watch_read(&file->watch, &kind, path, &file->tokens, error);
}

void gate_token_file_watch(struct gate_token_file *file, uv_loop_t *loop)
{
    secret_watch_start(&file->watch, loop, &file->next);
}

static void on_closed(void *user)
{
    struct gate_token_file *file = user;
    gate_tokens_free(&file->next);
    gate_tokens_free(&file->tokens);
    file->closed(file->closed_user);
}

void gate_token_file_close(struct gate_token_file *file, void (*closed)(void *user), void *user)
{
    file->closed = closed;
    file->closed_user = user;
    secret_watch_close(&file->watch, on_closed, file);
}

/* ---- adding a token ---- */

/* 256 random bits in the alphabet of URLs. */
static int token_make(char out[GATE_TOKEN_SIZE])
{
    uint8_t bytes[RANDOM_BYTES];
    char text[BASE64_TEXT_SIZE(RANDOM_BYTES)];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return ERR_IO;
    base64_write(bytes, sizeof bytes, text);
    secret_wipe(bytes, sizeof bytes);
    for (char *p = text; *p; p++)
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p == '=' ? '\0' : *p;
    snprintf(out, GATE_TOKEN_SIZE, "tw_%s", text);
    secret_wipe(text, sizeof text);
    return 0;
}

static json_t *entry_make(const char *name, unsigned scopes, const char *token)
{
    char hash[SHA256_HEX_SIZE], size[16];
    sha256_hex(token, strlen(token), hash);
    snprintf(size, sizeof size, "%lluM", GATE_MAX_SIZE >> 20);
    json_t *list = json_array();
    if (scopes & GATE_UPLOAD)
        json_array_append_new(list, json_string("upload"));
    if (scopes & GATE_DOWNLOAD)
        json_array_append_new(list, json_string("download"));
    json_t *entry = json_pack("{s:s, s:s, s:o, s:i}", "name", name, "sha256", hash, "scopes", list,
                              "per_minute", GATE_PER_MINUTE);
    if (scopes & GATE_UPLOAD)
        json_object_set_new(entry, "max_size", json_string(size));
    return entry;
}

/* The whole new document is checked before it is written. */
static int document_extend(const char *path, json_t *document, json_t *entry, struct error *error)
{
    struct gate_tokens tokens = {0};
    if (!entry || json_array_append_new(json_object_get(document, "tokens"), entry))
        return error_set(error, ERR_INVALID, "%s: expected {\"tokens\": […]}", path);
    char *text = json_dumps(document, JSON_INDENT(2));
    if (!text)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = gate_tokens_read(slice_of(text), path, &tokens, error);
    gate_tokens_free(&tokens);
    if (!code)
        code = json_file_replace(path, text, error);
    free(text);
    return code;
}

static int add(const char *path, json_t *document, const char *name, unsigned scopes,
               char out[GATE_TOKEN_SIZE], struct error *error)
{
    if (token_make(out))
        return error_set(error, ERR_IO, "no random bytes: %s", strerror(errno));
    return document_extend(path, document, entry_make(name, scopes, out), error);
}

int gate_token_add(const char *path, const char *name, unsigned scopes, char out[GATE_TOKEN_SIZE],
                   struct error *error)
{
    json_t *document;
    int code = json_file_read(path, GATE_TOKEN_FILE_MAX, &document, error);
    if (code)
        return code;
    if (!document)
        document = json_pack("{s:[]}", "tokens");
    code = add(path, document, name, scopes, out, error);
    json_decref(document);
    return code;
}
