/* GetObjectAttributes: one storage task finds the object and, if requested, a page of its parts. */
#include "s3_handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "objects.h"
#include "s3_access.h"
#include "s3_created.h"
#include "s3_listing.h"
#include "s3_placement.h"
#include "s3_time.h"
#include "s3_version.h"
#include "s3_xml.h"
#include "upload_parts.h"

enum { RESPONSE_MAX = 1024 * 1024 };

enum wanted {
    WANT_ETAG = 1,
    WANT_CHECKSUM = 2,
    WANT_PARTS = 4,
    WANT_CLASS = 8,
    WANT_SIZE = 16,
};

struct attributes {
    struct storage_task task;
    struct s3_request *request;
    int64_t bucket;
    enum versioning versioning;
    struct object_version version; /* requested */
    unsigned wanted;               /* combination of enum wanted */
    unsigned after, max;           /* parts */
    struct object object;
    struct part *parts;
    size_t count, total;
    bool truncated;
};

static void attributes_free(void *operation)
{
    struct attributes *attributes = operation;
    object_clear(&attributes->object);
    free(attributes->parts);
    free(attributes);
}

/* Storage thread. */

static int load_parts(struct attributes *attributes, struct storage *storage, struct error *error)
{
    struct part part = {0};
    int code;
    attributes->parts = calloc(attributes->max + 1, sizeof *attributes->parts);
    if (!attributes->parts)
        return error_set(error, ERR_MEMORY, "out of memory");
    while ((code = upload_parts_next(storage, attributes->object.owner, part.number, &part,
                                     error)) == 1) {
        attributes->total++;
        if (part.number <= attributes->after)
            continue;
        if (attributes->count < attributes->max)
            attributes->parts[attributes->count++] = part;
        else
            attributes->truncated = true;
    }
    return code;
}

static int find_run(struct storage_task *task, struct storage *storage)
{
    struct attributes *attributes = container_of(task, struct attributes, task);
    struct object *object = &attributes->object;
    int code = objects_find_version(storage, attributes->bucket, attributes->request->key,
                                    attributes->version, object, &task->error);
    if (code || object->marker || !object->owner || !(attributes->wanted & WANT_PARTS))
        return code;
    return load_parts(attributes, storage, &task->error);
}

/* Responses. */

static bool is_composite(const struct object *object)
{
    const char *value;
    return s3_checksum_of(object->checksum, &value) &&
           strcmp(s3_checksum_type(value), "COMPOSITE") == 0;
}

static void write_parts(const struct attributes *attributes, struct buffer *out)
{
    xml_open(out, "ObjectParts");
    xml_number(out, "PartsCount", attributes->total);
    if (is_composite(&attributes->object)) { /* else S3 shows only their number */
        size_t count = attributes->count;
        xml_number(out, "PartNumberMarker", attributes->after);
        xml_number(out, "NextPartNumberMarker", count ? attributes->parts[count - 1].number : 0);
        xml_number(out, "MaxParts", attributes->max);
        xml_element(out, "IsTruncated", attributes->truncated ? "true" : "false");
        for (size_t i = 0; i < count; i++) {
            xml_open(out, "Part");
            xml_number(out, "PartNumber", attributes->parts[i].number);
            xml_number(out, "Size", attributes->parts[i].size);
            s3_checksum_xml(out, attributes->parts[i].checksum, false);
            xml_close(out, "Part");
        }
    }
    xml_close(out, "ObjectParts");
}

/* Without the number of parts that follows a composite one elsewhere. */
static void write_checksum(const struct object *object, struct buffer *out)
{
    char line[S3_CHECKSUM_LINE_SIZE], *dash;
    snprintf(line, sizeof line, "%s", object->checksum);
    bool composite = is_composite(object);
    if (composite && (dash = strrchr(line, '-')))
        *dash = '\0';
    xml_open(out, "Checksum");
    s3_checksum_xml(out, line, false);
    xml_element(out, "ChecksumType", composite ? "COMPOSITE" : "FULL_OBJECT");
    xml_close(out, "Checksum");
}

static void write_attributes(const struct attributes *attributes, struct buffer *out)
{
    const struct object *object = &attributes->object;
    char class[OBJECT_CLASS_SIZE];
    object_storage_class(slice_of(object->headers), class);
    s3_xml_begin(out, "GetObjectAttributesResponse");
    if (attributes->wanted & WANT_ETAG)
        xml_element(out, "ETag", object->etag);
    if (attributes->wanted & WANT_CHECKSUM && *object->checksum) {
        write_checksum(object, out);
    }
    if (attributes->wanted & WANT_PARTS && object->owner)
        write_parts(attributes, out);
    if (attributes->wanted & WANT_CLASS)
        xml_element(out, "StorageClass", class);
    if (attributes->wanted & WANT_SIZE)
        xml_number(out, "ObjectSize", object->size);
    xml_close(out, "GetObjectAttributesResponse");
}

static void respond(struct attributes *attributes)
{
    const struct object *object = &attributes->object;
    char modified[S3_TIME_SIZE], version[S3_VERSION_SIZE];
    struct buffer out;
    s3_time_http(object->modified_ms, modified);
    s3_version_of(object, attributes->versioning, version);
    const struct http_header headers[] = {{"Last-Modified", modified},
                                          {"x-amz-version-id", version}};
    buffer_init(&out, RESPONSE_MAX);
    write_attributes(attributes, &out);
    s3_respond_xml_with(attributes->request, &out, headers, *version ? 2 : 1);
}

static void find_done(struct storage_task *task, int code)
{
    struct attributes *attributes = container_of(task, struct attributes, task);
    struct s3_request *request = attributes->request;
    if (code)
        s3_respond_failure(request, code, &task->error);
    else if (attributes->object.marker && attributes->version.given)
        s3_respond_no_method(request, "DeleteMarker", NULL, 0);
    else if (attributes->object.marker)
        s3_respond_error(request, s3_access_missing(request, request->bucket, S3_NO_SUCH_KEY),
                         NULL);
    else
        respond(attributes);
    s3_request_release(request);
}

/* The parameters of this operation are headers. */

static unsigned attribute_of(struct slice name)
{
    static const struct {
        const char *name;
        unsigned wanted;
    } known[] = {{"ETag", WANT_ETAG},
                 {"Checksum", WANT_CHECKSUM},
                 {"ObjectParts", WANT_PARTS},
                 {"StorageClass", WANT_CLASS},
                 {"ObjectSize", WANT_SIZE}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (slice_equal_text(name, known[i].name))
            return known[i].wanted;
    }
    return 0;
}

/* 0: a name is unknown, or no name was given. */
static unsigned read_names(struct slice list)
{
    unsigned wanted = 0;
    while (list.size) {
        const char *comma = memchr(list.data, ',', list.size);
        size_t size = comma ? (size_t)(comma - list.data) : list.size;
        struct slice name = {list.data, size};
        while (name.size && *name.data == ' ')
            name = (struct slice){name.data + 1, name.size - 1};
        unsigned one = attribute_of(name);
        if (!one)
            return 0;
        wanted |= one;
        size += comma != NULL;
        list = (struct slice){list.data + size, list.size - size};
    }
    return wanted;
}

static bool read_count(struct s3_request *request, const char *name, unsigned most, unsigned absent,
                       unsigned *out)
{
    struct slice text = s3_header(request, name);
    *out = absent;
    if (!text.data)
        return true;
    unsigned long number = 0;
    for (size_t i = 0; i < text.size && number <= 100000; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (unsigned long)(text.data[i] - '0');
    }
    *out = number < most ? (unsigned)number : most;
    return text.size > 0;
}

static bool read_parameters(struct attributes *attributes)
{
    struct s3_request *request = attributes->request;
    struct slice names = s3_header(request, "x-amz-object-attributes");
    attributes->wanted = read_names(names);
    if (attributes->wanted &&
        read_count(request, "x-amz-max-parts", S3_LISTING_MAX, S3_LISTING_MAX, &attributes->max) &&
        read_count(request, "x-amz-part-number-marker", PART_NUMBER_MAX, 0, &attributes->after))
        return true;
    if (attributes->wanted)
        s3_respond_error(
            request, S3_INVALID_ARGUMENT,
            "Provided max-parts or part-number-marker not an integer or within integer "
            "range");
    else if (!names.size)
        s3_respond_error(request, S3_INVALID_REQUEST,
                         "The x-amz-object-attributes header specifying the attributes to be "
                         "retrieved is either missing or empty");
    else
        s3_respond_argument(request, "Invalid attribute name specified.", "x-amz-object-attributes",
                            names);
    return false;
}

void s3_get_object_attributes(struct s3_request *request)
{
    struct bucket bucket;
    struct object_version version;
    if (!s3_find_bucket(request, &bucket) || !s3_version_asked(request, &version))
        return;
    struct attributes *attributes = s3_operation(request, sizeof *attributes, attributes_free);
    if (!attributes)
        return;
    attributes->request = request;
    attributes->bucket = bucket.id;
    attributes->versioning = bucket.versioning;
    attributes->version = version;
    if (!read_parameters(attributes))
        return;
    attributes->task.run = find_run;
    attributes->task.done = find_done;
    s3_submit(request, &attributes->task);
}
