/* The keys of a labeling service in a pipeline file. */
#ifndef THUMBWHEEL_LABELER_KEYS_H
#define THUMBWHEEL_LABELER_KEYS_H

#include "pipeline_file.h"

/* NULL if a model server's URL can be used, else what is wrong with it (static). */
const char *labeler_url_flaw(const char *url);

/* Sets labels->settings and labels->image from the other members. */
void labeler_keys_set(struct labels_config *labels);

/* Reads the server's token from the environment or its file (blocking), if the pipeline has one.
 * Not a part of parsing: the decoder processes parse pipelines too, and have no token. */
int labeler_token_load(struct pipeline *pipeline, struct problem_list *problems);
void labeler_token_free(struct pipeline *pipeline);

#endif
