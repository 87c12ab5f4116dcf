#include "checkpoint.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "files.h"
#include "hash.h"
#include "json_text.h"

enum { FILE_MAX = 64 * 1024, DIGITS = 16 };

/* The specification says to ignore relative paths. */
static const char *absolute(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] == '/' ? value : NULL;
}

char *checkpoint_path(const char *const *parts, size_t count)
{
    const char *state = absolute("XDG_STATE_HOME"), *home = absolute("HOME");
    uint8_t digest[SHA256_SIZE];
    char name[DIGITS + 1], *path = NULL;
    struct hash hash;
    hash_start(&hash, HASH_SHA256);
    for (size_t i = 0; i < count; i++)
        hash_update(&hash, parts[i], strlen(parts[i]) + 1);
    hash_finish(&hash, digest);
    for (size_t i = 0; i < DIGITS / 2; i++)
        snprintf(name + 2 * i, 3, "%02x", digest[i]);
    if (!state && !home)
        return NULL;
    if (asprintf(&path, "%s%s/thumbwheel/backfill-%s.json", state ? state : home,
                 state ? "" : "/.local/state", name) < 0)
        return NULL;
    return path;
}

int checkpoint_read(const char *path, char **after, struct error *error)
{
    struct bytes text = {0};
    *after = NULL;
    if (access(path, F_OK) && errno == ENOENT)
        return 0;
    if (file_read(path, FILE_MAX, &text, error))
        return error->code;
    json_t *root =
        json_text_read((struct slice){text.data, text.size}, JSON_REJECT_DUPLICATES, NULL);
    const char *key = json_text_in(root, "after");
    int code = 0;
    if (!key)
        code = error_set(error, ERR_CORRUPT, "%s is not a checkpoint; begin again with --restart",
                         path);
    else if (!(*after = strdup(key)))
        code = error_set(error, ERR_MEMORY, "out of memory");
    json_decref(root);
    bytes_free(&text);
    return code;
}

int checkpoint_write(const char *path, const char *after, struct error *error)
{
    json_t *root = json_pack("{s:s}", "after", after);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    int code = text ? file_write(path, text, strlen(text), error)
                    : error_set(error, ERR_MEMORY, "out of memory, or the key is not UTF-8");
    json_decref(root);
    free(text);
    return code;
}

void checkpoint_remove(const char *path)
{
    unlink(path);
}
