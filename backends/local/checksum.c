#include "checksum.h"

#include <mbedtls/base64.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

/* Reflected polynomials: IEEE 802.3, Castagnoli, and NVMe's ("NVM Command Set", 64b CRC). */
static const uint64_t polynomials[CHECKSUM_KINDS] = {
    [CHECKSUM_CRC32] = 0xEDB88320u,
    [CHECKSUM_CRC32C] = 0x82F63B78u,
    [CHECKSUM_CRC64NVME] = 0x9A6C9329AC4BC9B5u,
};

static uint64_t tables[CHECKSUM_KINDS][256];
static uv_once_t tables_once = UV_ONCE_INIT;

static void make_table(enum checksum_kind kind)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint64_t value = byte;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? (value >> 1) ^ polynomials[kind] : value >> 1;
        tables[kind][byte] = value;
    }
}

static void make_tables(void)
{
    make_table(CHECKSUM_CRC32);
    make_table(CHECKSUM_CRC32C);
    make_table(CHECKSUM_CRC64NVME);
}

static uint64_t mask(enum checksum_kind kind)
{
    return kind == CHECKSUM_CRC64NVME ? UINT64_MAX : UINT32_MAX;
}

const char *checksum_header(enum checksum_kind kind)
{
    static const char *const names[CHECKSUM_KINDS] = {
        [CHECKSUM_CRC32] = "x-amz-checksum-crc32",
        [CHECKSUM_CRC32C] = "x-amz-checksum-crc32c",
        [CHECKSUM_CRC64NVME] = "x-amz-checksum-crc64nvme",
        [CHECKSUM_SHA1] = "x-amz-checksum-sha1",
        [CHECKSUM_SHA256] = "x-amz-checksum-sha256",
    };
    return names[kind];
}

enum checksum_kind checksum_from_header(struct slice name)
{
    for (int kind = CHECKSUM_NONE + 1; kind < CHECKSUM_KINDS; kind++) {
        const char *known = checksum_header((enum checksum_kind)kind);
        if (strlen(known) == name.size && strncasecmp(known, name.data, name.size) == 0)
            return (enum checksum_kind)kind;
    }
    return CHECKSUM_NONE;
}

void checksum_start(struct checksum *checksum, enum checksum_kind kind)
{
    *checksum = (struct checksum){.kind = kind, .crc = mask(kind)};
    if (kind == CHECKSUM_SHA1) {
        mbedtls_sha1_init(&checksum->hash.sha1);
        mbedtls_sha1_starts_ret(&checksum->hash.sha1);
    } else if (kind == CHECKSUM_SHA256) {
        mbedtls_sha256_init(&checksum->hash.sha256);
        mbedtls_sha256_starts_ret(&checksum->hash.sha256, 0);
    } else {
        uv_once(&tables_once, make_tables);
    }
}

static void update_crc(struct checksum *checksum, const uint8_t *data, size_t size)
{
    const uint64_t *table = tables[checksum->kind];
    uint64_t crc = checksum->crc;
    for (size_t i = 0; i < size; i++)
        crc = table[(crc ^ data[i]) & 0xff] ^ (crc >> 8);
    checksum->crc = crc;
}

void checksum_update(struct checksum *checksum, const void *data, size_t size)
{
    if (checksum->kind == CHECKSUM_SHA1)
        mbedtls_sha1_update_ret(&checksum->hash.sha1, data, size);
    else if (checksum->kind == CHECKSUM_SHA256)
        mbedtls_sha256_update_ret(&checksum->hash.sha256, data, size);
    else if (checksum->kind != CHECKSUM_NONE)
        update_crc(checksum, data, size);
}

static size_t finish_crc(const struct checksum *checksum, uint8_t out[32])
{
    size_t size = checksum->kind == CHECKSUM_CRC64NVME ? 8 : 4;
    uint64_t value = checksum->crc ^ mask(checksum->kind);
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    return size;
}

void checksum_base64(const uint8_t *data, size_t size, char out[CHECKSUM_TEXT_SIZE])
{
    size_t written = 0;
    mbedtls_base64_encode((unsigned char *)out, CHECKSUM_TEXT_SIZE, &written, data, size);
    out[written] = '\0';
}

void checksum_finish(struct checksum *checksum, char out[CHECKSUM_TEXT_SIZE])
{
    uint8_t value[32];
    size_t size = 0;
    out[0] = '\0';
    if (checksum->kind == CHECKSUM_SHA1) {
        mbedtls_sha1_finish_ret(&checksum->hash.sha1, value);
        size = 20;
    } else if (checksum->kind == CHECKSUM_SHA256) {
        mbedtls_sha256_finish_ret(&checksum->hash.sha256, value);
        size = 32;
    } else if (checksum->kind != CHECKSUM_NONE) {
        size = finish_crc(checksum, value);
    }
    checksum_base64(value, size, out);
    checksum_end(checksum);
}

void checksum_end(struct checksum *checksum)
{
    if (checksum->kind == CHECKSUM_SHA1)
        mbedtls_sha1_free(&checksum->hash.sha1);
    else if (checksum->kind == CHECKSUM_SHA256)
        mbedtls_sha256_free(&checksum->hash.sha256);
    checksum->kind = CHECKSUM_NONE;
}
