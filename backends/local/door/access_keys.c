#include "access_keys.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "ini.h"
#include "secret.h"

enum { NAME_MAX_SIZE = 64, ACCESS_KEY_MAX = 128, ARN_SIZE = 128, ID_SIZE = 22 };

struct key_strings { /* the strings that a struct access_key borrows */
    char *access_key, *secret_key;
    char arn[ARN_SIZE];
    char user_id[ID_SIZE];
};

struct access_keys {
    struct access_key_list all;
    struct access_key *items;
    struct key_strings *strings;
    struct signing_keys *signing;
};

static int access_key_add(struct access_keys *keys, const char *access_key, const char *secret_key)
{
    struct key_strings *strings = &keys->strings[keys->all.count];
    strings->access_key = strdup(access_key);
    strings->secret_key = strdup(secret_key);
    keys->items[keys->all.count++] = (struct access_key){.access_key = strings->access_key,
                                                         .secret_key = strings->secret_key,
                                                         .arn = strings->arn,
                                                         .user_id = strings->user_id,
                                                         .signing = keys->signing};
    return strings->access_key && strings->secret_key ? 0 : ERR_MEMORY;
}

/* "Unique identifiers", IAM User Guide: AIDA and 17 letters and digits; derived from the name, so
 * that it is stable. */
static void user_id_make(const char *name, char out[ID_SIZE])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    char digest[SIGV4_HEX_SIZE];
    sha256_hex(name, strlen(name), digest);
    memcpy(out, "AIDA", 4);
    for (size_t i = 4; i < ID_SIZE - 1; i++) {
        char pair[3] = {digest[2 * i], digest[2 * i + 1], '\0'};
        out[i] = alphabet[strtoul(pair, NULL, 16) % 32];
    }
    out[ID_SIZE - 1] = '\0';
}

static void account_set(struct key_strings *strings, const char *account)
{
    snprintf(strings->arn, ARN_SIZE, "arn:aws:iam::%s:root", account);
    snprintf(strings->user_id, ID_SIZE, "%s", account);
}

static struct access_keys *access_keys_new(size_t count)
{
    struct access_keys *keys = calloc(1, sizeof *keys);
    if (!keys)
        return NULL;
    keys->items = calloc(count, sizeof *keys->items);
    keys->strings = calloc(count, sizeof *keys->strings);
    keys->signing = signing_keys_new();
    keys->all.items = keys->items;
    if (keys->items && keys->strings && keys->signing)
        return keys;
    access_keys_close(keys);
    return NULL;
}

void access_keys_close(struct access_keys *keys)
{
    if (!keys)
        return;
    for (size_t i = 0; i < keys->all.count; i++) {
        char *secret = keys->strings[i].secret_key;
        if (secret)
            secret_wipe(secret, strlen(secret));
        free(secret);
        free(keys->strings[i].access_key);
    }
    signing_keys_free(keys->signing);
    free(keys->items);
    free(keys->strings);
    free(keys);
}

void access_keys_refuse_version2(struct access_keys *keys)
{
    keys->all.no_version2 = true;
}

const struct access_key_list *access_keys_all(const struct access_keys *keys)
{
    return &keys->all;
}

/* Sections. */

/* "IAM identifiers", IAM User Guide. */
static bool name_valid(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("+=,.@_-", name[i]))
            return false;
    }
    return size > 0 && size <= NAME_MAX_SIZE;
}

static bool access_key_valid(const char *text)
{
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        if (!isgraph((unsigned char)text[i]) || text[i] == ',')
            return false;
    }
    return size > 0 && size <= ACCESS_KEY_MAX;
}

static bool is_taken(const struct access_keys *keys, const char *access_key)
{
    for (size_t i = 0; i < keys->all.count; i++) {
        if (strcmp(keys->items[i].access_key, access_key) == 0)
            return true;
    }
    return false;
}

struct keys_reader {
    const char *path, *account;
    const struct ini *ini;
    struct access_keys *keys;
    struct error *error;
};

static int bad_section(const struct keys_reader *r, const struct ini_entry *section,
                       const char *what)
{
    return error_set(r->error, ERR_INVALID, "%s:%zu: [%.64s] %s", r->path, section->line,
                     section->section, what);
}

static int section_read(const struct keys_reader *r, const struct ini_entry *section)
{
    const char *access_key = ini_get(r->ini, section->section, "aws_access_key_id");
    const char *secret_key = ini_get(r->ini, section->section, "aws_secret_access_key");
    struct key_strings *strings = &r->keys->strings[r->keys->all.count];
    if (!name_valid(section->section))
        return bad_section(r, section,
                           "is not a valid user name: use 1 to 64 letters, digits and +=,.@_-");
    if (!access_key || !access_key_valid(access_key))
        return bad_section(r, section, "needs an aws_access_key_id of 1 to 128 characters");
    if (!secret_key || !*secret_key)
        return bad_section(r, section, "needs an aws_secret_access_key");
    if (ini_get(r->ini, section->section, "aws_session_token"))
        return bad_section(r, section,
                           "has an aws_session_token: temporary credentials are not supported");
    if (is_taken(r->keys, access_key))
        return bad_section(r, section, "repeats the aws_access_key_id of an earlier section");
    if (strcmp(section->section, "root") == 0) {
        account_set(strings, r->account);
    } else {
        snprintf(strings->arn, sizeof strings->arn, "arn:aws:iam::%s:user/%s", r->account,
                 section->section);
        user_id_make(section->section, strings->user_id);
    }
    return access_key_add(r->keys, access_key, secret_key)
               ? error_set(r->error, ERR_MEMORY, "out of memory")
               : 0;
}

static bool is_repeated(const struct ini *ini, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (!ini->entries[i].key && strcmp(ini->entries[i].section, ini->entries[at].section) == 0)
            return true;
    }
    return false;
}

static int sections_read(const struct keys_reader *r)
{
    for (size_t i = 0; i < r->ini->count; i++) {
        const struct ini_entry *entry = &r->ini->entries[i];
        int code = 0;
        if (entry->key)
            continue;
        if (is_repeated(r->ini, i))
            code = bad_section(r, entry, "is defined twice");
        else if (r->keys->all.count == KEYS_MAX)
            code = bad_section(r, entry, "exceeds the limit of 1000 keys");
        else
            code = section_read(r, entry);
        if (code)
            return code;
    }
    return r->keys->all.count ? 0
                              : error_set(r->error, ERR_INVALID,
                                          "%s has no keys: add sections such as [alice] with "
                                          "aws_access_key_id and aws_secret_access_key",
                                          r->path);
}

/* The file. */

static int file_read(const char *path, struct buffer *out, struct error *error)
{
    char piece[4096];
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(error, ERR_IO, "cannot read the access keys in %s: %s", path,
                         strerror(errno));
    size_t size;
    setvbuf(file, NULL, _IONBF, 0); /* no copies of secrets in unwiped memory */
    buffer_reserve(out, ACCESS_KEYS_FILE_MAX);
    while (!out->error && (size = fread(piece, 1, sizeof piece, file)) > 0)
        buffer_append(out, piece, size);
    int code = 0;
    if (ferror(file))
        code = error_set(error, ERR_IO, "cannot read the access keys in %s: %s", path,
                         strerror(errno));
    else if (out->error)
        code = error_set(error, out->error, "the access key file %s is larger than 1 MiB", path);
    secret_wipe(piece, sizeof piece);
    fclose(file);
    return code;
}

static int text_read(struct keys_reader *r, struct slice text)
{
    struct ini ini = {0};
    size_t line;
    int code = ini_parse(&ini, text, &line);
    r->ini = &ini;
    if (code == ERR_MEMORY)
        error_set(r->error, code, "out of memory");
    else if (code)
        error_set(r->error, code, "%s:%zu: expected [section], key = value or # comment", r->path,
                  line);
    else
        code = sections_read(r);
    r->ini = NULL;
    ini_free(&ini);
    return code;
}

int access_keys_open(const char *path, const char *account, const struct access_key *fallback,
                     struct access_keys **out, struct error *error)
{
    struct buffer text;
    struct access_keys *keys = access_keys_new(path ? KEYS_MAX : 1);
    if (!keys)
        return error_set(error, ERR_MEMORY, "out of memory");
    struct keys_reader reader = {.path = path, .account = account, .keys = keys, .error = error};
    buffer_init(&text, ACCESS_KEYS_FILE_MAX);
    int code;
    keys->all.any = path && strcmp(path, ACCESS_KEYS_ANY) == 0;
    if (path && !keys->all.any) {
        code = file_read(path, &text, error);
        if (!code)
            code = text_read(&reader, buffer_slice(&text));
        if (text.data)
            secret_wipe(text.data, text.capacity);
    } else {
        account_set(&keys->strings[0], account);
        code = access_key_add(keys, fallback->access_key, fallback->secret_key);
        keys->items[0].is_unverified = keys->all.any;
        if (code)
            error_set(error, code, "out of memory");
    }
    buffer_free(&text);
    if (code)
        access_keys_close(keys);
    else
        *out = keys;
    return code;
}
