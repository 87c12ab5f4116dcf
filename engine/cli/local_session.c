/*
 * The order: pipelines, init file, photos and data directory (so that errors of the command line are
 * found before anything starts), then the service, the init file's resources, the fan-out's queues
 * (which keep what they find), the engine, the photos. With
 * `once` the engine drains before the results are fetched; otherwise it goes on serving. With
 * --cloud-only there is no engine, and there are no photos.
 */
#include "local_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "gallery.h"
#include "image_analyser.h"
#include "local_greeting.h"
#include "local_init.h"
#include "local_names.h"
#include "local_plan.h"
#include "local_samples.h"
#include "loopback.h"
#include "photo_batch.h"
#include "photos.h"
#include "service.h"
#include "service_gallery.h"
#include "standard_directories.h"

#define GALLERY_ADDRESS "127.0.0.1:4567"

enum {
    SKIPPED_SHOWN = 3,
    ANALYSES_BESIDE_ENGINE = 2, /* the pool has enough threads for them and for files */
};

struct session {
    const struct assembly *assembly;
    const struct config *config;
    bool once, files;
    struct pipeline_set pipelines;
    struct photos photos;
    char *data;
    bool data_temporary;
    struct init_file init;
    struct local_samples samples; /* used if there are no photos */
    struct service service;
    char *gallery_data;    /* directory */
    unsigned gallery_port; /* 0: none yet */
    struct service_gallery *gallery;
    struct photo_batch batch;
    struct image_analyser analyser; /* the cloud's */
};

/* ---- photos ---- */

static void note_skipped(const struct text_list *skipped)
{
    if (skipped->count == 0)
        return;
    struct buffer names;
    buffer_init(&names, 4096);
    for (size_t i = 0; i < skipped->count && i < SKIPPED_SHOWN; i++)
        buffer_format(&names, "%s%s", i ? ", " : "", skipped->items[i]);
    command_note("skipped %zu file%s without an image extension: %s%s", skipped->count,
                 skipped->count == 1 ? "" : "s", names.data ? names.data : "",
                 skipped->count > SKIPPED_SHOWN ? ", …" : "");
    buffer_free(&names);
}

static int named_photos(struct session *session)
{
    const struct text_list *paths = &session->config->paths;
    struct error error = {0};
    for (size_t i = 0; i < paths->count; i++) {
        if (photos_add(&session->photos, paths->items[i], &error)) {
            command_error("%s", error.text);
            return STATUS_USAGE;
        }
    }
    note_skipped(&session->photos.skipped);
    if (paths->count && session->photos.count == 0) {
        command_error("no photos in %s", paths->items[0]);
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

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

/* ---- the data directory ---- */

static int data_create(struct session *session, struct error *error)
{
    const struct config *config = session->config;
    if (!config->cloud.data_dir && session->once) {
        int code = temporary_directory_create(&session->data, error);
        if (code)
            return code;
        session->data_temporary = true;
    } else {
        session->data =
            config->cloud.data_dir ? strdup(config->cloud.data_dir) : standard_data_directory();
    }
    if (!session->data)
        return error_set(error, ERR_MEMORY, "out of memory");
    return directory_make(session->data, 0700, error);
}

static int data_choose(struct session *session)
{
    struct error error = {0};
    if (!data_create(session, &error))
        return STATUS_OK;
    bool advise = session->config->cloud.data_dir || !session->once;
    command_error("%s%s", error.text, advise ? "; set it with --data" : "");
    return STATUS_FAILED;
}

/* Checked now rather than after an hour of work. */
static int out_check(const struct config *config)
{
    struct error error = {0};
    if (directory_make(config->out, 0777, &error)) {
        command_error("%s; set it with --out", error.text);
        return STATUS_FAILED;
    }
    if (access(config->out, W_OK)) {
        command_error("cannot write to %s: %s; choose another directory with --out", config->out,
                      strerror(errno));
        return STATUS_FAILED;
    }
    return STATUS_OK;
}

static void discard(void *user)
{
    struct session *session = user;
    struct error error = {0};
    if (session->data_temporary && directory_remove(session->data, &error))
        command_note("%s", error.text);
    session->data_temporary = false;
    local_samples_discard(&session->samples);
}

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

/* ---- the run ---- */

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
    session->service.abandon = discard;
    session->service.abandon_user = session;
    if (code)
        return code;
    code = local_init_apply(&session->service, &session->init, error);
    return code ? code : provision(session, error);
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

static int start(struct session *session, struct error *error)
{
    int code = cloud_open(session, error);
    if (code)
        return code;
    code = gallery_start(session, error);
    return code || session->config->cloud_only ? code : engine_open(session, error);
}

static bool never(void *user)
{
    (void)user;
    return false;
}

static int results(struct session *session, struct error *error, bool *succeeded)
{
    *succeeded = true;
    if (session->photos.count == 0)
        return 0;
    int code = photo_batch_download(&session->batch, error);
    *succeeded = photo_batch_report(&session->batch) && !code;
    return code;
}

static int run_once(struct session *session, struct error *error, bool *succeeded)
{
    int code = photo_batch_run(&session->batch, error);
    service_drain(&session->service);
    int collect_code = results(session, error, succeeded);
    if (service_interrupted(&session->service))
        *succeeded = false;
    return code ? code : collect_code;
}

static const char *example_photo(const struct session *session)
{
    const struct text_list *samples = &session->samples.paths;
    if (session->photos.count)
        return session->photos.items[0].path;
    return samples->count ? samples->items[0] : NULL;
}

static const char *gallery_address(const struct session *session)
{
    if (!session->gallery)
        return NULL;
    const char *link = service_gallery_link(session->gallery);
    return link ? link : service_gallery_address(session->gallery);
}

static struct greeting greeting_of(const struct session *session)
{
    struct greeting greeting = {
        .gallery = gallery_address(session),
        .endpoint = session->assembly->cloud_endpoint(session->service.cloud),
        .data = session->data,
        .photo = example_photo(session),
        .region = local_region(session->config),
        .keys = session->config->cloud.keys,
        .certificate = session->assembly->cloud_certificate(session->service.cloud),
    };
    session->assembly->cloud_credentials(session->service.cloud, &greeting.access_key,
                                         &greeting.secret_key);
    return greeting;
}

static void serve(struct session *session)
{
    reloader_allow(&session->service.reloader);
    service_wait(&session->service, never, NULL);
}

static int serve_alone(struct session *session)
{
    const struct greeting greeting = greeting_of(session);
    greeting_print_start(&greeting, stdout);
    greeting_print_serving(stdout);
    serve(session);
    return 0;
}

static int process_and_serve(struct session *session, const struct greeting *greeting,
                             struct error *error)
{
    bool succeeded; /* not needed: failures are reported when they occur */
    int code = 0;
    if (session->photos.count) {
        putchar('\n');
        fflush(stdout);
        code = photo_batch_run(&session->batch, error);
    }
    if (code)
        return code;
    code = results(session, error, &succeeded);
    if (code)
        return code;
    if (!service_interrupted(&session->service))
        greeting_print_try(greeting, stdout);
    serve(session);
    return 0;
}

static int run_and_serve(struct session *session, struct error *error)
{
    const struct greeting greeting = greeting_of(session);
    greeting_print_start(&greeting, stdout);
    int code = process_and_serve(session, &greeting, error);
    service_gallery_drain(session->gallery, session->config->grace_ms);
    service_drain(&session->service);
    return code;
}

static int run_started(struct session *session, struct error *error, bool *succeeded)
{
    *succeeded = true; /* it serves until it is stopped */
    if (session->config->cloud_only)
        return serve_alone(session);
    return session->once ? run_once(session, error, succeeded) : run_and_serve(session, error);
}

static int run(struct session *session)
{
    struct error error = {0};
    bool succeeded = false;
    int code = start(session, &error);
    if (!code)
        code = run_started(session, &error, &succeeded);
    photo_batch_clear(&session->batch);
    service_gallery_close(session->gallery);
    service_close(&session->service);
    if (session->analyser.pipeline)
        session->assembly->pipeline_ops->release(session->analyser.pipeline);
    if (code)
        command_error("%s", error.text);
    return code ? (int)command_status(code) : succeeded ? STATUS_OK : STATUS_FAILED;
}

static int fail_overlay(const struct pipeline_facts *facts, const char *key)
{
    command_error("%s: the overlay \"%s\" is a key in the photo's bucket, but photos of process "
                  "are files: use "
                  "s3://BUCKET/KEY",
                  facts->file, key);
    return STATUS_USAGE;
}

/* A file has no bucket. */
static int overlays_check(const struct session *session)
{
    for (size_t i = 0; session->files && i < session->pipelines.count; i++) {
        const struct pipeline_facts *facts =
            session->assembly->pipeline_ops->facts(session->pipelines.items[i]);
        for (size_t k = 0; k < facts->overlay_count; k++) {
            if (!facts->overlays[k].bucket)
                return fail_overlay(facts, facts->overlays[k].key);
        }
    }
    return STATUS_OK;
}

/* Finds errors of the command line before anything starts. */
static int prepare(struct session *session)
{
    const struct config *config = session->config;
    int exit_status = command_load_pipelines(session->assembly, config, &session->pipelines);
    if (exit_status)
        return exit_status;
    exit_status = overlays_check(session);
    if (exit_status)
        return exit_status;
    exit_status = local_init_load(config, &session->init);
    if (exit_status)
        return exit_status;
    exit_status = named_photos(session);
    if (exit_status)
        return exit_status;
    exit_status = data_choose(session);
    if (exit_status)
        return exit_status;
    return config->cloud_only ? STATUS_OK : out_check(config);
}

int local_session(const struct assembly *assembly, const struct config *config,
                  enum session_kind kind)
{
    struct session session = {.assembly = assembly,
                              .config = config,
                              .once = kind != SESSION_SERVES,
                              .files = kind == SESSION_FILES};
    int exit_status = prepare(&session);
    if (!exit_status)
        exit_status = run(&session);
    discard(&session);
    free(session.gallery_data);
    free(session.data);
    photos_clear(&session.photos);
    init_file_clear(&session.init);
    pipeline_set_clear(&session.pipelines);
    return exit_status;
}
