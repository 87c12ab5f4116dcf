/*
 * The order: session_prepare finds errors of the command line before anything starts, session_start
 * starts everything. With `once` the engine drains before the results are fetched; otherwise it goes on
 * serving. With --cloud-only there is no engine, and there are no photos.
 */
#include "local_session.h"

#include <stdlib.h>

#include "local_greeting.h"
#include "local_names.h"
#include "local_session_parts.h"
#include "service_gallery.h"

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
    int code = session_start(session, &error);
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

int local_session(const struct assembly *assembly, const struct config *config,
                  enum session_kind kind)
{
    struct session session = {.assembly = assembly,
                              .config = config,
                              .once = kind != SESSION_SERVES,
                              .files = kind == SESSION_FILES};
    int exit_status = session_prepare(&session);
    if (!exit_status)
        exit_status = run(&session);
    session_discard(&session);
    free(session.gallery_data);
    free(session.data);
    photos_clear(&session.photos);
    init_file_clear(&session.init);
    pipeline_set_clear(&session.pipelines);
    return exit_status;
}
