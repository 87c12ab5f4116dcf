/* The settings of the embedded cloud. Strings are borrowed until it has started. */
#ifndef THUMBWHEEL_CLOUD_SETTINGS_H
#define THUMBWHEEL_CLOUD_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct image_analyser;

/* How many threads of libuv's pool the embedded cloud uses at once, at most. A disk may keep all of
 * them waiting, so the pool needs others for everything else. */
enum { CLOUD_POOL_THREADS = 4 };

struct cloud_settings {
    const char *host;       /* numeric; NULL: 127.0.0.1 */
    const char *host_names; /* under which clients reach it, beside loopback names and addresses;
                               separated by commas; NULL: none */
    unsigned port;          /* 0: any free port */
    const char *data_dir;   /* created if it does not exist */
    const char *region;     /* NULL: us-east-1 */
    const char *account;    /* twelve digits; NULL: 000000000000 */
    /* of the account; NULL: those in the data directory (own_key.h) */
    const char *access_key, *secret_key;
    const char *keys;            /* a file of access keys, which replace the one above, or "any"
                         (access_keys.h); NULL: none */
    bool no_sigv2;               /* Signature Version 2 of S3 is refused */
    uint64_t scrub_rate;         /* bytes per second of the check of stored objects; 0: none */
    unsigned session_lifetime_s; /* limit of the credentials that STS issues; 0: AWS's */
    const char *tls_certificate, *tls_key; /* PEM files: the port serves TLS; NULL: see tls */
    bool tls;     /* TLS with a certificate generated in data_dir, if there is none yet */
    bool relaxed; /* acknowledge writes before they reach the disk */
    const char *request_log; /* a file that gets one JSON line for each request; NULL: none */
    const char *smtp;        /* URL of the server for SNS's mails; NULL: files in data_dir */
    const char *faults;      /* a file with a fault plan (faults.h); NULL: none */
    /* The gallery's page may use S3 without CORS rules of the buckets: pages that this machine
     * serves at the port (0: none now), and those of these origins, separated by commas (NULL:
     * none). Borrowed while the cloud runs; NULL: no gallery. */
    const unsigned *gallery_port;
    const char *gallery_origins;
    /* For DetectLabels; borrowed while the cloud runs. NULL: the operation is refused. */
    const struct image_analyser *analyser;
};

#endif
