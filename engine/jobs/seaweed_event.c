#include "seaweed_event.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* Field numbers of filer.proto. */
enum notification_field { NOTIFICATION_OLD = 1, NOTIFICATION_NEW = 2, NOTIFICATION_PARENT = 4 };
enum entry_field {
    ENTRY_NAME = 1,
    ENTRY_IS_DIRECTORY = 2,
    ENTRY_CHUNKS = 3,
    ENTRY_ATTRIBUTES = 4,
    ENTRY_CONTENT = 9,
};
enum attributes_field { ATTRIBUTES_SIZE = 1, ATTRIBUTES_MD5 = 14 };

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED_64 = 1, WIRE_BYTES = 2, WIRE_FIXED_32 = 5 };
enum { MD5_SIZE = 16 };

struct wire_field {
    uint64_t number;
    enum wire_type type;
    uint64_t value;     /* of a varint */
    struct slice bytes; /* of WIRE_BYTES */
};

struct filer_entry {
    bool known; /* the message has this entry */
    struct slice message;
    struct slice name;
    bool is_directory;
    uint64_t size;
    struct slice md5;
};

static bool wire_varint(struct slice *rest, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && rest->size > 0; shift += 7) {
        unsigned char byte = (unsigned char)*rest->data;
        *rest = (struct slice){rest->data + 1, rest->size - 1};
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static bool wire_take(struct slice *rest, uint64_t size, struct slice *out)
{
    if (size > rest->size)
        return false;
    *out = (struct slice){rest->data, (size_t)size};
    *rest = (struct slice){rest->data + size, rest->size - (size_t)size};
    return true;
}

/* The next field; false: the bytes are no message. Call it while some are left. */
static bool wire_next(struct slice *rest, struct wire_field *out)
{
    uint64_t tag, size;
    struct slice fixed;
    if (!wire_varint(rest, &tag) || tag >> 3 == 0)
        return false;
    *out = (struct wire_field){.number = tag >> 3, .type = (enum wire_type)(tag & 7)};
    switch (out->type) {
    case WIRE_VARINT:
        return wire_varint(rest, &out->value);
    case WIRE_FIXED_64:
        return wire_take(rest, 8, &fixed);
    case WIRE_BYTES:
        return wire_varint(rest, &size) && wire_take(rest, size, &out->bytes);
    case WIRE_FIXED_32:
        return wire_take(rest, 4, &fixed);
    default: /* groups, which this protocol does not have */
        return false;
    }
}

static bool attributes_read(struct slice message, struct filer_entry *out)
{
    struct wire_field field;
    while (message.size > 0) {
        if (!wire_next(&message, &field))
            return false;
        if (field.number == ATTRIBUTES_SIZE && field.type == WIRE_VARINT)
            out->size = field.value;
        if (field.number == ATTRIBUTES_MD5 && field.type == WIRE_BYTES)
            out->md5 = field.bytes;
    }
    return true;
}

/* Not empty, UTF-8, and without NUL. */
static bool is_text(struct slice text)
{
    return text.size > 0 && utf8_valid(text) && !memchr(text.data, '\0', text.size);
}

static bool entry_read(struct slice message, struct filer_entry *out)
{
    struct wire_field field;
    out->known = true;
    out->message = message;
    while (message.size > 0) {
        if (!wire_next(&message, &field))
            return false;
        if (field.number == ENTRY_NAME && field.type == WIRE_BYTES)
            out->name = field.bytes;
        if (field.number == ENTRY_IS_DIRECTORY && field.type == WIRE_VARINT)
            out->is_directory = field.value;
        if (field.number == ENTRY_ATTRIBUTES && field.type == WIRE_BYTES &&
            !attributes_read(field.bytes, out))
            return false;
    }
    return is_text(out->name);
}

/* The next field that says where the content is, or is the content; false: there is none. The
 * message has been read before. */
static bool content_next(struct slice *rest, struct wire_field *out)
{
    while (rest->size > 0 && wire_next(rest, out)) {
        if (out->type == WIRE_BYTES &&
            (out->number == ENTRY_CHUNKS || out->number == ENTRY_CONTENT))
            return true;
    }
    return false;
}

static bool has_same_content(const struct filer_entry *one, const struct filer_entry *other)
{
    struct slice rest = one->message, other_rest = other->message;
    struct wire_field field, other_field;
    if (one->md5.size == MD5_SIZE && slice_equal(one->md5, other->md5))
        return true;
    while (content_next(&rest, &field)) {
        if (!content_next(&other_rest, &other_field) || field.number != other_field.number ||
            !slice_equal(field.bytes, other_field.bytes))
            return false;
    }
    return !content_next(&other_rest, &other_field);
}

/* A change of the entry that is still there under its name, and has the same content. */
static bool is_touch(const struct filer_entry *old, const struct filer_entry *new)
{
    return old->known && slice_equal(old->name, new->name) && has_same_content(old, new);
}

/* Splits /buckets/BUCKET[/DIRECTORY]. */
static bool parent_split(struct slice parent, struct seaweed_event *out)
{
    static const char root[] = "/buckets/";
    const size_t root_size = sizeof root - 1;
    if (!is_text(parent) || !slice_starts_with(parent, root))
        return false;
    struct slice rest = {parent.data + root_size, parent.size - root_size};
    const char *slash = memchr(rest.data, '/', rest.size);
    size_t size = slash ? (size_t)(slash - rest.data) : rest.size;
    out->bucket = (struct slice){rest.data, size};
    if (slash)
        out->directory = (struct slice){slash + 1, rest.size - size - 1};
    return size > 0;
}

static bool is_part(struct slice directory)
{
    return slice_equal_text(directory, ".uploads") || slice_starts_with(directory, ".uploads/");
}

static void event_of(struct slice parent, const struct filer_entry *old,
                     const struct filer_entry *new, struct seaweed_event *out)
{
    if (!new->known || new->is_directory || !parent_split(parent, out) || is_part(out->directory))
        return;
    out->present = true;
    out->name = new->name;
    out->size = new->size;
    if (new->md5.size == MD5_SIZE)
        out->md5 = new->md5;
    out->created = !is_touch(old, new);
}

bool seaweed_event_read(struct slice body, struct seaweed_event *out)
{
    struct filer_entry old = {0}, new = {0};
    struct slice parent = {0};
    struct wire_field field;
    *out = (struct seaweed_event){0};
    while (body.size > 0) {
        if (!wire_next(&body, &field))
            return false;
        if (field.type == WIRE_BYTES && field.number == NOTIFICATION_PARENT)
            parent = field.bytes;
        if (field.type == WIRE_BYTES && field.number == NOTIFICATION_OLD &&
            !entry_read(field.bytes, &old))
            return false;
        if (field.type == WIRE_BYTES && field.number == NOTIFICATION_NEW &&
            !entry_read(field.bytes, &new))
            return false;
    }
    if (!old.known && !new.known)
        return false;
    event_of(parent, &old, &new, out);
    return true;
}

char *seaweed_event_key(const struct seaweed_event *event)
{
    size_t before = event->directory.size ? event->directory.size + 1 : 0;
    char *key = malloc(before + event->name.size + 1);
    if (!key)
        return NULL;
    if (before) {
        memcpy(key, event->directory.data, event->directory.size);
        key[before - 1] = '/';
    }
    memcpy(key + before, event->name.data, event->name.size);
    key[before + event->name.size] = '\0';
    return key;
}
