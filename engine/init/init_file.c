#include "init_file.h"

#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "init_build.h"
#include "init_check.h"

/* In an order in which each request finds what it refers to. */
static int build_all(struct init_build *build, const struct yaml_node *root)
{
    static const struct {
        const char *list;
        init_item *each;
    } phases[] = {
        {"buckets", init_bucket_create},
        {"queues", init_queue_create},
        {"topics", init_topic_create},
        {"event_buses", init_bus_create},
        {"buckets", init_bucket_set},
        {"queues", init_queue_set},
        {"topics", init_topic_set},
        {"subscriptions", init_subscription},
        {"rules", init_rule},
        {"buckets", init_bucket_notify},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof phases / sizeof phases[0] && !code; i++)
        code = init_each(build, root, phases[i].list, phases[i].each);
    return code;
}

int init_file_read(struct slice text, const char *name, const struct init_home *home,
                   struct init_file *out, struct problem_list *problems)
{
    struct init_build build = {.file = out, .home = home};
    struct yaml_node *root = NULL;
    size_t before = problems->errors;
    *out = (struct init_file){.name = strdup(name)};
    if (!out->name)
        return ERR_MEMORY;
    int code = yaml_read(text, name, &root, problems);
    if (code)
        return code;
    init_check(root, name, problems);
    code = problems->errors > before ? ERR_INVALID : build_all(&build, root);
    yaml_free(root);
    return code;
}

int init_file_load(const char *name, const struct init_home *home, struct init_file *out,
                   struct problem_list *problems)
{
    struct bytes text = {0};
    struct error error = {0};
    *out = (struct init_file){0};
    int code = file_read(name, INIT_FILE_MAX, &text, &error);
    if (code)
        return problem_add(problems, &(struct problem_place){0}, code, "%s", error.text);
    code = init_file_read((struct slice){text.data, text.size}, name, home, out, problems);
    bytes_free(&text);
    return code;
}

void init_file_clear(struct init_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        free(file->requests[i].resource);
        free(file->requests[i].body);
        json_decref(file->requests[i].input);
    }
    free(file->requests);
    free(file->name);
    *file = (struct init_file){0};
}
