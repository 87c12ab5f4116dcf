#include "checksum.h"

#include <string.h>
#include <strings.h>
#include <uv.h>

#include "base64.h"
#include "error.h"
#include "hash.h"

/* Reflected polynomials: IEEE 802.3, Castagnoli, and NVMe's ("NVM Command Set", 64b CRC). */
static const uint64_t polynomials[CHECKSUM_KINDS] = {
    [CHECKSUM_CRC32] = 0xEDB88320u,
    [CHECKSUM_CRC32C] = 0x82F63B78u,
    [CHECKSUM_CRC64NVME] = 0x9A6C9329AC4BC9B5u,
};

/* tables[kind][n][byte]: the CRC of a byte that n zero bytes follow ("slicing by 8"). */
enum { SLICES = 8 };
static uint64_t tables[CHECKSUM_KINDS][SLICES][256];
static uv_once_t tables_once = UV_ONCE_INIT;

static void make_table(enum checksum_kind kind)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint64_t value = byte;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? (value >> 1) ^ polynomials[kind] : value >> 1;
        tables[kind][0][byte] = value;
    }
    for (unsigned slice = 1; slice < SLICES; slice++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint64_t value = tables[kind][slice - 1][byte];
            tables[kind][slice][byte] = tables[kind][0][value & 0xff] ^ (value >> 8);
        }
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

const char *checksum_name(enum checksum_kind kind)
{
    static const char *const names[CHECKSUM_KINDS] = {
        [CHECKSUM_CRC32] = "CRC32",         [CHECKSUM_CRC32C] = "CRC32C",
        [CHECKSUM_CRC64NVME] = "CRC64NVME", [CHECKSUM_SHA1] = "SHA1",
        [CHECKSUM_SHA256] = "SHA256",
    };
    return names[kind];
}

enum checksum_kind checksum_from_name(struct slice name)
{
    for (int kind = CHECKSUM_NONE + 1; kind < CHECKSUM_KINDS; kind++) {
        const char *known = checksum_name((enum checksum_kind)kind);
        if (strlen(known) == name.size && strncasecmp(known, name.data, name.size) == 0)
            return (enum checksum_kind)kind;
    }
    return CHECKSUM_NONE;
}

const char *checksum_lower_name(enum checksum_kind kind)
{
    return checksum_header(kind) + strlen("x-amz-checksum-");
}

enum checksum_type checksum_type_from_name(struct slice name)
{
    if (slice_equal_text(name, "FULL_OBJECT"))
        return CHECKSUM_FULL_OBJECT;
    return slice_equal_text(name, "COMPOSITE") ? CHECKSUM_COMPOSITE : CHECKSUM_TYPE_NONE;
}

size_t checksum_size(enum checksum_kind kind)
{
    static const size_t sizes[CHECKSUM_KINDS] = {
        [CHECKSUM_CRC32] = 4, [CHECKSUM_CRC32C] = 4,  [CHECKSUM_CRC64NVME] = 8,
        [CHECKSUM_SHA1] = 20, [CHECKSUM_SHA256] = 32,
    };
    return sizes[kind];
}

bool checksum_combines(enum checksum_kind kind)
{
    return polynomials[kind] != 0;
}

static bool is_hash(enum checksum_kind kind)
{
    return kind == CHECKSUM_SHA1 || kind == CHECKSUM_SHA256;
}

void checksum_start(struct checksum *checksum, enum checksum_kind kind)
{
    *checksum = (struct checksum){.kind = kind, .crc = mask(kind)};
    if (is_hash(kind))
        hash_start(&checksum->hash, kind == CHECKSUM_SHA1 ? HASH_SHA1 : HASH_SHA256);
    else
        uv_once(&tables_once, make_tables);
}

static uint64_t little_endian(const uint8_t *data)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < SLICES; i++)
        value |= (uint64_t)data[i] << (8 * i);
    return value;
}

static uint64_t crc_of_slice(const uint64_t (*table)[256], uint64_t value)
{
    uint64_t crc = 0;
    for (unsigned i = 0; i < SLICES; i++)
        crc ^= table[SLICES - 1 - i][(value >> (8 * i)) & 0xff];
    return crc;
}

static void update_crc(struct checksum *checksum, const uint8_t *data, size_t size)
{
    const uint64_t(*table)[256] = tables[checksum->kind];
    uint64_t crc = checksum->crc;
    for (; size >= SLICES; data += SLICES, size -= SLICES)
        crc = crc_of_slice(table, crc ^ little_endian(data));
    for (size_t i = 0; i < size; i++)
        crc = table[0][(crc ^ data[i]) & 0xff] ^ (crc >> 8);
    checksum->crc = crc;
}

void checksum_update(struct checksum *checksum, const void *data, size_t size)
{
    if (is_hash(checksum->kind))
        hash_update(&checksum->hash, data, size);
    else if (checksum->kind != CHECKSUM_NONE)
        update_crc(checksum, data, size);
}

static void write_crc(enum checksum_kind kind, uint64_t value, uint8_t *out)
{
    size_t size = checksum_size(kind);
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

int checksum_decode(enum checksum_kind kind, struct slice text, uint8_t out[CHECKSUM_SIZE_MAX])
{
    uint8_t decoded[CHECKSUM_SIZE_MAX];
    size_t written = 0;
    if (base64_read(text, decoded, sizeof decoded, &written) || written != checksum_size(kind))
        return ERR_INVALID;
    memcpy(out, decoded, written);
    return 0;
}

void checksum_finish(struct checksum *checksum, char out[CHECKSUM_TEXT_SIZE])
{
    uint8_t value[CHECKSUM_SIZE_MAX];
    size_t size = checksum_size(checksum->kind);
    if (is_hash(checksum->kind))
        hash_finish(&checksum->hash, value);
    else if (checksum->kind != CHECKSUM_NONE)
        write_crc(checksum->kind, checksum->crc ^ mask(checksum->kind), value);
    base64_write(value, size, out);
}

/* Combining. A CRC is a reflected polynomial over GF(2): the highest bit is the coefficient of x^0.
 * Appending `size` bytes multiplies the CRC of what precedes them by x^(8 * size). */

static uint64_t multiply(enum checksum_kind kind, uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    for (uint64_t term = UINT64_C(1) << (8 * checksum_size(kind) - 1); term; term >>= 1) {
        if (a & term)
            product ^= b;
        b = b & 1 ? (b >> 1) ^ polynomials[kind] : b >> 1;
    }
    return product;
}

uint64_t checksum_append(enum checksum_kind kind, uint64_t before, uint64_t next, uint64_t size)
{
    uint64_t square = UINT64_C(1) << (8 * checksum_size(kind) - 1 - 8); /* x^8: one byte */
    for (; size; size >>= 1) {
        if (size & 1)
            before = multiply(kind, before, square);
        square = multiply(kind, square, square);
    }
    return before ^ next;
}

uint64_t checksum_crc_value(enum checksum_kind kind, const uint8_t *bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < checksum_size(kind); i++)
        value = value << 8 | bytes[i];
    return value;
}

void checksum_crc_text(enum checksum_kind kind, uint64_t value, char out[CHECKSUM_TEXT_SIZE])
{
    uint8_t bytes[CHECKSUM_SIZE_MAX];
    write_crc(kind, value, bytes);
    base64_write(bytes, checksum_size(kind), out);
}
