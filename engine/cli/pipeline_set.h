/* The pipeline files of a process. Blocking, at start. */
#ifndef THUMBWHEEL_PIPELINE_SET_H
#define THUMBWHEEL_PIPELINE_SET_H

#include <stddef.h>

#include "error.h"
#include "pipeline.h"
#include "pipeline_check.h"
#include "problems.h"
#include "text_list.h"

struct pipeline_set {
    const struct pipeline_ops *ops;
    struct pipeline **items;
    size_t count;
    struct text_list files; /* files that were found */
    struct problem_list problems;
};

/* Finds and loads what the paths name: files, and in directories *.yaml and *.yml, in the order of
 * their names. Without a path, the pipelines that come with thumbwheel:
 * ../share/thumbwheel/pipelines beside the program's directory, else those of the source tree that
 * it was built from. Then checks them by the rules (pipeline_check.h).
 *
 * Returns 0 even if there are problems, which are all in the list; otherwise ERR_MEMORY. The caller
 * clears the set in any case. */
int pipeline_set_load(struct pipeline_set *set, const struct pipeline_rules *rules,
                      const struct text_list *paths);
void pipeline_set_clear(struct pipeline_set *set);

#endif
