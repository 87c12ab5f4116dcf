#include "own_key.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base64.h"
#include "files.h"
#include "ini.h"
#include "secret.h"

enum { SECRET_BYTES = 30, FILE_MAX = 64 * 1024 };

static const char section[] = "default", access_key[] = "thumbwheel";

static bool text_copy(char out[129], const char *text)
{
    size_t size = text ? strlen(text) : 0;
    if (size == 0 || size > 128)
        return false;
    memcpy(out, text, size + 1);
    return true;
}

static int damaged(const char *path, struct error *error)
{
    return error_set(error, ERR_INVALID,
                     "%s is not a credentials file with a [%s] section that has an "
                     "aws_access_key_id and an aws_secret_access_key: mend it, or delete it to get "
                     "a new key",
                     path, section);
}

static int file_parse(const char *path, struct slice text, struct own_key *out, struct error *error)
{
    struct ini ini = {0};
    size_t line;
    int code = ini_parse(&ini, text, &line);
    bool whole = !code && text_copy(out->access_key, ini_get(&ini, section, "aws_access_key_id")) &&
                 text_copy(out->secret_key, ini_get(&ini, section, "aws_secret_access_key"));
    ini_free(&ini);
    if (code == ERR_MEMORY)
        return error_set(error, code, "out of memory");
    return whole ? 0 : damaged(path, error);
}

static int existing_read(const char *path, struct own_key *out, struct error *error)
{
    struct bytes text = {0};
    int code = file_read(path, FILE_MAX, &text, error);
    if (code == ERR_LIMIT)
        return damaged(path, error);
    if (code)
        return code;
    code = file_parse(path, (struct slice){text.data, text.size}, out, error);
    secret_wipe((void *)text.data, text.size);
    bytes_free(&text);
    return code;
}

/* 240 random bits, in as many characters as a secret of AWS has. */
static int secret_make(char out[129], struct error *error)
{
    unsigned char bytes[SECRET_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return error_set(error, ERR_IO, "the system has no random numbers");
    base64_write(bytes, sizeof bytes, out);
    secret_wipe(bytes, sizeof bytes);
    for (char *p = out; *p; p++) /* no character that a shell or a URL would need to escape */
        *p = *p == '+' ? 'a' : *p == '/' ? 'b' : *p;
    return 0;
}

static int new_write(const char *path, struct own_key *out, struct error *error)
{
    static const struct file_options options = {.mode = 0600, .durable = true};
    char text[512];
    int code = secret_make(out->secret_key, error);
    if (code)
        return code;
    snprintf(out->access_key, sizeof out->access_key, "%s", access_key);
    int size = snprintf(text, sizeof text,
                        "# The access key of this embedded cloud; clients can use this file.\n"
                        "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n",
                        section, out->access_key, out->secret_key);
    code = file_write_as(path, (struct slice){text, (size_t)size}, &options, error);
    secret_wipe(text, sizeof text);
    return code;
}

int own_key_open(const char *data_directory, struct own_key *out, struct error *error)
{
    *out = (struct own_key){.access_key = ""};
    char *path = path_join(data_directory, OWN_KEY_FILE);
    if (!path)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = access(path, F_OK) ? new_write(path, out, error) : existing_read(path, out, error);
    if (code)
        own_key_clear(out);
    free(path);
    return code;
}

void own_key_clear(struct own_key *key)
{
    secret_wipe(key, sizeof *key);
}
