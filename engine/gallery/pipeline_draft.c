#include "pipeline_draft.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#define TEMPLATE "/.draft-XXXXXX.yaml"
enum { SUFFIX = sizeof ".yaml" - 1 };

/* ---- the file ---- */

static int file_open(const char *folder, char **path)
{
    if (asprintf(path, "%s" TEMPLATE, folder) < 0)
        *path = NULL;
    return *path ? mkstemps(*path, SUFFIX) : -1;
}

static int text_write(const struct pipeline_draft *draft, char **path, struct error *error)
{
    int fd = file_open(draft->folder, path);
    if (fd < 0) {
        free(*path);
        fd = file_open(draft->other_folder, path);
    }
    if (fd < 0)
        return error_set(error, ERR_IO, "a temporary file cannot be written to %s: %s",
                         draft->other_folder, strerror(errno));
    const int code = file_write_all(fd, draft->text, strlen(draft->text));
    close(fd);
    return code ? error_set(error, code, "%s: %s", *path, strerror(errno)) : 0;
}

/* ---- checking ---- */

static const char *name_of(const struct pipeline_draft *draft, const struct pipeline *pipeline)
{
    return draft->rules.ops->facts(pipeline)->name;
}

/* The draft instead of the one with its name, if there is one, else beside the others. */
static int check_together(struct pipeline_draft *draft)
{
    struct pipeline **all = calloc(draft->other_count + 1, sizeof *all);
    size_t count = 0;
    if (!all)
        return ERR_MEMORY;
    for (size_t i = 0; i < draft->other_count; i++)
        if (strcmp(name_of(draft, draft->others[i]), name_of(draft, draft->pipeline)) != 0)
            all[count++] = draft->others[i];
    all[count++] = draft->pipeline;
    const int code = pipelines_check(&draft->rules, all, count, &draft->problems);
    free(all);
    return code;
}

static int load(struct pipeline_draft *draft, const char *path)
{
    draft->rules.ops->load(path, &draft->pipeline, &draft->problems);
    problem_list_sort(&draft->problems, 0);
    if (draft->problems.out_of_memory)
        return ERR_MEMORY;
    return draft->pipeline ? check_together(draft) : 0;
}

int pipeline_draft_load(struct pipeline_draft *draft, struct error *error)
{
    int code = text_write(draft, &draft->path, error);
    if (!code && load(draft, draft->path))
        code = error_set(error, ERR_MEMORY, "out of memory");
    if (draft->path)
        unlink(draft->path);
    draft->rules.ops->thread_end();
    return code;
}

/* ---- the result ---- */

/* The hidden file is not known to those who read it. */
static json_t *message_of(const struct pipeline_draft *draft, const struct problem *problem)
{
    const char *key = problem->key ? problem->key : "", *text = problem->text;
    const char *found = draft->path ? strstr(text, draft->path) : NULL;
    return json_sprintf("%s%s%.*s%s%s", key, *key ? ": " : "",
                        (int)(found ? found - text : (long)strlen(text)), text,
                        found ? "this file" : "", found ? found + strlen(draft->path) : "");
}

json_t *pipeline_draft_problems(const struct pipeline_draft *draft)
{
    json_t *list = json_array();
    for (size_t i = 0; i < draft->problems.count; i++) {
        const struct problem *problem = &draft->problems.items[i];
        json_array_append_new(list,
                              json_pack("{s:i, s:i, s:o, s:b}", "line", problem->line, "column",
                                        problem->column, "message", message_of(draft, problem),
                                        "warning", problem->code == 0));
    }
    return list;
}

void pipeline_draft_clear(struct pipeline_draft *draft)
{
    const struct pipeline_ops *ops = draft->rules.ops;
    if (draft->pipeline)
        ops->release(draft->pipeline);
    for (size_t i = 0; i < draft->other_count; i++)
        ops->release(draft->others[i]);
    free(draft->others);
    free(draft->text);
    free(draft->folder);
    free(draft->other_folder);
    free(draft->path);
    problem_list_clear(&draft->problems);
}
