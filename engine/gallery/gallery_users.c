#include "gallery_users.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "hex.h"
#include "json_file.h"
#include "json_text.h"

enum { PASSWORD_LEAST = 8 /* bytes */ };

/* ---- reading ---- */

static int bad(const char *path, size_t number, const char *what, struct error *error)
{
    return error_set(error, ERR_INVALID, "%s: user %zu: %s", path, number, what);
}

static void print_make(const char *password, char out[SESSION_PRINT_SIZE])
{
    uint8_t digest[SHA256_SIZE];
    hash_whole(HASH_SHA256, password, strlen(password), digest);
    hex_write(digest, SESSION_PRINT_SIZE / 2, out);
}

static int user_read(const json_t *entry, const char *path, struct gallery_users *users,
                     struct error *error)
{
    const size_t number = users->count + 1;
    const char *name = json_text_in(entry, "name"), *password = json_text_in(entry, "password");
    if (!name || !session_user_is_valid(name))
        return bad(path, number, "\"name\" must be 1 to 64 letters, digits and . _ - @", error);
    if (!password || strlen(password) >= PASSWORD_HASH_SIZE || !password_hash_is_valid(password))
        return bad(path, number,
                   "\"password\" must be a hash made by: thumbwheel gallery --users FILE "
                   "--add-user NAME",
                   error);
    if (json_object_size(entry) != 2)
        return bad(path, number, "only \"name\" and \"password\" are allowed", error);
    if (gallery_users_find(users, name))
        return bad(path, number, "there is another one with this name", error);
    struct gallery_user *user = &users->items[users->count++];
    snprintf(user->name, sizeof user->name, "%s", name);
    snprintf(user->password, sizeof user->password, "%s", password);
    print_make(password, user->print);
    return 0;
}

static int list_read(const json_t *list, const char *path, struct gallery_users *out,
                     struct error *error)
{
    const size_t count = json_array_size(list);
    if (!json_is_array(list))
        return error_set(error, ERR_INVALID, "%s: expected {\"users\": […]}", path);
    if (count > GALLERY_USERS_MAX)
        return error_set(error, ERR_INVALID, "%s: there are more than %d users", path,
                         GALLERY_USERS_MAX);
    out->items = calloc(count ? count : 1, sizeof *out->items);
    if (!out->items)
        return error_set(error, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (user_read(json_array_get(list, i), path, out, error))
            return ERR_INVALID;
    return 0;
}

int gallery_users_read(struct slice text, const char *path, struct gallery_users *out,
                       struct error *error)
{
    json_error_t why;
    *out = (struct gallery_users){0};
    json_t *document = json_text_read(text, JSON_REJECT_DUPLICATES, &why);
    if (!document)
        return error_set(error, ERR_INVALID, "%s:%d:%d: not JSON: %s", path, why.line, why.column,
                         why.text);
    const int code = list_read(json_object_get(document, "users"), path, out, error);
    json_decref(document);
    if (code)
        gallery_users_free(out);
    return code;
}

void gallery_users_free(struct gallery_users *users)
{
    free(users->items);
    *users = (struct gallery_users){0};
}

const struct gallery_user *gallery_users_find(const struct gallery_users *users, const char *name)
{
    for (size_t i = 0; i < users->count; i++)
        if (strcmp(users->items[i].name, name) == 0)
            return &users->items[i];
    return NULL;
}

/* ---- adding ---- */

static json_t *entry_of(json_t *list, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        const char *text = json_text_in(entry, "name");
        if (text && strcmp(text, name) == 0)
            return entry;
    }
    return NULL;
}

static int entry_set(json_t *document, const char *name, const char *hash)
{
    json_t *list = json_object_get(document, "users"), *entry = entry_of(list, name);
    if (entry)
        return json_object_set_new(entry, "password", json_string(hash));
    return json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "password", hash));
}

/* The whole new document is checked before it is written. */
static int document_write(const char *path, json_t *document, struct error *error)
{
    struct gallery_users users;
    char *text = json_dumps(document, JSON_INDENT(2));
    if (!text)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = gallery_users_read(slice_of(text), path, &users, error);
    gallery_users_free(&users);
    if (!code)
        code = json_file_replace(path, text, error);
    free(text);
    return code;
}

static int check(const char *name, const char *password, struct error *error)
{
    if (!session_user_is_valid(name))
        return error_set(error, ERR_INVALID,
                         "--add-user: a name has 1 to 64 letters, digits and . _ - @");
    if (strlen(password) < PASSWORD_LEAST || strlen(password) > PASSWORD_MAX)
        return error_set(error, ERR_INVALID, "a password has %d to %d bytes", PASSWORD_LEAST,
                         PASSWORD_MAX);
    return 0;
}

static int document_open(const char *path, json_t **out, struct error *error)
{
    const int code = json_file_read(path, GALLERY_USERS_FILE_MAX, out, error);
    if (code)
        return code;
    if (!*out)
        *out = json_pack("{s:[]}", "users");
    return json_is_array(json_object_get(*out, "users"))
               ? 0
               : error_set(error, ERR_INVALID, "%s: expected {\"users\": […]}", path);
}

int gallery_user_add(const char *path, const char *name, const char *password, struct error *error)
{
    char hash[PASSWORD_HASH_SIZE];
    json_t *document = NULL;
    int code = check(name, password, error);
    if (code)
        return code;
    code = document_open(path, &document, error);
    if (code)
        goto out;
    code = password_hash(password, hash, error);
    if (code)
        goto out;
    code = entry_set(document, name, hash) ? error_set(error, ERR_MEMORY, "out of memory")
                                           : document_write(path, document, error);
out:
    json_decref(document);
    return code;
}
