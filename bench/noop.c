/*
 * The engine with a codec that does no image work, for what its own path costs: it receives so many
 * messages, fetches their objects, and stores a copy of each as its rendition, or nothing.
 *
 * Prints one JSON object. usage: bench_noop ENDPOINT PIPELINE_DIR MESSAGES SECONDS copy|nothing
 *
 * It ends when so many messages are settled and deleted, or after the time, which does not include
 * the opening of the queues.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "aws.h"
#include "children.h"
#include "engine.h"
#include "http_client.h"
#include "log.h"
#include "pipeline_folder.h"
#include "pipelines.h"

enum { PIPELINES_MAX = 2000, DRAIN_MS = 10000 };

static struct {
    uv_loop_t loop;
    uv_timer_t end; /* so that the loop returns when the time is over */
    struct http_client *http;
    struct aws *aws;
    struct engine *engine;
    struct pipeline *pipelines[PIPELINES_MAX];
    size_t pipeline_count;
    uint64_t settled;
    unsigned failed;
    bool flag;
} n;

static _Noreturn void die(const char *what, const struct error *error)
{
    fprintf(stderr, "bench_noop: %s%s%s\n", what, error ? ": " : "", error ? error->text : "");
    exit(1);
}

static double cpu_of(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* ---- the codec ---- */

static void render_nothing(const struct render_source *source, const struct pipeline_limits *limits,
                           struct render_item *items, size_t count)
{
    (void)source;
    (void)limits;
    for (size_t i = 0; i < count; i++)
        items[i].facts = (struct image_facts){.width = 1, .height = 1, .orientation = 1};
}

static void copy(const struct render_source *source, struct render_item *item)
{
    char *body = malloc(source->image.size);
    item->renditions = calloc(1, sizeof *item->renditions);
    if (!body || !item->renditions)
        die("out of memory", NULL);
    memcpy(body, source->image.data, source->image.size);
    struct rendition *made = &item->renditions[item->rendition_count++];
    *made = (struct rendition){.content_type = "image/jpeg",
                               .body = bytes_give(body, source->image.size),
                               .width = 1,
                               .height = 1};
    if (vips_pipeline_ops.output_key(item->pipeline, 0, source->bucket, source->key, &made->key))
        die("out of memory", NULL);
}

static void render_copy(const struct render_source *source, const struct pipeline_limits *limits,
                        struct render_item *items, size_t count)
{
    render_nothing(source, limits, items, count);
    for (size_t i = 0; i < count; i++)
        copy(source, &items[i]);
}

static void no_thread_end(void) {}

static struct pipeline_ops codec(const char *what)
{
    struct pipeline_ops ops = vips_pipeline_ops; /* pipeline files, keys and matching */
    ops.render = strcmp(what, "copy") == 0 ? render_copy : render_nothing;
    ops.thread_end = no_thread_end;
    return ops;
}

/* ---- the engine ---- */

static void client_open(const char *endpoint)
{
    const struct http_client_options http = {0};
    const struct backend_settings aws = {.endpoint = endpoint,
                                         .region = "us-east-1",
                                         .access_key = "thumbwheel",
                                         .secret_key = "thumbwheel-secret",
                                         .unsigned_payload = true,
                                         .ignore_environment = true};
    struct error error;
    if (http_client_create(&n.loop, &http, &n.http, &error) ||
        aws_create(&n.loop, n.http, &aws, &n.aws, &error))
        die("the client could not start", &error);
}

static void on_record(const struct engine_record *record, void *user)
{
    (void)user;
    if (record->outcome != OUTCOME_ACK && !record->handed_back) {
        fprintf(stderr, "bench_noop: %s: %s\n", record->key, record->detail);
        n.failed++;
    }
    n.settled++;
}

static void set_flag(void *user)
{
    (void)user;
    n.flag = true;
}

static void on_ready(const struct error *error, void *user)
{
    if (error->code)
        die("the engine could not start", error);
    set_flag(user);
}

static void engine_begin(const struct pipeline_ops *ops)
{
    const struct engine_options options = {
        .queues = aws_queue_backend(n.aws),
        .store = aws_object_store(n.aws),
        .pipeline_ops = ops,
        .pipelines = n.pipelines,
        .pipeline_count = n.pipeline_count,
        .linger_ms = 1, /* each message fetches its object */
        .polls_abortable = true,
        .observer = {.record_finished = on_record},
    };
    struct error error;
    if (engine_create(&n.loop, &options, &n.engine, &error))
        die("the engine could not start", &error);
    engine_start(n.engine, on_ready, NULL);
}

static void wait_for_flag(void)
{
    while (!n.flag)
        uv_run(&n.loop, UV_RUN_ONCE);
    n.flag = false;
}

static void on_end(uv_timer_t *timer)
{
    (void)timer;
}

/* ---- the measurement ---- */

static uint64_t switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_nvcsw + usage.ru_nivcsw);
}

static void measure(uint64_t messages, double seconds)
{
    const uint64_t created_ns = uv_hrtime();
    wait_for_flag();
    const uint64_t began_ns = uv_hrtime(), end_ns = began_ns + (uint64_t)(seconds * 1e9);
    const double cpu = cpu_of(RUSAGE_SELF);
    const uint64_t switched = switches(), settled = n.settled;
    const long before_kib = process_status_kib("self", "VmRSS");
    uv_update_time(&n.loop);
    uv_timer_start(&n.end, on_end, (uint64_t)(seconds * 1000) + 1, 0);
    while (uv_hrtime() < end_ns && (n.settled < messages || !engine_idle(n.engine)))
        uv_run(&n.loop, UV_RUN_ONCE);
    const double took = (double)(uv_hrtime() - began_ns) / 1e9;
    struct engine_stats stats;
    engine_stats(n.engine, &stats);
    printf("{\"ready_s\": %.6f, \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"switches\": %llu, "
           "\"settled\": %llu, \"fetched\": %llu, \"stored\": %llu, \"failed\": %u, "
           "\"rss_before_kib\": %ld, \"rss_after_kib\": %ld, \"rss_peak_kib\": %ld}\n",
           (double)(began_ns - created_ns) / 1e9, took, cpu_of(RUSAGE_SELF) - cpu,
           (unsigned long long)(switches() - switched), (unsigned long long)(n.settled - settled),
           (unsigned long long)stats.fetched, (unsigned long long)stats.stored, n.failed,
           before_kib, process_status_kib("self", "VmRSS"), process_status_kib("self", "VmHWM"));
}

static void stop(void)
{
    engine_drain(n.engine, DRAIN_MS, set_flag, NULL);
    wait_for_flag();
    engine_close(n.engine, set_flag, NULL);
    wait_for_flag();
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: bench_noop ENDPOINT PIPELINE_DIR MESSAGES SECONDS copy|nothing\n");
        return 2;
    }
    log_setup(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_ERROR);
    const struct pipeline_ops ops = codec(argv[5]);
    n.pipeline_count = pipeline_folder_read(argv[2], n.pipelines, PIPELINES_MAX);
    uv_loop_init(&n.loop);
    uv_timer_init(&n.loop, &n.end);
    client_open(argv[1]);
    engine_begin(&ops);
    measure(strtoull(argv[3], NULL, 10), strtod(argv[4], NULL));
    stop();
    return n.failed ? 1 : 0;
}
