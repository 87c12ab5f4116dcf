/* The only file that includes all modules: it connects them for the commands. */
#include <stdlib.h>
#include <string.h>

#include "amqp_address.h"
#include "aws.h"
#include "aws_identity.h"
#include "aws_init.h"
#include "broker_plan.h"
#include "broker_provision.h"
#include "command.h"
#include "decoder_child.h"
#include "isolation.h"
#include "labels_pipeline.h"
#include "local_cloud.h"
#include "pipelines.h"
#include "provision.h"
#include "queue_router.h"
#include "rabbitmq.h"
#include "samples.h"
#include "sqs_queue.h"
#include "vips_start.h"

struct backends { /* the handle of a struct backend */
    struct aws *aws;
    struct rabbitmq *rabbitmq;
    struct queue_router *router;
};

static struct aws *aws_of(const struct backend *backend)
{
    return ((const struct backends *)backend->handle)->aws;
}

static int queue_check(const char *name, struct error *error)
{
    return amqp_address_is(name) ? rabbitmq_queue_check(name, error) : aws_queue_check(name, error);
}

static enum queue_relation queue_compare(const char *name, const char *other)
{
    if (amqp_address_is(name) != amqp_address_is(other))
        return QUEUES_DIFFER;
    return amqp_address_is(name) ? amqp_address_compare(name, other)
                                 : aws_queue_compare(name, other);
}

static void backends_free(struct backends *backends)
{
    queue_router_destroy(backends->router);
    rabbitmq_destroy(backends->rabbitmq);
    aws_destroy(backends->aws);
    free(backends);
}

static int queues_open(struct backends *backends, uv_loop_t *loop,
                       const struct backend_settings *settings, struct error *error)
{
    backends->rabbitmq = rabbitmq_create(loop, &settings->amqp);
    if (!backends->rabbitmq)
        return error_set(error, ERR_MEMORY, "out of memory");
    const struct queue_route routes[] = {{rabbitmq_queues(backends->rabbitmq), amqp_address_is},
                                         {aws_queue_backend(backends->aws), NULL}};
    backends->router = queue_router_create(routes, sizeof routes / sizeof *routes, queue_compare);
    return backends->router ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

static int backend_open(uv_loop_t *loop, struct http_client *http,
                        const struct backend_settings *settings, struct backend *out,
                        struct error *error)
{
    struct backends *backends = calloc(1, sizeof *backends);
    if (!backends)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = aws_create(loop, http, settings, &backends->aws, error);
    if (code)
        goto failed;
    code = queues_open(backends, loop, settings, error);
    if (code)
        goto failed;
    *out = (struct backend){.queues = queue_router_backend(backends->router),
                            .store = aws_object_store(backends->aws),
                            .topics = aws_topic_notifier(backends->aws),
                            .event_buses = aws_event_bus_notifier(backends->aws),
                            .rekognition = aws_rekognition(backends->aws),
                            .topic_batches = aws_topic_backend(backends->aws),
                            .handle = backends};
    return 0;
failed:
    backends_free(backends);
    return code;
}

static void backend_close(struct backend *backend)
{
    backends_free(backend->handle);
    *backend = (struct backend){0};
}

static void backend_metrics(const struct backend *backend, struct buffer *out)
{
    aws_write_metrics(aws_of(backend), out);
}

static bool backend_ready(struct backend *backend, struct buffer *reasons)
{
    return aws_is_ready(aws_of(backend), reasons);
}

struct identification {
    assembly_identified *done;
    void *user;
};

static void on_identified(const struct aws_identity *identity, const struct error *error,
                          void *user)
{
    struct identification *identification = user;
    struct backend_identity out = {0};
    if (identity)
        out = (struct backend_identity){.provider = identity->provider,
                                        .account = identity->account,
                                        .arn = identity->arn,
                                        .user_id = identity->user_id,
                                        .expires_s = identity->expires_s};
    identification->done(identity ? &out : NULL, error, identification->user);
}

static int backend_identify(struct backend *backend, assembly_identified *done, void *user)
{
    static struct identification identification; /* one at a time */
    identification = (struct identification){done, user};
    return aws_identify(aws_of(backend), on_identified, &identification);
}

static const char *backend_region(const struct backend *backend)
{
    return aws_region(aws_of(backend));
}

static int backend_provision(struct backend *backend, const struct provision_run *run,
                             assembly_done *done, void *user)
{
    return aws_provision(aws_of(backend), run, done, user);
}

static int provision_broker(uv_loop_t *loop, struct http_client *http,
                            const struct provision_broker_access *access,
                            const struct provision_run *run, assembly_done *done, void *user,
                            void **out, struct error *error)
{
    struct broker_run *pending;
    int code = broker_provision(loop, http, access, run, done, user, &pending, error);
    *out = pending;
    return code;
}

static void provision_broker_cancel(void *pending)
{
    broker_provision_cancel(pending);
}

static int backend_init(struct backend *backend, const struct init_file *file, assembly_done *done,
                        void *user)
{
    return aws_init(aws_of(backend), file, done, user);
}

static int cloud_start(uv_loop_t *loop, const struct cloud_settings *settings, void **out,
                       struct error *error)
{
    struct local_cloud *cloud = NULL;
    int code = local_cloud_start(loop, settings, &cloud, error);
    *out = cloud;
    return code;
}

static const char *cloud_endpoint(const void *cloud)
{
    return local_cloud_endpoint(cloud);
}

static const char *cloud_certificate(const void *cloud)
{
    return local_cloud_certificate(cloud);
}

static void cloud_credentials(const void *cloud, const char **access_key, const char **secret_key)
{
    local_cloud_credentials(cloud, access_key, secret_key);
}

static void cloud_stop(void *cloud, void (*stopped)(void *user), void *user)
{
    local_cloud_stop(cloud, stopped, user);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "decoder") == 0)
        return decoder_main(pipelines_render_images);
    const struct assembly assembly = {
        .pipeline_ops = &vips_pipeline_ops,
        .pipelines_start = pipelines_start,
        .pipelines_stop = pipelines_stop,
        .isolated_ops = &isolated_pipeline_ops,
        .isolation_start = isolation_start,
        .isolation_allow = isolation_allow,
        .isolation_ready = isolation_ready,
        .isolation_stop = isolation_stop,
        .isolation_metrics = isolation_write_metrics,
        .labels_pipeline_make = labels_pipeline_make,
        .samples_count = samples_count,
        .samples_missing = samples_missing,
        .sample_make = sample_make,
        .schema_print = pipeline_schema_print,
        .operations_print = local_cloud_print_operations,
        .queue_check = queue_check,
        .queue_compare = queue_compare,
        .backend_open = backend_open,
        .backend_close = backend_close,
        .backend_metrics = backend_metrics,
        .backend_ready = backend_ready,
        .backend_identify = backend_identify,
        .backend_region = backend_region,
        .backend_provision = backend_provision,
        .broker = &rabbitmq_broker,
        .broker_provision = provision_broker,
        .broker_provision_cancel = provision_broker_cancel,
        .backend_init = backend_init,
        .cloud_start = cloud_start,
        .cloud_endpoint = cloud_endpoint,
        .cloud_certificate = cloud_certificate,
        .cloud_credentials = cloud_credentials,
        .cloud_stop = cloud_stop,
    };
    int code = commands_main(&assembly, argc, argv);
    uv_library_shutdown(); /* no pool thread may run when the libraries' exit handlers run */
    return code;
}
