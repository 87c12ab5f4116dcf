/*
 * What is checked and made before anything of a session starts: pipelines, init file, photos, data
 * directory, directory of the results.
 */
#include "local_session_parts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "standard_directories.h"

enum { SKIPPED_SHOWN = 3 };

/* ---- photos ---- */

static void note_skipped(const struct text_list *skipped)
{
    if (skipped->count == 0)
        return;
    struct buffer names;
    buffer_init(&names, 4096);
    for (size_t i = 0; i < skipped->count && i < SKIPPED_SHOWN; i++)
        buffer_format(&names, "%s%s", i ? ", " : "", skipped->items[i]);
    command_note("skipped %zu file%s without an image extension: %s%s", skipped->count,
                 skipped->count == 1 ? "" : "s", names.data ? names.data : "",
                 skipped->count > SKIPPED_SHOWN ? ", …" : "");
    buffer_free(&names);
}

static int named_photos(struct session *session)
{
    const struct text_list *paths = &session->config->paths;
    struct error error = {0};
    for (size_t i = 0; i < paths->count; i++) {
        if (photos_add(&session->photos, paths->items[i], &error)) {
            command_error("%s", error.text);
            return STATUS_USAGE;
        }
    }
    note_skipped(&session->photos.skipped);
    if (paths->count && session->photos.count == 0) {
        command_error("no photos in %s", paths->items[0]);
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

/* ---- directories ---- */

static int data_create(struct session *session, struct error *error)
{
    const struct config *config = session->config;
    if (!config->cloud.data_dir && session->once) {
        int code = temporary_directory_create(&session->data, error);
        if (code)
            return code;
        session->data_temporary = true;
    } else {
        session->data =
            config->cloud.data_dir ? strdup(config->cloud.data_dir) : standard_data_directory();
    }
    if (!session->data)
        return error_set(error, ERR_MEMORY, "out of memory");
    return directory_make(session->data, 0700, error);
}

static int data_choose(struct session *session)
{
    struct error error = {0};
    if (!data_create(session, &error))
        return STATUS_OK;
    bool advise = session->config->cloud.data_dir || !session->once;
    command_error("%s%s", error.text, advise ? "; set it with --data" : "");
    return STATUS_FAILED;
}

/* Checked now rather than after an hour of work. */
static int out_check(const struct config *config)
{
    struct error error = {0};
    if (directory_make(config->out, 0777, &error)) {
        command_error("%s; set it with --out", error.text);
        return STATUS_FAILED;
    }
    if (access(config->out, W_OK)) {
        command_error("cannot write to %s: %s; choose another directory with --out", config->out,
                      strerror(errno));
        return STATUS_FAILED;
    }
    return STATUS_OK;
}

void session_discard(void *user)
{
    struct session *session = user;
    struct error error = {0};
    if (session->data_temporary && directory_remove(session->data, &error))
        command_note("%s", error.text);
    session->data_temporary = false;
    local_samples_discard(&session->samples);
}

/* ---- all ---- */

static int fail_overlay(const struct pipeline_facts *facts, const char *key)
{
    command_error("%s: the overlay \"%s\" is a key in the photo's bucket, but photos of process "
                  "are files: use "
                  "s3://BUCKET/KEY",
                  facts->file, key);
    return STATUS_USAGE;
}

/* A file has no bucket. */
static int overlays_check(const struct session *session)
{
    for (size_t i = 0; session->files && i < session->pipelines.count; i++) {
        const struct pipeline_facts *facts =
            session->assembly->pipeline_ops->facts(session->pipelines.items[i]);
        for (size_t k = 0; k < facts->overlay_count; k++) {
            if (!facts->overlays[k].bucket)
                return fail_overlay(facts, facts->overlays[k].key);
        }
    }
    return STATUS_OK;
}

int session_prepare(struct session *session)
{
    const struct config *config = session->config;
    int exit_status = command_load_pipelines(session->assembly, config, &session->pipelines);
    if (exit_status)
        return exit_status;
    exit_status = overlays_check(session);
    if (exit_status)
        return exit_status;
    exit_status = local_init_load(config, &session->init);
    if (exit_status)
        return exit_status;
    exit_status = named_photos(session);
    if (exit_status)
        return exit_status;
    exit_status = data_choose(session);
    if (exit_status)
        return exit_status;
    return config->cloud_only ? STATUS_OK : out_check(config);
}
