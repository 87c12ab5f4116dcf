/* What the tests of pipelines/ share: a pipeline from a text, a render in a line, images made on
 * the spot. */
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

static inline int start_pipelines(void **state)
{
    (void)state;
    struct error error = {0};
    return pipelines_start("test", &error);
}

static inline int stop_pipelines(void **state)
{
    (void)state;
    pipelines_stop();
    return 0;
}

/* Loads a pipeline from a text, as if it were in a file. */
static inline int load_text(const char *text, struct pipeline **out, struct error *error)
{
    char path[] = "/tmp/thumbwheel-pipeline-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int code = pipeline_load(path, out, error);
    unlink(path);
    return code;
}

/* A pipeline with a name, whatever else the text says. */
static inline struct pipeline *pipeline_of(const char *text)
{
    struct pipeline *pipeline = NULL;
    struct error error = {0};
    if (load_text(text, &pipeline, &error))
        fail_msg("%s", error.text);
    return pipeline;
}

#endif
