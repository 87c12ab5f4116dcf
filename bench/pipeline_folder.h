/* The pipeline files that a benchmark runs. */
#ifndef THUMBWHEEL_BENCH_PIPELINE_FOLDER_H
#define THUMBWHEEL_BENCH_PIPELINE_FOLDER_H

#include <stddef.h>

struct pipeline;

/* Loads the .yaml files of a folder, at most `max`; returns their number. Ends the program if the
 * folder or a file cannot be read. */
size_t pipeline_folder_read(const char *folder, struct pipeline **out, size_t max);

#endif
