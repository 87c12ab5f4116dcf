#include "gate_token_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base64.h"
#include "container_of.h"
#include "files.h"
#include "json_text.h"
#include "log.h"
#include "secret.h"

enum { PERIOD_MS = 1000, RANDOM_BYTES = 32 };

/* ---- reading ---- */

/* The status is taken before the content: a write in between is seen the next time. */
static int read_file(const char *path, struct stat *seen, struct gate_tokens *out,
                     struct error *error)
{
    struct bytes text = {0};
    *out = (struct gate_tokens){0};
    if (stat(path, seen))
        return error_set(error, ERR_IO, "%s: %s", path, strerror(errno));
    int code = file_read(path, GATE_TOKEN_FILE_MAX, &text, error);
    if (code)
        return code;
    code = gate_tokens_read((struct slice){text.data, text.size}, path, out, error);
    bytes_free(&text);
    if (code)
        gate_tokens_free(out);
    return code;
}

int gate_token_file_read(struct gate_token_file *file, const char *path, struct error *error)
{
    *file = (struct gate_token_file){.path = path};
    return read_file(path, &file->known, &file->tokens, error);
}

/* ---- watching ---- */

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* On a pool thread. */
static void look(uv_work_t *work)
{
    struct gate_token_file *file = container_of(work, struct gate_token_file, work);
    struct stat now = {0};
    file->changed = stat(file->path, &now) || !is_same(&now, &file->known);
    file->error = (struct error){0};
    file->seen = now;
    if (file->changed)
        read_file(file->path, &file->seen, &file->next, &file->error);
}

static void take_next(struct gate_token_file *file)
{
    const bool is_new = !is_same(&file->seen, &file->known); /* an error is reported once */
    file->known = file->seen;
    if (file->error.code) {
        if (is_new)
            log_error("the token file is not valid; the old tokens remain",
                      LOG_TEXT("error", file->error.text));
        return;
    }
    gate_tokens_inherit(&file->next, &file->tokens);
    gate_tokens_free(&file->tokens);
    file->tokens = file->next;
    file->next = (struct gate_tokens){0};
    log_info("tokens were read again", LOG_INT("tokens", file->tokens.count));
}

/* ---- the end ---- */

/* The timer, and the work if one is under way. */
static void part_closed(struct gate_token_file *file)
{
    if (--file->parts)
        return;
    gate_tokens_free(&file->next);
    gate_tokens_free(&file->tokens);
    file->closed(file->closed_user);
}

static void on_timer_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

void gate_token_file_close(struct gate_token_file *file, void (*closed)(void *user), void *user)
{
    file->closing = true;
    file->closed = closed;
    file->closed_user = user;
    uv_close((uv_handle_t *)&file->timer, on_timer_closed);
}

/* ---- the clock ---- */

static void on_looked(uv_work_t *work, int code)
{
    struct gate_token_file *file = container_of(work, struct gate_token_file, work);
    file->working = false;
    if (!code && file->changed && !file->closing)
        take_next(file);
    part_closed(file);
}

static void on_timer(uv_timer_t *timer)
{
    struct gate_token_file *file = timer->data;
    if (file->working || uv_queue_work(timer->loop, &file->work, look, on_looked))
        return;
    file->working = true;
    file->parts++;
}

void gate_token_file_watch(struct gate_token_file *file, uv_loop_t *loop)
{
    file->parts = 1;
    uv_timer_init(loop, &file->timer);
    file->timer.data = file;
    uv_timer_start(&file->timer, on_timer, PERIOD_MS, PERIOD_MS);
    uv_unref((uv_handle_t *)&file->timer);
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

static int document_read(const char *path, bool is_there, json_t **out, struct error *error)
{
    struct bytes text = {0};
    if (!is_there) {
        *out = json_pack("{s:[]}", "tokens");
        return *out ? 0 : error_set(error, ERR_MEMORY, "out of memory");
    }
    int code = file_read(path, GATE_TOKEN_FILE_MAX, &text, error);
    if (code)
        return code;
    json_error_t why;
    *out = json_text_read((struct slice){text.data, text.size}, JSON_REJECT_DUPLICATES, &why);
    bytes_free(&text);
    return *out ? 0
                : error_set(error, ERR_INVALID, "%s:%d:%d: not JSON: %s", path, why.line,
                            why.column, why.text);
}

/* Keeps owner and mode of the file that it replaces. */
static int document_write(const char *path, const char *text, const struct stat *old,
                          struct error *error)
{
    const struct file_options options = {.mode = old ? old->st_mode & 0777 : 0600, .durable = true};
    const int code = file_write_as(path, slice_of(text), &options, error);
    if (!code && old && chown(path, old->st_uid, old->st_gid))
        log_warn("the token file has another owner now", LOG_TEXT("path", path),
                 LOG_TEXT("error", strerror(errno)));
    return code;
}

/* The whole new document is checked before it is written. */
static int document_extend(const char *path, json_t *document, json_t *entry,
                           const struct stat *old, struct error *error)
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
        code = document_write(path, text, old, error);
    free(text);
    return code;
}

static int add(const char *path, json_t *document, const struct stat *old, const char *name,
               unsigned scopes, char out[GATE_TOKEN_SIZE], struct error *error)
{
    if (token_make(out))
        return error_set(error, ERR_IO, "no random bytes: %s", strerror(errno));
    return document_extend(path, document, entry_make(name, scopes, out), old, error);
}

int gate_token_add(const char *path, const char *name, unsigned scopes, char out[GATE_TOKEN_SIZE],
                   struct error *error)
{
    struct stat old;
    json_t *document = NULL;
    const bool is_there = stat(path, &old) == 0;
    int code = document_read(path, is_there, &document, error);
    if (code)
        return code;
    code = add(path, document, is_there ? &old : NULL, name, scopes, out, error);
    json_decref(document);
    return code;
}
