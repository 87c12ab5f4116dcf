/* Shared by the tests of pipelines/: pipelines from a text, renders in one call, generated
 * images. */
#ifndef THUMBWHEEL_TESTS_PIPELINE_SUPPORT_H
#define THUMBWHEEL_TESTS_PIPELINE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipelines.h"
#include "vips_start.h"

int start_pipelines(void **state);
int stop_pipelines(void **state);

/* Loads a pipeline from a text, as if it were in a file. */
int load_text(const char *text, struct pipeline **out, struct error *error);

/* A pipeline with a name, whatever else the text says. */
struct pipeline *pipeline_of(const char *text);

#endif
