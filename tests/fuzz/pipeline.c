/*
 * Pipeline files: each error is reported with its location, and a file that loads can be used in
 * every way that the engine does.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "fuzz.h"
#include "pipelines.h"
#include "vips_start.h"

static int file = -1;
static char path[64];

/* libfyaml 0.7 loses an iterator's memory over a text of nothing but escaped quotes. That none of
 * its parsers is lost is what the unit tests watch. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml\n";
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct error error;
    (void)argc;
    fuzz_quiet();
    require(!pipelines_start(**argv, &error));
    file = memfd_create("pipeline", MFD_CLOEXEC);
    require(file >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return 0;
}

static void check_pipeline(struct pipeline *pipeline)
{
    static const char *const keys[] = {"", "a", "ingest/photo.jpg", "web/x.PNG", "\xc3\xa9/%/+"};
    const struct pipeline_ops *ops = &vips_pipeline_ops;
    const struct pipeline_facts *facts = ops->facts(pipeline);
    struct error error = {0};
    require(*facts->name && *facts->queue && strcmp(facts->file, path) == 0);
    require(facts->weight >= 1 && facts->weight <= 100);
    require(facts->output_count || facts->labels);
    for (size_t i = 0; i < facts->output_count; i++)
        require(*ops->output(pipeline, i).key);
    ops->output(pipeline, facts->output_count);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        ops->matches(pipeline, "photos", keys[i]);
    for (size_t i = 0; i <= facts->output_count; i++) {
        int loop = ops->check_loop(pipeline, i, pipeline, &error);
        require(loop == 0 || (loop == ERR_LOOP && *error.text));
    }
    ops->release(pipeline);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pipeline *pipeline = NULL;
    struct error error = {0};
    require(!ftruncate(file, 0) && pwrite(file, data, size, 0) == (ssize_t)size);
    int code = pipeline_load(path, &pipeline, &error);
    if (code)
        require(code == error.code && strncmp(error.text, path, strlen(path)) == 0);
    else
        check_pipeline(pipeline);
    return 0;
}
