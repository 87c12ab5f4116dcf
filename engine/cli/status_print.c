/* The members of the JSON are documented in docs/dead-letters.md. */
#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "iso_time.h"
#include "json_line.h"
#include "status.h"
#include "table.h"
#include "terminal.h"
#include "wall_clock.h"

enum {
    COLUMN_PIPELINE,
    COLUMN_QUEUE,
    COLUMN_VISIBLE,
    COLUMN_FLIGHT,
    COLUMN_DELAYED,
    COLUMN_DEAD,
    COLUMN_PROBLEM,
    COLUMNS,
    NUMBER_SIZE = 24
};

static const struct table_column columns_of[COLUMNS] = {
    [COLUMN_PIPELINE] = {"Pipeline", TABLE_LEFT, TABLE_CUT_MIDDLE},
    [COLUMN_QUEUE] = {"Queue", TABLE_LEFT, TABLE_CUT_MIDDLE},
    [COLUMN_VISIBLE] = {"Visible", TABLE_RIGHT, TABLE_WHOLE},
    [COLUMN_FLIGHT] = {"In flight", TABLE_RIGHT, TABLE_WHOLE},
    [COLUMN_DELAYED] = {"Delayed", TABLE_RIGHT, TABLE_WHOLE},
    [COLUMN_DEAD] = {"Dead", TABLE_RIGHT, TABLE_WHOLE},
    [COLUMN_PROBLEM] = {"Attention", TABLE_LEFT, TABLE_CUT_END},
};

static const struct group_queue *source_of(const struct status *status, size_t i)
{
    return &status->queues.sources.items[i];
}

/* NULL: the queue has none, or is not open. */
static const struct group_queue *letters_of(const struct status *status, size_t i)
{
    const size_t at = status->queues.letters_of[i];
    return at == SIZE_MAX ? NULL : &status->queues.letters.items[at];
}

static uint64_t dead_of(const struct group_queue *letters)
{
    return letters->visible + letters->in_flight + letters->delayed;
}

static const char *problem_of_queue(const struct group_queue *item, const char *missing)
{
    if (!item->queue && item->error.code == ERR_NO_CONTAINER)
        return missing;
    return item->queue && item->depth_known ? NULL : item->error.text;
}

const char *status_problem(const struct status *status, size_t pipeline)
{
    const struct group_queue *letters = letters_of(status, pipeline);
    const char *problem = problem_of_queue(source_of(status, pipeline), "the queue does not exist");
    if (!problem && !letters)
        problem = "no dead-letter queue";
    if (!problem)
        problem = problem_of_queue(letters, "the dead-letter queue does not exist");
    return !problem && dead_of(letters) ? "dead letters" : problem;
}

bool status_is_well(const struct status *status)
{
    for (size_t i = 0; i < status->queues.count; i++)
        if (status_problem(status, i))
            return false;
    return !status->probes || status->probe.facts.ready;
}

/* ---- the engine ---- */

/* Messages a second since the last round; negative: unknown. */
static double rate(const struct status *status, double now, double before)
{
    const struct engine_facts *facts = &status->probe.facts;
    if (!facts->measured || !status->before.measured || facts->at_ms <= status->before.at_ms ||
        now < before) /* it was started again */
        return -1;
    return (now - before) * 1000 / (double)(facts->at_ms - status->before.at_ms);
}

static void print_rate(FILE *out, const char *name, double total, double rate_s)
{
    fprintf(out, ", %.0f %s", total, name);
    if (rate_s >= 0)
        fprintf(out, " (%.1f/s)", rate_s);
}

static void print_engine(const struct status *status, FILE *out)
{
    const struct engine_facts *facts = &status->probe.facts;
    char *reason = text_display(facts->reason);
    fprintf(out, "\nEngine %s: ", status->probe.base + strlen("http://"));
    if (facts->ready)
        fputs("ready", out);
    else
        fprintf(out, "%s%s%s", facts->reached ? "not ready" : "not reached",
                reason && *reason ? ": " : "", reason ? reason : "");
    if (facts->measured) {
        fprintf(out, ", %.0f jobs in progress, %.0f messages in flight", facts->jobs,
                facts->in_flight);
        print_rate(out, "done", facts->done, rate(status, facts->done, status->before.done));
        print_rate(out, "retried", facts->retried,
                   rate(status, facts->retried, status->before.retried));
        print_rate(out, "rejected", facts->rejected,
                   rate(status, facts->rejected, status->before.rejected));
    }
    fputc('\n', out);
    free(reason);
}

/* ---- the table ---- */

static const char *number(bool known, uint64_t value, char out[NUMBER_SIZE])
{
    snprintf(out, NUMBER_SIZE, "%" PRIu64, value);
    return known ? out : "-";
}

static void add_row(const struct status *status, struct table *table, size_t i)
{
    const struct group_queue *source = source_of(status, i), *letters = letters_of(status, i);
    const char *problem = status_problem(status, i);
    char visible[NUMBER_SIZE], flight[NUMBER_SIZE], delayed[NUMBER_SIZE], dead[NUMBER_SIZE];
    const char *cells[COLUMNS] = {
        [COLUMN_PIPELINE] = status->queues.names[i],
        [COLUMN_QUEUE] = pipeline_queues_name(source),
        [COLUMN_VISIBLE] = number(source->depth_known, source->visible, visible),
        [COLUMN_FLIGHT] = number(source->depth_known, source->in_flight, flight),
        [COLUMN_DELAYED] = number(source->depth_known, source->delayed, delayed),
        [COLUMN_DEAD] =
            number(letters && letters->depth_known, letters ? dead_of(letters) : 0, dead),
        [COLUMN_PROBLEM] = problem,
    };
    table_row(table, problem ? TABLE_FAILED : TABLE_PLAIN, cells);
}

int status_print(const struct status *status, FILE *out, size_t columns, bool colour)
{
    struct table *table = table_create(columns_of, COLUMNS);
    if (!table)
        return ERR_MEMORY;
    for (size_t i = 0; i < status->queues.count; i++)
        add_row(status, table, i);
    int code = table_print(table, out, columns, colour);
    table_free(table);
    if (status->probes)
        print_engine(status, out);
    return code;
}

/* ---- JSON ---- */

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *number_or_null(bool known, uint64_t value)
{
    return known ? json_integer((json_int_t)value) : json_null();
}

static json_t *queue_json(const struct group_queue *item)
{
    if (!item)
        return json_null();
    const bool known = item->depth_known;
    return json_pack("{so sb so so so}", "name", text_or_null(pipeline_queues_name(item)), "exists",
                     item->queue != NULL, "visible", number_or_null(known, item->visible),
                     "in_flight", number_or_null(known, item->in_flight), "delayed",
                     number_or_null(known, item->delayed));
}

static json_t *pipelines_json(const struct status *status)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < status->queues.count; i++) {
        json_t *row = json_pack("{ss so so so so}", "pipeline", status->queues.names[i], "queue",
                                queue_json(source_of(status, i)), "dead_letters",
                                queue_json(letters_of(status, i)), "oldest_age_seconds",
                                json_null(), "attention", text_or_null(status_problem(status, i)));
        if (json_array_append_new(array, row)) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *real_or_null(bool known, double value)
{
    return known ? json_real(value) : json_null();
}

static json_t *count_or_null(const struct engine_facts *facts, double value)
{
    return number_or_null(facts->measured, value > 0 ? (uint64_t)value : 0);
}

static json_t *engine_json(const struct status *status)
{
    const struct engine_facts *facts = &status->probe.facts, *before = &status->before;
    if (!status->probes)
        return json_null();
    const double done = rate(status, facts->done, before->done);
    const double rejected = rate(status, facts->rejected, before->rejected);
    return json_pack(
        "{sb sb so so so so so so so so}", "reached", facts->reached, "ready", facts->ready,
        "reason", text_or_null(*facts->reason ? facts->reason : NULL), "jobs",
        count_or_null(facts, facts->jobs), "messages_in_flight",
        count_or_null(facts, facts->in_flight), "done", count_or_null(facts, facts->done),
        "retried", count_or_null(facts, facts->retried), "rejected",
        count_or_null(facts, facts->rejected), "done_per_second", real_or_null(done >= 0, done),
        "rejected_per_second", real_or_null(rejected >= 0, rejected));
}

int status_print_json(const struct status *status, FILE *out)
{
    char now[ISO_TIME_SIZE];
    iso_time_format(wall_clock_ms() / 1000, now);
    json_t *root = json_pack("{sb ss so so}", "ok", status_is_well(status), "time", now,
                             "pipelines", pipelines_json(status), "engine", engine_json(status));
    return json_line_print(root, out);
}
