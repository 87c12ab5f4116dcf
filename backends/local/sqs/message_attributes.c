#include "message_attributes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "error.h"
#include "hex.h"

enum { NAME_MAX_BYTES = 256, TYPE_MAX_BYTES = 256 };

/* A parsed attribute. value contains the decoded bytes, a view into `decoded` if the type is
 * Binary. */
struct attribute {
    const char *type;
    bool binary;
    struct slice value;
    unsigned char *decoded;
};

static bool type_is(const char *type, const char *kind)
{
    size_t size = strlen(kind);
    return strncmp(type, kind, size) == 0 && (type[size] == '\0' || type[size] == '.');
}

/* ERR_INVALID: not base64. */
static int base64_value(const json_t *text, struct attribute *out)
{
    const struct slice from = {json_string_value(text), json_string_length(text)};
    size_t size = 0;
    out->decoded = malloc(from.size + 1);
    if (!out->decoded)
        return ERR_MEMORY;
    if (base64_read(from, out->decoded, from.size + 1, &size))
        return ERR_INVALID;
    out->value = (struct slice){(const char *)out->decoded, size};
    return 0;
}

static int attribute_open(const json_t *json, struct attribute *out)
{
    *out = (struct attribute){.type = json_string_value(json_object_get(json, "DataType"))};
    if (!out->type)
        return ERR_INVALID;
    out->binary = type_is(out->type, "Binary");
    const json_t *value = json_object_get(json, out->binary ? "BinaryValue" : "StringValue");
    if (!json_is_string(value))
        return ERR_INVALID;
    if (out->binary)
        return base64_value(value, out);
    out->value = (struct slice){json_string_value(value), json_string_length(value)};
    return 0;
}

static bool name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool name_valid(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > NAME_MAX_BYTES || name[0] == '.' || name[size - 1] == '.' ||
        strstr(name, ".."))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!name_char(name[i]))
            return false;
    }
    return strncasecmp(name, "aws.", 4) != 0 && strncasecmp(name, "amazon.", 7) != 0;
}

static bool number_valid(struct slice text)
{
    char copy[64];
    if (text.size == 0 || text.size >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (strspn(copy, "+-.0123456789eE") != text.size)
        return false;
    char *end;
    (void)strtod(copy, &end);
    return *end == '\0';
}

static int attribute_check(const char *name, const json_t *json, const struct attribute *a,
                           int opened, struct service_error *error)
{
    if (!a->type || a->type[0] == '\0')
        return service_error_set(error, SQS_INVALID_PARAMETER,
                                 "The message attribute '%.100s' must contain a non-empty type.",
                                 name);
    if (strlen(a->type) > TYPE_MAX_BYTES ||
        (!a->binary && !type_is(a->type, "String") && !type_is(a->type, "Number")))
        return service_error_set(
            error, SQS_INVALID_PARAMETER,
            "The type of message (user) attribute '%.100s' is invalid. You must "
            "use only the following supported type prefixes: Binary, Number, "
            "String.",
            name);
    if (json_object_get(json, "StringListValues") || json_object_get(json, "BinaryListValues"))
        return service_error_set(
            error, SQS_UNSUPPORTED,
            "The message attribute '%.100s' uses list values, which SQS does not "
            "support.",
            name);
    if (opened || a->value.size == 0)
        return service_error_set(
            error, SQS_INVALID_PARAMETER,
            "Message (user) attribute '%.100s' must contain a non-empty value of type '%s'.", name,
            a->binary                    ? "Binary"
            : type_is(a->type, "Number") ? "Number"
                                         : "String");
    if (type_is(a->type, "Number") && !number_valid(a->value))
        return service_error_set(error, SQS_INVALID_PARAMETER,
                                 "Can't cast the value of message (user) attribute '%.100s' to a "
                                 "number.",
                                 name);
    if (!a->binary && !message_text_valid(a->value))
        return service_error_set(error, SQS_INVALID_PARAMETER,
                                 "Invalid characters in the message attribute '%.100s'.", name);
    return 0;
}

static int entry_check(const char *name, const json_t *json, size_t *size,
                       struct service_error *error)
{
    if (!name_valid(name))
        return service_error_set(
            error, SQS_INVALID_PARAMETER,
            "The message attribute name '%.100s' is invalid: it can contain A-Z, "
            "a-z, 0-9, '_', '-' and '.', at most 256 of them, and must not begin "
            "with AWS. or Amazon.",
            name);
    struct attribute a;
    int opened = attribute_open(json, &a);
    int code = opened == ERR_MEMORY ? service_error_set(error, ERR_MEMORY, "%s", "")
                                    : attribute_check(name, json, &a, opened, error);
    if (!code)
        *size += strlen(name) + strlen(a.type) + a.value.size;
    free(a.decoded);
    return code;
}

int message_attributes_check(json_t *attributes, size_t *size, struct service_error *error)
{
    if (!attributes)
        return 0;
    if (!json_is_object(attributes))
        return service_error_set(error, SQS_INVALID_PARAMETER,
                                 "Message attributes must be pairs of a name and a value.");
    if (json_object_size(attributes) > MESSAGE_ATTRIBUTES_MAX)
        return service_error_set(
            error, SQS_INVALID_PARAMETER,
            "Number of message attributes [%zu] exceeds the allowed maximum [10].",
            json_object_size(attributes));
    const char *name;
    json_t *value;
    json_object_foreach(attributes, name, value)
    {
        int code = entry_check(name, value, size, error);
        if (code)
            return code;
    }
    return 0;
}

static void digest_field(struct hash *md5, struct slice field)
{
    unsigned char length[4] = {(unsigned char)(field.size >> 24), (unsigned char)(field.size >> 16),
                               (unsigned char)(field.size >> 8), (unsigned char)field.size};
    hash_update(md5, length, sizeof length);
    hash_update(md5, field.data, field.size);
}

static int digest_attribute(struct hash *md5, const char *name, const json_t *json)
{
    struct attribute a;
    int code = attribute_open(json, &a);
    if (!code) {
        unsigned char transport = a.binary ? 2 : 1;
        digest_field(md5, slice_of(name));
        digest_field(md5, slice_of(a.type));
        hash_update(md5, &transport, 1);
        digest_field(md5, a.value);
    }
    free(a.decoded);
    return code;
}

static int name_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int message_attributes_md5(json_t *attributes, char out[MD5_HEX_SIZE])
{
    const char *names[MESSAGE_ATTRIBUTES_MAX], *name;
    size_t count = 0;
    json_t *value;
    json_object_foreach(attributes, name, value)
    {
        if (count == MESSAGE_ATTRIBUTES_MAX)
            return ERR_INVALID;
        names[count++] = name;
    }
    qsort(names, count, sizeof names[0], name_compare);
    struct hash md5;
    hash_start(&md5, HASH_MD5);
    int code = 0;
    for (size_t i = 0; i < count && !code; i++)
        code = digest_attribute(&md5, names[i], json_object_get(attributes, names[i]));
    uint8_t digest[MD5_SIZE];
    hash_finish(&md5, digest);
    hex_write(digest, sizeof digest, out);
    return code;
}

/* Whether none of eight bytes is a control character or above 0x7f. */
static bool eight_plain(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    return !((eight | (eight - ones * 0x20)) & (ones * 0x80));
}

/* The text is known to be UTF-8 (the JSON and form readers check it), which leaves the control
 * characters and the two non-characters U+FFFE and U+FFFF, EF BF BE and EF BF BF. */
bool message_text_valid(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        while (text.size - i >= sizeof(uint64_t) && eight_plain(text.data + i))
            i += sizeof(uint64_t);
        if (i == text.size)
            break;
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
            return false;
        if (c == 0xef && i + 2 < text.size && (unsigned char)text.data[i + 1] == 0xbf &&
            (unsigned char)text.data[i + 2] >= 0xbe)
            return false;
    }
    return true;
}
