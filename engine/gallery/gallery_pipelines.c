/*
 * The pipeline files on the page: reading, checking and saving them. Files are read and written on
 * threads of libuv's pool. A file is replaced at once, and only if it is still the one that the page
 * showed (its revision is a hash of its text).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "gallery_draft.h"
#include "gallery_work.h"
#include "hash.h"
#include "log.h"

enum { FILE_MAX = 1024 * 1024 };

static void revision_of(const void *text, size_t size, char out[SHA256_HEX_SIZE])
{
    sha256_hex(text, size, out);
}

bool gallery_pipeline_is_writable(const char *file)
{
    const char *slash = strrchr(file, '/');
    char *folder = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
    const bool writable = folder && access(file, W_OK) == 0 && access(folder, W_OK) == 0;
    free(folder);
    return writable;
}

/* ---- the list ---- */

struct pipeline_files {
    struct gallery_work work;
    struct text_list names, files;
    json_t *list;
    struct error error;
};

static int file_add(struct pipeline_files *files, size_t index)
{
    const char *file = files->files.items[index];
    struct bytes text = {0};
    char revision[SHA256_HEX_SIZE];
    const int code = file_read(file, FILE_MAX, &text, &files->error);
    if (code)
        return code;
    revision_of(text.data, text.size, revision);
    json_array_append_new(files->list,
                          json_pack("{s:s, s:s, s:o, s:s, s:b}", "name", files->names.items[index],
                                    "file", file, "text",
                                    json_stringn(text.data ? text.data : "", text.size), "revision",
                                    revision, "writable", gallery_pipeline_is_writable(file)));
    bytes_free(&text);
    return 0;
}

static void files_read(struct gallery_work *work)
{
    struct pipeline_files *files = container_of(work, struct pipeline_files, work);
    for (size_t i = 0; i < files->files.count && !files->error.code; i++)
        file_add(files, i);
}

static void on_files_read(struct gallery_work *work)
{
    struct pipeline_files *files = container_of(work, struct pipeline_files, work);
    if (work->call && files->error.code)
        gallery_refuse_error(work->call, &files->error);
    else if (work->call)
        gallery_respond_json(work->call, 200, json_pack("{s:O}", "pipelines", files->list));
    json_decref(files->list);
    text_list_clear(&files->names);
    text_list_clear(&files->files);
    free(files);
}

void gallery_pipelines_list(struct gallery_call *call)
{
    const struct gallery *gallery = call->gallery;
    struct pipeline_files *files = calloc(1, sizeof *files);
    if (!files) {
        gallery_refuse(call, 503, "out_of_memory", "the server is short of memory; try again");
        return;
    }
    *files = (struct pipeline_files){.work = {.run = files_read, .done = on_files_read},
                                     .list = json_array()};
    for (size_t i = 0; i < gallery->pipeline_count; i++) {
        const struct pipeline_facts *facts =
            gallery->options.pipeline_ops->facts(gallery->pipelines[i]);
        if (text_list_add(&files->names, facts->name) || text_list_add(&files->files, facts->file))
            error_set(&files->error, ERR_MEMORY, "out of memory");
    }
    gallery_work_start(&files->work, call);
}

/* ---- checking and saving ---- */

struct pipeline_saving {
    struct gallery_work work;
    struct pipeline_draft draft;
    char *name, *file; /* NULL: only check */
    char revision[SHA256_HEX_SIZE];
    bool changed; /* by somebody else */
    struct error error;
};

static void saving_free(struct pipeline_saving *saving)
{
    pipeline_draft_clear(&saving->draft);
    free(saving->name);
    free(saving->file);
    free(saving);
}

/* Whether the file is as the page showed it. */
static int compare(struct pipeline_saving *saving)
{
    struct bytes text = {0};
    char revision[SHA256_HEX_SIZE];
    const int code = file_read(saving->file, FILE_MAX, &text, &saving->error);
    if (code)
        return code;
    revision_of(text.data, text.size, revision);
    bytes_free(&text);
    saving->changed = strcmp(revision, saving->revision) != 0;
    return saving->changed ? ERR_CONFLICT : 0;
}

/* The page would lose sight of a file with another name in it. */
static int name_check(struct pipeline_saving *saving)
{
    const struct pipeline_facts *facts = saving->draft.rules.ops->facts(saving->draft.pipeline);
    if (strcmp(facts->name, saving->name) == 0)
        return 0;
    const struct problem_place place = {
        .line = facts->name_place.line, .column = facts->name_place.column, .key = "name"};
    return problem_add(&saving->draft.problems, &place, ERR_INVALID,
                       "must remain \"%s\": another name is another pipeline, in a file of its own",
                       saving->name);
}

static void file_replace(struct pipeline_saving *saving)
{
    const char *text = saving->draft.text;
    struct stat status;
    const unsigned mode = stat(saving->file, &status) ? 0644 : status.st_mode & 0777;
    const struct file_options options = {.mode = mode, .durable = true};
    if (file_write_as(saving->file, slice_of(text), &options, &saving->error) == 0)
        revision_of(text, strlen(text), saving->revision);
}

static void check_and_save(struct gallery_work *work)
{
    struct pipeline_saving *saving = container_of(work, struct pipeline_saving, work);
    if (saving->file && compare(saving))
        return;
    if (pipeline_draft_load(&saving->draft, &saving->error) || !saving->file)
        return;
    if (!saving->draft.problems.errors && !name_check(saving))
        file_replace(saving);
}

static void respond_saved(struct pipeline_saving *saving, struct gallery_call *call)
{
    const struct gallery_options *options = &call->gallery->options;
    log_info("a pipeline file was changed", LOG_TEXT("file", saving->file),
             LOG_TEXT("user", call->session.user));
    gallery_respond_json(call, 200, json_pack("{s:s}", "revision", saving->revision));
    if (options->reload)
        options->reload(options->user);
}

static void respond(struct pipeline_saving *saving, struct gallery_call *call)
{
    const bool is_bad = saving->draft.problems.errors > 0;
    if (saving->changed)
        gallery_refuse(call, 409, "changed",
                       "the file was changed meanwhile; load it again before you save");
    else if (saving->error.code)
        gallery_refuse_error(call, &saving->error);
    else if (saving->file && !is_bad)
        respond_saved(saving, call);
    else
        gallery_respond_json(
            call, saving->file ? 422 : 200,
            json_pack("{s:o}", "problems", pipeline_draft_problems(&saving->draft)));
}

static void on_saved(struct gallery_work *work)
{
    struct pipeline_saving *saving = container_of(work, struct pipeline_saving, work);
    if (work->call)
        respond(saving, work->call);
    saving_free(saving);
}

static struct pipeline_saving *saving_make(struct gallery_call *call)
{
    struct pipeline_saving *saving = calloc(1, sizeof *saving);
    if (!saving) {
        gallery_refuse(call, 503, "out_of_memory", "the server is short of memory; try again");
        return NULL;
    }
    saving->work = (struct gallery_work){.run = check_and_save, .done = on_saved};
    if (gallery_draft_read(call, &saving->draft))
        return saving;
    saving_free(saving);
    return NULL;
}

void gallery_pipeline_check(struct gallery_call *call)
{
    struct pipeline_saving *saving = saving_make(call);
    if (saving)
        gallery_work_start(&saving->work, call);
}

static const char *file_of(const struct gallery *gallery, const char *name)
{
    for (size_t i = 0; i < gallery->pipeline_count; i++) {
        const struct pipeline_facts *facts =
            gallery->options.pipeline_ops->facts(gallery->pipelines[i]);
        if (strcmp(facts->name, name) == 0)
            return facts->file;
    }
    return NULL;
}

void gallery_pipeline_save(struct gallery_call *call)
{
    const char *name = gallery_segment(call, 0), *file = file_of(call->gallery, name);
    if (!file) {
        gallery_refuse(call, 404, "not_found", "there is no pipeline of this name");
        return;
    }
    const char *revision = gallery_body_text(call, "revision", SHA256_HEX_SIZE - 1);
    struct pipeline_saving *saving = revision ? saving_make(call) : NULL;
    if (!saving)
        return;
    saving->name = strdup(name);
    saving->file = strdup(file);
    snprintf(saving->revision, sizeof saving->revision, "%s", revision);
    if (!saving->name || !saving->file) {
        saving_free(saving);
        gallery_refuse(call, 503, "out_of_memory", "the server is short of memory; try again");
        return;
    }
    gallery_work_start(&saving->work, call);
}
