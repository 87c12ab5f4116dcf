/* The interfaces between the parts of the embedded cloud. Loop thread. */
#ifndef THUMBWHEEL_LOCAL_CLOUD_INTERNAL_H
#define THUMBWHEEL_LOCAL_CLOUD_INTERNAL_H

#include <stdbool.h>
#include <uv.h>

#include "access_key.h"
#include "http_server.h"
#include "resource_name.h"
#include "storage.h"

struct buckets;          /* buckets.h: S3 state */
struct scrub;            /* scrub.h */
struct lifecycle_worker; /* lifecycle.h */
struct restore_expiry;   /* restore_expiry.h */
struct queues;           /* queues.h: SQS state */
struct topics;           /* topics.h: SNS state */
struct events_state;     /* events_state.h: EventBridge's state */
struct detector;         /* detector.h: Rekognition's images */
struct sns_signer;
struct sns_outbox;
struct sns_expiry;
struct request_log;
struct faults;        /* faults.h: the fault plan */
struct fault;         /* fault_injection.c: the fault of a request */
struct cloud_service; /* cloud_service.h */

struct cloud {
    uv_loop_t *loop;
    struct storage *storage;
    struct http_server *server;
    const struct access_key_list *access_keys;
    const struct cloud_service *const *services; /* ends with NULL */
    struct buckets *buckets;
    struct lifecycle_worker *lifecycle; /* NULL: not started */
    struct restore_expiry *restores;    /* NULL: not started */
    struct scrub *scrub;                /* NULL: none */
    struct queues *queues;
    struct topics *topics;
    struct events_state *events;
    struct detector *detector; /* NULL: none */
    struct sns_signer *signer;
    struct sns_outbox *outbox; /* of SNS */
    struct sns_expiry *expiry;
    struct request_log *request_log; /* NULL: off */
    struct faults *faults;           /* NULL: none */
    unsigned session_lifetime_s;     /* limit of what STS issues; 0: none */
    const char *host_names;          /* further names, separated by commas; NULL: none */
    const unsigned *gallery_port;    /* of cloud_settings.h; NULL: none */
    const char *gallery_origins;
    const char *region;
    const char *account;
    char endpoint[96];
};

enum router_wire { WIRE_S3, WIRE_JSON, WIRE_QUERY }; /* the protocol of a request */

/* A request after routing, as passed to the service handlers. The router owns it and frees it with
 * its http_call. The router uses http_call_on_end itself (for the request log and to free this);
 * handlers set `ended` below instead. */
struct cloud_request {
    struct cloud *cloud;
    struct http_call *call;
    const struct cloud_service *service; /* NULL: not a known service */
    char id[37];                         /* x-amzn-RequestId / x-amz-request-id */
    const struct access_key *caller;     /* the signer; NULL: unsigned (S3, and SNS links) */
    /* the region that it is signed for and the account of the signer; the cloud's own if nothing
     * says it */
    struct arn_home home;
    char account[ACCESS_KEY_ACCOUNT_SIZE]; /* of the signer */
    bool region_signed;                    /* false: unsigned, or with Signature Version 2 */
    const char *payload_hash;              /* x-amz-content-sha256 as sent, or NULL */
    /* except for S3: the complete body, its hash verified; the router frees it */
    struct bytes body;
    /* For the request log; handlers set what they know, strings are copied at once. */
    char operation[48];
    char resource[128];  /* bucket, queue or topic */
    char *key;           /* object key; owned, set by cloud_request_note_key; NULL: none */
    int status;          /* of the response: set before response_send or response_begin */
    struct fault *fault; /* NULL: no fault was injected; fault_injection.h */

    /* For the handler. `ended` (may be NULL) is called once, when the response was written or the
     * peer has disconnected; request and call are freed after it returns. A handler that works
     * asynchronously must set it before it returns to the loop. */
    void (*ended)(struct cloud_request *request, bool completed);
    void *handler;
};

/* Does nothing without a request log. */
void cloud_request_note_key(struct cloud_request *request, const char *key);

#endif
