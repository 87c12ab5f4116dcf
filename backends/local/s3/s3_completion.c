#include "s3_completion.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "hex.h"
#include "s3_write_condition.h"
#include "s3_xml.h"

void s3_completion_clear(struct s3_completion *completion)
{
    free(completion->parts);
    *completion = (struct s3_completion){0};
}

/* Reading. */

static unsigned read_number(const char *text)
{
    size_t size = text ? strlen(text) : 0;
    if (!size || size > 5 || strspn(text, "0123456789") != size)
        return 0;
    unsigned long value = strtoul(text, NULL, 10);
    return value <= PART_NUMBER_MAX ? (unsigned)value : 0;
}

static void read_checksum(struct s3_completion_part *part, const struct s3_xml_node *node)
{
    for (int kind = CHECKSUM_NONE + 1; kind < CHECKSUM_KINDS; kind++) {
        char element[32];
        snprintf(element, sizeof element, "Checksum%s", checksum_name((enum checksum_kind)kind));
        const char *value = s3_xml_child_text(node, element);
        if (!value)
            continue;
        part->kind = (enum checksum_kind)kind;
        snprintf(part->checksum, sizeof part->checksum, "%s", value);
    }
}

static enum s3_error read_part(struct s3_completion *completion, const struct s3_xml_node *node)
{
    const char *etag = s3_xml_child_text(node, "ETag");
    struct s3_completion_part *part = &completion->parts[completion->count];
    part->number = read_number(s3_xml_child_text(node, "PartNumber"));
    if (!part->number || !etag)
        return S3_MALFORMED_XML;
    if (completion->count && part->number <= part[-1].number)
        return S3_INVALID_PART_ORDER;
    struct slice bare = s3_etag_unquote(slice_of(etag));
    if (bare.size >= sizeof part->etag)
        return S3_INVALID_PART;
    memcpy(part->etag, bare.data, bare.size);
    read_checksum(part, node);
    completion->count++;
    return S3_OK;
}

static enum s3_error read_parts(struct s3_completion *completion, const struct s3_xml_node *root)
{
    enum s3_error error = S3_OK;
    if (strcmp(root->name, "CompleteMultipartUpload") != 0)
        return S3_MALFORMED_XML;
    for (const struct s3_xml_node *node = root->first; node && !error; node = node->next) {
        if (strcmp(node->name, "Part") != 0)
            continue;
        if (completion->count == PART_NUMBER_MAX)
            return S3_MALFORMED_XML;
        error = read_part(completion, node);
    }
    if (error || completion->count)
        return error;
    snprintf(completion->message, sizeof completion->message, "You must specify at least one part");
    return S3_INVALID_REQUEST;
}

static size_t count_nodes(const struct s3_xml_node *root)
{
    size_t count = 0;
    for (const struct s3_xml_node *node = root->first; node; node = node->next)
        count++;
    return count;
}

enum s3_error s3_completion_read(struct s3_completion *completion, struct slice document)
{
    struct s3_xml_node *root = NULL;
    int code = s3_xml_parse(document, &root, NULL);
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML;
    completion->parts = calloc(count_nodes(root) + 1, sizeof *completion->parts);
    enum s3_error error = completion->parts ? read_parts(completion, root) : S3_INTERNAL_ERROR;
    s3_xml_free(root);
    return error;
}

/* Building. */

struct sum {
    struct hash md5;
    enum checksum_kind kind;
    bool full;
    bool is_default; /* the upload has no algorithm */
    struct checksum composite;
    uint64_t crc;
};

static void sum_start(struct sum *sum, const struct multipart_upload *upload)
{
    bool own = upload->checksum != CHECKSUM_NONE;
    *sum = (struct sum){.kind = own ? upload->checksum : CHECKSUM_CRC64NVME,
                        .full = upload->full_object || !own,
                        .is_default = !own};
    hash_start(&sum->md5, HASH_MD5);
    checksum_start(&sum->composite, sum->kind);
}

static void add_etag(struct sum *sum, const char *etag)
{
    uint8_t bytes[16];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)hex_byte(etag + 2 * i);
    hash_update(&sum->md5, bytes, sizeof bytes);
}

static int sum_add(struct sum *sum, const struct part *part, struct error *error)
{
    uint8_t bytes[CHECKSUM_SIZE_MAX];
    const char *value;
    add_etag(sum, part->etag);
    if (sum->is_default && !*part->crc64)
        sum->kind = CHECKSUM_NONE; /* an earlier version stored the part */
    if (!sum->kind)
        return 0;
    enum checksum_kind kind = s3_checksum_of(part->checksum, &value);
    if (sum->is_default) {
        kind = CHECKSUM_CRC64NVME;
        value = part->crc64;
    }
    if (kind != sum->kind || checksum_decode(sum->kind, slice_of(value), bytes))
        return error_set(error, ERR_IO, "a part's checksum is missing from the database");
    if (sum->full)
        sum->crc =
            checksum_append(sum->kind, sum->crc, checksum_crc_value(sum->kind, bytes), part->size);
    else
        checksum_update(&sum->composite, bytes, checksum_size(sum->kind));
    return 0;
}

static void finish_checksum(struct sum *sum, struct s3_completion *completion)
{
    char value[CHECKSUM_TEXT_SIZE], text[CHECKSUM_TEXT_SIZE + 16];
    if (!sum->kind)
        return;
    if (sum->full) {
        checksum_crc_text(sum->kind, sum->crc, value);
        snprintf(text, sizeof text, "%s", value);
    } else {
        checksum_finish(&sum->composite, value);
        snprintf(text, sizeof text, "%s-%zu", value, completion->count);
    }
    s3_checksum_line(sum->kind, text, completion->checksum_line);
}

static void sum_finish(struct sum *sum, struct s3_completion *completion)
{
    uint8_t md5[MD5_SIZE];
    char hex[MD5_HEX_SIZE];
    hash_finish(&sum->md5, md5);
    hex_write(md5, sizeof md5, hex);
    snprintf(completion->etag, sizeof completion->etag, "%s-%zu", hex, completion->count);
    finish_checksum(sum, completion);
}

/* Comparing. */

/* A composite checksum may be stated without the number of its parts. */
static bool is_same_checksum(const char *value, const char *stated)
{
    size_t size = strcspn(value, "-");
    return strcmp(value, stated) == 0 || (strlen(stated) == size && !memcmp(value, stated, size));
}

static enum s3_error refuse(struct s3_completion *completion, enum s3_error error,
                            const char *format, ...) __attribute__((format(printf, 3, 4)));

static enum s3_error refuse(struct s3_completion *completion, enum s3_error error,
                            const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(completion->message, sizeof completion->message, format, args);
    va_end(args);
    return error;
}

/* A composite checksum needs those of all parts. Texts: localstack's S3Multipart. */
static enum s3_error check_missing(struct s3_completion *completion,
                                   const struct s3_completion_part *part,
                                   const struct multipart_upload *upload)
{
    if (part->kind)
        return refuse(completion, S3_BAD_DIGEST,
                      "The %s you specified for part %u did not match what we received.",
                      checksum_lower_name(part->kind), part->number);
    return refuse(
        completion, S3_INVALID_REQUEST,
        "The upload was created using a %s checksum. The complete request must include the "
        "checksum for each part. It was missing for part %u in the request.",
        checksum_lower_name(upload->checksum), part->number);
}

static enum s3_error check_checksum(struct s3_completion *completion,
                                    const struct s3_completion_part *part,
                                    const struct multipart_upload *upload, const struct part *found)
{
    const char *value;
    enum checksum_kind kind = s3_checksum_of(found->checksum, &value);
    if (!upload->checksum)
        return part->kind ? S3_INVALID_PART : S3_OK;
    if (part->kind == upload->checksum)
        return part->kind == kind && strcmp(part->checksum, value) == 0 ? S3_OK : S3_INVALID_PART;
    return upload->full_object ? S3_OK : check_missing(completion, part, upload);
}

static enum s3_error check_part(struct s3_completion *completion, size_t index,
                                const struct multipart_upload *upload, const struct part *found)
{
    const struct s3_completion_part *part = &completion->parts[index];
    completion->wrong = part;
    completion->wrong_size = found->size;
    if (strcmp(part->etag, found->etag) != 0)
        return S3_INVALID_PART;
    enum s3_error error = check_checksum(completion, part, upload, found);
    if (error)
        return error;
    if (index + 1 < completion->count && found->size < S3_PART_MIN)
        return S3_ENTITY_TOO_SMALL;
    completion->wrong = NULL;
    return S3_OK;
}

static enum s3_error check_type(struct s3_completion *completion,
                                const struct multipart_upload *upload)
{
    bool full = upload->full_object || !upload->checksum;
    if (!completion->type || full == (completion->type == CHECKSUM_FULL_OBJECT))
        return S3_OK;
    return refuse(
        completion, S3_INVALID_REQUEST,
        "The upload was created using the %s checksum mode. The complete request must use "
        "the same checksum mode.",
        full ? "FULL_OBJECT" : "COMPOSITE");
}

static enum s3_error check_whole(struct s3_completion *completion)
{
    const char *value;
    enum checksum_kind kind = s3_checksum_of(completion->checksum_line, &value);
    if (completion->stated_size >= 0 && (uint64_t)completion->stated_size != completion->size)
        return refuse(completion, S3_INVALID_REQUEST,
                      "The provided 'x-amz-mp-object-size' header value %" PRId64
                      " does not match what was computed: %" PRIu64,
                      completion->stated_size, completion->size);
    if (!completion->kind ||
        (completion->kind == kind && is_same_checksum(value, completion->checksum)))
        return S3_OK;
    return refuse(completion, S3_BAD_DIGEST,
                  "The %s you specified did not match the calculated checksum.",
                  checksum_lower_name(completion->kind));
}

static int examine_parts(struct s3_completion *completion, struct storage *storage,
                         const struct multipart_upload *upload, struct sum *sum,
                         enum s3_error *verdict, struct error *error)
{
    int code = 0;
    for (size_t i = 0; i < completion->count && !*verdict && !code; i++) {
        struct part found;
        int row =
            upload_parts_next(storage, upload->id, completion->parts[i].number - 1, &found, error);
        if (row < 0)
            return row;
        completion->wrong = &completion->parts[i];
        if (!row || found.number != completion->parts[i].number)
            *verdict = S3_INVALID_PART;
        else
            *verdict = check_part(completion, i, upload, &found);
        if (*verdict)
            break;
        completion->size += found.size;
        code = sum_add(sum, &found, error);
    }
    return code;
}

int s3_completion_examine(struct s3_completion *completion, struct storage *storage,
                          const struct multipart_upload *upload, enum s3_error *verdict,
                          struct error *error)
{
    struct sum sum;
    completion->size = 0;
    completion->message[0] = completion->checksum_line[0] = '\0';
    *verdict = check_type(completion, upload);
    sum_start(&sum, upload);
    int code = examine_parts(completion, storage, upload, &sum, verdict, error);
    if (!code && !*verdict) {
        sum_finish(&sum, completion);
        *verdict = check_whole(completion);
    }
    return code;
}

int s3_completion_drop_others(const struct s3_completion *completion, struct blobs *blobs,
                              uint64_t upload, struct error *error)
{
    struct part part = {0};
    size_t next = 0;
    int code;
    while ((code = upload_parts_next(blobs->storage, upload, part.number, &part, error)) == 1) {
        if (next < completion->count && completion->parts[next].number == part.number) {
            next++;
            continue;
        }
        int dropped = upload_parts_drop(blobs, upload, &part, error);
        if (dropped)
            return dropped;
    }
    return code;
}
