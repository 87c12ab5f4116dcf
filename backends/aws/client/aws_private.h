/* The members of struct aws, which the files of this module share. */
#ifndef THUMBWHEEL_AWS_PRIVATE_H
#define THUMBWHEEL_AWS_PRIVATE_H

#include <uv.h>

#include "backend_settings.h"
#include "bucket_region.h"
#include "credential_chain.h"
#include "endpoint.h"
#include "http_client.h"
#include "labeler.h"
#include "list.h"
#include "notifier.h"
#include "object_store.h"
#include "queue_backend.h"
#include "request_stats.h"
#include "topic_backend.h"

/* Whether the object store confirms the CRC-64/NVME of an upload (s3_put.c). */
struct stored_crc {
    bool known;        /* it stated one in the response to an upload */
    unsigned failures; /* uploads that it then did not confirm */
};

struct aws {
    struct queue_backend queues;
    struct object_store objects;
    struct notifier topics, event_buses;
    struct labeler rekognition;
    struct topic_backend topic_batches;
    uv_loop_t *loop;
    struct http_client *http;
    struct list requests;                      /* all pending requests (struct aws_request) */
    struct list openings;                      /* queues being opened */
    struct credential_chain *chain;            /* owns the credentials */
    struct aws_identification *identification; /* pending; NULL: none */
    char *region;
    struct endpoints endpoints;
    struct bucket_regions bucket_regions;
    struct stored_crc stored_crc;
    bool unsigned_payload, requester_pays;
    unsigned batches;       /* batches sent, for the ids of their entries */
    int64_t clock_offset_s; /* service clock minus local clock */
    uint64_t last_mark;     /* aws_mark_make's */
    struct request_stats stats;
};

#endif
