/*
 * A pipeline file that somebody is writing: checked as the engine checks files, without being in use.
 *
 * Files are loaded by path, and name pictures beside them. So the text is written to a hidden file in
 * the folder of the pipeline files, which no engine reads, or in another one where that cannot be
 * written; and removed again. Blocking: on a pool thread, except pipeline_draft_clear.
 */
#ifndef THUMBWHEEL_GALLERY_PIPELINE_DRAFT_H
#define THUMBWHEEL_GALLERY_PIPELINE_DRAFT_H

#include <jansson.h>

#include "pipeline_check.h"

struct pipeline_draft {
    struct pipeline_rules rules;
    char *text;
    char *folder, *other_folder;
    struct pipeline *
        *others; /* a reference to each of those in use; that of the same name is replaced */
    size_t other_count;
    /* after pipeline_draft_load */
    char *path;                /* of the hidden file, which is gone */
    struct pipeline *pipeline; /* NULL: the file has errors */
    struct problem_list problems;
};

/* ERR_IO: the file cannot be written; ERR_MEMORY. Problems of the text are no error. */
int pipeline_draft_load(struct pipeline_draft *draft, struct error *error);
/* [{"line", "column", "message", "warning"}, …] */
json_t *pipeline_draft_problems(const struct pipeline_draft *draft);
void pipeline_draft_clear(struct pipeline_draft *draft);

#endif
