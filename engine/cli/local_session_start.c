/*
 * Starts a session: the service, the init file's resources, the fan-out's queues (which keep what they
 * find), the gallery, the engine.
 */
#include "local_session_parts.h"

#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "gallery.h"
#include "local_names.h"
#include "local_plan.h"
#include "loopback.h"
#include "service_gallery.h"

#define GALLERY_ADDRESS "127.0.0.1:4567"

enum { ANALYSES_BESIDE_ENGINE = 2 }; /* the pool has enough threads for them and for files */

/* ---- the cloud ---- */

/* Its pipeline is released after the cloud has stopped. */
static int analyser_make(struct session *session, struct error *error)
{
    const struct config *config = session->config;
    const unsigned workers = config->engine.workers;
    bool beside = !config->cloud_only && workers > ANALYSES_BESIDE_ENGINE;
    session->analyser = (struct image_analyser){
        .ops = session->assembly->pipeline_ops,
        .limits = config->engine.limits,
        .at_once = beside ? ANALYSES_BESIDE_ENGINE : workers,
    };
    return session->assembly->labels_pipeline_make(&session->analyser.pipeline, error);
}

/* The settings, and what is not a setting. */
static struct cloud_settings cloud_settings_of(const struct session *session)
{
    const struct config *config = session->config;
    struct cloud_settings cloud = config->cloud;
    cloud.data_dir = session->data;
    cloud.region = local_region(config);
    cloud.account = LOCAL_ACCOUNT;
    cloud.analyser = &session->analyser;
    cloud.gallery_port = &session->gallery_port;
    cloud.gallery_origins = config->gallery.origins;
    if (strcmp(cloud.host, "localhost") == 0)
        cloud.host = "127.0.0.1";
    if (session->once && !config_given(config, "port"))
        cloud.port = 0;
    if (session->data_temporary && !config_given(config, "durability"))
        cloud.relaxed = true; /* the directory is removed in any case */
    return cloud;
}

static void warn_of_host(const char *host)
{
    if (!host_is_loopback(slice_of(host)))
        command_note("--host %s: other machines on the network can reach the embedded cloud", host);
}

static void warn_of_keys(const char *path)
{
    struct stat status;
    if (path && strcmp(path, "any") != 0 && !stat(path, &status) &&
        (status.st_mode & (S_IRWXG | S_IRWXO)))
        command_note("--keys %s: other users of this machine can read or change the keys in it; "
                     "restrict access with chmod 600",
                     path);
}

static int provision(struct session *session, struct error *error)
{
    struct local_plan plan;
    int code = local_plan_make(&plan, &session->pipelines, session->config,
                               !session->data_temporary, error);
    if (!code)
        code = service_provision(&session->service, &plan.run, error);
    local_plan_clear(&plan);
    return code;
}

/* In buckets. */
static bool has_overlays(const struct session *session)
{
    for (size_t i = 0; i < session->pipelines.count; i++) {
        if (session->assembly->pipeline_ops->facts(session->pipelines.items[i])->overlay_count)
            return true;
    }
    return false;
}

static int cloud_open(struct session *session, struct error *error)
{
    const struct cloud_settings cloud = cloud_settings_of(session);
    const struct service_options options = {.assembly = session->assembly,
                                            .config = session->config,
                                            .pipelines = &session->pipelines,
                                            .cloud = &cloud,
                                            .aws_overlays = session->files && has_overlays(session),
                                            .reloads = !session->once};
    warn_of_host(session->config->cloud.host);
    warn_of_keys(cloud.keys);
    int code = analyser_make(session, error);
    if (code)
        return code;
    code = service_open(&session->service, &options, error);
    session->service.abandon = session_discard;
    session->service.abandon_user = session;
    if (code)
        return code;
    code = local_init_apply(&session->service, &session->init, error);
    return code ? code : provision(session, error);
}

/* ---- the engine and the gallery ---- */

/* With --once the samples are always processed. Otherwise they are processed only if no photo has
 * been uploaded yet, since a returning user has seen them; then one of them only appears in the
 * commands to try. */
static int sample_photos(struct session *session, struct error *error)
{
    const struct text_list *paths = &session->samples.paths;
    bool feed = session->once;
    int code = local_samples_make(&session->samples, &session->service, error);
    if (!code && !feed)
        code = service_is_empty(&session->service, LOCAL_BUCKET, LOCAL_PREFIX, &feed, error);
    for (size_t i = 0; feed && i < paths->count && !code; i++)
        code = photos_add(&session->photos, paths->items[i], error);
    return code;
}

static int engine_open(struct session *session, struct error *error)
{
    const struct engine_observer observer = {.record_finished = photo_batch_observe,
                                             .user = &session->batch};
    int code = session->photos.count ? 0 : sample_photos(session, error);
    if (code)
        return code;
    code = photo_batch_init(&session->batch, &session->service, &session->photos, error);
    if (code)
        return code;
    session->batch.verbose |= session->samples.paths.count > 0; /* the report of samples is
                                                                 * verbose */
    return service_start(&session->service, &observer, error);
}

/* Unless --once, or --gallery off. */
static int gallery_start(struct session *session, struct error *error)
{
    const char *given = session->config->gallery.beside;
    if (session->once || (given && strcmp(given, "off") == 0))
        return 0;
    session->gallery_data = path_join(session->data, "gallery");
    const struct service_gallery_plan plan = {
        .flag = "--gallery",
        .address = given ? given : GALLERY_ADDRESS,
        .next_port = !given,
        .data_dir = session->gallery_data,
        .default_bucket = LOCAL_BUCKET,
        .creates_buckets = true,
    };
    const int code = service_gallery_open(&session->service, &plan, &session->gallery, error);
    if (!code)
        session->gallery_port = gallery_port(session->service.gallery);
    return code;
}

int session_start(struct session *session, struct error *error)
{
    int code = cloud_open(session, error);
    if (code)
        return code;
    code = gallery_start(session, error);
    return code || session->config->cloud_only ? code : engine_open(session, error);
}
