/*
 * The report for scripts. Its format is stable: members are added, never renamed or removed, and a
 * member without a value is null, not absent.
 */
#include "report.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_line.h"
#include "terminal.h"
#include "utf8.h"

/* A file name may have any bytes, but JSON is UTF-8. */
static json_t *text_or_null(const char *text)
{
    if (!text)
        return json_null();
    if (utf8_valid((struct slice){text, strlen(text)}))
        return json_string(text);
    char *shown = text_plain(text);
    json_t *value = shown ? json_string(shown) : NULL;
    free(shown);
    return value;
}

static json_t *reason_of(const char *reason)
{
    return text_or_null(reason && *reason ? reason : NULL);
}

static json_t *tenths(double value)
{
    return json_real(round(value * 10) / 10);
}

/* Takes ownership of the item. If it is NULL (out of memory), the array becomes NULL too. */
static void append(json_t **array, json_t *item)
{
    if (*array && json_array_append_new(*array, item) == 0)
        return;
    json_decref(*array);
    *array = NULL;
}

static json_t *labels_json(const struct pipeline_result *part)
{
    json_t *array = json_array();
    for (size_t i = 0; i < part->label_count; i++) {
        const struct label *label = &part->labels[i];
        append(&array, json_pack("{so so so}", "name", text_or_null(label->name), "value",
                                 reason_of(label->value), "confidence", tenths(label->confidence)));
    }
    return array;
}

static json_t *output_json(const struct output_result *output)
{
    bool image = !output->sidecar;
    return json_pack(
        "{so so so so so sI so so so}", "bucket", text_or_null(output->bucket), "key",
        text_or_null(output->key), "path", text_or_null(output->path), "width",
        image ? json_integer(output->width) : json_null(), "height",
        image ? json_integer(output->height) : json_null(), "bytes", (json_int_t)output->bytes,
        "frames", image ? json_integer(output->frames) : json_null(), "milliseconds",
        image ? tenths(output->milliseconds) : json_null(), "error", text_or_null(output->problem));
}

static json_t *outputs_json(const struct pipeline_result *part)
{
    json_t *array = json_array();
    for (size_t i = 0; i < part->output_count; i++)
        append(&array, output_json(&part->outputs[i]));
    return array;
}

static const char *part_result(const struct pipeline_result *part)
{
    static const char *const names[] = {
        [PART_OPEN] = "not-processed", [PART_DONE] = "done", [PART_FAILED] = "failed"};
    return names[part->state];
}

static json_t *part_json(const struct pipeline_result *part)
{
    bool failed = part->state == PART_FAILED;
    return json_pack("{so ss so so so so}", "pipeline", text_or_null(part->pipeline), "result",
                     part_result(part), "reason", reason_of(failed ? part->reason : NULL), "error",
                     reason_of(failed ? part->detail : NULL), "outputs", outputs_json(part),
                     "labels", labels_json(part));
}

static json_t *parts_json(const struct photo_result *photo)
{
    json_t *array = json_array();
    for (size_t i = 0; i < photo->part_count; i++)
        append(&array, part_json(&photo->parts[i]));
    return array;
}

static const char *result_of(const struct photo_result *photo)
{
    static const char *const names[] = {
        [PHOTO_NOT_PROCESSED] = "not-processed", [PHOTO_DONE] = "done", [PHOTO_FAILED] = "failed"};
    return names[photo_outcome(photo)];
}

static json_t *photo_json(const struct photo_result *photo)
{
    return json_pack("{ss so so so ss so so}", "type", "photo", "path", text_or_null(photo->path),
                     "key", text_or_null(photo->key), "bytes",
                     photo->sent ? json_integer((json_int_t)photo->bytes) : json_null(), "result",
                     result_of(photo), "error", text_or_null(photo->failure), "pipelines",
                     parts_json(photo));
}

static json_t *summary_json(const struct photo_results *results,
                            const struct report_options *options)
{
    return json_pack(
        "{ss sI sI sI sI sI so so sb}", "type", "summary", "photos", (json_int_t)results->count,
        "done", (json_int_t)photo_results_count(results, PHOTO_DONE), "failed",
        (json_int_t)photo_results_count(results, PHOTO_FAILED), "not_processed",
        (json_int_t)photo_results_count(results, PHOTO_NOT_PROCESSED), "files",
        (json_int_t)report_files(results), "out", text_or_null(options->out), "seconds",
        tenths((double)options->elapsed_ms / 1000), "interrupted", options->interrupted);
}

int report_json(const struct photo_results *results, const struct report_options *options,
                FILE *out)
{
    int code = 0;
    for (size_t i = 0; i < results->count && !code; i++)
        code = json_line_print(photo_json(&results->photos[i]), out);
    return code ? code : json_line_print(summary_json(results, options), out);
}
