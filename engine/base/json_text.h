/*
 * Reading JSON (RFC 8259) into a jansson tree.
 *
 * The text is read by yajl, which is more than ten times as fast as jansson's own lexer on texts
 * with long strings, and the lack of memory is told apart from a text that is wrong. The result is
 * what json_loadb would make of it: the same flags and bounds of numbers, and the same strings
 * refused (bytes that are not UTF-8, half a surrogate pair, U+0000). What is nested deeper than 512
 * is refused.
 *
 * Any thread.
 */
#ifndef THUMBWHEEL_JSON_TEXT_H
#define THUMBWHEEL_JSON_TEXT_H

#include <jansson.h>

#include "bytes.h"

/* A flag by no name of jansson's: of members with one name the last one counts. For documents that
 * a service reads so and does not document otherwise: Jackson, which AWS's services read JSON with,
 * detects duplicates only when told to (JsonParser.Feature.STRICT_DUPLICATE_DETECTION). */
enum { JSON_LAST_DUPLICATE = 0 };

/* flags: JSON_REJECT_DUPLICATES, JSON_DECODE_ANY (else the text is an object or an array). The
 * caller owns the tree. NULL: *why (may be NULL) says so in text, line and column. */
json_t *json_text_read(struct slice text, size_t flags, json_error_t *why);
/* Of an answer NULL: it was for want of memory, not for what the text is. */
bool json_text_short(const json_error_t *why);

/* A text in an object; NULL: there is none of that name, or it is no text. */
const char *json_text_in(const json_t *object, const char *name);

#endif
