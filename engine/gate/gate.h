/*
 * The gate: an HTTP service for those who have a token and no credentials. They choose neither the
 * bucket nor the key of what they upload; presigned URLs are all that they get. docs/gate.md has
 * the interface and the security model.
 *
 *     POST /uploads         a key of the gate's choice and a presigned PUT or POST form for it
 *     GET /downloads/KEY    a presigned GET, for keys under the configured prefixes
 *     GET /livez, /readyz   health, without a token
 *
 * Bytes of objects never pass through the gate, and it stores nothing. Requests wait for nothing but
 * credentials, and for the region of the bucket the first time. Loop thread.
 */
#ifndef THUMBWHEEL_GATE_H
#define THUMBWHEEL_GATE_H

#include <stdbool.h>
#include <uv.h>

#include "bytes.h"
#include "error.h"
#include "object_store.h"

struct gate;
struct tls_identity;

enum { GATE_PLACES_MAX = 16, GATE_ORIGINS_MAX = 32 };

struct gate_place { /* a part of a bucket */
    const char *bucket;
    const char *prefix; /* "": all of it; at most GATE_PREFIX_MAX bytes (gate_key.h) */
};

struct gate_options {         /* borrowed until the gate is closed */
    const char *host;         /* numeric address */
    unsigned port;            /* 0: any free port */
    struct tls_identity *tls; /* NULL: plain HTTP */
    const char *tokens;       /* path of the token file */
    struct object_store *store;
    const struct gate_place *uploads;   /* NULL: none */
    const struct gate_place *downloads; /* the first whose prefix a key has counts */
    size_t download_count;
    unsigned expires_s;         /* of what is presigned */
    const char *const *origins; /* of web pages that may call the gate; "*": any */
    size_t origin_count;
    /* Whether there are credentials. If not, the reason is appended. */
    bool (*ready)(struct buffer *reasons, void *user);
    void *user;
};

/* Reads the token file (blocking) and listens. */
int gate_open(uv_loop_t *loop, const struct gate_options *options, struct gate **out,
              struct error *error);
unsigned gate_port(const struct gate *gate);

/* Waits for credentials and finds the buckets, one after another, so that a mistake in their names
 * is reported at start. Ends at the first error; requests try again. On error done is not called. */
int gate_locate(struct gate *gate, object_done *done, void *user);

/* Refuses new requests with 503, waits at most grace_ms for the pending ones, then closes
 * everything. closed is called from the loop when the memory is freed. */
void gate_close(struct gate *gate, unsigned grace_ms, void (*closed)(void *user), void *user);

/* Appends the metrics in Prometheus' format: zeros if gate is NULL. */
void gate_write_metrics(const struct gate *gate, struct buffer *out);

#endif
