/* The tags of rules and buses. */
#include <string.h>

#include "authorization.h"
#include "events_api.h"
#include "json_text.h"

int events_tags_add(struct service_call *call, json_t *list, json_t *tags)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *tag = json_array_get(list, i);
        const char *key = json_text_in(tag, "Key"), *value = json_text_in(tag, "Value");
        if (!key || !*key || strlen(key) > 128 || !value || strlen(value) > 256 ||
            strncmp(key, "aws:", 4) == 0)
            return service_call_fail(
                call, EVENTS_VALIDATION,
                "A tag must have a Key of 1 to 128 characters that does not begin "
                "with aws:, and a Value of at most 256.");
        if (json_object_set_new(tags, key, json_string(value)))
            return ERR_MEMORY;
    }
    if (json_object_size(tags) > EVENTS_TAGS_MAX)
        return service_call_fail(call, EVENTS_LIMIT_EXCEEDED,
                                 "A resource can have at most 50 tags.");
    return 0;
}

/* rule/NAME of the default bus, otherwise rule/BUS/NAME. */
static struct events_item *rule_of(const struct service_call *call, const char *path)
{
    const struct events_state *state = call->cloud->events;
    char key[EVENTS_KEY_SIZE];
    events_bus_key(call->request->home, strchr(path, '/') ? path : EVENTS_DEFAULT_BUS, key);
    return strchr(path, '/') ? events_items_find(&state->rules, key)
                             : events_rule_find(state, key, path);
}

/* The rule or the bus that an ARN names, and in which state it is. */
static int tagged_item(struct service_call *call, struct events_items **items,
                       struct events_item **out)
{
    struct events_state *state = call->cloud->events;
    char prefix[EVENTS_ARN_SIZE], bus[EVENTS_KEY_SIZE];
    const char *arn;
    int code = events_input_text(call, "ResourceARN", true, 1, 1600, &arn);
    if (code)
        return code;
    events_bus_key(call->request->home, EVENTS_DEFAULT_BUS, bus);
    events_rule_arn(bus, "", prefix);
    size_t size = strlen(prefix);
    bool rule = strncmp(arn, prefix, size) == 0;
    *items = rule ? &state->rules : &state->buses;
    *out = rule ? rule_of(call, arn + size) : NULL;
    if (!rule && events_is_bus_arn(arn) && authorization_is_own(call->request, arn))
        *out = events_bus_named(call->cloud, call->request->home, arn);
    if (*out)
        return 0;
    service_call_fail(call, EVENTS_NOT_FOUND, "%.300s does not exist.", arn);
    return EVENTS_NOT_FOUND;
}

/* A copy of the item's document whose tags can be changed; NULL if memory is short. */
static json_t *document_with_tags(const struct events_item *item, json_t **tags)
{
    const json_t *old = json_object_get(item->content.document, "Tags");
    json_t *document = json_copy(item->content.document);
    *tags = old ? json_copy((json_t *)(uintptr_t)old) : json_object();
    if (document && *tags && !json_object_set_new(document, "Tags", *tags))
        return document;
    if (!document)
        json_decref(*tags);
    json_decref(document);
    return NULL;
}

/* Adds or removes tags of the item. */
static int change_tags(struct service_call *call, const char *member,
                       int (*change)(struct service_call *call, json_t *list, json_t *tags))
{
    struct events_items *items;
    struct events_item *item;
    json_t *list, *tags;
    int code = tagged_item(call, &items, &item);
    if (code)
        return code;
    code = events_input_list(call, member, 1, EVENTS_TAGS_MAX, &list);
    if (code)
        return code;
    json_t *document = document_with_tags(item, &tags);
    code = document ? change(call, list, tags) : ERR_MEMORY;
    if (!code)
        return events_change(call, items, item->named.name, document);
    json_decref(document);
    return code;
}

int events_tag_resource(struct service_call *call)
{
    return change_tags(call, "Tags", events_tags_add);
}

static int remove_tags(struct service_call *call, json_t *keys, json_t *tags)
{
    (void)call;
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *key = json_string_value(json_array_get(keys, i));
        if (key)
            json_object_del(tags, key);
    }
    return 0;
}

int events_untag_resource(struct service_call *call)
{
    return change_tags(call, "TagKeys", remove_tags);
}

int events_list_tags(struct service_call *call)
{
    struct events_items *items;
    struct events_item *item;
    int code = tagged_item(call, &items, &item);
    json_t *list = code ? NULL : json_array(), *value;
    const char *key;
    if (code)
        return code;
    code = service_call_output(call, "Tags", list);
    if (code)
        return code;
    json_object_foreach(json_object_get(item->content.document, "Tags"), key, value)
    {
        if (json_array_append_new(list, json_pack("{s:s, s:O}", "Key", key, "Value", value)))
            return ERR_MEMORY;
    }
    return 0;
}
