/*
 * Start, in stages: storage, log, queues, topics, event rules, buckets, detector, server, lifecycle; see
 * start_stages. local_cloud_stop.c closes them, also after a start that failed.
 */
#include "local_cloud.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access_keys.h"
#include "buckets.h"
#include "cloud.h"
#include "descriptors.h"
#include "detector.h"
#include "events_state.h"
#include "faults.h"
#include "lifecycle.h"
#include "local_cloud_state.h"
#include "loopback.h"
#include "own_key.h"
#include "queues.h"
#include "request_log.h"
#include "restore_expiry.h"
#include "router.h"
#include "scrub.h"
#include "services.h"
#include "signature_check.h"
#include "sns_expiry.h"
#include "sns_outbox.h"
#include "tls.h"
#include "tls_certificate.h"
#include "topics.h"

enum { CONNECTIONS_MIN = 4, CONNECTIONS_MAX = 8192 };

_Static_assert((int)CLOUD_POOL_THREADS == (int)STORAGE_ASIDES_MAX,
               "the program sizes the pool by what the storage may use of it");

static int text_option(char **out, const char *given, const char *fallback)
{
    *out = strdup(given ? given : fallback);
    return *out ? 0 : ERR_MEMORY;
}

static int options_copy(struct local_cloud *lc, const struct cloud_settings *o, struct error *error)
{
    if (text_option(&lc->region, o->region, "us-east-1") ||
        text_option(&lc->account, o->account, "000000000000"))
        return error_set(error, ERR_MEMORY, "out of memory");
    if (strlen(lc->account) != 12 || strspn(lc->account, "0123456789") != 12)
        return error_set(error, ERR_INVALID, "the account must be twelve digits, not \"%s\"",
                         lc->account);
    if (o->host_names && !(lc->host_names = strdup(o->host_names)))
        return error_set(error, ERR_MEMORY, "out of memory");
    lc->cloud.host_names = lc->host_names;
    lc->cloud.gallery_port = o->gallery_port;
    lc->cloud.gallery_origins = o->gallery_origins;
    lc->cloud.region = lc->region;
    lc->cloud.account = lc->account;
    lc->cloud.session_lifetime_s = o->session_lifetime_s;
    return 0;
}

/* After the data directory was made and locked. */
static int keys_start(struct local_cloud *lc, const struct cloud_settings *o, struct error *error)
{
    struct own_key own = {.access_key = ""};
    struct access_key key = {.access_key = o->access_key, .secret_key = o->secret_key};
    int code = 0;
    if (!o->secret_key && (!o->keys || strcmp(o->keys, ACCESS_KEYS_ANY) == 0)) {
        code = own_key_open(o->data_dir, &own, error);
        key = (struct access_key){.access_key = own.access_key, .secret_key = own.secret_key};
    }
    if (!code)
        code = access_keys_open(o->keys, lc->account, &key, &lc->keys, error);
    if (!code && o->no_sigv2)
        access_keys_refuse_version2(lc->keys);
    lc->cloud.access_keys = code ? NULL : access_keys_all(lc->keys);
    own_key_clear(&own);
    return code;
}

static int keys_check(struct local_cloud *lc, const struct cloud_settings *o, struct error *error)
{
    const char *host = o->host ? o->host : "127.0.0.1";
    (void)lc;
    bool any = o->keys && strcmp(o->keys, ACCESS_KEYS_ANY) == 0;
    if (!any || host_is_loopback(slice_of(host)))
        return 0;
    return error_set(error, ERR_INVALID,
                     "--keys any accepts everybody, so it is for loopback only, and not for "
                     "--host %s: name a file of access keys",
                     host);
}

static int faults_start(struct local_cloud *lc, const struct cloud_settings *o, struct error *error)
{
    struct cloud *cloud = &lc->cloud;
    return o->faults ? faults_open(o->faults, cloud->services, &cloud->faults, error) : 0;
}

static int storage_start(struct local_cloud *lc, const struct cloud_settings *o,
                         struct error *error)
{
    static const char *const schemas[] = {queues_schema, topics_schema, sns_outbox_schema,
                                          events_schema, buckets_schema};
    return storage_open(lc->cloud.loop, o->data_dir, o->relaxed ? STORAGE_RELAXED : STORAGE_FULL,
                        schemas, sizeof schemas / sizeof schemas[0], &lc->cloud.storage, error);
}

static int request_log_start(struct local_cloud *lc, const struct cloud_settings *o,
                             struct error *error)
{
    struct cloud *cloud = &lc->cloud;
    if (!o->request_log)
        return 0;
    return request_log_open(cloud->storage, o->request_log, &cloud->request_log, error);
}

static int queues_start(struct local_cloud *lc, const struct cloud_settings *o, struct error *error)
{
    (void)o;
    return queues_open(&lc->cloud, &lc->cloud.queues, error);
}

static int topics_start(struct local_cloud *lc, const struct cloud_settings *o, struct error *error)
{
    (void)o;
    return topics_open(&lc->cloud, &lc->cloud.topics, error);
}

static int signer_start(struct local_cloud *lc, const struct cloud_settings *o, struct error *error)
{
    struct cloud *cloud = &lc->cloud;
    (void)o;
    if (sns_signer_open(cloud->loop, storage_directory(cloud->storage), &cloud->signer))
        return error_set(error, ERR_MEMORY, "out of memory");
    return 0;
}

static int outbox_start(struct local_cloud *lc, const struct cloud_settings *o, struct error *error)
{
    return sns_outbox_open(&lc->cloud, o->smtp, &lc->cloud.outbox, error);
}

static int expiry_start(struct local_cloud *lc, const struct cloud_settings *o, struct error *error)
{
    (void)o;
    return sns_expiry_open(&lc->cloud, &lc->cloud.expiry, error);
}

static int events_start(struct local_cloud *lc, const struct cloud_settings *o, struct error *error)
{
    (void)o;
    return events_open(&lc->cloud, &lc->cloud.events, error);
}

static int buckets_start(struct local_cloud *lc, const struct cloud_settings *o,
                         struct error *error)
{
    (void)o;
    return buckets_open(&lc->cloud, &lc->cloud.buckets, error);
}

static int loading_end(struct local_cloud *lc, const struct cloud_settings *o, struct error *error)
{
    (void)o;
    (void)error;
    storage_loaded(lc->cloud.storage);
    return 0;
}

static int detector_start(struct local_cloud *lc, const struct cloud_settings *o,
                          struct error *error)
{
    if (!o->analyser)
        return 0;
    lc->cloud.detector = detector_open(&lc->cloud, o->analyser);
    return lc->cloud.detector ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

static int lifecycle_start(struct local_cloud *lc, const struct cloud_settings *o,
                           struct error *error)
{
    (void)o;
    lc->cloud.lifecycle = lifecycle_worker_start(&lc->cloud);
    return lc->cloud.lifecycle ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

static int restores_start(struct local_cloud *lc, const struct cloud_settings *o,
                          struct error *error)
{
    (void)o;
    lc->cloud.restores = restore_expiry_start(&lc->cloud);
    return lc->cloud.restores ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

static int scrub_begin(struct local_cloud *lc, const struct cloud_settings *o, struct error *error)
{
    if (!o->scrub_rate)
        return 0;
    lc->cloud.scrub = scrub_start(&lc->cloud, o->scrub_rate);
    return lc->cloud.scrub ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

/* Each connection may need a file in addition to its socket, and storage, the engine and its
 * decoders need some too; with this limit every accepted connection can be served. */
static unsigned connections_max(void)
{
    unsigned all = descriptors_limit(), reserve = all / 4 + HTTP_UNWELCOME_MAX;
    unsigned most = all > reserve ? (all - reserve) / 2 : 0;
    if (most < CONNECTIONS_MIN)
        return CONNECTIONS_MIN;
    return most < CONNECTIONS_MAX ? most : CONNECTIONS_MAX;
}

static int own_identity(struct local_cloud *lc, const char *directory, struct error *error)
{
    char *key = NULL;
    int code = tls_certificate_ensure(directory, error);
    if (code)
        return code;
    if (asprintf(&lc->certificate, "%s/" TLS_CERTIFICATE_FILE, directory) < 0)
        lc->certificate = NULL;
    if (asprintf(&key, "%s/" TLS_KEY_FILE, directory) < 0)
        key = NULL;
    code = lc->certificate && key ? tls_identity_open(lc->certificate, key, &lc->tls, error)
                                  : error_set(error, ERR_MEMORY, "out of memory");
    free(key);
    return code;
}

static int tls_open(struct local_cloud *lc, const struct cloud_settings *o, struct error *error)
{
    if (!o->tls_certificate && !o->tls_key)
        return o->tls ? own_identity(lc, o->data_dir, error) : 0;
    if (!o->tls_certificate || !o->tls_key)
        return error_set(error, ERR_INVALID, "a TLS certificate and its key must be set together");
    lc->certificate = strdup(o->tls_certificate);
    if (!lc->certificate)
        return error_set(error, ERR_MEMORY, "out of memory");
    return tls_identity_open(o->tls_certificate, o->tls_key, &lc->tls, error);
}

static int server_open(struct local_cloud *lc, const struct cloud_settings *o, struct error *error)
{
    struct cloud *cloud = &lc->cloud;
    struct http_server_options options = {
        .host = o->host ? o->host : "127.0.0.1",
        .port = o->port,
        .connections = connections_max(),
        .tls = lc->tls,
        .on_request = router_handle,
        .user = cloud,
    };
    int code = http_server_start(cloud->loop, &options, &cloud->server, error);
    if (code)
        return code;
    bool six = strchr(options.host, ':') != NULL;
    snprintf(cloud->endpoint, sizeof cloud->endpoint, "%s://%s%s%s:%u", lc->tls ? "https" : "http",
             six ? "[" : "", options.host, six ? "]" : "", http_server_port(cloud->server));
    return 0;
}

static void mark(void *flag)
{
    *(bool *)flag = true;
}

/* One stage, which opens one part. */
typedef int start_stage(struct local_cloud *lc, const struct cloud_settings *o,
                        struct error *error);

static start_stage *const start_stages[] = {
    options_copy,      keys_check,   faults_start,    storage_start,  keys_start,
    request_log_start, queues_start, topics_start,    signer_start,   outbox_start,
    expiry_start,      events_start, buckets_start,   loading_end,    detector_start,
    tls_open,          server_open,  lifecycle_start, restores_start, scrub_begin,
};

enum { START_STAGES = sizeof start_stages / sizeof start_stages[0] };

/* Cleans up after a failed start. Closing needs the loop, which does not run yet. */
static void start_undo(struct local_cloud *lc)
{
    uv_loop_t *loop = lc->cloud.loop;
    bool stopped = false;
    local_cloud_stop(lc, mark, &stopped);
    while (!stopped)
        uv_run(loop, UV_RUN_ONCE);
}

int local_cloud_start(uv_loop_t *loop, const struct cloud_settings *options,
                      struct local_cloud **out, struct error *error)
{
    struct local_cloud *lc = calloc(1, sizeof *lc);
    if (!lc)
        return error_set(error, ERR_MEMORY, "out of memory");
    lc->cloud.loop = loop;
    lc->cloud.services = cloud_services;
    for (size_t i = 0; i < START_STAGES; i++) {
        int code = start_stages[i](lc, options, error);
        if (code) {
            start_undo(lc);
            return code;
        }
    }
    *out = lc;
    return 0;
}

const char *local_cloud_endpoint(const struct local_cloud *lc)
{
    return lc->cloud.endpoint;
}

void local_cloud_credentials(const struct local_cloud *lc, const char **access_key,
                             const char **secret_key)
{
    *access_key = lc->cloud.access_keys->items[0].access_key;
    *secret_key = lc->cloud.access_keys->items[0].secret_key;
}

const char *local_cloud_certificate(const struct local_cloud *lc)
{
    return lc->certificate;
}
