#include "activity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

enum { RECENT_S = 300 };

struct activity_record {
    struct list link;      /* in running or settled */
    struct id_entry entry; /* in the table, while it is running */
    uint64_t number;
    char *name; /* what it is found by */
    char *pipeline, *bucket, *key;
    int64_t sent_ms, began_ms, ended_ms; /* Unix time; 0: unknown */
    uint64_t began_ns, ended_ns;         /* uv_hrtime */
    enum outcome outcome;
    const char *reason; /* static */
    char detail[200];
    struct {
        const char *name; /* static */
        uint64_t at_ns;
    } steps[ACTIVITY_STEPS_MAX];
    size_t step_count;
};

/* ---- records ---- */

static void record_free(struct activity_record *record)
{
    if (!record)
        return;
    free(record->name);
    free(record->pipeline);
    free(record->bucket);
    free(record->key);
    free(record);
}

/* For free(); NULL: out of memory. */
static char *name_of(const char *message, const char *pipeline, const char *bucket, const char *key)
{
    char *name;
    return asprintf(&name, "%s %s %s/%s", message, pipeline, bucket, key) < 0 ? NULL : name;
}

static struct activity_record *record_new(const char *pipeline, const char *bucket, const char *key,
                                          char *name)
{
    struct activity_record *record = calloc(1, sizeof *record);
    if (!record) {
        free(name);
        return NULL;
    }
    list_init(&record->link);
    record->name = name;
    record->pipeline = strdup(pipeline);
    record->bucket = strdup(bucket);
    record->key = strdup(key);
    if (record->name && record->pipeline && record->bucket && record->key)
        return record;
    record_free(record);
    return NULL;
}

static struct activity_record *running_find(const struct activity *activity, const char *name)
{
    struct id_entry *entry = id_table_find(&activity->table, id_of_text(id_seed(), name));
    for (; entry; entry = id_table_next(entry)) {
        struct activity_record *record = container_of(entry, struct activity_record, entry);
        if (strcmp(record->name, name) == 0)
            return record;
    }
    return NULL;
}

static void running_add(struct activity *activity, struct activity_record *record)
{
    record->number = ++activity->serial;
    record->entry.id = id_of_text(id_seed(), record->name);
    id_table_add(&activity->table, &record->entry);
    list_push(&activity->running, &record->link);
    activity->running_count++;
}

static void running_remove(struct activity *activity, struct activity_record *record)
{
    id_table_remove(&activity->table, &record->entry);
    list_remove(&record->link);
    activity->running_count--;
}

/* ---- steps ---- */

static struct activity_record *running_begin(struct activity *activity,
                                             const struct engine_step *step, char *name)
{
    if (activity->running_count == ACTIVITY_RUNNING_MAX) {
        free(name);
        return NULL;
    }
    struct activity_record *record = record_new(step->pipeline, step->bucket, step->key, name);
    if (!record)
        return NULL;
    record->sent_ms = step->sent_ms;
    record->began_ns = step->received_ns;
    running_add(activity, record);
    return record;
}

void activity_step(struct activity *activity, const struct engine_step *step)
{
    char *name = name_of(step->message, step->pipeline, step->bucket, step->key);
    if (!name)
        return;
    struct activity_record *record = running_find(activity, name);
    if (record)
        free(name);
    else
        record = running_begin(activity, step, name);
    if (!record || record->step_count == ACTIVITY_STEPS_MAX)
        return;
    record->steps[record->step_count].name = step->step;
    record->steps[record->step_count++].at_ns = step->at_ns;
}

/* ---- JSON ---- */

/* In steps of 1/64 ms, which have at most six decimals. */
static double ms_between(uint64_t from_ns, uint64_t to_ns)
{
    const uint64_t units = to_ns > from_ns ? (to_ns - from_ns) * 64 / 1000000 : 0;
    return (double)units / 64;
}

static json_t *steps_json(const struct activity_record *record, uint64_t end_ns)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < record->step_count; i++) {
        const uint64_t at_ns = record->steps[i].at_ns;
        const uint64_t next_ns = i + 1 < record->step_count ? record->steps[i + 1].at_ns : end_ns;
        json_array_append_new(steps, json_pack("{s:s, s:f, s:f}", "name", record->steps[i].name,
                                               "at", ms_between(record->began_ns, at_ns), "ms",
                                               ms_between(at_ns, next_ns)));
    }
    return steps;
}

/* now: of a record that has not ended. */
static json_t *record_json(const struct activity_record *record, uint64_t now_ns, int64_t wall_ms)
{
    const bool ended = record->ended_ns != 0;
    const uint64_t end_ns = ended ? record->ended_ns : now_ns;
    const int64_t received_ms =
        ended ? record->began_ms : wall_ms - (int64_t)ms_between(record->began_ns, now_ns);
    return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:o}", "id",
                     (json_int_t)record->number, "pipeline", record->pipeline, "bucket",
                     record->bucket, "key", record->key, "sent", (json_int_t)record->sent_ms,
                     "received", (json_int_t)received_ms, "ended", (json_int_t)record->ended_ms,
                     "outcome", ended ? outcome_name(record->outcome) : "", "reason",
                     record->reason ? record->reason : "", "detail", record->detail, "steps",
                     steps_json(record, end_ns));
}

static void list_json(json_t *out, const struct list *records, uint64_t now_ns, int64_t wall_ms)
{
    for (const struct list *link = records->prev; link != records; link = link->prev)
        json_array_append_new(
            out,
            record_json(container_of(link, const struct activity_record, link), now_ns, wall_ms));
}

json_t *activity_json(const struct activity *activity, uint64_t now_ns, int64_t wall_ms)
{
    json_t *out = json_array();
    list_json(out, &activity->running, now_ns, wall_ms);
    list_json(out, &activity->settled, now_ns, wall_ms);
    return out;
}

/* ---- pace ---- */

static void count_done(struct activity *activity, uint64_t now_ns, double ms)
{
    const uint64_t second = now_ns / 1000000000;
    const size_t at = activity->time_count++ % ACTIVITY_TIMES;
    const size_t slot = second % (ACTIVITY_PACE_S + 1);
    activity->times[at].ms = ms;
    activity->times[at].at_ms = now_ns / 1000000;
    if (activity->seconds[slot].second != second)
        activity->seconds[slot].done = 0;
    activity->seconds[slot].second = second;
    activity->seconds[slot].done++;
}

static int compare_times(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void percentiles(const struct activity *activity, uint64_t now_ns, struct activity_pace *out)
{
    double sorted[ACTIVITY_TIMES];
    const size_t kept =
        activity->time_count < ACTIVITY_TIMES ? activity->time_count : ACTIVITY_TIMES;
    size_t count = 0;
    for (size_t i = 0; i < kept; i++)
        if (now_ns / 1000000 - activity->times[i].at_ms < RECENT_S * 1000)
            sorted[count++] = activity->times[i].ms;
    if (count == 0)
        return;
    qsort(sorted, count, sizeof *sorted, compare_times);
    out->p50_ms = sorted[(count - 1) / 2];
    out->p95_ms = sorted[(count - 1) * 95 / 100];
}

/* Of whole seconds: the current one has not ended. */
struct activity_pace activity_pace(const struct activity *activity, uint64_t now_ns)
{
    struct activity_pace pace = {0};
    const uint64_t now = now_ns / 1000000000;
    uint64_t done = 0;
    for (size_t i = 0; i <= ACTIVITY_PACE_S; i++) {
        const uint64_t second = activity->seconds[i].second;
        if (second < now && now - second <= ACTIVITY_PACE_S)
            done += activity->seconds[i].done;
    }
    pace.per_second = (double)done / ACTIVITY_PACE_S;
    percentiles(activity, now_ns, &pace);
    return pace;
}

/* ---- the end of a record ---- */

static struct activity_record *settled_take(struct activity *activity,
                                            const struct engine_record *record)
{
    char *name = name_of(record->message, record->pipeline, record->bucket, record->key);
    if (!name)
        return NULL;
    struct activity_record *running = running_find(activity, name);
    if (!running)
        return record_new(record->pipeline, record->bucket, record->key, name);
    free(name);
    running_remove(activity, running);
    return running;
}

static void settled_fill(struct activity_record *settled, const struct engine_record *record,
                         uint64_t now_ns, int64_t wall_ms)
{
    settled->sent_ms = record->sent_ms;
    settled->outcome = record->outcome;
    settled->reason = record->reason;
    snprintf(settled->detail, sizeof settled->detail, "%s", record->detail);
    utf8_repair(settled->detail);
    settled->ended_ns = now_ns;
    settled->ended_ms = wall_ms;
    settled->began_ms = wall_ms - (int64_t)record->milliseconds;
    if (settled->step_count == 0)
        settled->began_ns = now_ns - (uint64_t)(record->milliseconds * 1e6);
}

static void settled_keep(struct activity *activity, struct activity_record *settled)
{
    list_push(&activity->settled, &settled->link);
    if (activity->settled_count++ < ACTIVITY_SHOWN)
        return;
    activity->settled_count--;
    record_free(container_of(list_shift(&activity->settled), struct activity_record, link));
}

json_t *activity_settle(struct activity *activity, const struct engine_record *record,
                        uint64_t now_ns, int64_t wall_ms)
{
    struct activity_record *settled = settled_take(activity, record);
    if (record->outcome == OUTCOME_ACK)
        count_done(activity, now_ns,
                   record->sent_ms && wall_ms > record->sent_ms
                       ? (double)(wall_ms - record->sent_ms)
                       : record->milliseconds);
    if (!settled)
        return NULL;
    if (settled->number == 0)
        settled->number = ++activity->serial;
    settled_fill(settled, record, now_ns, wall_ms);
    settled_keep(activity, settled);
    return record_json(settled, now_ns, wall_ms);
}

/* ---- the activity ---- */

int activity_init(struct activity *activity)
{
    *activity = (struct activity){0};
    list_init(&activity->running);
    list_init(&activity->settled);
    return id_table_init(&activity->table);
}

static void list_clear(struct list *records)
{
    struct list *link;
    while ((link = list_shift(records)))
        record_free(container_of(link, struct activity_record, link));
}

void activity_clear(struct activity *activity)
{
    list_clear(&activity->running);
    list_clear(&activity->settled);
    id_table_free(&activity->table);
}
