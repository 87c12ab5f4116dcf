/*
 * The extended client's pointer: a message whose body is in S3.
 *
 * The reference is the Java library (amazon-sqs-java-extended-client-lib with
 * payload-offloading-java-common): the body is ["<class>", {"s3BucketName": …, "s3Key": …}], and the
 * attribute ExtendedPayloadSize, a Number, is the payload's size in bytes. Older versions wrote
 * com.amazon.sqs.javamessaging.MessageS3Pointer and SQSLargePayloadSize; the engine reads both
 * (envelope.h). Any thread.
 */
#ifndef THUMBWHEEL_PAYLOAD_POINTER_H
#define THUMBWHEEL_PAYLOAD_POINTER_H

#include "queue_backend.h"

#define PAYLOAD_POINTER_CLASS  "software.amazon.payloadoffloading.PayloadS3Pointer"
#define PAYLOAD_SIZE_ATTRIBUTE "ExtendedPayloadSize"

/* The largest payload that the extended clients send, in bytes. */
#define PAYLOAD_MAX (2ull * 1024 * 1024 * 1024)

/* The body, for free(); NULL: out of memory. */
char *payload_pointer_make(const char *bucket, const char *key);
/* A new key: a random UUID, as the extended clients choose it. */
enum { PAYLOAD_KEY_SIZE = 37 };
int payload_key_make(char out[PAYLOAD_KEY_SIZE]);

#endif
