#include "labeler_keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    URL_MAX = 2048,
    REKOGNITION_IMAGE_SIDE = 2048, /* more than its models use, and never more than 5 MB */
    REKOGNITION_RATE = 5,          /* requests per second */
    REKOGNITION_RESPONSE_MAX = 1024 * 1024,
    IMAGE_QUALITY = 85,
};

/* ---- the URL ---- */

static const char *authority_of(const char *url)
{
    if (strncmp(url, "https://", strlen("https://")) == 0)
        return url + strlen("https://");
    if (strncmp(url, "http://", strlen("http://")) == 0)
        return url + strlen("http://");
    return NULL;
}

const char *labeler_url_flaw(const char *url)
{
    const char *authority = authority_of(url);
    if (!authority)
        return "must begin with http:// or https://";
    size_t size = strcspn(authority, "/?#");
    if (size == 0 || authority[0] == ':')
        return "has no host";
    if (memchr(authority, '@', size))
        return "must not contain a user or a password; use token_env or token_file";
    if (strchr(url, '#'))
        return "must not contain a fragment (#)";
    if (strlen(url) > URL_MAX)
        return "is too long";
    for (const char *c = url; *c; c++) {
        if (*c <= ' ' || *c > '~' || strchr("\"<>\\^`{|}", *c))
            return "contains a character that must be percent-encoded";
    }
    return NULL;
}

/* ---- settings ---- */

static enum labeler_kind kind_of(const struct labeler_config *labeler)
{
    if (!labeler->name)
        return LABELER_SERVER;
    return strcmp(labeler->name, "rekognition") == 0 ? LABELER_REKOGNITION : LABELER_BUILTIN;
}

void labeler_keys_set(struct labels_config *labels)
{
    const struct labeler_config *labeler = &labels->labeler;
    enum labeler_kind kind = kind_of(labeler);
    int side = kind == LABELER_SERVER ? labeler->size : REKOGNITION_IMAGE_SIDE;
    labels->settings = (struct labeler_settings){
        .kind = kind,
        .name = labeler->name ? labeler->name : "server",
        .url = labeler->url,
        .image_max = (unsigned)side,
        .timeout_ms = (unsigned)labeler->timeout_ms,
        .concurrency = (unsigned)labeler->concurrency,
        .rate = labels->rate > 0 || kind != LABELER_REKOGNITION ? labels->rate : REKOGNITION_RATE,
        .response_max =
            kind == LABELER_SERVER ? (size_t)labeler->response_max : REKOGNITION_RESPONSE_MAX,
        .min_confidence = labels->min_confidence,
        .max = (unsigned)labels->max,
    };
    labels->image = (struct output_config){
        .width = side,
        .height = side,
        .fit = FIT_INSIDE,
        .format = FORMAT_JPEG,
        .quality = IMAGE_QUALITY,
        .effort = -1,
        .strip = true,
    };
}

/* ---- the token ---- */

/* RFC 6750: a token is printable ASCII without spaces. */
static bool is_token(const char *text)
{
    const char *c = text;
    while (*c > ' ' && *c <= '~')
        c++;
    return c > text && *c == '\0';
}

static int token_fail(const struct pipeline *pipeline, struct problem_list *problems,
                      const char *key, const char *source, const char *why)
{
    const struct pipeline_place at = pipeline->labels.labeler.place;
    const struct problem_place place = {pipeline->file, at.line, at.column, key};
    return problem_add(problems, &place, ERR_INVALID, "\"%.200s\" %s", source, why);
}

/* Returns why there is none (static), or NULL. Editors and "echo" end a file with a line break. */
static const char *file_read(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT ? "does not exist" : "cannot be read";
    size_t got = fread(out, 1, size - 1, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed)
        return "cannot be read";
    if (got == size - 1)
        return "is too large for a token";
    while (got && (out[got - 1] == '\n' || out[got - 1] == '\r'))
        got--;
    out[got] = '\0';
    return strlen(out) == got ? NULL : "contains no token";
}

static const char *variable_read(const char *name, char *out, size_t size)
{
    const char *value = getenv(name);
    if (!value || !*value)
        return "is not set in the environment";
    if (strlen(value) >= size)
        return "is too large for a token";
    memcpy(out, value, strlen(value) + 1);
    return NULL;
}

int labeler_token_load(struct pipeline *pipeline, struct problem_list *problems)
{
    struct labels_config *labels = &pipeline->labels;
    const struct labeler_config *labeler = &labels->labeler;
    const char *key = labeler->token_env ? "labels.labeler.token_env" : "labels.labeler.token_file";
    const char *source = labeler->token_env ? labeler->token_env : labeler->token_file;
    char token[LABEL_TOKEN_MAX];
    if (!source)
        return 0;
    const char *why = labeler->token_env ? variable_read(source, token, sizeof token)
                                         : file_read(source, token, sizeof token);
    if (!why && !is_token(token))
        why = "contains no token: printable ASCII without spaces";
    int code = why ? token_fail(pipeline, problems, key, source, why) : 0;
    if (!code && !(labels->settings.token = strdup(token))) {
        problems->out_of_memory = true;
        code = ERR_MEMORY;
    }
    explicit_bzero(token, sizeof token);
    return code;
}

void labeler_token_free(struct pipeline *pipeline)
{
    char *token = (char *)(uintptr_t)pipeline->labels.settings.token;
    if (token)
        explicit_bzero(token, strlen(token));
    free(token);
}
