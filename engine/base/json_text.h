/*
 * Reading JSON (RFC 8259) into a jansson tree.
 *
 * There are two JSON libraries: jansson holds the documents, and yajl parses (json_text.c) and
 * writes (json_write.c) them; no other file uses yajl. It stays as long as it saves more than a
 * tenth of a request: it saves 21 % of the instructions of a SendMessage of 100 bytes, 37 % with an
 * S3 event and 70 % with 64 KiB, in the whole program (./dev bench sends; docs/measurements.md). It
 * also makes it possible to distinguish a lack of memory from invalid text. The result is the same
 * as json_loadb's: the same flags, the same bounds of numbers, and the same strings are rejected
 * (invalid UTF-8, unpaired surrogates, U+0000 unless JSON_ALLOW_NUL). Texts that are nested deeper
 * than 512 are rejected.
 *
 * Any thread.
 */
#ifndef THUMBWHEEL_JSON_TEXT_H
#define THUMBWHEEL_JSON_TEXT_H

#include <jansson.h>

#include "bytes.h"

/* This flag is not jansson's: if several members have the same name, the last one counts. It is for
 * documents that AWS services parse this way: their parser, Jackson, detects duplicates only with
 * JsonParser.Feature.STRICT_DUPLICATE_DETECTION. */
enum { JSON_LAST_DUPLICATE = 0 };

/* flags: JSON_REJECT_DUPLICATES, JSON_ALLOW_NUL, JSON_DECODE_ANY (otherwise the text must be an
 * object or an array). The caller owns the tree. NULL: *why (may be NULL) has the error's text,
 * line and column. */
json_t *json_text_read(struct slice text, size_t flags, json_error_t *why);
/* After json_text_read returned NULL: whether it ran out of memory, as opposed to an invalid text.
 */
bool json_text_short(const json_error_t *why);

/* The string member with this name in an object; NULL: absent, or not a string. */
const char *json_text_in(const json_t *object, const char *name);

#endif
