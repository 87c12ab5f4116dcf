#include "output_upload.h"

#include <stdlib.h>
#include <string.h>

#include "event_order.h"
#include "output_mark.h"

enum { TRIES_MAX = 6 };

static void on_put(const struct error *error, void *user);

static int put_send(struct output_upload *upload)
{
    struct output_marks marks;
    output_marks_make(upload->pipeline, upload->record, upload->source_etag, &marks);
    upload->put.metadata = marks.pairs;
    upload->put.metadata_count = marks.count;
    upload->put.only_new = !upload->unconditional && !upload->replaces;
    upload->put.replaces = upload->unconditional ? NULL : upload->replaces;
    upload->tries++;
    return upload->store->ops->put(upload->store, &upload->put, on_put, upload, &upload->request);
}

static void finish(struct output_upload *upload, int code, const struct error *why)
{
    struct error error = {0};
    if (code && why && why->code == code)
        error = *why;
    else if (code)
        error_set(&error, code, "the output \"%s\" could not be stored (%s)", upload->put.key,
                  error_name(code));
    free(upload->replaces);
    upload->replaces = NULL;
    upload->done(upload, &error); /* it may be gone */
}

static void put_again(struct output_upload *upload)
{
    int code = put_send(upload);
    if (code)
        finish(upload, code, NULL);
}

static bool is_newer(const struct object_facts *facts, const struct envelope_record *record)
{
    const char *theirs = output_mark_sequencer(facts, record);
    return theirs && sequencer_compare(theirs, record->sequencer) > 0;
}

static void on_seen(const struct object_facts *facts, const struct error *error, void *user)
{
    struct output_upload *upload = user;
    upload->request = NULL;
    free(upload->replaces);
    upload->replaces = NULL;
    if (error->code == ERR_DENIED || (!error->code && !facts->etag)) {
        upload->unconditional = true;
    } else if (error->code && error->code != ERR_NOT_FOUND) {
        finish(upload, error->code, error);
        return;
    } else if (!error->code && is_newer(facts, upload->record)) {
        upload->superseded = true;
        finish(upload, 0, NULL);
        return;
    } else if (!error->code && !(upload->replaces = strdup(facts->etag))) {
        finish(upload, ERR_MEMORY, NULL);
        return;
    }
    put_again(upload);
}

/* Somebody else's output is there, or came in the same moment. */
static void look(struct output_upload *upload)
{
    const struct object_name name = {upload->put.bucket, upload->put.key, NULL};
    int code = upload->store->ops->head(upload->store, &name, on_seen, upload, &upload->request);
    if (code)
        finish(upload, code, NULL);
}

static void on_put(const struct error *error, void *user)
{
    struct output_upload *upload = user;
    upload->request = NULL;
    if (error->code == ERR_UNSUPPORTED && !upload->unconditional) {
        upload->unconditional = true;
        put_again(upload);
    } else if (error->code == ERR_NOT_FOUND && upload->put.replaces) {
        look(upload); /* what we were about to replace is gone (404 NoSuchKey) */
    } else if (error->code == ERR_CONFLICT && !upload->unconditional && upload->tries < TRIES_MAX) {
        look(upload);
    } else {
        finish(upload, error->code, error);
    }
}

int output_upload_start(struct output_upload *upload)
{
    upload->unconditional = !sequencer_valid(upload->record->sequencer);
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
