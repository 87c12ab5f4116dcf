/* Init files: each error is reported with its place, and a file without errors becomes requests that say
 * of which place they are made. */
#include "init_file.h"

#include "error.h"
#include "fuzz.h"

/* libfyaml 0.7 loses an iterator's memory over a text of nothing but escaped quotes (pipeline.c). */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml\n";
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_quiet();
    return 0;
}

static void check_request(const struct init_request *request)
{
    require(*request->operation && request->resource);
    require(request->line > 0 && request->column > 0 && *request->key);
    if (request->service == INIT_S3) {
        require(!request->input);
        return;
    }
    require(json_is_object(request->input) && !request->body && !request->query);
    char *text = json_dumps(request->input, JSON_COMPACT);
    require(text);
    free(text);
}

static void check_problems(const struct problem_list *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->items[i];
        char *line = problem_line(problem);
        require(line && *problem->text && strcmp(problem->file, "init.yaml") == 0);
        free(line);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct init_home home = {.region = "us-east-1", .account = "000000000000"};
    struct slice text = {(const char *)data, size};
    struct problem_list problems = {0};
    struct init_file file;
    char *copy = fuzz_copy(text);
    int code = init_file_read((struct slice){copy, size}, "init.yaml", &home, &file, &problems);
    require(code == 0 || code == ERR_INVALID);
    require((code == ERR_INVALID) == (problems.errors > 0));
    for (size_t i = 0; i < file.count; i++)
        check_request(&file.requests[i]);
    check_problems(&problems);
    problem_list_clear(&problems);
    init_file_clear(&file);
    free(copy);
    return 0;
}
