/*
 * Measures the whole system: embedded cloud and engine in one process, as in `thumbwheel local`.
 *
 *   1. start the cloud, provision, upload every photo: the queues fill while no engine polls
 *   2. start the engine; the clock runs until the last object and delete are done
 *   3. stay idle for a while with every long poll open, and measure the CPU time
 *   4. upload some photos one after another, each when the one before is done: idle latency
 *
 * Prints one JSON object. usage: bench_whole PHOTO_DIR PIPELINE_DIR DATA_DIR COUNT WORKERS
 * IDLE_SECONDS ALONE process|thread
 */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <uv.h>

#include "aws.h"
#include "children.h"
#include "decoder_child.h"
#include "engine.h"
#include "http_client.h"
#include "isolation.h"
#include "large_blocks.h"
#include "local_cloud.h"
#include "log.h"
#include "pipeline_folder.h"
#include "pipelines.h"
#include "provision.h"
#include "spare_blocks.h"
#include "vips_start.h"

enum { PIPELINES_MAX = 16, FILES_MAX = 4096, UPLOADS_AT_ONCE = 4 };

struct upload_photo {
    char name[256];
    char *data;
    size_t size;
};

static struct {
    uv_loop_t loop;
    struct http_client *http;
    struct local_cloud *cloud;
    struct aws *aws;
    struct engine *engine;
    struct pipeline *pipelines[PIPELINES_MAX];
    size_t pipeline_count;
    struct upload_photo *files;
    size_t file_count;

    size_t uploads_wanted, uploads_started, uploads_done;
    const char *upload_prefix;
    size_t settled, failed;
    double *latencies; /* of the phase, milliseconds from the event to stored */
    double *from_receipt;
    bool isolated;
    bool flag;
} b;

static _Noreturn void die(const char *what, const struct error *error)
{
    fprintf(stderr, "bench_whole: %s%s%s\n", what, error ? ": " : "", error ? error->text : "");
    exit(1);
}

static double now_ms(void)
{
    struct timeval now;
    gettimeofday(&now, NULL);
    return (double)now.tv_sec * 1000.0 + (double)now.tv_usec / 1000.0;
}

/* Of this process and the decoders. */
static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return children_cpu_seconds() + (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void photo_read(struct upload_photo *photo, const char *path, const char *name)
{
    struct stat info;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &info))
        die("a photo cannot be read", NULL);
    photo->size = (size_t)info.st_size;
    photo->data = malloc(photo->size + 1);
    if (!photo->data || fread(photo->data, 1, photo->size, file) != photo->size)
        die("a photo cannot be read", NULL);
    fclose(file);
    snprintf(photo->name, sizeof photo->name, "%s", name);
}

static int by_name(const void *a, const void *c)
{
    return strcmp(((const struct upload_photo *)a)->name, ((const struct upload_photo *)c)->name);
}

static void photos_read(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[4096];
    b.files = calloc(FILES_MAX, sizeof *b.files);
    if (!dir || !b.files)
        die("the folder of photos cannot be opened", NULL);
    while ((entry = readdir(dir)) && b.file_count < FILES_MAX) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        photo_read(&b.files[b.file_count++], path, entry->d_name);
    }
    closedir(dir);
    qsort(b.files, b.file_count, sizeof *b.files, by_name);
    if (b.file_count == 0)
        die("the folder holds no photos", NULL);
}

static void on_provisioned(const struct error *error, void *user)
{
    (void)user;
    if (error->code)
        die("provisioning failed", error);
    b.flag = true;
}

static void provision(void)
{
    const struct provision_settings settings = {.bucket = "photos",
                                                .prefix = "ingest/",
                                                .name = "photo-events",
                                                .max_receives = 3,
                                                .visibility_s = 120,
                                                .any_bucket = true,
                                                .envelopes = true};
    struct provision_plan plan;
    struct error error = {0};
    if (provision_plan_make(&plan, &vips_pipeline_ops, b.pipelines, b.pipeline_count, &settings,
                            &error))
        die("no plan", &error);
    const struct provision_run run = {
        .plan = &plan, .place = {"aws", "us-east-1", "000000000000"}, .write = true};
    b.flag = false;
    if (aws_provision(b.aws, &run, on_provisioned, NULL))
        die("provisioning could not start", NULL);
    while (!b.flag)
        uv_run(&b.loop, UV_RUN_ONCE);
    provision_plan_clear(&plan);
}

static void upload_next(void);

static void on_uploaded(const struct error *error, void *user)
{
    (void)user;
    if (error->code)
        die("an upload failed", error);
    b.uploads_done++;
    upload_next();
}

static void upload_next(void)
{
    if (b.uploads_started == b.uploads_wanted)
        return;
    size_t i = b.uploads_started++;
    const struct upload_photo *photo = &b.files[i % b.file_count];
    char key[512];
    snprintf(key, sizeof key, "ingest/%s-%05zu-%s", b.upload_prefix, i, photo->name);
    const struct object_put put = {.bucket = "photos",
                                   .key = key,
                                   .body = photo->data,
                                   .body_size = photo->size,
                                   .content_type = "image/jpeg"};
    struct object_store *store = aws_object_store(b.aws);
    if (store->ops->put(store, &put, on_uploaded, NULL, NULL))
        die("an upload could not start", NULL);
}

static void uploads_begin(const char *prefix, size_t count)
{
    b.upload_prefix = prefix;
    b.uploads_wanted = count;
    b.uploads_started = b.uploads_done = 0;
}

static void on_record(const struct engine_record *record, void *user)
{
    (void)user;
    if (record->outcome != OUTCOME_ACK) {
        fprintf(stderr, "bench_whole: %s %s: %s\n", record->pipeline, record->key, record->detail);
        b.failed++;
    }
    b.latencies[b.settled] = now_ms() - (double)record->sent_ms;
    b.from_receipt[b.settled++] = record->milliseconds;
}

static void on_ready(const struct error *error, void *user)
{
    (void)user;
    if (error->code)
        die("the engine could not start", error);
}

static void set_flag(void *user)
{
    (void)user;
    b.flag = true;
}

static void engine_begin(unsigned workers)
{
    struct error error;
    const struct engine_options options = {
        .queues = aws_queue_backend(b.aws),
        .store = aws_object_store(b.aws),
        .pipeline_ops = b.isolated ? &isolated_pipeline_ops : &vips_pipeline_ops,
        .pipelines = b.pipelines,
        .pipeline_count = b.pipeline_count,
        .workers = workers,
        .limits = {.max_pixels = 200000000, .max_bytes = 256u << 20, .max_frames = 1000},
        .polls_abortable = true,
        .observer = {.record_finished = on_record},
    };
    if (engine_create(&b.loop, &options, &b.engine, &error))
        die("the engine could not start", &error);
    engine_start(b.engine, on_ready, NULL);
}

static int by_value(const void *a, const void *c)
{
    double x = *(const double *)a, y = *(const double *)c;
    return (x > y) - (x < y);
}

/* Nearest rank. */
static json_t *percentiles(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    if (count == 0)
        return json_null();
    return json_pack("{s:f, s:f, s:f}", "p50", values[(count - 1) * 50 / 100], "p95",
                     values[(count - 1) * 95 / 100], "p99", values[(count - 1) * 99 / 100]);
}

static json_t *run_backlog(size_t count, unsigned workers)
{
    uploads_begin("backlog", count);
    for (int i = 0; i < UPLOADS_AT_ONCE; i++)
        upload_next();
    while (b.uploads_done < count)
        uv_run(&b.loop, UV_RUN_ONCE);

    b.settled = 0;
    peaks_reset();
    long before_kib = process_status_kib("self", "VmRSS");
    double began = now_ms(), cpu = cpu_seconds();
    engine_begin(workers);
    while (b.settled < count * b.pipeline_count || !engine_idle(b.engine))
        uv_run(&b.loop, UV_RUN_ONCE);
    double took = (now_ms() - began) / 1000.0;

    struct engine_stats stats;
    engine_stats(b.engine, &stats);
    return json_pack("{s:I, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:I}", "photos",
                     (json_int_t)count, "began_ms", began, "seconds", took, "sources_per_second",
                     (double)count / took, "cpu_seconds", cpu_seconds() - cpu, "peak_rss_kib",
                     (json_int_t)process_status_kib("self", "VmHWM"), "decoders_peak_rss_kib",
                     (json_int_t)children_status_kib("VmHWM"), "rss_before_kib",
                     (json_int_t)before_kib, "milliseconds_from_event",
                     percentiles(b.latencies, b.settled), "milliseconds_from_receipt",
                     percentiles(b.from_receipt, b.settled), "fetched", (json_int_t)stats.fetched,
                     "decoded", (json_int_t)stats.decoded, "failed", (json_int_t)b.failed);
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
    b.flag = true;
}

static json_t *run_idle(unsigned seconds)
{
    uv_timer_t timer;
    struct rusage before, after;
    uv_timer_init(&b.loop, &timer);
    b.flag = false;
    double began = now_ms(), cpu = cpu_seconds();
    getrusage(RUSAGE_SELF, &before);
    uv_timer_start(&timer, on_timer, seconds * 1000ull, 0);
    while (!b.flag)
        uv_run(&b.loop, UV_RUN_ONCE);
    getrusage(RUSAGE_SELF, &after);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&b.loop, UV_RUN_NOWAIT); /* the loop uses it until then */
    double took = (now_ms() - began) / 1000.0;
    return json_pack("{s:f, s:f, s:I}", "seconds", took, "cpu_percent",
                     (cpu_seconds() - cpu) / took * 100.0, "context_switches",
                     (json_int_t)(after.ru_nvcsw - before.ru_nvcsw));
}

static json_t *run_alone(size_t count)
{
    b.settled = 0;
    uploads_begin("alone", 0);
    for (size_t i = 1; i <= count; i++) {
        b.uploads_wanted = i;
        upload_next();
        while (b.settled < i * b.pipeline_count)
            uv_run(&b.loop, UV_RUN_ONCE);
    }
    return percentiles(b.latencies, b.settled);
}

static void stop(void)
{
    b.flag = false;
    engine_drain(b.engine, 10000, set_flag, NULL);
    while (!b.flag)
        uv_run(&b.loop, UV_RUN_ONCE);
    engine_close(b.engine, NULL, NULL);
    uv_run(&b.loop, UV_RUN_NOWAIT);
    b.flag = false;
    local_cloud_stop(b.cloud, set_flag, NULL);
    while (!b.flag)
        uv_run(&b.loop, UV_RUN_ONCE);
}

/* As engine/cli/commands.c does. */
static void memory_setup(bool isolated)
{
    large_blocks_map(!isolated);
    spare_blocks_keep(2 * 1024 * 1024);
}

static const char access_key[] = "thumbwheel", secret_key[] = "thumbwheel-secret";

int main(int argc, char **argv)
{
    struct error error;
    if (argc > 1 && strcmp(argv[1], "decoder") == 0)
        return decoder_main(vips_pipeline_ops.render);
    if (argc != 9) {
        fprintf(stderr, "usage: bench_whole PHOTO_DIR PIPELINE_DIR DATA_DIR COUNT WORKERS "
                        "IDLE_SECONDS ALONE process|thread\n");
        return 2;
    }
    size_t count = strtoul(argv[4], NULL, 10);
    unsigned workers = (unsigned)strtoul(argv[5], NULL, 10);
    unsigned idle = (unsigned)strtoul(argv[6], NULL, 10);
    size_t alone = strtoul(argv[7], NULL, 10);
    char log_path[4096], threads[16];
    snprintf(log_path, sizeof log_path, "%s.requests.jsonl", argv[3]);
    snprintf(threads, sizeof threads, "%u", workers + CLOUD_POOL_THREADS + 2);
    setenv("UV_THREADPOOL_SIZE", threads, 1);
    b.isolated = strcmp(argv[8], "process") == 0;
    memory_setup(b.isolated);
    log_setup(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_WARN);
    if (pipelines_start(argv[0], &error))
        die("libvips", &error);
    const struct isolation_settings isolation = {.timeout_ms = 60000, .memory = 2ull << 30};
    if (b.isolated && (isolation_start(&isolation, &error) || isolation_ready(&error)))
        die("isolation", &error);
    photos_read(argv[1]);
    b.pipeline_count = pipeline_folder_read(argv[2], b.pipelines, PIPELINES_MAX);
    size_t jobs = (count + alone) * b.pipeline_count;
    b.latencies = calloc(jobs + 1, sizeof *b.latencies);
    b.from_receipt = calloc(jobs + 1, sizeof *b.from_receipt);
    uv_loop_init(&b.loop);
    const struct http_client_options http = {0};
    const struct cloud_settings cloud = {.data_dir = argv[3],
                                         .request_log = log_path,
                                         .access_key = access_key,
                                         .secret_key = secret_key};
    if (!b.latencies || !b.from_receipt || http_client_create(&b.loop, &http, &b.http, &error) ||
        local_cloud_start(&b.loop, &cloud, &b.cloud, &error))
        die("the embedded cloud could not start", &error);
    const struct backend_settings aws = {.endpoint = local_cloud_endpoint(b.cloud),
                                         .region = "us-east-1",
                                         .access_key = access_key,
                                         .secret_key = secret_key,
                                         .unsigned_payload = true,
                                         .ignore_environment = true};
    if (aws_create(&b.loop, b.http, &aws, &b.aws, &error))
        die("the client could not start", &error);
    provision();

    json_t *result = json_object();
    json_object_set_new(result, "backlog", run_backlog(count, workers));
    json_object_set_new(result, "idle", idle ? run_idle(idle) : json_null());
    json_object_set_new(result, "one_at_a_time_ms", alone ? run_alone(alone) : json_null());
    json_object_set_new(result, "pipelines", json_integer((json_int_t)b.pipeline_count));
    stop();
    isolation_stop();
    json_dumpf(result, stdout, JSON_INDENT(2));
    printf("\n");
    return b.failed ? 1 : 0;
}
