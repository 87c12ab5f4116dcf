/*
 * Reading JSON (RFC 8259) into a jansson tree.
 *
 * yajl parses the text: it is more than ten times as fast as jansson's own lexer on texts with long
 * strings, and it makes it possible to distinguish a lack of memory from invalid text. The result
 * is the same as json_loadb's: the same flags, the same bounds of numbers, and the same strings are
 * rejected (invalid UTF-8, unpaired surrogates, U+0000). Texts that are nested deeper than 512 are
 * rejected.
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

/* flags: JSON_REJECT_DUPLICATES, JSON_DECODE_ANY (otherwise the text must be an object or an
 * array). The caller owns the tree. NULL: *why (may be NULL) has the error's text, line and column.
 */
json_t *json_text_read(struct slice text, size_t flags, json_error_t *why);
/* After json_text_read returned NULL: whether it ran out of memory, as opposed to an invalid text.
 */
bool json_text_short(const json_error_t *why);

/* The string of this name in an object; NULL: there is none, or the member is not a string. */
const char *json_text_in(const json_t *object, const char *name);

#endif
