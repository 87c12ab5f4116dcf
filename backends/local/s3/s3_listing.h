/*
 * Listings of S3. A page is one storage task. Shared by all listings: the path from the request to
 * the response, the parameters, and elements of the responses. A listing is an operation of its
 * request (s3_operation) that begins with a struct s3_listing. Loop thread unless stated otherwise.
 */
#ifndef THUMBWHEEL_LOCAL_S3_LISTING_H
#define THUMBWHEEL_LOCAL_S3_LISTING_H

#include "bytes.h"
#include "s3_request.h"
#include "storage.h"

enum {
    S3_LISTING_MAX = 1000, /* maximum entries per page (S3) */
    /* maximum size of a prefix, delimiter or marker: that of the longest key */
    S3_LISTING_TEXT_MAX = 1024,
};

struct s3_listing {
    struct storage_task task;
    const struct s3_listing_kind *kind;
    struct s3_request *request;
    int64_t bucket;
    bool encode;   /* encoding-type=url */
    bool restores; /* RestoreStatus is asked for */
};

struct s3_listing_kind {
    const char *root; /* root element of the response */
    size_t size;      /* size of the operation */
    /* Reads the parameters; false: an error was sent. */
    bool (*read)(struct s3_listing *listing);
    /* Storage thread: loads the page. */
    int (*load)(struct s3_listing *listing, struct storage *storage, struct error *error);
    /* Writes the content of the root element. */
    void (*write)(const struct s3_listing *listing, struct buffer *out);
    /* Responds if the page could not be loaded. */
    void (*fail)(struct s3_request *request, int code, const struct error *error);
    /* Frees the members of the operation, but not the operation. */
    void (*clear)(struct s3_listing *listing);
};

/* Handles a page of the request's bucket, from the parameters to the response. */
void s3_listing_start(struct s3_request *request, const struct s3_listing_kind *kind);

/* encoding-type=url; false: an error was sent. */
bool s3_listing_encoding(struct s3_listing *listing);
/* A count such as max-keys; S3_LISTING_MAX is the maximum and the default. False: an error was
 * sent. */
bool s3_listing_max(struct s3_listing *listing, const char *name, unsigned *max);

/* Writes an element with a key or a part of one. */
void s3_listing_name(const struct s3_listing *listing, struct buffer *out, const char *element,
                     const char *text);
/* The same for the value of a parameter, which may be absent. */
void s3_listing_echo(const struct s3_listing *listing, struct buffer *out, const char *element,
                     const char *parameter);
void s3_listing_common_prefix(const struct s3_listing *listing, struct buffer *out,
                              const char *prefix);
/* x-amz-optional-object-attributes: only RestoreStatus exists; false: an error was sent. */
bool s3_listing_attributes(struct s3_listing *listing);
/* RestoreStatus, if the request asks for it and there is a restored copy. */
void s3_listing_restore(const struct s3_listing *listing, struct buffer *out, int64_t until_ms);
/* A continuation token is the name of a page's last entry, in hex: it reveals nothing that is not
 * in the page, and the server stores no state. */
void s3_listing_write_token(struct buffer *out, const char *element, const char *name);
/* For free(); NULL: not one of our tokens, or memory is short. */
char *s3_listing_read_token(const char *token);
/* Owner or Initiator. */
void s3_listing_person(struct buffer *out, const char *element, const char *account);

#endif
