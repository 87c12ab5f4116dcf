#include "blob_check.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hex.h"
#include "object_placement.h"

/* The ETag of an object that is encrypted with KMS is no MD5. */
static bool read_md5(struct blob_check *check, const struct object *object)
{
    struct slice sse = {0};
    object_header_find(slice_of(object->headers), OBJECT_SSE_HEADER, &sse);
    if (slice_starts_with(sse, "aws:kms") || strlen(object->etag) != 2 * MD5_SIZE)
        return false;
    for (size_t i = 0; i < MD5_SIZE; i++)
        check->md5[i] = (uint8_t)hex_byte(object->etag + 2 * i);
    return true;
}

static enum checksum_kind read_checksum(struct blob_check *check, const struct object *object)
{
    const char *colon = strstr(object->checksum, ": ");
    if (!colon || strchr(colon, '-') || strlen(colon + 2) >= sizeof check->checksum_text)
        return CHECKSUM_NONE;
    memcpy(check->checksum_text, colon + 2, strlen(colon + 2) + 1);
    return checksum_from_header(
        (struct slice){object->checksum, (size_t)(colon - object->checksum)});
}

static void start(struct blob_check *check, enum checksum_kind kind)
{
    check->fd = -1;
    hash_start(&check->hash, HASH_MD5);
    checksum_start(&check->checksum, kind);
}

bool blob_check_of_object(struct blob_check *check, const struct object *object)
{
    *check = (struct blob_check){.size = object->size};
    check->has_md5 = read_md5(check, object);
    enum checksum_kind kind = check->has_md5 ? CHECKSUM_NONE : read_checksum(check, object);
    start(check, kind);
    return check->has_md5 || kind;
}

int blob_check_body(const struct object *object, struct slice body, struct error *error)
{
    struct blob_check check = {.size = object->size};
    char checksum[CHECKSUM_TEXT_SIZE];
    uint8_t md5[MD5_SIZE];
    enum checksum_kind kind = read_checksum(&check, object);
    check.has_md5 = !checksum_combines(kind) && read_md5(&check, object);
    start(&check, check.has_md5 ? CHECKSUM_NONE : kind);
    if (check.has_md5)
        hash_update(&check.hash, body.data, body.size);
    checksum_update(&check.checksum, body.data, body.size);
    hash_finish(&check.hash, md5);
    checksum_finish(&check.checksum, checksum);
    bool same = check.has_md5 ? memcmp(md5, check.md5, MD5_SIZE) == 0
                              : !kind || strcmp(checksum, check.checksum_text) == 0;
    if (same && body.size == object->size)
        return 0;
    return error_set(error, ERR_CORRUPT,
                     "the database has other bytes of the object than those that were stored");
}

void blob_check_of_part(struct blob_check *check, uint64_t size, const uint8_t md5[MD5_SIZE])
{
    *check = (struct blob_check){.size = size, .has_md5 = true};
    memcpy(check->md5, md5, MD5_SIZE);
    start(check, CHECKSUM_NONE);
}

int blob_check_open(struct blob_check *check, struct blobs *blobs, uint64_t blob,
                    struct error *error)
{
    int code = blob_read_open(blobs, blob, &check->fd, error);
    check->open = !code;
    if (code && blob_is_missing(blobs, blob))
        code = error_set(error, ERR_CORRUPT, "the file is missing");
    return code;
}

void blob_check_close(struct blob_check *check)
{
    if (check->open)
        close(check->fd);
    check->open = false;
    check->fd = -1;
}

static int compare_size(const struct blob_check *check, struct error *error)
{
    struct stat facts;
    if (fstat(check->fd, &facts))
        return error_set(error, ERR_IO, "the file cannot be read: %s", strerror(errno));
    if ((uint64_t)facts.st_size == check->size)
        return 0;
    return error_set(error, ERR_CORRUPT, "the file has %" PRId64 " bytes instead of %" PRIu64,
                     (int64_t)facts.st_size, check->size);
}

static int compare(struct blob_check *check, struct error *error)
{
    uint8_t md5[MD5_SIZE];
    char checksum[CHECKSUM_TEXT_SIZE];
    int code = compare_size(check, error);
    if (code)
        return code;
    hash_finish(&check->hash, md5);
    checksum_finish(&check->checksum, checksum);
    bool same = check->has_md5 ? memcmp(md5, check->md5, MD5_SIZE) == 0
                               : strcmp(checksum, check->checksum_text) == 0;
    if (same)
        return 0;
    return error_set(error, ERR_CORRUPT, "the file has other bytes than those that were stored");
}

int blob_check_step(struct blob_check *check, char *room, size_t size, struct error *error)
{
    ssize_t count;
    do
        count = pread(check->fd, room, size, (off_t)check->offset);
    while (count < 0 && errno == EINTR);
    if (count < 0) {
        error_set(error, ERR_IO, "the file cannot be read: %s", strerror(errno));
        blob_check_close(check);
        return ERR_IO;
    }
    if (check->has_md5)
        hash_update(&check->hash, room, (size_t)count);
    checksum_update(&check->checksum, room, (size_t)count);
    check->offset += (uint64_t)count;
    if (count && check->offset <= check->size)
        return 1;
    int code = compare(check, error);
    blob_check_close(check);
    return code;
}
