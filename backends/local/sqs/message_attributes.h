/*
 * Message attributes of SQS and SNS: rules, size, the stored form and the digest.
 *
 * In memory and in storage they are one compact JSON text in the format of the JSON protocol:
 * {"name": {"DataType": "String", "StringValue": "…"}, …}; binary values stay in base64. Any
 * thread.
 */
#ifndef THUMBWHEEL_MESSAGE_ATTRIBUTES_H
#define THUMBWHEEL_MESSAGE_ATTRIBUTES_H

#include <jansson.h>
#include <stddef.h>

#include "bytes.h"
#include "hash.h"
#include "sqs_errors.h"

enum { MESSAGE_ATTRIBUTES_MAX = 10 };

/* Checks a JSON object of attributes (NULL: none) and adds their size (names, types, values) to
 * *size. */
int message_attributes_check(json_t *attributes, size_t *size, struct service_error *error);

/* The digest that SDKs verify ("Calculating the MD5 message digest for message attributes" in the
 * SQS Developer Guide). Returns ERR_MEMORY, or ERR_INVALID if message_attributes_check would
 * refuse. */
int message_attributes_md5(json_t *attributes, char out[MD5_HEX_SIZE]);

/* Whether the text is UTF-8 of characters that XML 1.0 allows, as SQS requires of a body. */
bool message_text_valid(struct slice text);

#endif
