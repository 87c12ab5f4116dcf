#include "isolation.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "decoder_process.h"
#include "decoder_wire.h"
#include "input_formats.h"
#include "manifest.h"
#include "metric_text.h"
#include "overlay_objects.h"
#include "pipeline_file.h"
#include "pipelines.h"

/* Why a process ended and the next image gets another one. */
enum restart {
    RESTART_CRASHED,
    RESTART_TIMEOUT,
    RESTART_MEMORY,
    RESTART_CANCELLED, /* nobody needs the image any more */
    RESTART_EXITED,    /* between two images */
    RESTART_RECYCLED,  /* it kept too much memory */
    RESTART_START,     /* it never became ready */
    RESTART_LIBRARIES, /* it lacked a library that the next image needs */
    RESTART_FAILED,    /* this process is short of memory or descriptors */
    RESTART_COUNT
};

/* The operations of the seam have no context argument, so a process has one set of decoders. */
static struct {
    pthread_mutex_t lock;
    struct decoder *idle; /* the most recently used one first, because its pages are in memory */
    struct decoder_limits limits;
    atomic_uint_fast64_t restarts[RESTART_COUNT];
} isolation = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void end_because(struct decoder *d, enum restart reason)
{
    atomic_fetch_add_explicit(&isolation.restarts[reason], 1, memory_order_relaxed);
    decoder_end(d);
}

static enum restart reason_of(int code)
{
    switch (code) {
    case 0:
        return RESTART_RECYCLED;
    case ERR_DECODER_CRASHED:
        return RESTART_CRASHED;
    case ERR_DECODER_TIMEOUT:
        return RESTART_TIMEOUT;
    case ERR_DECODER_MEMORY:
        return RESTART_MEMORY;
    case ERR_CANCELLED:
        return RESTART_CANCELLED;
    default:
        return RESTART_FAILED;
    }
}

static void give_back(struct decoder *d)
{
    pthread_mutex_lock(&isolation.lock);
    decoder_link(d, isolation.idle);
    isolation.idle = d;
    pthread_mutex_unlock(&isolation.lock);
}

static struct decoder *take_idle(void)
{
    pthread_mutex_lock(&isolation.lock);
    struct decoder *d = isolation.idle;
    if (d)
        isolation.idle = decoder_next(d);
    pthread_mutex_unlock(&isolation.lock);
    return d;
}

static int start_new(unsigned modules, struct decoder **out, struct error *error)
{
    struct decoder *d = NULL;
    int code = decoder_start(&isolation.limits, modules, &d, error);
    code = code ? code : decoder_ready(d, error);
    if (code) {
        end_because(d, RESTART_START);
        d = NULL;
    }
    *out = d;
    return code;
}

static unsigned format_modules(const struct output_config *output)
{
    unsigned modules = 0;
    if (output->format != FORMAT_AUTO)
        return image_format_module((enum image_format)output->format);
    for (enum image_format format = FORMAT_JPEG; format < FORMAT_COUNT; format++)
        modules |= output->candidates >> format & 1 ? image_format_module(format) : 0;
    return modules;
}

static unsigned output_modules(const struct output_list *outputs)
{
    unsigned modules = 0;
    for (size_t i = 0; i < outputs->count; i++) {
        const struct output_config *output = &outputs->entries[i];
        modules |= format_modules(output);
        modules |= image_format_module(image_format_sniff(output->operations.overlay.picture));
    }
    return modules;
}

/* Modules of libvips for a render. A library is not loaded before an image or an output needs it. */
static unsigned modules_of(const struct render_source *source, const struct pipeline_limits *limits,
                           struct render_item *const *items, size_t count)
{
    enum image_format format = image_format_sniff(source->image);
    unsigned modules = 0;
    if (input_formats_has(limits->formats, image_format_facts(format)->name))
        modules = image_format_module(format);
    for (size_t i = 0; i < count; i++)
        modules |= output_modules(&items[i]->pipeline->outputs);
    return modules;
}

/* Replaces a decoder that ended or sent something between renders, which is not caused by an image,
 * and one that lacks modules: nothing can be loaded in its sandbox. */
static int take(unsigned modules, struct decoder **out, struct error *error)
{
    struct decoder *d;
    while ((d = take_idle())) {
        bool is_well = decoder_is_well(d), has_all = !(modules & ~decoder_modules(d));
        if (is_well && has_all && !decoder_ready(d, error)) {
            *out = d;
            return 0;
        }
        modules |= decoder_modules(d);
        end_because(d, !is_well ? RESTART_EXITED : has_all ? RESTART_START : RESTART_LIBRARIES);
        if (!has_all)
            break;
    }
    return start_new(modules, out, error);
}

static void items_clear(struct render_item *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        render_item_clear(items[i]);
}

static int try_one(struct decoder *d, const struct render_source *source,
                   const struct pipeline_limits *limits, struct render_item *const *items,
                   size_t count, struct error *error)
{
    int code = decoder_ask(d, source, limits, items, count, error);
    if (code)
        items_clear(items, count);
    if (code || decoder_is_heavy(d))
        end_because(d, reason_of(code));
    else
        give_back(d);
    return code;
}

/* Earlier images may have corrupted the decoder or used up its memory, so a crash or lack of memory
 * is retried once in a new one. A timeout is not: earlier images cannot cause it, and a retry would
 * take the whole limit again. */
static bool is_worth_another(int code)
{
    return code == ERR_DECODER_CRASHED || code == ERR_DECODER_MEMORY;
}

static int render_live(const struct render_source *source, const struct pipeline_limits *limits,
                       struct render_item *const *items, size_t count, struct error *error)
{
    unsigned modules = modules_of(source, limits, items, count);
    struct decoder *d;
    int code = take(modules, &d, error);
    if (!code)
        code = try_one(d, source, limits, items, count, error);
    if (!is_worth_another(code))
        return code;
    code = start_new(modules, &d, error);
    return code ? code : try_one(d, source, limits, items, count, error);
}

static bool begin(struct render_item *item)
{
    *item = (struct render_item){.pipeline = item->pipeline, .cancelled = item->cancelled};
    if (item->cancelled && atomic_load(item->cancelled))
        error_set(&item->error, ERR_CANCELLED, "cancelled");
    return item->error.code == 0;
}

static void render(const struct render_source *source, const struct pipeline_limits *limits,
                   struct render_item *items, size_t count)
{
    struct render_item *live[DECODER_ITEMS_MAX];
    struct error error = {0};
    size_t live_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!begin(&items[i]))
            continue;
        if (live_count < DECODER_ITEMS_MAX)
            live[live_count++] = &items[i];
        else
            error_set(&items[i].error, ERR_MEMORY, "more than %d renders of one image at once",
                      DECODER_ITEMS_MAX);
    }
    if (live_count == 0)
        return;
    int code = render_live(source, limits, live, live_count, &error);
    for (size_t i = 0; i < live_count; i++) {
        if (code)
            live[i]->error = error;
        else
            manifests_add(source, live[i]);
    }
}

static struct pipeline_output output_of(const struct pipeline *pipeline, size_t index)
{
    return vips_pipeline_ops.output(pipeline, index);
}

static const struct pipeline_facts *facts_of(const struct pipeline *pipeline)
{
    return vips_pipeline_ops.facts(pipeline);
}

/* The worker has not used libvips. */
static void thread_end(void) {}

const struct pipeline_ops isolated_pipeline_ops = {
    .load = pipelines_load,
    .retain = pipeline_retain,
    .release = pipeline_release,
    .facts = facts_of,
    .output = output_of,
    .with_pictures = overlay_objects_fill,
    .output_key = pipeline_output_key,
    .matches = pipeline_matches,
    .check_loop = pipeline_check_loop,
    .render = render,
    .thread_end = thread_end,
};

void isolation_allow(const struct isolation_settings *options)
{
    isolation.limits = (struct decoder_limits){options->timeout_ms, options->memory};
}

int isolation_start(const struct isolation_settings *options, struct error *error)
{
    isolation_allow(options);
    struct decoder *d;
    int code = decoder_start(&isolation.limits, 0, &d, error);
    if (!code)
        give_back(d);
    return code;
}

int isolation_ready(struct error *error)
{
    struct decoder *d;
    int code = take(0, &d, error);
    if (!code)
        give_back(d);
    return code;
}

void isolation_stop(void)
{
    struct decoder *d;
    while ((d = take_idle()))
        decoder_end(d);
}

void isolation_write_metrics(struct buffer *out)
{
    static const char family[] = "thumbwheel_decoder_restarts_total";
    static const char *const reasons[] = {
        [RESTART_CRASHED] = "crashed", [RESTART_TIMEOUT] = "timeout",
        [RESTART_MEMORY] = "memory",   [RESTART_CANCELLED] = "cancelled",
        [RESTART_EXITED] = "exited",   [RESTART_RECYCLED] = "recycled",
        [RESTART_START] = "start",     [RESTART_LIBRARIES] = "libraries",
        [RESTART_FAILED] = "failed",
    };
    metric_family(out, METRIC_COUNTER, family,
                  "Decoder processes that ended and were replaced or will be, by reason.");
    for (size_t i = 0; i < RESTART_COUNT; i++) {
        const struct metric_label reason = {"reason", reasons[i]};
        metric_sample(out, family, &reason, 1,
                      (double)atomic_load_explicit(&isolation.restarts[i], memory_order_relaxed));
    }
}
