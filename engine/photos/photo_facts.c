#include "photo_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "photo_db.h"
#include "wall_clock.h"

struct fact_output {
    char *bucket, *key;
    uint64_t size;
    unsigned width, height;
};

struct photo_facts {
    struct index_task task;
    photo_facts_done *done;
    void *user;
    char *bucket, *key, *reason, *detail;
    int64_t sent_ms;
    enum photo_live live;
    bool settles; /* it was rejected, for `reason` */
    bool plain;   /* details are to be read again */
    unsigned width, height;
    char colour[8], thumbhash[40];
    struct fact_output *outputs;
    size_t output_count;
};

static void facts_free(struct photo_facts *facts)
{
    for (size_t i = 0; i < facts->output_count; i++) {
        free(facts->outputs[i].bucket);
        free(facts->outputs[i].key);
    }
    free(facts->outputs);
    free(facts->bucket);
    free(facts->key);
    free(facts->reason);
    free(facts->detail);
    free(facts);
}

/* ---- index thread ---- */

/* The photo may not have been listed yet: then the event is all that is known. */
static int photo_ensure(struct photo_facts *facts, struct photo_db *db, int64_t *id)
{
    const struct seen_object seen = {facts->bucket, facts->key, 0, facts->sent_ms, ""};
    enum row_change change;
    int code = row_find(db, facts->bucket, facts->key, id, &facts->task.error);
    if (code || *id || !photo_config_accepts(db->config, facts->bucket, facts->key))
        return code;
    code = row_photo_seen(db, &seen, &change, &facts->task.error);
    return code ? code : row_find(db, facts->bucket, facts->key, id, &facts->task.error);
}

/* The clock of the store may be ahead: an output is not older than its photo. */
static int64_t output_time(struct photo_db *db, int64_t id)
{
    const int64_t now = wall_clock_ms();
    struct statement select =
        database_prepare(&db->database, "SELECT modified FROM photo WHERE id = ?");
    bind_int(&select, id);
    const int64_t modified = statement_step(&select, NULL) > 0 ? column_int(&select, 0) : 0;
    statement_reset(&select);
    return modified > now ? modified : now;
}

static int output_store(struct photo_facts *facts, struct photo_db *db,
                        const struct fact_output *output, int64_t modified_ms)
{
    const char *bucket = output->bucket ? output->bucket : facts->bucket;
    const struct seen_object seen = {bucket, output->key, output->size, modified_ms, NULL};
    struct error *error = &facts->task.error;
    int64_t photo;
    bool changed, adopted = false;
    int code = row_output_seen(db, &seen, &photo, &changed, error);
    if (!code && !photo)
        code = row_output_adopt(db, &seen, facts->bucket, facts->key, &adopted, error);
    if (code)
        return code;
    if (adopted)
        code = row_output_seen(db, &seen, &photo, &changed, error);
    if (code || !output->width)
        return code;
    return row_output_sized(db, bucket, output->key, output->width, output->height, error);
}

static int outcome_store(struct photo_facts *facts, struct photo_db *db, int64_t id)
{
    int code = row_live(db, id, facts->live, &facts->task.error);
    if (code)
        return code;
    if (facts->plain)
        code = row_plain(db, id, &facts->task.error);
    if (code || !facts->settles)
        return code;
    return row_reason(db, id, facts->reason, facts->detail, &facts->task.error);
}

static int facts_run(struct index_task *task, struct photo_db *db)
{
    struct photo_facts *facts = container_of(task, struct photo_facts, task);
    const struct photo_details details = {.width = facts->width,
                                          .height = facts->height,
                                          .colour = facts->colour,
                                          .thumbhash = facts->thumbhash};
    int64_t id;
    int code = photo_ensure(facts, db, &id);
    if (code || !id)
        return code;
    const int64_t modified_ms = output_time(db, id);
    for (size_t i = 0; i < facts->output_count; i++) {
        code = output_store(facts, db, &facts->outputs[i], modified_ms);
        if (code)
            return code;
    }
    code = row_details(db, id, &details, &task->error);
    return code ? code : outcome_store(facts, db, id);
}

/* ---- loop thread ---- */

static void facts_done(struct index_task *task, int code)
{
    struct photo_facts *facts = container_of(task, struct photo_facts, task);
    facts->done(facts->bucket, facts->key, code, facts->user);
    facts_free(facts);
}

static struct photo_facts *facts_make(const char *bucket, const char *key, int64_t sent_ms,
                                      enum photo_live live, photo_facts_done *done, void *user)
{
    struct photo_facts *facts = calloc(1, sizeof *facts);
    if (!facts)
        return NULL;
    facts->task = (struct index_task){.run = facts_run, .done = facts_done};
    facts->done = done;
    facts->user = user;
    facts->bucket = strdup(bucket);
    facts->key = strdup(key);
    facts->sent_ms = sent_ms ? sent_ms : wall_clock_ms();
    facts->live = live;
    if (facts->bucket && facts->key)
        return facts;
    facts_free(facts);
    return NULL;
}

static int output_copy(struct photo_facts *facts, const char *bucket, const char *key,
                       const struct rendition *rendition)
{
    struct fact_output *output = &facts->outputs[facts->output_count++];
    output->bucket = bucket ? strdup(bucket) : NULL;
    output->key = strdup(key);
    if (rendition) {
        output->size = rendition->body.size;
        output->width = rendition->width;
        output->height = rendition->height;
        if (*rendition->placeholder.colour)
            snprintf(facts->colour, sizeof facts->colour, "%s", rendition->placeholder.colour);
        if (*rendition->placeholder.thumbhash)
            snprintf(facts->thumbhash, sizeof facts->thumbhash, "%s",
                     rendition->placeholder.thumbhash);
    }
    return output->key && (!bucket || output->bucket) ? 0 : ERR_MEMORY;
}

static int outputs_copy(struct photo_facts *facts, const struct engine_record *record)
{
    facts->outputs = calloc(record->rendition_count + 1, sizeof *facts->outputs);
    if (!facts->outputs)
        return ERR_MEMORY;
    for (size_t i = 0; i < record->rendition_count; i++) {
        const struct rendition *rendition = &record->renditions[i];
        if (output_copy(facts, rendition->bucket, rendition->key, rendition))
            return ERR_MEMORY;
    }
    return record->sidecar_key
               ? output_copy(facts, record->sidecar_bucket, record->sidecar_key, NULL)
               : 0;
}

static void image_copy(struct photo_facts *facts, const struct image_facts *image)
{
    const bool turned = image->orientation >= 5; /* by 90 degrees */
    facts->width = turned ? image->height : image->width;
    facts->height = turned ? image->width : image->height;
}

int photo_facts_submit(struct photo_index *index, const struct engine_record *record,
                       enum photo_live live, bool labels, photo_facts_done *done, void *user)
{
    struct photo_facts *facts =
        facts_make(record->bucket, record->key, record->sent_ms, live, done, user);
    if (!facts)
        return ERR_MEMORY;
    const bool rejected = record->outcome == OUTCOME_REJECT;
    facts->settles = rejected;
    facts->plain = labels && record->outcome == OUTCOME_ACK;
    facts->reason = rejected ? strdup(record->reason) : NULL;
    facts->detail = rejected ? strdup(record->detail) : NULL;
    if (record->image)
        image_copy(facts, record->image);
    if (record->outcome == OUTCOME_ACK && outputs_copy(facts, record)) {
        facts_free(facts);
        return ERR_MEMORY;
    }
    photo_index_submit(index, &facts->task);
    return 0;
}

int photo_begun_submit(struct photo_index *index, const struct engine_step *step,
                       photo_facts_done *done, void *user)
{
    struct photo_facts *facts =
        facts_make(step->bucket, step->key, step->sent_ms, LIVE_WORKING, done, user);
    if (!facts)
        return ERR_MEMORY;
    photo_index_submit(index, &facts->task);
    return 0;
}
