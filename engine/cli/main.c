/* The only file that includes all modules: it connects them for the commands. */
#include <string.h>

#include "aws.h"
#include "aws_identity.h"
#include "aws_init.h"
#include "command.h"
#include "decoder_child.h"
#include "isolation.h"
#include "labels_pipeline.h"
#include "local_cloud.h"
#include "pipelines.h"
#include "provision.h"
#include "samples.h"
#include "sqs_queue.h"
#include "vips_start.h"

static int backend_open(uv_loop_t *loop, struct http_client *http,
                        const struct backend_settings *settings, struct backend *out,
                        struct error *error)
{
    struct aws *aws;
    int code = aws_create(loop, http, settings, &aws, error);
    if (code)
        return code;
    *out = (struct backend){.queues = aws_queue_backend(aws),
                            .store = aws_object_store(aws),
                            .topics = aws_topic_notifier(aws),
                            .event_buses = aws_event_bus_notifier(aws),
                            .rekognition = aws_rekognition(aws),
                            .topic_batches = aws_topic_backend(aws),
                            .handle = aws};
    return 0;
}

static void backend_close(struct backend *backend)
{
    aws_destroy(backend->handle);
    *backend = (struct backend){0};
}

static void backend_metrics(const struct backend *backend, struct buffer *out)
{
    aws_write_metrics(backend->handle, out);
}

static bool backend_ready(struct backend *backend, struct buffer *reasons)
{
    return aws_is_ready(backend->handle, reasons);
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
    return aws_identify(backend->handle, on_identified, &identification);
}

static const char *backend_region(const struct backend *backend)
{
    return aws_region(backend->handle);
}

static int backend_provision(struct backend *backend, const struct provision_run *run,
                             assembly_done *done, void *user)
{
    return aws_provision(backend->handle, run, done, user);
}

static int backend_init(struct backend *backend, const struct init_file *file, assembly_done *done,
                        void *user)
{
    return aws_init(backend->handle, file, done, user);
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
        .queue_check = aws_queue_check,
        .queue_compare = aws_queue_compare,
        .backend_open = backend_open,
        .backend_close = backend_close,
        .backend_metrics = backend_metrics,
        .backend_ready = backend_ready,
        .backend_identify = backend_identify,
        .backend_region = backend_region,
        .backend_provision = backend_provision,
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
