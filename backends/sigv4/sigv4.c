/*
 * The canonical form is derived from the request as sent, so that signer and verifier run the same
 * code:
 *
 *   path     S3: decoded and encoded again, so that two spellings of a key are the same key.
 *            Other services: dot segments and empty segments removed, then encoded once more, which
 *            doubles the escapes that are already there.
 *   query    each name and value decoded and encoded again; sorted by encoded name, then by value.
 *   headers  lower-case names, sorted; values trimmed, with each run of white space replaced by one
 *            space; repeated names joined by commas in the order in which they were sent.
 */
#include "sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "hash.h"
#include "hex.h"
#include "secret.h"
#include "spare_blocks.h"
#include "uri.h"

enum {
    CANONICAL_MAX = 1024 * 1024,
    CANONICAL_USUAL = 1000, /* hashed at once rather than in pieces */
};

/* --- keys --- */

void sigv4_signing_key(const char *secret, const struct sigv4_scope *scope,
                       uint8_t out[SIGV4_KEY_SIZE])
{
    uint8_t day[SIGV4_KEY_SIZE], region[SIGV4_KEY_SIZE], service[SIGV4_KEY_SIZE];
    hmac_sha256_joined(SLICE_LITERAL("AWS4"), slice_of(secret), (struct slice){scope->date, 8},
                       day);
    hmac_sha256(day, sizeof day, scope->region, strlen(scope->region), region);
    hmac_sha256(region, sizeof region, scope->service, strlen(scope->service), service);
    hmac_sha256(service, sizeof service, "aws4_request", 12, out);
    secret_wipe(day, sizeof day);
    secret_wipe(region, sizeof region);
    secret_wipe(service, sizeof service);
}

/* --- dates --- */

void sigv4_date(int64_t unix_seconds, char out[SIGV4_DATE_SIZE])
{
    time_t seconds = (time_t)unix_seconds;
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || strftime(out, SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &tm) == 0)
        memcpy(out, "19700101T000000Z", SIGV4_DATE_SIZE);
}

static bool parse_digits(const char *text, size_t count, int low, int high, int *out)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    *out = value;
    return value >= low && value <= high;
}

int sigv4_parse_date(struct slice text, int64_t *unix_seconds)
{
    struct tm tm = {0};
    const char *s = text.data;
    if (text.size != SIGV4_DATE_SIZE - 1 || s[8] != 'T' || s[15] != 'Z')
        return ERR_INVALID;
    if (!parse_digits(s, 4, 1970, 9999, &tm.tm_year) ||
        !parse_digits(s + 4, 2, 1, 12, &tm.tm_mon) || !parse_digits(s + 6, 2, 1, 31, &tm.tm_mday) ||
        !parse_digits(s + 9, 2, 0, 23, &tm.tm_hour) ||
        !parse_digits(s + 11, 2, 0, 59, &tm.tm_min) || !parse_digits(s + 13, 2, 0, 60, &tm.tm_sec))
        return ERR_INVALID;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *unix_seconds = (int64_t)timegm(&tm);
    return 0;
}

/* --- the path --- */

/* Removes empty, "." and ".." segments; keeps a slash at the end. */
static int remove_dot_segments(struct slice path, struct buffer *out)
{
    buffer_byte(out, '/');
    for (size_t i = 0; i < path.size && !out->error;) {
        size_t end = i;
        while (end < path.size && path.data[end] != '/')
            end++;
        struct slice segment = {path.data + i, end - i};
        if (slice_equal_text(segment, "..")) {
            while (out->size > 1 && out->data[--out->size - 1] != '/')
                ;
        } else if (segment.size && !slice_equal_text(segment, ".")) {
            buffer_append(out, segment.data, segment.size);
            buffer_byte(out, '/');
        }
        i = end + 1;
    }
    bool slash_at_end = path.size && path.data[path.size - 1] == '/';
    if (!out->error && out->size > 1 && !slash_at_end)
        out->size--;
    return out->error;
}

static int canonical_path(const struct sigv4_request *request, struct buffer *out)
{
    struct buffer plain;
    buffer_init(&plain, request->path.size + 2);
    int code = request->normalise_path ? remove_dot_segments(request->path, &plain)
                                       : uri_decode(&plain, request->path, false);
    if (code)
        goto out;
    if (plain.size == 0)
        code = buffer_byte(&plain, '/');
    if (code)
        goto out;
    code = uri_encode(out, buffer_slice(&plain), true);
out:
    buffer_free(&plain);
    return code;
}

/* --- the query --- */

struct parameter {
    struct slice name, value; /* encoded */
};

static int slice_compare(struct slice a, struct slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int parameter_compare(const void *left, const void *right)
{
    const struct parameter *a = left, *b = right;
    int order = slice_compare(a->name, b->name);
    return order ? order : slice_compare(a->value, b->value);
}

/* Appends text in canonical form to *room, which never moves; *out is a view into it. */
static int encode_again(struct slice text, struct buffer *room, struct slice *out)
{
    struct buffer plain;
    buffer_init(&plain, text.size);
    size_t start = room->size;
    int code = uri_decode(&plain, text, true);
    if (!code)
        code = uri_encode(room, buffer_slice(&plain), false);
    *out = (struct slice){room->data + start, room->size - start};
    buffer_free(&plain);
    return code;
}

static int parameter_parse(struct slice pair, struct buffer *room, struct parameter *out)
{
    const char *equals = memchr(pair.data, '=', pair.size);
    struct slice name = pair, value = {NULL, 0};
    if (equals) {
        name.size = (size_t)(equals - pair.data);
        value = (struct slice){equals + 1, pair.size - name.size - 1};
    }
    int code = encode_again(name, room, &out->name);
    return code ? code : encode_again(value, room, &out->value);
}

static int query_parse(struct slice query, struct buffer *room, struct parameter *out,
                       size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < query.size;) {
        const char *amp = memchr(query.data + i, '&', query.size - i);
        size_t size = amp ? (size_t)(amp - (query.data + i)) : query.size - i;
        if (size) {
            int code = parameter_parse((struct slice){query.data + i, size}, room, &out[*count]);
            if (code)
                return code;
            *count += !slice_equal_text(out[*count].name, "X-Amz-Signature");
        }
        i += size + 1;
    }
    return 0;
}

static size_t pair_count(struct slice query)
{
    size_t count = 1;
    for (size_t i = 0; i < query.size; i++)
        count += query.data[i] == '&';
    return count;
}

static int canonical_query(struct slice query, struct buffer *out)
{
    if (query.size == 0)
        return out->error;
    if (query.size > CANONICAL_MAX)
        return ERR_LIMIT;
    struct buffer room;
    buffer_init(&room, 3 * query.size);
    struct parameter *parameters = calloc(pair_count(query), sizeof *parameters);
    size_t count = 0;
    int code = parameters ? buffer_reserve(&room, 3 * query.size) : ERR_MEMORY;
    if (code)
        goto out;
    code = query_parse(query, &room, parameters, &count);
    if (code)
        goto out;
    if (count)
        qsort(parameters, count, sizeof *parameters, parameter_compare);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buffer_byte(out, '&');
        buffer_append(out, parameters[i].name.data, parameters[i].name.size);
        buffer_byte(out, '=');
        buffer_append(out, parameters[i].value.data, parameters[i].value.size);
    }
    code = out->error;
out:
    free(parameters);
    buffer_free(&room);
    return code;
}

/* --- the headers --- */

static int name_compare(struct slice a, struct slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? strncasecmp(a.data, b.data, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* All headers are in one array, so comparing addresses keeps the order of equal names. */
static int header_compare(const void *left, const void *right)
{
    const struct sigv4_header *a = *(const struct sigv4_header *const *)left;
    const struct sigv4_header *b = *(const struct sigv4_header *const *)right;
    int order = name_compare(a->name, b->name);
    return order ? order : (a > b) - (a < b);
}

/* For block_free(); NULL if memory is short. */
static const struct sigv4_header **sorted_headers(const struct sigv4_request *request)
{
    const struct sigv4_header **sorted = block_new((request->header_count + 1) * sizeof *sorted);
    if (!sorted)
        return NULL;
    for (size_t i = 0; i < request->header_count; i++)
        sorted[i] = &request->headers[i];
    qsort(sorted, request->header_count, sizeof *sorted, header_compare);
    return sorted;
}

static int append_lower(struct slice name, struct buffer *out)
{
    if (buffer_reserve(out, name.size))
        return out->error;
    char *to = out->data + out->size;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        to[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    to[name.size] = '\0';
    out->size += name.size;
    return 0;
}

static int append_trimmed(struct slice value, struct buffer *out)
{
    bool gap = false;
    size_t size = 0;
    if (buffer_reserve(out, value.size))
        return out->error;
    char *to = out->data + out->size;
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            gap = true;
            continue;
        }
        if (gap && size)
            to[size++] = ' ';
        gap = false;
        to[size++] = c;
    }
    to[size] = '\0';
    out->size += size;
    return 0;
}

static int names_of(const struct sigv4_header *const *sorted, size_t count, struct buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        if (i && name_compare(sorted[i - 1]->name, sorted[i]->name) == 0)
            continue;
        if (i)
            buffer_byte(out, ';');
        append_lower(sorted[i]->name, out);
    }
    return out->error;
}

static int lines_of(const struct sigv4_header *const *sorted, size_t count, struct buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        bool again = i && name_compare(sorted[i - 1]->name, sorted[i]->name) == 0;
        if (again) {
            buffer_byte(out, ',');
        } else {
            append_lower(sorted[i]->name, out);
            buffer_byte(out, ':');
        }
        append_trimmed(sorted[i]->value, out);
        if (i + 1 == count || name_compare(sorted[i]->name, sorted[i + 1]->name) != 0)
            buffer_byte(out, '\n');
    }
    return out->error;
}

int sigv4_signed_headers(const struct sigv4_request *request, struct buffer *out)
{
    const struct sigv4_header **sorted = sorted_headers(request);
    if (!sorted)
        return ERR_MEMORY;
    int code = names_of(sorted, request->header_count, out);
    block_free(sorted);
    return code;
}

/* --- the signature --- */

int sigv4_canonical_request(const struct sigv4_request *request, struct buffer *out)
{
    const struct sigv4_header **sorted = sorted_headers(request);
    if (!sorted)
        return ERR_MEMORY;
    buffer_append(out, request->method.data, request->method.size);
    buffer_byte(out, '\n');
    int code = canonical_path(request, out);
    if (code)
        goto done;
    buffer_byte(out, '\n');
    code = canonical_query(request->query, out);
    if (code)
        goto done;
    buffer_byte(out, '\n');
    lines_of(sorted, request->header_count, out);
    buffer_byte(out, '\n');
    names_of(sorted, request->header_count, out);
    buffer_byte(out, '\n');
    code = buffer_text(out, request->payload_hash);
done:
    block_free(sorted);
    return code;
}

int sigv4_string_to_sign(const struct sigv4_request *request, const struct sigv4_scope *scope,
                         struct buffer *out)
{
    struct buffer canonical;
    buffer_init(&canonical, CANONICAL_MAX);
    buffer_reserve(&canonical, CANONICAL_USUAL);
    int code = sigv4_canonical_request(request, &canonical);
    if (!code) {
        char hash[SIGV4_HEX_SIZE];
        sha256_hex(canonical.data, canonical.size, hash);
        buffer_text(out, "AWS4-HMAC-SHA256\n");
        buffer_text(out, scope->date);
        buffer_byte(out, '\n');
        buffer_append(out, scope->date, 8);
        buffer_byte(out, '/');
        buffer_text(out, scope->region);
        buffer_byte(out, '/');
        buffer_text(out, scope->service);
        buffer_text(out, "/aws4_request\n");
        code = buffer_text(out, hash);
    }
    buffer_free(&canonical);
    return code;
}

int sigv4_signature(const struct sigv4_request *request, const struct sigv4_scope *scope,
                    const uint8_t key[SIGV4_KEY_SIZE], char out[SIGV4_HEX_SIZE])
{
    struct buffer text;
    buffer_init(&text, CANONICAL_MAX);
    int code = sigv4_string_to_sign(request, scope, &text);
    if (!code) {
        uint8_t signature[SIGV4_KEY_SIZE];
        hmac_sha256(key, SIGV4_KEY_SIZE, text.data, text.size, signature);
        hex_write(signature, sizeof signature, out);
    }
    buffer_free(&text);
    return code;
}
