/*
 * The object store over S3.
 *
 * An operation (struct object_request) frees itself before it calls back; cancelling frees it
 * through the request's release function.
 */
#ifndef THUMBWHEEL_S3_PRIVATE_H
#define THUMBWHEEL_S3_PRIVATE_H

#include "aws_request.h"

#include "base64.h"
#include "hash.h"

enum { S3_LIST_RESPONSE_MAX = 8 * 1024 * 1024, S3_HEADERS_MAX = 64 };

union object_callback {
    object_got *got;
    object_head_done *head;
    object_done *done;
    object_tags_got *tags;
    object_listed *listed;
    object_upload_begun *begun;
    object_part_stored *part;
};

struct object_request {
    struct aws_request *request;
    union object_callback done;
    void *user;
    size_t max_size; /* of a get */
    bool plain;      /* without TLS */
    char sse[16];    /* the encryption that a put requested; "": none */
    struct aws *aws;
    bool with_crc; /* a put that sent its CRC */
};

struct s3_call {
    const char *operation;
    const char *method;
    const char *bucket, *key;          /* key NULL: the bucket itself */
    const char *mark;                  /* in the query; NULL: none */
    const struct trace_context *trace; /* NULL: none */
    const char *query;                 /* encoded, without '?'; NULL: none */
    const struct http_header *headers;
    size_t header_count;
    struct bytes body; /* taken, even if the start fails */
    bool is_object;    /* the body is object content, which may be sent unsigned */
    size_t response_max;
    aws_replied *replied; /* its user data is the operation */
    union object_callback done;
    void *user;
    size_t max_size;
    const char *sse; /* of a put; copied; NULL: none */
    bool with_crc;   /* of a put */
};

int s3_start(struct aws *aws, struct s3_call *call, struct object_request **out);
/* Frees the operation and returns what its callback needs. */
union object_callback s3_operation_end(struct object_request *operation, void **user);

/* Appends the URL of a bucket or key, and gives the region to sign for. ERR_INVALID: no bucket, one
 * that nothing can have, or a key longer than S3's limit. */
int s3_url(const struct aws *aws, const char *bucket, const char *key, const char *query,
           char region[REGION_SIZE_MAX], struct buffer *out);
/* Appends "versionId=…" if there is one. */
int s3_version_query(const struct object_name *name, const char *first, struct buffer *out);
int s3_locate(struct object_store *store, const char *bucket, object_done *done, void *user,
              struct object_request **out);
int s3_presign(struct object_store *store, const struct object_presign *what, char **url,
               struct object_validity *valid, struct error *error);
int s3_presign_form(struct object_store *store, const struct object_form *what,
                    struct object_form_made *out, struct error *error);
/* The Content-MD5 of a body: the base64 form of 16 bytes. */
enum { S3_MD5_SIZE = BASE64_TEXT_SIZE(MD5_SIZE) };
void s3_content_md5(const void *body, size_t size, char out[S3_MD5_SIZE]);

/* Whether the body matches its CRC, if the response has one, or its ETag, as far as that can be
 * checked: the ETag is an MD5 if the
 * object was uploaded in one piece and is not encrypted, except with keys managed by S3 ("Common
 * Response Headers", S3 API Reference). */
bool s3_body_intact(const struct http_response *response, const char *etag);

/* Metadata values are sent in headers, which are ASCII: other bytes and '%' are percent-encoded, in
 * both directions. */
int s3_metadata_encode(const char *value, struct buffer *out);

/* The values in the headers of a get or head response. Free with s3_facts_free. */
struct s3_facts {
    struct object_facts facts;
    char *etag;
    struct object_pair *metadata;
    char *texts; /* the decoded metadata */
};
int s3_facts_read(const struct http_response *response, struct s3_facts *out);
void s3_facts_free(struct s3_facts *facts);

int s3_get(struct object_store *store, const struct object_name *name, size_t max_size,
           object_got *done, void *user, struct object_request **out);
int s3_head(struct object_store *store, const struct object_name *name, object_head_done *done,
            void *user, struct object_request **out);
int s3_put(struct object_store *store, const struct object_put *put, object_done *done, void *user,
           struct object_request **out);
int s3_get_tags(struct object_store *store, const struct object_name *name, object_tags_got *done,
                void *user, struct object_request **out);
int s3_put_tags(struct object_store *store, const struct object_name *name,
                const struct object_pair *tags, size_t count, object_done *done, void *user,
                struct object_request **out);
int s3_list(struct object_store *store, const char *bucket, const char *prefix,
            const char *start_after, object_listed *done, void *user, struct object_request **out);
int s3_remove(struct object_store *store, const struct object_name *name, object_done *done,
              void *user, struct object_request **out);
int s3_parts_begin(struct object_store *store, const struct object_upload *upload,
                   const char *content_type, object_upload_begun *done, void *user,
                   struct object_request **out);
int s3_parts_store(struct object_store *store, const struct object_upload *upload, unsigned number,
                   struct slice body, object_part_stored *done, void *user,
                   struct object_request **out);
int s3_parts_complete(struct object_store *store, const struct object_upload *upload,
                      char *const *etags, size_t count, object_done *done, void *user,
                      struct object_request **out);
int s3_parts_abort(struct object_store *store, const struct object_upload *upload,
                   object_done *done, void *user, struct object_request **out);
void s3_cancel(struct object_request *request);

/* An object_done for replies without a payload. */
void s3_on_done(const struct aws_reply *reply, void *user);
/* For object requests: turns ERR_DENIED into ERR_NOT_FOUND if the response shows that the key does
 * not exist. */
void s3_tell_missing(const struct aws_reply *reply, struct error *error);

extern const struct object_store_ops s3_ops;

#endif
