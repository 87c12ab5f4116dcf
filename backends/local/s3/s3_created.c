#include "s3_created.h"

#include <stdio.h>
#include <string.h>

#include "s3_events.h"
#include "s3_intake.h"
#include "s3_placement.h"
#include "s3_time.h"
#include "s3_version.h"
#include "s3_xml.h"

int s3_created_announce(struct s3_request *request, int64_t bucket, const char *event,
                        const struct object *object, struct storage_unit *unit)
{
    struct bucket found;
    if (!buckets_find(request->cloud->buckets, request->bucket, &found) || found.id != bucket)
        return 0; /* the bucket no longer exists, and the commit will fail */
    char version[S3_VERSION_SIZE] = "";
    if (object->versioned)
        s3_version_write(object->id, true, version);
    struct s3_event created = {
        .name = event,
        .key = request->key,
        .size = object->size,
        .etag = object->etag,
        .version = version,
        .sequencer = object->id,
        .time_ms = object->modified_ms,
    };
    return s3_events_send(request, found.notification, &created, unit);
}

void s3_checksum_line(enum checksum_kind kind, const char *value, char out[S3_CHECKSUM_LINE_SIZE])
{
    out[0] = '\0';
    if (!kind || !*value)
        return;
    struct slice name = slice_of(checksum_header(kind));
    char *end = mempcpy(mempcpy(out, name.data, name.size), ": ", 2);
    slice_copy(slice_of(value), end, S3_CHECKSUM_LINE_SIZE - name.size - 2);
}

enum checksum_kind s3_checksum_of(const char *line, const char **value)
{
    const char *colon = strstr(line, ": ");
    *value = colon ? colon + 2 : "";
    return colon ? checksum_from_header((struct slice){line, (size_t)(colon - line)})
                 : CHECKSUM_NONE;
}

const char *s3_checksum_type(const char *value)
{
    return strchr(value, '-') ? "COMPOSITE" : "FULL_OBJECT";
}

void s3_checksum_listed(struct buffer *out, const char *line)
{
    const char *value;
    enum checksum_kind kind = s3_checksum_of(line, &value);
    if (!kind)
        return;
    xml_element(out, "ChecksumAlgorithm", checksum_name(kind));
    xml_element(out, "ChecksumType", s3_checksum_type(value));
}

void s3_checksum_xml(struct buffer *out, const char *line, bool with_type)
{
    const char *value;
    char element[32];
    enum checksum_kind kind = s3_checksum_of(line, &value);
    if (!kind)
        return;
    snprintf(element, sizeof element, "Checksum%s", checksum_name(kind));
    xml_element(out, element, value);
    if (with_type)
        xml_element(out, "ChecksumType", s3_checksum_type(value));
}

void s3_created_begin(struct s3_request *request, struct object *object, int64_t bucket,
                      enum versioning *versioning)
{
    struct bucket found;
    bool known =
        buckets_find(request->cloud->buckets, request->bucket, &found) && found.id == bucket;
    *versioning = known ? found.versioning : VERSIONING_NONE;
    object->id = buckets_next_number(request->cloud->buckets);
    object->modified_ms = s3_time_now_ms();
    object->versioned = *versioning == VERSIONING_ENABLED;
}

int s3_created_by_intake(const struct s3_intake *intake, int64_t bucket, const char *event,
                         struct object *object, enum versioning *versioning,
                         struct storage_unit *unit)
{
    char checksum[S3_CHECKSUM_LINE_SIZE];
    s3_created_begin(intake->request, object, bucket, versioning);
    object->size = intake->size;
    object->blob = intake->is_file ? intake->blob : 0;
    object->etag = s3_placement_etag(object, intake->digest.etag);
    s3_checksum_line(intake->claims.kind, intake->digest.checksum_text, checksum);
    object->checksum = strdup(checksum);
    return object->etag && object->checksum
               ? s3_created_announce(intake->request, bucket, event, object, unit)
               : ERR_MEMORY;
}
