/*
 * EventBridge's event patterns. The first line is a pattern, the rest an event: any pattern is read
 * or refused with a reason, also in the words of the service; matching decides the same each time, and fields that it does not name
 * don't count.
 */
#include "event_pattern.h"

#include "fuzz.h"

static void check(const struct event_pattern *pattern, struct slice named, json_t *event)
{
    static const char other[] = "a field of no pattern";
    bool matches = event_pattern_matches(pattern, event);
    require(matches == event_pattern_matches(pattern, event));
    if (memmem(named.data, named.size, other, sizeof other - 1) || !json_is_object(event))
        return;
    require(!json_object_set_new(event, other, json_integer(1)));
    require(matches == event_pattern_matches(pattern, event));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size};
    struct slice line = fuzz_line(&rest);
    struct event_pattern *pattern = NULL;
    struct error error = {0};
    char *copy = fuzz_copy(line), why[EVENT_PATTERN_EXPLAIN_MAX];
    if (event_pattern_parse((struct slice){copy, line.size}, &pattern, &error))
        require(error.code && *error.text && !pattern);
    char *text = slice_dup(line);
    require(text);
    event_pattern_explain(text, why);
    require(strlen(why) < sizeof why);
    free(text);
    json_t *event = json_loadb(rest.data, rest.size, JSON_DECODE_ANY, NULL);
    if (pattern && event)
        check(pattern, line, event);
    json_decref(event);
    event_pattern_free(pattern);
    free(copy);
    return 0;
}
