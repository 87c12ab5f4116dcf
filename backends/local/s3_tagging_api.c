/* PutObjectTagging, GetObjectTagging, DeleteObjectTagging. */
#include "s3_handlers.h"

#include <stdlib.h>
#include <string.h>

#include "objects.h"
#include "s3_body.h"
#include "s3_tags.h"
#include "s3_xml.h"

enum { BODY_MAX = 64 * 1024, ANSWER_MAX = 64 * 1024 };

struct tagging {
    struct storage_task task;
    struct s3_request *request;
    int64_t bucket;
    char *tags; /* to store */
    int answer; /* HTTP status of a change that worked */
    struct object object;
};

static void tagging_free(void *operation)
{
    struct tagging *tagging = operation;
    object_clear(&tagging->object);
    free(tagging->tags);
    free(tagging);
}

static struct tagging *tagging_create(struct s3_request *request)
{
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return NULL;
    struct tagging *tagging = s3_operation(request, sizeof(*tagging), tagging_free);
    if (!tagging)
        return NULL;
    tagging->request = request;
    tagging->bucket = bucket.id;
    return tagging;
}

/* Changing. */

static int change_run(struct storage_task *task, struct storage *storage)
{
    struct tagging *tagging = (struct tagging *)task;
    return objects_set_tags(storage, tagging->bucket, tagging->request->key, tagging->tags,
                            &task->error);
}

static void change_done(struct storage_task *task, int status)
{
    struct tagging *tagging = (struct tagging *)task;
    struct s3_request *request = tagging->request;
    if (status)
        s3_respond_failure(request, status, &task->error);
    else
        s3_respond_empty(request, tagging->answer, NULL, 0);
    s3_request_release(request);
}

/* Takes the tags. */
static void change(struct tagging *tagging, char *tags, int answer)
{
    tagging->tags = tags;
    tagging->answer = answer;
    tagging->task.run = change_run;
    tagging->task.done = change_done;
    s3_submit(tagging->request, &tagging->task);
}

static void respond_bad_tags(struct s3_request *request, int status, const struct error *error)
{
    if (status == ERR_INVALID)
        s3_respond_error(request, S3_INVALID_TAG, error->text);
    else
        s3_respond_error(request, status == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML,
                         NULL);
}

static void on_document(struct s3_request *request, struct slice body)
{
    struct error error = {0};
    char *tags = NULL;
    int status = s3_tags_from_xml(body, &tags, &error);
    if (status) {
        respond_bad_tags(request, status, &error);
        return;
    }
    struct tagging *tagging = tagging_create(request);
    if (tagging)
        change(tagging, tags, 200);
    else
        free(tags);
}

void s3_put_object_tagging(struct s3_request *request)
{
    struct bucket bucket;
    if (s3_find_bucket(request, &bucket))
        s3_collect(request, BODY_MAX, on_document);
}

void s3_delete_object_tagging(struct s3_request *request)
{
    struct tagging *tagging = tagging_create(request);
    char *none = tagging ? strdup("") : NULL;
    if (none)
        change(tagging, none, 204);
    else if (tagging)
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
}

/* Reading. */

static int find_run(struct storage_task *task, struct storage *storage)
{
    struct tagging *tagging = (struct tagging *)task;
    return objects_find(storage, tagging->bucket, tagging->request->key, &tagging->object,
                        &task->error);
}

static void find_done(struct storage_task *task, int status)
{
    struct tagging *tagging = (struct tagging *)task;
    struct s3_request *request = tagging->request;
    struct buffer out;
    buffer_init(&out, ANSWER_MAX);
    if (status) {
        s3_respond_failure(request, status, &task->error);
    } else {
        s3_xml_begin(&out, "Tagging");
        s3_xml_open(&out, "TagSet");
        s3_tags_to_xml(tagging->object.tags, &out);
        s3_xml_close(&out, "TagSet");
        s3_xml_close(&out, "Tagging");
        s3_respond_xml(request, &out);
    }
    s3_request_release(request);
}

void s3_get_object_tagging(struct s3_request *request)
{
    struct tagging *tagging = tagging_create(request);
    if (!tagging)
        return;
    tagging->task.run = find_run;
    tagging->task.done = find_done;
    s3_submit(request, &tagging->task);
}
