/* Object metadata as headers. */
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "etag.h"
#include "http_date.h"
#include "md5.h"
#include "s3_private.h"
#include "uri.h"

static const char metadata_prefix[] = "x-amz-meta-";

enum { PREFIX_SIZE = sizeof metadata_prefix - 1, TEXTS_MAX = 256 * 1024 };

/* Printable ASCII stays readable; a space is kept unless a proxy could trim or fold it. */
static bool stays(const char *value, size_t i)
{
    unsigned char c = (unsigned char)value[i];
    if (c == ' ')
        return i > 0 && value[i - 1] != ' ' && value[i + 1] != '\0';
    return c > ' ' && c < 0x7f && c != '%';
}

int s3_metadata_encode(const char *value, struct buffer *out)
{
    for (size_t i = 0; value[i]; i++) {
        if (stays(value, i))
            buffer_byte(out, value[i]);
        else
            uri_encode(out, (struct slice){value + i, 1}, false);
    }
    return out->error;
}

/* Appends the decoded value and a NUL. A value that cannot be decoded was written by another
 * program and is kept unchanged. */
static int value_decode(const char *value, struct buffer *texts)
{
    size_t start = texts->size;
    int code = uri_decode(texts, slice_of(value), false);
    if (code == ERR_INVALID) {
        texts->size = start;
        code = buffer_text(texts, value);
    }
    return code ? code : buffer_byte(texts, '\0');
}

static size_t metadata_count(const struct http_response *response)
{
    size_t count = 0;
    for (size_t i = 0; i < response->header_count; i++)
        count += strncmp(response->headers[i].name, metadata_prefix, PREFIX_SIZE) == 0;
    return count;
}

/* Decoding never grows a value, so after one reservation no text moves. */
static int metadata_read(const struct http_response *response, struct s3_facts *out)
{
    size_t count = metadata_count(response), room = 0;
    if (count == 0)
        return 0;
    for (size_t i = 0; i < response->header_count; i++)
        room += strlen(response->headers[i].value) + 1;
    struct buffer texts;
    buffer_init(&texts, TEXTS_MAX);
    out->metadata = calloc(count, sizeof *out->metadata);
    int code = out->metadata ? buffer_reserve(&texts, room) : ERR_MEMORY;
    out->texts = texts.data;
    for (size_t i = 0; i < response->header_count && !code; i++) {
        const struct http_header *header = &response->headers[i];
        if (strncmp(header->name, metadata_prefix, PREFIX_SIZE) != 0)
            continue;
        const char *value = texts.data + texts.size;
        out->metadata[out->facts.metadata_count++] =
            (struct object_pair){header->name + PREFIX_SIZE, value};
        code = value_decode(header->value, &texts);
    }
    out->facts.metadata = out->metadata;
    return code;
}

int s3_facts_read(const struct http_response *response, struct s3_facts *out)
{
    *out = (struct s3_facts){0};
    const char *length = http_response_header(response, "content-length");
    out->facts.size = length ? strtoull(length, NULL, 10) : response->body.size;
    out->facts.version = http_response_header(response, "x-amz-version-id");
    out->facts.content_type = http_response_header(response, "content-type");
    const char *modified = http_response_header(response, "last-modified");
    if (modified && http_date_parse(modified, &out->facts.modified_s))
        out->facts.modified_s = 0;
    const char *etag = http_response_header(response, "etag");
    if (etag && !(out->etag = slice_dup(etag_bare(etag))))
        return ERR_MEMORY;
    out->facts.etag = out->etag;
    return metadata_read(response, out);
}

/* The header with a CRC of the whole body, which is a hundred times faster than an MD5; NULL: there is
 * none. A value with a hyphen is made of the checksums of parts. */
static const struct http_header *find_crc(const struct http_response *response)
{
    for (size_t i = 0; i < response->header_count; i++) {
        const struct http_header *header = &response->headers[i];
        enum checksum_kind kind = checksum_from_header(slice_of(header->name));
        uint8_t digest[CHECKSUM_SIZE_MAX];
        if (checksum_combines(kind) && !checksum_decode(kind, slice_of(header->value), digest))
            return header;
    }
    return NULL;
}

static bool crc_matches(const struct http_header *header, struct slice body)
{
    struct checksum checksum;
    char text[CHECKSUM_TEXT_SIZE];
    checksum_start(&checksum, checksum_from_header(slice_of(header->name)));
    checksum_update(&checksum, body.data, body.size);
    checksum_finish(&checksum, text);
    return strcmp(text, header->value) == 0;
}

static bool is_composite(const struct http_response *response)
{
    const char *type = http_response_header(response, "x-amz-checksum-type");
    return type && strcmp(type, "COMPOSITE") == 0;
}

bool s3_body_intact(const struct http_response *response, const char *etag)
{
    const struct slice body = {response->body.data ? response->body.data : "", response->body.size};
    const struct http_header *crc = is_composite(response) ? NULL : find_crc(response);
    if (crc)
        return crc_matches(crc, body);
    static const char encrypted[] = "x-amz-server-side-encryption";
    bool is_md5 = etag && md5_is_text(slice_of(etag));
    for (size_t i = 0; i < response->header_count; i++) {
        const struct http_header *header = &response->headers[i];
        bool plain = strcmp(header->name, encrypted) == 0 && strcmp(header->value, "AES256") == 0;
        if (strncmp(header->name, encrypted, sizeof encrypted - 1) == 0 && !plain)
            is_md5 = false;
    }
    return !is_md5 || md5_matches(body.data, body.size, etag);
}

void s3_facts_free(struct s3_facts *facts)
{
    free(facts->etag);
    free(facts->metadata);
    free(facts->texts);
    *facts = (struct s3_facts){0};
}
