#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "table.h"
#include "terminal.h"

enum { TEXT_MAX = 64 * 1024 };

enum {
    COLUMN_PHOTO,
    COLUMN_RENDITION,
    COLUMN_PIXELS,
    COLUMN_BYTES,
    COLUMN_TIME,
    COLUMN_TAGS,
    COLUMNS
};

static const struct table_column columns[COLUMNS] = {
    [COLUMN_PHOTO] = {"Photo", TABLE_LEFT, TABLE_CUT_MIDDLE},
    [COLUMN_RENDITION] = {"Rendition", TABLE_LEFT, TABLE_CUT_MIDDLE},
    [COLUMN_PIXELS] = {"Pixels", TABLE_RIGHT, TABLE_WHOLE},
    [COLUMN_BYTES] = {"Bytes", TABLE_RIGHT, TABLE_WHOLE},
    [COLUMN_TIME] = {"ms", TABLE_RIGHT, TABLE_WHOLE},
    [COLUMN_TAGS] = {"Tags", TABLE_LEFT, TABLE_CUT_END},
};

/* ---- texts ---- */

static char *join(const char *first, const char *second)
{
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    buffer_text(&text, first);
    if (second && *second)
        buffer_format(&text, ": %s", second);
    return buffer_take_text(&text);
}

/* Why a part failed, to be freed by the caller. */
static char *part_reason(const struct pipeline_result *part)
{
    if (part->reason && *part->reason)
        return join(part->reason, part->detail);
    return strdup("out of memory");
}

static char *labels_text(const struct pipeline_result *part)
{
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    for (size_t i = 0; i < part->label_count; i++) {
        const struct label *label = &part->labels[i];
        buffer_format(&text, "%s%s%s%s", i ? ", " : "", label->name, *label->value ? ": " : "",
                      label->value);
    }
    return buffer_take_text(&text);
}

static const char *base_name(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash ? slash + 1 : key;
}

/* ---- the table ---- */

struct rows { /* only the first row has the photo's name */
    struct table *table;
    const char *name;
};

static void add_row(struct rows *rows, enum table_style style, const char *cells[COLUMNS])
{
    cells[COLUMN_PHOTO] = rows->name;
    rows->name = NULL;
    table_row(rows->table, style, cells);
}

/* The reason is not repeated here: report_failures prints it. */
static void add_outcome(struct rows *rows, const char *rendition, bool failed)
{
    const char *cells[COLUMNS] = {
        [COLUMN_RENDITION] = rendition, [COLUMN_TAGS] = failed ? "failed" : "not processed"};
    add_row(rows, failed ? TABLE_FAILED : TABLE_PLAIN, cells);
}

static void add_image(struct rows *rows, const struct pipeline_result *part,
                      const struct output_result *output)
{
    char pixels[32], bytes[32], time[32];
    snprintf(pixels, sizeof pixels, "%u×%u", output->width, output->height);
    snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)output->bytes);
    snprintf(time, sizeof time, "%.1f", output->milliseconds);
    const char *cells[COLUMNS] = {
        [COLUMN_RENDITION] = part->output_count == 1 ? part->pipeline : base_name(output->key),
        [COLUMN_PIXELS] = pixels,
        [COLUMN_BYTES] = bytes,
        [COLUMN_TIME] = time,
        [COLUMN_TAGS] = output->problem ? "failed" : NULL,
    };
    add_row(rows, output->problem ? TABLE_FAILED : TABLE_PLAIN, cells);
}

static void add_labels(struct rows *rows, const struct pipeline_result *part,
                       const struct output_result *sidecar)
{
    char bytes[32] = "", *labels = labels_text(part);
    if (sidecar && sidecar->bytes)
        snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)sidecar->bytes);
    const char *cells[COLUMNS] = {
        [COLUMN_RENDITION] = part->pipeline,
        [COLUMN_BYTES] = bytes,
        [COLUMN_TAGS] = sidecar && sidecar->problem ? "failed" : labels,
    };
    add_row(rows, sidecar && sidecar->problem ? TABLE_FAILED : TABLE_PLAIN, cells);
    free(labels);
}

static void add_part(struct rows *rows, const struct pipeline_result *part)
{
    const struct output_result *sidecar = NULL;
    if (part->state != PART_DONE) {
        add_outcome(rows, part->pipeline, part->state == PART_FAILED);
        return;
    }
    for (size_t i = 0; i < part->output_count; i++) {
        if (part->outputs[i].sidecar)
            sidecar = &part->outputs[i];
        else
            add_image(rows, part, &part->outputs[i]);
    }
    if (sidecar || part->label_count || part->output_count == 0)
        add_labels(rows, part, sidecar);
}

static bool has_labels(const struct pipeline_result *part)
{
    return part->label_count > 0;
}

/* Images first, then their labels. */
static void add_photo(struct table *table, const struct photo_result *photo)
{
    struct rows rows = {table, photo->name};
    if (photo->failure || photo->part_count == 0) {
        add_outcome(&rows, NULL, photo->failure != NULL);
        return;
    }
    for (int labels = 0; labels <= 1; labels++)
        for (size_t i = 0; i < photo->part_count; i++)
            if (has_labels(&photo->parts[i]) == labels)
                add_part(&rows, &photo->parts[i]);
}

int report_table(const struct photo_results *results, const struct report_options *options,
                 FILE *out)
{
    struct table *table = table_create(columns, COLUMNS);
    if (!table)
        return ERR_MEMORY;
    for (size_t i = 0; i < results->count; i++)
        add_photo(table, &results->photos[i]);
    int code = table_print(table, out, options->width, options->colour);
    table_free(table);
    return code;
}

/* ---- failures ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_failure(const struct pipeline_result *a, const struct pipeline_result *b)
{
    return a->state == b->state && same_text(a->reason, b->reason) &&
           same_text(a->detail, b->detail);
}

static bool told_before(const struct photo_result *photo, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (photo->parts[i].state == PART_FAILED &&
            same_failure(&photo->parts[i], &photo->parts[index]))
            return true;
    return false;
}

static void tell(report_line *line, void *user, const char *photo, const char *parts,
                 const char *why)
{
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    buffer_format(&text, "failed: %s: %s%s%s", photo, parts, *parts ? ": " : "",
                  why ? why : "out of memory");
    line(text.data ? text.data : "failed", user);
    buffer_free(&text);
}

/* One line for all parts that failed in the same way. */
static void tell_failure(const struct photo_result *photo, size_t first, report_line *line,
                         void *user)
{
    struct buffer names;
    char *why = part_reason(&photo->parts[first]);
    buffer_init(&names, TEXT_MAX);
    for (size_t i = first; i < photo->part_count; i++)
        if (i == first || same_failure(&photo->parts[first], &photo->parts[i]))
            buffer_format(&names, "%s%s", i == first ? "" : ", ", photo->parts[i].pipeline);
    tell(line, user, photo->name, names.data ? names.data : "", why);
    buffer_free(&names);
    free(why);
}

void report_failures(const struct photo_result *photo, report_line *line, void *user)
{
    if (photo->failure) {
        tell(line, user, photo->name, "", photo->failure);
        return;
    }
    for (size_t i = 0; i < photo->part_count; i++)
        if (photo->parts[i].state == PART_FAILED && !told_before(photo, i))
            tell_failure(photo, i, line, user);
}

/* The number of a part's outputs that could not be written; *why is the first one's problem. */
static size_t unwritten(const struct pipeline_result *part, const char **why)
{
    size_t count = 0;
    for (size_t i = 0; i < part->output_count; i++) {
        const char *problem = part->outputs[i].problem;
        count += problem != NULL;
        *why = *why ? *why : problem;
    }
    return count;
}

/* The cause (a full disk, a read-only directory) is usually the same for all outputs, so only one
 * is reported. */
void report_unwritten(const struct photo_result *photo, report_line *line, void *user)
{
    struct buffer names, text;
    const char *why = NULL;
    size_t count = 0;
    buffer_init(&names, TEXT_MAX);
    buffer_init(&text, TEXT_MAX);
    for (size_t i = 0; i < photo->part_count; i++) {
        size_t more = unwritten(&photo->parts[i], &why);
        if (more)
            buffer_format(&names, "%s%s", count ? ", " : "", photo->parts[i].pipeline);
        count += more;
    }
    buffer_text(&text, why ? why : "");
    if (count > 1)
        buffer_format(&text, " (and %zu more)", count - 1);
    if (count)
        tell(line, user, photo->name, names.data ? names.data : "", text.data);
    buffer_free(&text);
    buffer_free(&names);
}

/* ---- the sum ---- */

size_t report_files(const struct photo_results *results)
{
    size_t count = 0;
    for (size_t i = 0; i < results->count; i++)
        for (size_t p = 0; p < results->photos[i].part_count; p++)
            for (size_t o = 0; o < results->photos[i].parts[p].output_count; o++)
                count += results->photos[i].parts[p].outputs[o].path != NULL;
    return count;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

void report_summary(const struct photo_results *results, const struct report_options *options,
                    FILE *out)
{
    size_t files = report_files(results), open = photo_results_count(results, PHOTO_NOT_PROCESSED);
    char unprocessed[48] = "";
    if (open)
        snprintf(unprocessed, sizeof unprocessed, ", %zu not processed", open);
    terminal_line(out, "%zu photo%s: %zu done, %zu failed%s, %.1f s. %zu file%s in %s",
                  results->count, plural(results->count), photo_results_count(results, PHOTO_DONE),
                  photo_results_count(results, PHOTO_FAILED), unprocessed,
                  (double)options->elapsed_ms / 1000, files, plural(files), options->out);
}
