#include "service.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "gallery.h"
#include "log.h"
#include "otlp_export.h"

enum { TICK_MS = 100 };

struct wait {
    bool (*done)(void *user);
    void *user;
    bool interruptible;
};

/* ---- waiting ---- */

/* Runs each time before the loop blocks: a timer or a close callback may just have fulfilled the
 * condition, and no other event would wake the loop. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct service *service = prepare->data;
    const struct wait *wait = service->wait;
    if ((wait->interruptible && service->interrupts) || wait->done(wait->user))
        uv_stop(&service->loop); /* this iteration does not block, and is the last */
}

static bool turn(struct service *service, const struct wait *wait)
{
    service->wait = wait;
    uv_prepare_start(&service->prepare, on_prepare);
    uv_run(&service->loop, UV_RUN_DEFAULT);
    uv_prepare_stop(&service->prepare);
    service->wait = NULL;
    return wait->done(wait->user);
}

void service_finish(struct service *service, bool (*done)(void *user), void *user)
{
    turn(service, &(struct wait){done, user, false});
}

bool service_wait(struct service *service, bool (*done)(void *user), void *user)
{
    return turn(service, &(struct wait){done, user, true});
}

bool service_interrupted(const struct service *service)
{
    return service->interrupts > 0;
}

static bool is_set(void *flag)
{
    return *(bool *)flag;
}

static void set(void *flag)
{
    *(bool *)flag = true;
}

void service_interrupt(struct service *service, int number)
{
    if (service->interrupts++ == 0 && !service->at_once) {
        if (!service->quiet)
            command_note("stopping: finishing pending work; %s again stops at once",
                         number == SIGINT ? "Ctrl-C" : "the signal");
        return;
    }
    if (service->at_once)
        command_note("%s", service->at_once);
    else
        log_warn("stopped at once; unfinished messages return to their queues");
    if (service->abandon)
        service->abandon(service->abandon_user);
    fflush(stdout);
    _exit(STATUS_FAILED);
}

static void on_signal(uv_signal_t *handle, int number)
{
    service_interrupt(handle->data, number);
}

static void on_clock(uv_timer_t *clock)
{
    struct service *service = clock->data;
    service->tick(service->tick_user);
}

void service_tick(struct service *service, void (*tick)(void *user), void *user)
{
    service->tick = tick;
    service->tick_user = user;
    if (tick)
        uv_timer_start(&service->clock, on_clock, 0, TICK_MS);
    else
        uv_timer_stop(&service->clock);
}

/* ---- opening ---- */

static int loop_open(struct service *service, struct error *error)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    int result = uv_loop_init(&service->loop);
    if (result)
        return error_set(error, ERR_IO, "cannot start the event loop: %s", uv_strerror(result));
    service->loop.data = service; /* marks it as open */
    uv_timer_init(&service->loop, &service->clock);
    service->clock.data = service;
    uv_prepare_init(&service->loop, &service->prepare);
    service->prepare.data = service;
    for (size_t i = 0; i < 2; i++) {
        uv_signal_init(&service->loop, &service->signals[i]);
        service->signals[i].data = service;
        result = uv_signal_start(&service->signals[i], on_signal, numbers[i]);
        if (result)
            return error_set(error, ERR_IO, "cannot handle signals: %s", uv_strerror(result));
    }
    return 0;
}

static int backend_open(struct service *service, const struct cloud_settings *cloud,
                        struct error *error)
{
    const struct assembly *assembly = service->assembly;
    struct backend_settings settings = service->config->backend;
    if (cloud) {
        settings = (struct backend_settings){
            .region = cloud->region,
            .endpoint = assembly->cloud_endpoint(service->cloud),
            .ignore_environment = true,
            .amqp = service->config->backend.amqp,
        };
        assembly->cloud_credentials(service->cloud, &settings.access_key, &settings.secret_key);
    }
    settings.unsigned_payload = true;
    settings.amqp.max_receives = service->config->provision.max_receives;
    return assembly->backend_open(&service->loop, service->http, &settings, &service->backend,
                                  error);
}

/* With the user's credentials. */
static int aws_open(struct service *service, struct error *error)
{
    return service->assembly->backend_open(&service->loop, service->http, &service->config->backend,
                                           &service->aws, error);
}

static int cloud_open(struct service *service, const struct cloud_settings *cloud,
                      struct http_client_options *http, struct error *error)
{
    const struct assembly *assembly = service->assembly;
    int code = assembly->cloud_start(&service->loop, cloud, &service->cloud, error);
    if (code)
        return code;
    http->ca_file = assembly->cloud_certificate(service->cloud);
    http->any_host = http->ca_file != NULL; /* a user's certificate need not be valid for the
                                             * loopback address */
    return 0;
}

static int traces_open(struct service *service, struct error *error)
{
    if (!service->config->otlp)
        return 0;
    return otlp_export_open(&service->loop, service->http, service->config->otlp,
                            getenv("OTEL_EXPORTER_OTLP_HEADERS"), &service->traces, error);
}

static void notifiers_open(struct service *service)
{
    webhook_notifier_init(&service->webhooks, &service->loop, service->http);
    queue_notifier_init(&service->queue_notifier, service->backend.queues);
    service->notifies = true;
}

static void notifiers_close(struct service *service)
{
    if (!service->notifies)
        return;
    webhook_notifier_close(&service->webhooks);
    queue_notifier_close(&service->queue_notifier);
}

int service_open(struct service *service, const struct service_options *options,
                 struct error *error)
{
    *service = (struct service){
        .assembly = options->assembly, .config = options->config, .pipelines = options->pipelines};
    struct http_client_options http = options->config->http;
    int code = loop_open(service, error);
    if (code)
        return code;
    if (options->reloads && (code = reloader_open(&service->reloader, service, error)))
        return code;
    if (options->cloud && (code = cloud_open(service, options->cloud, &http, error)))
        return code;
    code = http_client_create(&service->loop, &http, &service->http, error);
    if (code)
        return code;
    label_server_init(&service->label_server, service->http);
    code = backend_open(service, options->cloud, error);
    if (code)
        return code;
    code = options->aws_overlays ? aws_open(service, error) : 0;
    if (code)
        return code;
    notifiers_open(service);
    code = traces_open(service, error);
    return code ? code : service_monitor_open(&service->monitor, service, error);
}

/* ---- work ---- */

struct completion { /* the result of an operation that calls back with an error */
    bool done;
    struct error error;
};

static void on_complete(const struct error *error, void *user)
{
    struct completion *completion = user;
    completion->error = *error;
    completion->done = true;
}

struct object_count_request {
    struct completion completion;
    size_t count;
};

static void on_listed(const struct object_entry *entries, size_t count, bool more,
                      const struct error *error, void *user)
{
    struct object_count_request *listing = user;
    (void)entries;
    (void)more;
    listing->count = count;
    on_complete(error, &listing->completion);
}

static bool is_complete(void *user)
{
    return ((struct completion *)user)->done;
}

int service_provision(struct service *service, const struct provision_run *run, struct error *error)
{
    struct completion completion = {0};
    int code =
        service->assembly->backend_provision(&service->backend, run, on_complete, &completion);
    if (code)
        return error_set(error, code, "bucket, topic and queues could not be created (%s)",
                         error_name(code));
    service_finish(service, is_complete,
                   &completion); /* it always completes soon, since requests have timeouts */
    *error = completion.error;
    return error->code;
}

int service_init(struct service *service, const struct init_file *file, struct error *error)
{
    struct completion completion = {0};
    int code = service->assembly->backend_init(&service->backend, file, on_complete, &completion);
    if (code)
        return error_set(error, code, "%s: its resources could not be created (%s)", file->name,
                         error_name(code));
    service_finish(service, is_complete, &completion);
    *error = completion.error;
    return error->code;
}

int service_is_empty(struct service *service, const char *bucket, const char *prefix, bool *empty,
                     struct error *error)
{
    struct object_store *store = service->backend.store;
    struct object_count_request listing = {0};
    struct object_request *request;
    int code = store->ops->list(store, bucket, prefix, NULL, on_listed, &listing, &request);
    if (code)
        return error_set(error, code, "s3://%s/%s could not be listed (%s)", bucket, prefix,
                         error_name(code));
    service_finish(service, is_complete, &listing.completion);
    *empty = listing.count == 0;
    *error = listing.completion.error;
    return error->code;
}

static void on_record_finished(const struct engine_record *record, void *user)
{
    struct service *service = user;
    if (service->gallery)
        gallery_record_finished(service->gallery, record);
}

static void on_step_entered(const struct engine_step *step, void *user)
{
    struct service *service = user;
    if (service->gallery)
        gallery_step_entered(service->gallery, step);
}

/* The settings, and what is not a setting. */
static struct engine_options engine_options_of(struct service *service,
                                               const struct engine_observer *observer)
{
    struct engine_options options = service->config->engine;
    options.queues = service->backend.queues;
    options.store = service->backend.store;
    options.overlay_store = service->aws.store;
    options.notifiers[NOTIFY_TOPIC] = service->backend.topics;
    options.notifiers[NOTIFY_EVENT_BUS] = service->backend.event_buses;
    options.notifiers[NOTIFY_QUEUE] = &service->queue_notifier.notifier;
    options.notifiers[NOTIFY_URL] = &service->webhooks.notifier;
    options.labelers[LABELER_REKOGNITION] = service->backend.rekognition;
    options.labelers[LABELER_SERVER] = &service->label_server.labeler;
    options.pipeline_ops = service->assembly->pipeline_ops;
    options.pipelines = service->pipelines->items;
    options.pipeline_count = service->pipelines->count;
    options.polls_abortable = service->cloud != NULL;
    if (options.linger_ms == 0)
        options.linger_ms = 1; /* 0 would be the engine's default */
    if (options.cache_bytes == 0)
        options.cache_bytes = 1;
    service->observer = observer ? *observer : (struct engine_observer){0};
    options.observer = (struct engine_observer){on_record_finished, on_step_entered, service,
                                                observer ? &service->observer : NULL};
    if (service->traces)
        options.tracer = otlp_export_tracer(service->traces);
    return options;
}

static void engine_end(struct service *service)
{
    bool closed = false;
    struct engine *engine = service->engine;
    service->engine = NULL; /* the monitor must not look at it any more */
    engine_close(engine, set, &closed);
    service_finish(service, is_set, &closed);
}

int service_start(struct service *service, const struct engine_observer *observer,
                  struct error *error)
{
    struct completion completion = {0};
    const struct engine_options options = engine_options_of(service, observer);
    int code = engine_create(&service->loop, &options, &service->engine, error);
    if (code)
        return code;
    engine_start(service->engine, on_complete, &completion);
    if (service->reloader.open && !service->cloud)
        reloader_allow(&service->reloader);
    if (!service_wait(service, is_complete, &completion)) {
        service_drain(service); /* some queues may be open and polled already */
        code = error_set(error, ERR_CANCELLED, "stopped before the queues were opened");
    } else {
        *error = completion.error;
        code = error->code;
    }
    if (code)
        engine_end(service); /* cancelled, since its callback uses this stack frame */
    return code;
}

void service_drain(struct service *service)
{
    bool drained = false;
    engine_drain(service->engine, service->config->grace_ms, set, &drained);
    service_finish(service, is_set, &drained);
}

/* ---- closing ---- */

static void loop_close(struct service *service)
{
    uv_close((uv_handle_t *)&service->clock, NULL);
    uv_close((uv_handle_t *)&service->prepare, NULL);
    for (size_t i = 0; i < 2; i++)
        if (service->signals[i].data)
            uv_close((uv_handle_t *)&service->signals[i], NULL);
    uv_run(&service->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&service->loop))
        log_error("the event loop is still in use at the end");
}

void service_close(struct service *service)
{
    bool monitor_closed = false, traces_closed = !service->traces, http_closed = !service->http,
         cloud_stopped = !service->cloud;
    if (!service->loop.data)
        return;
    if (service->reloader.open) {
        reloader_stop(&service->reloader);
        service_finish(service, reloader_is_idle, &service->reloader);
        reloader_close(&service->reloader);
    }
    service_monitor_close(&service->monitor, set, &monitor_closed);
    service_finish(service, is_set, &monitor_closed);
    if (service->engine)
        engine_end(service);
    if (service->traces)
        otlp_export_close(service->traces, set, &traces_closed);
    service_finish(service, is_set, &traces_closed);
    notifiers_close(service);
    if (service->backend.handle)
        service->assembly->backend_close(&service->backend);
    if (service->aws.handle)
        service->assembly->backend_close(&service->aws);
    if (service->http)
        http_client_close(service->http, set, &http_closed);
    service_finish(service, is_set, &http_closed);
    if (service->cloud)
        service->assembly->cloud_stop(service->cloud, set, &cloud_stopped);
    service_finish(service, is_set, &cloud_stopped);
    loop_close(service);
    service->loop.data = NULL;
}
