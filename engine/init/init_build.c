#include "init_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init_values.h"

int init_each(struct init_build *build, const struct yaml_node *map, const char *name,
              init_item *each)
{
    const struct yaml_node *list = yaml_child(map, name);
    size_t index = 0;
    int code = 0;
    for (const struct yaml_node *item = list ? list->children : NULL; item && !code;
         item = item->next, index++) {
        snprintf(build->path, sizeof build->path, "%s[%zu]", name, index);
        code = each(build, item);
    }
    return code;
}

static int requests_grow(struct init_file *file)
{
    if (file->count < file->capacity)
        return 0;
    size_t capacity = file->capacity ? 2 * file->capacity : 16;
    struct init_request *requests = realloc(file->requests, capacity * sizeof *requests);
    if (!requests)
        return ERR_MEMORY;
    file->requests = requests;
    file->capacity = capacity;
    return 0;
}

/* What the item is called, for messages. */
static const char *name_of(const struct yaml_node *item)
{
    const char *name = init_text(item, "name");
    return name ? name : init_text(item, "topic");
}

struct init_request *init_request_add(struct init_build *build, const struct yaml_node *item,
                                      const char *key, enum init_service service,
                                      const char *operation)
{
    const struct yaml_node *place = key ? yaml_child(item, key) : NULL;
    struct init_file *file = build->file;
    char *resource = strdup(name_of(item));
    if (!resource || requests_grow(file)) {
        free(resource);
        return NULL;
    }
    struct init_request *request = &file->requests[file->count++];
    *request = (struct init_request){
        .service = service,
        .operation = operation,
        .resource = resource,
        .line = place ? place->name_place.line : item->place.line,
        .column = place ? place->name_place.column : item->place.column,
    };
    snprintf(request->key, sizeof request->key, "%s%s%s", build->path, key ? "." : "",
             key ? key : "");
    return request;
}

int init_call_add(struct init_build *build, const struct yaml_node *item, const char *key,
                  enum init_service service, const char *operation, json_t *input)
{
    struct init_request *request =
        input ? init_request_add(build, item, key, service, operation) : NULL;
    if (!request) {
        json_decref(input);
        return ERR_MEMORY;
    }
    request->input = input;
    return 0;
}

json_t *init_arn(const struct init_build *build, const char *service, const char *name)
{
    if (strncmp(name, "arn:", 4) == 0)
        return json_string(name);
    return json_sprintf("arn:aws:%s:%s:%s:%s", service, build->home->region, build->home->account,
                        name);
}

bool init_is_fifo(const char *name)
{
    size_t size = strlen(name);
    return size > 5 && strcmp(name + size - 5, ".fifo") == 0;
}

json_t *init_tags(const struct yaml_node *map)
{
    json_t *list = json_array();
    for (const struct yaml_node *tag = map->children; tag; tag = tag->next) {
        if (json_array_append_new(list,
                                  json_pack("{s:s, s:s}", "Key", tag->name, "Value", tag->text))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* Policies. */

static json_t *principals_of(const struct yaml_node *allow)
{
    json_t *services = json_array();
    for (const struct yaml_node *node = allow->children; node; node = node->next) {
        if (json_array_append_new(services, json_sprintf("%s.amazonaws.com", node->text))) {
            json_decref(services);
            return NULL;
        }
    }
    return services;
}

static json_t *policy_text(json_t *policy)
{
    char *text = policy ? json_dumps(policy, JSON_COMPACT) : NULL;
    json_t *out = text ? json_string(text) : NULL;
    free(text);
    json_decref(policy);
    return out;
}

int init_policy(const struct init_build *build, const struct yaml_node *item, const char *service,
                const char *action, json_t **out)
{
    const struct yaml_node *policy = yaml_child(item, "policy"), *allow = yaml_child(item, "allow");
    *out = NULL;
    if (policy)
        *out = init_attribute(policy);
    else if (allow)
        *out = policy_text(json_pack(
            "{s:s, s:[{s:s, s:s, s:{s:o}, s:s, s:o}]}", "Version", "2012-10-17", "Statement", "Sid",
            "FromServices", "Effect", "Allow", "Principal", "Service", principals_of(allow),
            "Action", action, "Resource", init_arn(build, service, init_text(item, "name"))));
    return *out || (!policy && !allow) ? 0 : ERR_MEMORY;
}
