#include "output_upload.h"

#include <stdlib.h>
#include <string.h>

#include "event_order.h"
#include "output_mark.h"

enum { TRIES_MAX = 6 };

static void on_put(const struct error *error, void *user);

static size_t metadata_size(const struct object_settings *settings)
{
    size_t size = 0;
    for (size_t i = 0; settings && i < settings->metadata_count; i++)
        size += strlen(settings->metadata[i].name) + strlen(settings->metadata[i].value);
    return size;
}

static int put_send(struct output_upload *upload)
{
    struct output_marks marks;
    output_marks_make(upload->pipeline, upload->record, upload->source_etag, &upload->sizes,
                      metadata_size(upload->put.settings), &marks);
    upload->put.metadata = marks.pairs;
    upload->put.metadata_count = marks.count;
    upload->put.only_new = !upload->unconditional && !upload->replaces;
    upload->put.replaces = upload->unconditional ? NULL : upload->replaces;
    upload->tries++;
    return upload->store->ops->put(upload->store, &upload->put, on_put, upload, &upload->request);
}

/* upload may have been freed afterwards. */
static void finish(struct output_upload *upload, const struct error *error)
{
    free(upload->replaces);
    upload->replaces = NULL;
    upload->done(upload, error);
}

static void fail(struct output_upload *upload, int code)
{
    struct error error;
    error_set(&error, code, "the output \"%s\" could not be stored (%s)", upload->put.key,
              error_name(code));
    finish(upload, &error);
}

static void put_again(struct output_upload *upload)
{
    int code = put_send(upload);
    if (code)
        fail(upload, code);
}

static bool is_newer(const struct object_facts *facts, const struct envelope_record *record)
{
    const char *theirs = output_mark_sequencer(facts, record);
    return theirs && sequencer_compare(theirs, record->sequencer) > 0;
}

static void on_seen(const struct object_facts *facts, const struct error *error, void *user)
{
    struct output_upload *upload = user;
    bool known = !error->code && facts->etag; /* the existing object, if any */
    upload->request = NULL;
    free(upload->replaces);
    upload->replaces = known ? strdup(facts->etag) : NULL;
    upload->superseded = known && is_newer(facts, upload->record);
    upload->unconditional = !known && (!error->code || error->code == ERR_DENIED);
    if (upload->superseded)
        finish(upload, error);
    else if (known && !upload->replaces)
        fail(upload, ERR_MEMORY);
    else if (known || upload->unconditional || error->code == ERR_NOT_FOUND)
        put_again(upload);
    else
        finish(upload, error);
}

/* Another writer's output exists, or was stored at the same moment. */
static void look(struct output_upload *upload)
{
    const struct object_name name = {upload->put.bucket, upload->put.key, NULL, upload->put.trace};
    int code = upload->store->ops->head(upload->store, &name, on_seen, upload, &upload->request);
    if (code)
        fail(upload, code);
}

static bool has_settings(const struct object_settings *settings)
{
    return settings && (settings->cache_control || settings->content_disposition || settings->sse ||
                        settings->storage_class || settings->acl || settings->metadata_count ||
                        settings->tag_count);
}

/* If the store refuses a request as invalid and the pipeline file sets how the output is stored,
 * this may be the reason. It concerns every output and the operator can change the file, so the
 * messages must wait. */
static void finish_put(struct output_upload *upload, const struct error *error)
{
    struct error refused = *error;
    if ((error->code == ERR_INVALID || error->code == ERR_UNACCEPTABLE) &&
        has_settings(upload->put.settings))
        refused.code = ERR_REFUSED;
    finish(upload, &refused);
}

static void on_put(const struct error *error, void *user)
{
    struct output_upload *upload = user;
    upload->request = NULL;
    if (error->code == ERR_UNSUPPORTED && !upload->unconditional) {
        upload->unconditional = true;
        put_again(upload);
    } else if (error->code == ERR_NOT_FOUND && upload->put.replaces) {
        look(upload); /* the object to replace no longer exists (404 NoSuchKey) */
    } else if (error->code == ERR_CONFLICT && !upload->unconditional && upload->tries < TRIES_MAX) {
        look(upload);
    } else {
        finish_put(upload, error);
    }
}

int output_upload_start(struct output_upload *upload)
{
    upload->unconditional = !sequencer_valid(upload->record->sequencer);
    upload->began_ns = uv_hrtime();
    return put_send(upload);
}

void output_upload_end(struct output_upload *upload)
{
    if (upload->request)
        upload->store->ops->cancel(upload->request);
    upload->request = NULL;
    free(upload->replaces);
    upload->replaces = NULL;
}
