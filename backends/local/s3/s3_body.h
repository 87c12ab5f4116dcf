/*
 * Verifies a request's claims about its body: x-amz-content-sha256, Content-MD5,
 * checksums in headers or trailers, lengths, and the aws-chunked encoding.
 */
#ifndef THUMBWHEEL_LOCAL_S3_BODY_H
#define THUMBWHEEL_LOCAL_S3_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "aws_chunked.h"
#include "checksum.h"
#include "hash.h"
#include "s3_request.h"

struct s3_claims {
    bool chunked;                 /* aws-chunked */
    bool chunks_signed;           /* with a signature in each chunk */
    bool trailer_signed;          /* and a signature for the trailers */
    bool hashed;                  /* sha256 below is set */
    char sha256[65];              /* lower-case hex */
    bool with_md5;                /* md5 below is set */
    char md5[CHECKSUM_TEXT_SIZE]; /* base64 */
    enum checksum_kind kind;
    bool in_trailer;                   /* the checksum follows the body */
    char checksum[CHECKSUM_TEXT_SIZE]; /* base64; empty: compute and return it */
    bool with_crc64;                   /* CRC64NVME is wanted beside `kind` */
    int64_t size;                      /* decoded size; -1: not stated */
};

/* Removes the framing of an aws-chunked body, whose chunks may be signed. */
struct s3_unframer {
    struct aws_chunked decoder;
    struct chunk_signatures signatures; /* where is_signed */
    char region[65];                    /* of the signature, which `signatures` borrows */
    bool is_signed;
};
/* False: an error was sent. */
bool s3_unframer_start(struct s3_unframer *unframer, struct s3_request *request,
                       const struct s3_claims *claims);
void s3_unframer_end(struct s3_unframer *unframer); /* may be called on a zeroed one */
/* The S3 error for an error of aws_chunked_next. */
enum s3_error s3_unframer_error(int code);

/* Reads the claims from the headers. False: they are invalid, and an error was sent. */
bool s3_claims_read(struct s3_request *request, struct s3_claims *claims);

/* Reads the checksum from the trailers of a complete body; *message: of the error, or NULL. */
enum s3_error s3_claims_take_trailers(struct s3_claims *claims, const struct aws_chunked *decoder,
                                      const char **message);
/* Responds to a body of another size than stated. provided: its size, as far as it is known. Loop
 * thread. */
void s3_claims_refuse_size(struct s3_request *request, const struct s3_claims *claims,
                           uint64_t provided);

/* Computes the claimed digests, and MD5 for the ETag. Any thread, but only one at a time. */
struct s3_digest {
    bool hashed;
    struct hash md5, sha256;
    struct checksum checksum, crc64;
    char etag[33];                          /* once finished: hex MD5 */
    char checksum_text[CHECKSUM_TEXT_SIZE]; /* once finished: base64, or empty */
    char crc64_text[CHECKSUM_TEXT_SIZE];    /* the same, of with_crc64 */
    char md5_text[CHECKSUM_TEXT_SIZE];      /* once finished: base64, if it was claimed */
    char sha256_text[SHA256_HEX_SIZE];      /* once finished: hex, if it was claimed */
};

void s3_digest_start(struct s3_digest *digest, const struct s3_claims *claims);
void s3_digest_update(struct s3_digest *digest, const void *data, size_t size);
/* Compares. */
enum s3_error s3_digest_finish(struct s3_digest *digest, const struct s3_claims *claims);
/* Responds with the error of s3_digest_finish. Loop thread. */
void s3_digest_refuse(const struct s3_digest *digest, struct s3_request *request,
                      const struct s3_claims *claims, enum s3_error error);

/* Collects a small body, decodes and verifies it, then calls the handler; if the body is invalid,
 * an error is sent instead. */
typedef void s3_body_handler(struct s3_request *request, struct slice body);
void s3_collect(struct s3_request *request, size_t max, s3_body_handler *handler);
/* The same if x-amz-checksum-… headers refer to something other than this body. */
void s3_collect_document(struct s3_request *request, size_t max, s3_body_handler *handler);

#endif
