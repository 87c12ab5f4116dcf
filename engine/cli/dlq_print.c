/* What `thumbwheel dlq` prints. The JSON members are documented in docs/dead-letters.md; a member
 * without a value is null. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dlq.h"
#include "iso_time.h"
#include "json_line.h"
#include "terminal.h"

enum {
    COLUMN_QUEUE,
    COLUMN_ID,
    COLUMN_REASON,
    COLUMN_PIPELINE,
    COLUMN_SOURCE,
    COLUMN_AGE,
    COLUMN_RECEIVES,
    COLUMNS
};

static const struct table_column columns[COLUMNS] = {
    [COLUMN_QUEUE] = {"Queue", TABLE_LEFT, TABLE_CUT_MIDDLE},
    [COLUMN_ID] = {"ID", TABLE_LEFT, TABLE_WHOLE},
    [COLUMN_REASON] = {"Reason", TABLE_LEFT, TABLE_CUT_END},
    [COLUMN_PIPELINE] = {"Pipeline", TABLE_LEFT, TABLE_CUT_MIDDLE},
    [COLUMN_SOURCE] = {"Source", TABLE_LEFT, TABLE_CUT_MIDDLE},
    [COLUMN_AGE] = {"Age", TABLE_RIGHT, TABLE_WHOLE},
    [COLUMN_RECEIVES] = {"Receives", TABLE_RIGHT, TABLE_WHOLE},
};

struct table *dlq_table(void)
{
    return table_create(columns, COLUMNS);
}

void dlq_age(int64_t milliseconds, char out[DLQ_AGE_SIZE])
{
    const int64_t s = milliseconds > 0 ? milliseconds / 1000 : 0;
    if (s < 60)
        snprintf(out, DLQ_AGE_SIZE, "%" PRId64 "s", s);
    else if (s < 60 * 60)
        snprintf(out, DLQ_AGE_SIZE, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
    else if (s < 24 * 60 * 60)
        snprintf(out, DLQ_AGE_SIZE, "%" PRId64 "h %" PRId64 "m", s / 3600, s / 60 % 60);
    else
        snprintf(out, DLQ_AGE_SIZE, "%" PRId64 "d %" PRId64 "h", s / 86400, s / 3600 % 24);
}

/* ---- JSON ---- */

static json_t *text(const char *value)
{
    return value ? json_string(value) : json_null();
}

static json_t *number(size_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *sent_json(int64_t sent_ms)
{
    char when[ISO_TIME_SIZE];
    if (!sent_ms)
        return json_null();
    iso_time_format(sent_ms / 1000, when);
    return json_string(when);
}

static json_t *age_json(const struct dlq *dlq, int64_t sent_ms)
{
    if (!sent_ms)
        return json_null();
    return json_integer(dlq->began_ms > sent_ms ? (dlq->began_ms - sent_ms) / 1000 : 0);
}

static json_t *message_json(const struct dlq *dlq, const struct queue_message *message,
                            const struct dead_letter_facts *facts)
{
    return json_pack(
        "{ss so so so so so so so so sb so so so so so si so}", "type", "message", "queue",
        text(dlq->queue), "id", text(message->id), "reason", text(facts->reason), "detail",
        text(facts->detail), "pipeline", text(facts->pipeline), "bucket", text(facts->bucket),
        "key", text(facts->key), "records", number(facts->record_count), "payload", facts->pointer,
        "rejected_records", text(facts->records), "original_id", text(facts->original_id),
        "source_queue_arn", text(message->source_arn), "sent", sent_json(message->sent_ms),
        "age_seconds", age_json(dlq, message->sent_ms), "receive_count",
        (int)message->receive_count, "group", text(message->group));
}

static json_t *attributes_json(const struct queue_message *message)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < message->attribute_count; i++) {
        const struct queue_attribute *attribute = &message->attributes[i];
        if (json_array_append_new(array, json_pack("{ss ss ss}", "name", attribute->name, "type",
                                                   attribute->type, "value", attribute->value))) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *whole_json(const struct dlq *dlq, const struct queue_message *message,
                          const struct dead_letter_facts *facts)
{
    json_t *root = message_json(dlq, message, facts);
    if (root && !json_object_set_new(root, "deduplication_id", text(message->deduplication)) &&
        !json_object_set_new(root, "attributes", attributes_json(message)) &&
        !json_object_set_new(root, "body", json_stringn(message->body, message->body_size)))
        return root;
    json_decref(root);
    return NULL;
}

/* ---- list ---- */

static void source_format(const struct dead_letter_facts *facts, struct buffer *out)
{
    buffer_init(out, 8192);
    if (!facts->key)
        return;
    buffer_format(out, "s3://%s/%s", facts->bucket, facts->key);
    if (facts->pointer)
        buffer_text(out, " (payload)");
    else if (facts->record_count > 1)
        buffer_format(out, " (and %zu more)", facts->record_count - 1);
}

static int add_row(const struct dlq *dlq, const struct queue_message *message,
                   const struct dead_letter_facts *facts)
{
    char age[DLQ_AGE_SIZE] = "", receives[16];
    struct buffer source;
    source_format(facts, &source);
    if (message->sent_ms)
        dlq_age(dlq->began_ms - message->sent_ms, age);
    snprintf(receives, sizeof receives, "%u", message->receive_count);
    const char *cells[COLUMNS] = {
        [COLUMN_QUEUE] = dlq->queue,
        [COLUMN_ID] = message->id,
        [COLUMN_REASON] = facts->reason ? facts->reason : "unknown",
        [COLUMN_PIPELINE] = facts->pipeline,
        [COLUMN_SOURCE] = source.size ? source.data : NULL,
        [COLUMN_AGE] = age,
        [COLUMN_RECEIVES] = receives,
    };
    const int code = source.error;
    table_row(dlq->table, TABLE_PLAIN, cells);
    buffer_free(&source);
    return code;
}

/* ---- show ---- */

static void print_fact(const char *name, const char *value)
{
    if (value && *value)
        terminal_line(stdout, "%-16s%s", name, value);
}

static void print_times(const struct dlq *dlq, const struct queue_message *message)
{
    char when[ISO_TIME_SIZE], age[DLQ_AGE_SIZE];
    if (message->sent_ms) {
        iso_time_format(message->sent_ms / 1000, when);
        dlq_age(dlq->began_ms - message->sent_ms, age);
        terminal_line(stdout, "%-16s%s (%s ago)", "Sent", when, age);
    }
    terminal_line(stdout, "%-16s%u", "Receives", message->receive_count);
}

static void print_sources(const struct dead_letter_facts *facts)
{
    if (facts->pointer)
        terminal_line(stdout, "%-16ss3://%s/%s", "Payload", facts->bucket, facts->key);
    for (size_t i = 0; i < facts->record_count; i++)
        terminal_line(stdout, "%-16ss3://%s/%s", i ? "" : "Source",
                      facts->envelope.records[i].bucket, facts->envelope.records[i].key);
}

/* Line by line, since a line feed is a control character. */
static int print_body(const struct queue_message *message)
{
    char *copy = strdup(message->body);
    if (!copy)
        return ERR_MEMORY;
    printf("\nBody (%zu bytes):\n", message->body_size);
    char *rest = copy;
    while (rest) {
        const char *line = strsep(&rest, "\n");
        terminal_line(stdout, "%s", line);
    }
    free(copy);
    return 0;
}

static int print_whole(const struct dlq *dlq, const struct queue_message *message,
                       const struct dead_letter_facts *facts)
{
    print_fact("ID", message->id);
    print_fact("Queue", dlq->queue);
    print_fact("Reason", facts->reason ? facts->reason : "unknown");
    print_fact("Detail", facts->detail);
    print_fact("Records", facts->records);
    print_fact("Pipeline", facts->pipeline);
    print_sources(facts);
    print_fact("Source queue", message->source_arn);
    print_fact("Original ID", facts->original_id);
    print_fact("Group", message->group);
    print_fact("Deduplication", message->deduplication);
    print_times(dlq, message);
    if (message->attribute_count)
        printf("\nAttributes:\n");
    for (size_t i = 0; i < message->attribute_count; i++)
        terminal_line(stdout, "  %s (%s): %s", message->attributes[i].name,
                      message->attributes[i].type, message->attributes[i].value);
    return print_body(message);
}

int dlq_print_message(struct dlq *dlq, const struct queue_message *message,
                      const struct dead_letter_facts *facts)
{
    if (dlq->config->json)
        return json_line_print(dlq->show ? whole_json(dlq, message, facts)
                                         : message_json(dlq, message, facts),
                               stdout);
    if (dlq->table)
        return add_row(dlq, message, facts);
    if (dlq->matched > 1)
        putchar('\n');
    return print_whole(dlq, message, facts);
}

/* ---- results ---- */

static int print_result_json(const struct dlq_action *action, const struct dlq_result *result)
{
    const bool looks = result->method && strcmp(result->method, "purge") != 0 &&
                       strcmp(result->method, "move-task") != 0;
    return json_line_print(
        json_pack("{ss ss so so so so so so so so so so sb so}", "type", "queue", "action",
                  action->name, "queue", text(result->queue), "method", text(result->method), "to",
                  text(result->to), "looked_at", looks ? number(result->looked_at) : json_null(),
                  "matched", number(result->matched), action->verb ? action->verb : "changed",
                  action->verb ? number(result->done) : json_null(), "failed",
                  number(result->failed), "arrived_since", number(result->arrived), "in_flight",
                  number(result->in_flight), "behind_others", number(result->behind), "complete",
                  result->complete, "error", text(result->error.code ? result->error.text : NULL)),
        stdout);
}

static void print_result_text(const struct dlq_action *action, const struct dlq_result *result)
{
    if (!action->verb)
        return;
    if (result->to)
        terminal_line(stdout, "%s: %zu of %zu messages %s to %s", result->queue, result->done,
                      result->matched, action->verb, result->to);
    else
        terminal_line(stdout, "%s: %zu of %zu messages %s", result->queue, result->done,
                      result->matched, action->verb);
}

int dlq_print_result(const struct dlq *dlq, const struct dlq_action *action,
                     const struct dlq_result *result)
{
    if (dlq->config->json)
        return print_result_json(action, result);
    print_result_text(action, result);
    return 0;
}

static int print_table(const struct dlq *dlq)
{
    return dlq->matched ? table_print(dlq->table, stdout, terminal_columns(fileno(stdout)),
                                      terminal_colour(fileno(stdout)))
                        : 0;
}

int dlq_print_summary(const struct dlq *dlq, const struct dlq_action *action,
                      const struct dlq_result *total)
{
    if (dlq->config->json)
        return json_line_print(
            json_pack("{ss ss so so so so sb sb}", "type", "summary", "action", action->name,
                      "matched", number(total->matched), action->verb ? action->verb : "changed",
                      action->verb ? number(total->done) : json_null(), "failed",
                      number(total->failed), "looked_at", number(total->looked_at), "complete",
                      total->complete, "interrupted", service_interrupted(&dlq->service)),
            stdout);
    if (!dlq->table)
        return 0;
    int code = print_table(dlq);
    if (total->matched == total->looked_at)
        printf("%s%zu dead letter%s\n", total->matched ? "\n" : "", total->matched,
               total->matched == 1 ? "" : "s");
    else
        printf("%s%zu of %zu dead letters\n", total->matched ? "\n" : "", total->matched,
               total->looked_at);
    return code;
}
