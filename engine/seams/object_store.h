/*
 * Seam: an object store. Owned by the engine; backends/aws implements it.
 *
 * Loop thread only; the same rules as queue_backend.h: one callback, always from a fresh loop
 * callback, none after an error return or a cancel.
 */
#ifndef THUMBWHEEL_OBJECT_STORE_H
#define THUMBWHEEL_OBJECT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"
#include "trace_context.h"

enum {
    OBJECT_KEY_MAX = 1024,      /* bytes of UTF-8 (S3) */
    OBJECT_TAGS_MAX = 10,       /* tags of an object (S3) */
    OBJECT_TAG_KEY_MAX = 128,   /* characters */
    OBJECT_TAG_VALUE_MAX = 256, /* characters */
    OBJECT_PAIRS_MAX = 20,      /* of metadata in object_settings */
    OBJECT_METADATA_MAX = 1024, /* bytes of metadata in object_settings; S3 allows 2048 in all, and
                                 * the engine marks its outputs */
};

struct object_pair { /* user metadata (name without x-amz-meta-) or a tag */
    const char *name;
    const char *value;
};

struct object_name {
    const char *bucket;
    const char *key;     /* decoded */
    const char *version; /* NULL: the current one */
    const struct trace_context
        *trace; /* sent with the request; NULL: none; borrowed for the call */
};

struct object_facts { /* of a get or head; borrowed for the callback */
    uint64_t size;
    const char *etag; /* without quotes */
    const char *version;
    const char *content_type;
    int64_t modified_s; /* Last-Modified, Unix time; 0: unknown */
    const struct object_pair *metadata;
    size_t metadata_count;
};

/* The value, or NULL; the case of names does not matter. */
const char *object_metadata(const struct object_facts *facts, const char *name);

/* How an object is stored, beside its content. NULL: the request says nothing, and the bucket
 * decides. */
struct object_settings {
    const char *cache_control;
    const char *content_disposition;
    const char *sse;     /* "AES256", "aws:kms" or "aws:kms:dsse" */
    const char *kms_key; /* id, alias or ARN; only with a KMS sse */
    const char *storage_class;
    const char *acl;                    /* a canned ACL */
    const struct object_pair *metadata; /* sent as they are: printable ASCII */
    size_t metadata_count;
    const struct object_pair *tags;
    size_t tag_count;
};

struct object_put {
    const char *bucket;
    const char *key;
    const void *body; /* borrowed until the callback or the cancel */
    size_t body_size;
    const char *content_type;
    const struct object_settings *settings; /* borrowed during the call; NULL: none */
    const struct object_pair *metadata;     /* any text: it is encoded for a header */
    size_t metadata_count;
    /* Conditions. ERR_CONFLICT: a condition is false. A store without conditional writes may return
     * ERR_UNSUPPORTED or ignore them. */
    bool only_new;                     /* If-None-Match: * */
    const char *replaces;              /* If-Match: this ETag, without quotes; NULL: none */
    const struct trace_context *trace; /* as in struct object_name */
};

/* What a presigned URL allows its holder to do, without credentials. */
struct object_presign {
    const char *method; /* "GET", "HEAD" or "PUT" */
    struct object_name name;
    unsigned expires_s; /* 1 to OBJECT_PRESIGN_MAX_S */
    /* PUT: the client must send exactly this header. Otherwise: the response has it instead of the
     * object's own. NULL: any; the object's own. */
    const char *content_type;
    const char *disposition; /* Content-Disposition of the response; not of a PUT; NULL: none */
    bool sized;              /* PUT: the client must send exactly `size` bytes */
    uint64_t size;
    bool only_new; /* PUT: the client must send If-None-Match: *, so that nothing is replaced */
    /* PUT: a part of an upload; NULL: the whole object. */
    const char *upload;
    unsigned part; /* from 1 */
    /* The time of signing is rounded down to a multiple of so many seconds, so that the URL stays
     * the same in between, and ends earlier by as much at most; 0: it is not rounded. */
    unsigned stable_s;
};

/* The time after which a presigned URL or form is refused. */
struct object_validity {
    int64_t expires_s;            /* Unix time */
    int64_t credentials_expire_s; /* Unix time; 0: never. If this is earlier, it counts */
};

/* A form that a browser or curl posts as multipart/form-data, its file last. */
struct object_form {
    const char *bucket;
    const char *key;
    unsigned expires_s;
    const char *content_type;    /* the file must have it; NULL: any */
    uint64_t size_min, size_max; /* bytes of the file */
};

enum { OBJECT_FORM_FIELDS_MAX = 10, OBJECT_PRESIGN_MAX_S = 604800 /* 7 days: SigV4's limit */ };

struct object_form_made { /* free it with object_form_free */
    char *url;
    struct {
        const char *name; /* static */
        char *value;
    } fields[OBJECT_FORM_FIELDS_MAX]; /* to be sent before the file, in this order */
    size_t count;
    struct object_validity valid;
};

void object_form_free(struct object_form_made *form);

struct object_request; /* a pending request, for cancelling it */

/* The callback may take body. error->code: ERR_NOT_FOUND (key), ERR_NO_CONTAINER (bucket),
 * ERR_LIMIT (larger than max_size), ERR_DENIED, ERR_THROTTLED, … */
typedef void object_got(struct bytes *body, const struct object_facts *facts,
                        const struct error *error, void *user);
typedef void object_head_done(const struct object_facts *facts, const struct error *error,
                              void *user);
typedef void object_done(const struct error *error, void *user);
typedef void object_tags_got(const struct object_pair *tags, size_t count,
                             const struct error *error, void *user);
/* One page of keys. If more is true, call again with start_after = the last key. */
struct object_entry {
    const char *key;
    uint64_t size;
    const char *etag;    /* without quotes; NULL: unknown */
    int64_t modified_ms; /* Unix time; 0: unknown */
};
typedef void object_listed(const struct object_entry *entries, size_t count, bool more,
                           const struct error *error, void *user);

/* An upload in parts: of content whose size is not known, or that does not fit into memory. Nothing
 * can be read before it is completed; what is neither completed nor aborted stays stored and is paid
 * for. */
enum { OBJECT_PART_MIN = 5 * 1024 * 1024, OBJECT_PARTS_MAX = 10000 }; /* the last may be smaller */
typedef void object_upload_begun(const char *upload, const struct error *error, void *user);
typedef void object_part_stored(const char *etag, const struct error *error, void *user);

struct object_upload { /* strings are borrowed during the call */
    const char *bucket, *key;
    const char *id; /* of object_upload_begun */
    bool only_new;  /* complete: If-None-Match: *, as of struct object_put */
};

struct object_store;

struct object_store_ops {
    /* ERR_LIMIT if the announced length exceeds max_size bytes; the body is then not read. */
    int (*get)(struct object_store *store, const struct object_name *name, size_t max_size,
               object_got *done, void *user, struct object_request **out);
    int (*head)(struct object_store *store, const struct object_name *name, object_head_done *done,
                void *user, struct object_request **out);
    int (*put)(struct object_store *store, const struct object_put *put, object_done *done,
               void *user, struct object_request **out);
    int (*get_tags)(struct object_store *store, const struct object_name *name,
                    object_tags_got *done, void *user, struct object_request **out);
    /* Replaces all tags of the object. */
    int (*put_tags)(struct object_store *store, const struct object_name *name,
                    const struct object_pair *tags, size_t count, object_done *done, void *user,
                    struct object_request **out);
    int (*list)(struct object_store *store, const char *bucket, const char *prefix,
                const char *start_after, object_listed *done, void *user,
                struct object_request **out);
    /* Waits until there are credentials to presign with, and finds out the bucket's region, which
     * becomes part of what is presigned. ERR_NO_CONTAINER: there is no such bucket. It succeeds
     * also where the credentials may not look at the bucket. */
    int (*locate)(struct object_store *store, const char *bucket, object_done *done, void *user,
                  struct object_request **out);
    /* Synchronous, without I/O. On success *url is to be freed by the caller; it is a secret until
     * it expires. ERR_CREDENTIALS: there are none now; locate waits for them. valid may be NULL. */
    int (*presign)(struct object_store *store, const struct object_presign *what, char **url,
                   struct object_validity *valid, struct error *error);
    int (*presign_form)(struct object_store *store, const struct object_form *what,
                        struct object_form_made *out, struct error *error);
    /* Done as well if there is no such object. */
    int (*remove)(struct object_store *store, const struct object_name *name, object_done *done,
                  void *user, struct object_request **out);
    int (*upload_begin)(struct object_store *store, const struct object_upload *upload,
                        const char *content_type, object_upload_begun *done, void *user,
                        struct object_request **out);
    /* number: from 1. The body is borrowed until the callback or the cancel. */
    int (*upload_part)(struct object_store *store, const struct object_upload *upload,
                       unsigned number, struct slice body, object_part_stored *done, void *user,
                       struct object_request **out);
    /* etags[i]: of part i + 1. */
    int (*upload_complete)(struct object_store *store, const struct object_upload *upload,
                           char *const *etags, size_t count, object_done *done, void *user,
                           struct object_request **out);
    int (*upload_abort)(struct object_store *store, const struct object_upload *upload,
                        object_done *done, void *user, struct object_request **out);
    /* The callback will not be called. */
    void (*cancel)(struct object_request *request);
};

struct object_store {
    const struct object_store_ops *ops;
};

#endif
