#include "isolation_world.h"

#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>

#include "isolation.h"
#include "pipelines.h"

static const char one_output[] = "name: x\nqueue: q\noutputs: [{key: 'o/{name}', width: 40}]\n";

static size_t count_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void assert_no_children(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

int isolation_set_up(unsigned timeout_ms, uint64_t memory, void **state)
{
    struct world *w = calloc(1, sizeof *w);
    const struct isolation_settings options = {.timeout_ms = timeout_ms, .memory = memory};
    struct error error = {0};
    setenv("AWS_SECRET_ACCESS_KEY", "not for decoders", 1);
    w->pipeline = pipeline_of(one_output);
    w->photo = encode(four_corners(120, 80), ".png");
    w->descriptors = count_descriptors();
    if (isolation_start(&options, &error) || isolation_ready(&error))
        fail_msg("%s", error.text);
    *state = w;
    return 0;
}

int isolation_tear_down(void **state)
{
    struct world *w = *state;
    isolation_stop();
    assert_no_children();
    assert_int_equal(count_descriptors(), w->descriptors);
    vips_pipeline_ops.release(w->pipeline);
    bytes_free(&w->photo);
    free(w);
    return 0;
}

struct render_source source_of(const char *key, struct slice image)
{
    return (struct render_source){.bucket = "photos", .key = key, .etag = "etag", .image = image};
}

void render_one(struct slice image, struct render_item *item)
{
    static const struct pipeline_limits defaults;
    const struct render_source source = source_of("in/a.png", image);
    isolated_pipeline_ops.render(&source, &defaults, item, 1);
}

void assert_works(const struct world *w)
{
    struct render_item item = {.pipeline = w->pipeline};
    render_one(view(&w->photo), &item);
    assert_int_equal(item.error.code, 0);
    assert_int_equal(item.rendition_count, 1);
    assert_string_equal(item.renditions[0].key, "o/a.png");
    assert_int_equal(item.renditions[0].width, 40);
    render_item_clear(&item);
}
