#include "pipeline_support.h"

#include "image_format.h"
#include "vips_modules.h"

int start_pipelines(void **state)
{
    (void)state;
    struct error error = {0};
    int code = pipelines_start("test", &error);
    if (!code)
        vips_modules_load(MODULES_OUTPUT); /* for the images that tests make */
    return code;
}

int stop_pipelines(void **state)
{
    (void)state;
    pipelines_stop();
    return 0;
}

int load_text(const char *text, struct pipeline **out, struct error *error)
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

struct pipeline *pipeline_of(const char *text)
{
    struct pipeline *pipeline = NULL;
    struct error error = {0};
    if (load_text(text, &pipeline, &error))
        fail_msg("%s", error.text);
    return pipeline;
}
