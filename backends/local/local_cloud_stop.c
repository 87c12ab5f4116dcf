/*
 * Stop, in stages. Parts are closed in the reverse order of opening; storage is closed before the states
 * that its tasks refer to are freed: server (ends the calls), detector, timers, storage (runs what was
 * submitted), states; see stop_stages.
 */
#include "local_cloud.h"

#include <stdlib.h>

#include "access_keys.h"
#include "buckets.h"
#include "detector.h"
#include "events_state.h"
#include "faults.h"
#include "lifecycle.h"
#include "local_cloud_state.h"
#include "queues.h"
#include "request_log.h"
#include "restore_expiry.h"
#include "scrub.h"
#include "sns_expiry.h"
#include "sns_outbox.h"
#include "tls.h"
#include "topics.h"

static void cloud_free(struct local_cloud *lc)
{
    free(lc->region);
    free(lc->account);
    free(lc->host_names);
    access_keys_close(lc->keys);
    tls_identity_close(lc->tls);
    free(lc->certificate);
    free(lc);
}

/* One stage. ENDED: the next one starts at once; PENDING: stop_continue() is called later. */
enum stop_result { STOP_ENDED, STOP_PENDING };
typedef enum stop_result stop_stage(struct local_cloud *lc);

static void stop_continue(void *user);

static enum stop_result stop_server(struct local_cloud *lc)
{
    if (!lc->cloud.server)
        return STOP_ENDED;
    http_server_close(lc->cloud.server, stop_continue, lc);
    return STOP_PENDING;
}

static enum stop_result stop_detector(struct local_cloud *lc)
{
    if (!lc->cloud.detector)
        return STOP_ENDED;
    detector_close(lc->cloud.detector, stop_continue, lc);
    return STOP_PENDING;
}

/* After this and the next stage, no timer submits tasks to storage. */
static enum stop_result stop_timers(struct local_cloud *lc)
{
    struct cloud *cloud = &lc->cloud;
    if (cloud->queues)
        queues_stop(cloud->queues);
    if (cloud->lifecycle)
        lifecycle_worker_stop(cloud->lifecycle);
    if (cloud->restores)
        restore_expiry_stop(cloud->restores);
    if (cloud->scrub)
        scrub_stop(cloud->scrub);
    if (cloud->expiry)
        sns_expiry_stop(cloud->expiry);
    if (cloud->request_log)
        request_log_stop(cloud->request_log);
    return STOP_ENDED;
}

static enum stop_result stop_outbox(struct local_cloud *lc)
{
    if (!lc->cloud.outbox)
        return STOP_ENDED;
    sns_outbox_stop(lc->cloud.outbox, stop_continue, lc);
    return STOP_PENDING;
}

/* Runs the submitted tasks, which refer to the states that the later stages free. */
static enum stop_result stop_storage(struct local_cloud *lc)
{
    if (!lc->cloud.storage)
        return STOP_ENDED;
    storage_close(lc->cloud.storage, stop_continue, lc);
    return STOP_PENDING;
}

static enum stop_result close_lifecycle(struct local_cloud *lc)
{
    if (!lc->cloud.lifecycle)
        return STOP_ENDED;
    lifecycle_worker_close(lc->cloud.lifecycle, stop_continue, lc);
    return STOP_PENDING;
}

static enum stop_result close_restores(struct local_cloud *lc)
{
    if (!lc->cloud.restores)
        return STOP_ENDED;
    restore_expiry_close(lc->cloud.restores, stop_continue, lc);
    return STOP_PENDING;
}

static enum stop_result close_scrub(struct local_cloud *lc)
{
    if (!lc->cloud.scrub)
        return STOP_ENDED;
    scrub_close(lc->cloud.scrub, stop_continue, lc);
    return STOP_PENDING;
}

/* The states that have no libuv handles. */
static enum stop_result close_states(struct local_cloud *lc)
{
    struct cloud *cloud = &lc->cloud;
    if (cloud->buckets)
        buckets_close(cloud->buckets);
    if (cloud->events)
        events_close(cloud->events);
    if (cloud->topics)
        topics_close(cloud->topics);
    faults_close(cloud->faults);
    if (cloud->request_log)
        request_log_close(cloud->request_log);
    return STOP_ENDED;
}

static enum stop_result close_outbox(struct local_cloud *lc)
{
    if (!lc->cloud.outbox)
        return STOP_ENDED;
    sns_outbox_close(lc->cloud.outbox, stop_continue, lc);
    return STOP_PENDING;
}

static enum stop_result close_expiry(struct local_cloud *lc)
{
    if (!lc->cloud.expiry)
        return STOP_ENDED;
    sns_expiry_close(lc->cloud.expiry, stop_continue, lc);
    return STOP_PENDING;
}

static enum stop_result close_signer(struct local_cloud *lc)
{
    if (!lc->cloud.signer)
        return STOP_ENDED;
    sns_signer_close(lc->cloud.signer, stop_continue, lc);
    return STOP_PENDING;
}

static enum stop_result close_queues(struct local_cloud *lc)
{
    if (!lc->cloud.queues)
        return STOP_ENDED;
    queues_close(lc->cloud.queues, stop_continue, lc);
    return STOP_PENDING;
}

static stop_stage *const stop_stages[] = {
    stop_server,     stop_detector,  stop_timers,  stop_outbox,  stop_storage,
    close_lifecycle, close_restores, close_scrub,  close_states, close_outbox,
    close_expiry,    close_signer,   close_queues,
};

enum { STOP_STAGES = sizeof stop_stages / sizeof stop_stages[0] };

static void stop_finish(struct local_cloud *lc)
{
    void (*stopped)(void *user) = lc->stopped;
    void *user = lc->user;
    cloud_free(lc);
    if (stopped)
        stopped(user);
}

/* Runs the stages up to a pending one. That stage may already have called this again, so lc may be
 * freed afterwards. */
static void stop_continue(void *user)
{
    struct local_cloud *lc = user;
    while (lc->stage < STOP_STAGES) {
        if (stop_stages[lc->stage++](lc) == STOP_PENDING)
            return;
    }
    stop_finish(lc);
}

void local_cloud_stop(struct local_cloud *lc, void (*stopped)(void *user), void *user)
{
    lc->stopped = stopped;
    lc->user = user;
    stop_continue(lc);
}
