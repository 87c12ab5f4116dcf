#include "sns_message_attribute.h"

#include <ctype.h>
#include <string.h>

#include "json_text.h"
#include "sns_call.h"

enum { NAME_MAX_BYTES = 256 };

static int refuse(struct service_error *error, const char *text)
{
    return service_error_set(error, SNS_INVALID_VALUE, "%s", text);
}

static bool name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static int name_check(const char *name, struct service_error *error)
{
    size_t size = strlen(name);
    if (size > NAME_MAX_BYTES)
        return refuse(error, "Length of message attribute name must be less than 256 bytes.");
    if (name[0] == '.')
        return refuse(error,
                      "Invalid message attribute name starting with character '.' was found.");
    if (size > 0 && name[size - 1] == '.')
        return refuse(error, "Invalid message attribute name ending with character '.' was found.");
    for (const char *at = name; *at; at++) {
        if (!name_char(*at))
            return service_error_set(
                error, SNS_INVALID_VALUE,
                "Invalid non-alphanumeric character '#x%X' was found in the message attribute "
                "name. Can only include alphanumeric characters, hyphens, underscores, or dots.",
                (unsigned)(unsigned char)*at);
    }
    if (strstr(name, ".."))
        return refuse(error, "Message attribute name can not have successive '.' character.");
    return 0;
}

static bool type_is(const char *type, const char *kind)
{
    size_t size = strlen(kind);
    return strncmp(type, kind, size) == 0 && (type[size] == '\0' || type[size] == '.');
}

int sns_message_attribute_check(const char *name, const json_t *attribute,
                                struct service_error *error)
{
    const char *type = json_text_in(attribute, "DataType");
    int code = name_check(name, error);
    if (code || !type || !type[0])
        return code;
    bool binary = type_is(type, "Binary");
    if (!binary && !type_is(type, "String") && !type_is(type, "Number"))
        return service_error_set(
            error, SNS_INVALID_VALUE,
            "The message attribute '%.100s' has an invalid message attribute type, the set of "
            "supported type prefixes is Binary, Number, and String.",
            name);
    const json_t *own = json_object_get(attribute, binary ? "BinaryValue" : "StringValue");
    const json_t *other = json_object_get(attribute, binary ? "StringValue" : "BinaryValue");
    if (!own && other)
        return service_error_set(error, SNS_INVALID_VALUE,
                                 "The message attribute '%.100s' with type '%.100s' must use field "
                                 "'%s'.",
                                 name, type, binary ? "Binary" : "String");
    if (json_string_length(own) == 0)
        return service_error_set(error, SNS_INVALID_VALUE,
                                 "The message attribute '%.100s' must contain non-empty message "
                                 "attribute value for message attribute type '%.100s'.",
                                 name, type);
    return 0;
}
