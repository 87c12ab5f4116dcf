/* The format of the token file: JSON, checked to the last member. */
#include "gate_token.h"

#include <stdlib.h>
#include <string.h>

#include "gate_key.h"
#include "hex.h"
#include "iso_time.h"
#include "json_text.h"
#include "nearest.h"
#include "units.h"

enum { TYPES_MAX = 100, MINUTE_MS = 60000 };

static const char *const members[] = {"name",     "sha256",        "scopes", "per_minute",
                                      "max_size", "content_types", "expires"};
enum { MEMBERS = sizeof members / sizeof *members };

/* SVG is not among them: it is a page that may contain scripts. */
static const char *const standard_types[] = {"image/jpeg", "image/png",  "image/webp",
                                             "image/gif",  "image/avif", "image/heic",
                                             "image/heif", "image/tiff"};

struct place { /* for the errors */
    const char *path;
    size_t number; /* of the token, from 1 */
    const char *name;
    struct error *error;
};

static int bad(const struct place *place, const char *key, const char *expected)
{
    return error_set(place->error, ERR_INVALID, "%s: token %zu%s%s%s: %s must be %s", place->path,
                     place->number, place->name ? " (" : "", place->name ? place->name : "",
                     place->name ? ")" : "", key, expected);
}

static int check_members(const struct place *place, const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        size_t i = 0;
        while (i < MEMBERS && strcmp(members[i], key) != 0)
            i++;
        if (i < MEMBERS)
            continue;
        if (strcmp(key, "token") == 0)
            return error_set(place->error, ERR_INVALID,
                             "%s: token %zu: the file must not contain the token itself; make one "
                             "with: thumbwheel gate --tokens FILE --add-token NAME",
                             place->path, place->number);
        const char *near = nearest_name(key, members, MEMBERS);
        return error_set(place->error, ERR_INVALID, "%s: token %zu: unknown key \"%.40s\"%s%s%s",
                         place->path, place->number, key, near ? "; did you mean \"" : "",
                         near ? near : "", near ? "\"?" : "");
    }
    return 0;
}

static int read_name(const struct place *place, const json_t *object, struct gate_token *token)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@";
    const char *name = json_text_in(object, "name");
    if (!name || !*name || strlen(name) > GATE_NAME_MAX || name[strspn(name, allowed)])
        return bad(place, "name", "1 to 64 letters, digits or any of -_.@");
    memcpy(token->name, name, strlen(name) + 1);
    return 0;
}

static int read_hash(const struct place *place, const json_t *object, struct gate_token *token)
{
    const char *text = json_text_in(object, "sha256");
    bool is_hash = text && strlen(text) == SHA256_HEX_SIZE - 1;
    for (size_t i = 0; is_hash && i < SHA256_SIZE; i++) {
        const int byte = hex_byte(text + 2 * i);
        is_hash = byte >= 0;
        token->hash[i] = (uint8_t)byte;
    }
    return is_hash ? 0 : bad(place, "sha256", "the SHA-256 of the token, 64 hexadecimal digits");
}

static int read_scopes(const struct place *place, const json_t *object, struct gate_token *token)
{
    static const char expected[] = "a list of \"upload\" and \"download\"";
    const json_t *list = json_object_get(object, "scopes");
    size_t i;
    json_t *item;
    if (!json_array_size(list))
        return bad(place, "scopes", expected);
    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);
        if (text && strcmp(text, "upload") == 0)
            token->scopes |= GATE_UPLOAD;
        else if (text && strcmp(text, "download") == 0)
            token->scopes |= GATE_DOWNLOAD;
        else
            return bad(place, "scopes", expected);
    }
    return 0;
}

static int read_rate(const struct place *place, const json_t *object, struct gate_token *token)
{
    const json_t *value = json_object_get(object, "per_minute");
    token->per_minute = GATE_PER_MINUTE;
    if (value) {
        const json_int_t number = json_integer_value(value);
        if (!json_is_integer(value) || number < 1 || number > GATE_PER_MINUTE_MAX)
            return bad(place, "per_minute", "a whole number from 1 to 1000000");
        token->per_minute = (unsigned)number;
    }
    token->credit = (uint64_t)MINUTE_MS * token->per_minute;
    return 0;
}

static int read_size(const struct place *place, const json_t *object, struct gate_token *token)
{
    const json_t *value = json_object_get(object, "max_size");
    int code = 0;
    token->max_size = GATE_MAX_SIZE;
    if (json_is_string(value))
        code = units_parse_bytes(json_string_value(value), &token->max_size);
    else if (json_is_integer(value) && json_integer_value(value) > 0)
        token->max_size = (uint64_t)json_integer_value(value);
    else if (value)
        code = ERR_INVALID;
    if (code || token->max_size < 1 || token->max_size > GATE_MAX_SIZE_BOUND)
        return bad(place, "max_size", "a size from 1 to 5G, for example \"20M\"");
    return 0;
}

static int read_types(const struct place *place, const json_t *object, struct gate_token *token)
{
    static const char expected[] = "a list of content types in lower case, for example "
                                   "\"image/jpeg\" or \"image/*\"";
    const json_t *list = json_object_get(object, "content_types");
    size_t i;
    json_t *item;
    int code = 0;
    for (i = 0; !list && !code && i < sizeof standard_types / sizeof *standard_types; i++)
        code = text_list_add(&token->types, standard_types[i]);
    if (!list)
        return code ? error_set(place->error, code, "out of memory") : 0;
    if (!json_array_size(list) || json_array_size(list) > TYPES_MAX)
        return bad(place, "content_types", expected);
    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);
        if (!text || !gate_type_is_pattern(text))
            return bad(place, "content_types", expected);
        if (text_list_add(&token->types, text))
            return error_set(place->error, ERR_MEMORY, "out of memory");
    }
    return 0;
}

static int read_expiry(const struct place *place, const json_t *object, struct gate_token *token)
{
    const json_t *value = json_object_get(object, "expires");
    int64_t unix_ms = 0;
    if (!value)
        return 0;
    if (iso_time_parse(json_string_value(value), &unix_ms) || unix_ms < 1000)
        return bad(place, "expires", "a time such as \"2027-01-31T12:00:00Z\"");
    token->expires_s = unix_ms / 1000;
    return 0;
}

static int read_token(struct place *place, const json_t *object, struct gate_token *token)
{
    static int (*const readers[])(const struct place *, const json_t *, struct gate_token *) = {
        read_name, read_hash, read_scopes, read_rate, read_size, read_types, read_expiry};
    if (!json_is_object(object))
        return error_set(place->error, ERR_INVALID, "%s: token %zu must be an object", place->path,
                         place->number);
    int code = check_members(place, object);
    for (size_t i = 0; !code && i < sizeof readers / sizeof *readers; i++) {
        code = readers[i](place, object, token);
        if (i == 0)
            place->name = token->name;
    }
    return code;
}

/* The name and the token are each its own. */
static int check_twins(const struct place *place, const struct gate_tokens *tokens)
{
    const struct gate_token *last = &tokens->items[tokens->count - 1];
    for (const struct gate_token *t = tokens->items; t < last; t++) {
        if (strcmp(t->name, last->name) == 0)
            return bad(place, "name", "different from those of the other tokens");
        if (memcmp(t->hash, last->hash, sizeof t->hash) == 0)
            return bad(place, "sha256", "different from those of the other tokens");
    }
    return 0;
}

static int read_list(const json_t *list, const char *path, struct gate_tokens *out,
                     struct error *error)
{
    size_t i;
    json_t *item;
    if (!json_is_array(list) || json_array_size(list) > GATE_TOKENS_MAX)
        return error_set(error, ERR_INVALID,
                         "%s: expected {\"tokens\": […]} with at most %d tokens", path,
                         GATE_TOKENS_MAX);
    out->items = calloc(json_array_size(list) + 1, sizeof *out->items);
    if (!out->items)
        return error_set(error, ERR_MEMORY, "out of memory");
    json_array_foreach(list, i, item)
    {
        struct place place = {.path = path, .number = i + 1, .error = error};
        out->count++;
        int code = read_token(&place, item, &out->items[i]);
        if (!code)
            code = check_twins(&place, out);
        if (code)
            return code;
    }
    return 0;
}

int gate_tokens_read(struct slice text, const char *path, struct gate_tokens *out,
                     struct error *error)
{
    json_error_t why;
    *out = (struct gate_tokens){0};
    json_t *root = json_text_read(text, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return error_set(error, json_text_short(&why) ? ERR_MEMORY : ERR_INVALID,
                         "%s:%d:%d: not JSON: %s", path, why.line, why.column, why.text);
    const json_t *list = json_object_size(root) == 1 ? json_object_get(root, "tokens") : NULL;
    const int code = read_list(list, path, out, error);
    json_decref(root);
    return code;
}
