/* Reads a fault plan (faults.h), and says what is wrong with it. */
#include "fault_rules.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "files.h"
#include "json_text.h"
#include "nearest.h"
#include "operations.h"

enum {
    PLAN_MAX = 1024 * 1024,
    TRICKLE_MS = 1000,
    MILLISECONDS_MAX = 600000,
};

struct fault_reader {
    const char *path;
    unsigned line;
    const char **operations; /* valid names for a rule */
    size_t operation_count;
    struct error *error;
};

static int invalid(const struct fault_reader *r, const char *what, const char *typed,
                   const char *near)
{
    return error_set(r->error, ERR_INVALID, "%s:%u: %s \"%.80s\"%s%s%s", r->path, r->line, what,
                     typed, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int wrong(const struct fault_reader *r, const char *what)
{
    return error_set(r->error, ERR_INVALID, "%s:%u: %s", r->path, r->line, what);
}

/* "*" and every supported operation; NULL if memory is short. */
static const char **operation_names(const struct cloud_service *const *services, size_t *count)
{
    struct cloud_operation operation;
    size_t rows = 0, kept = 1;
    while (any_operation_row(services, rows, &operation))
        rows++;
    const char **names = calloc(rows + 1, sizeof *names);
    if (!names)
        return NULL;
    names[0] = fault_every_operation;
    for (size_t i = 0; i < rows; i++) {
        if (any_operation_row(services, i, &operation) && operation.supported)
            names[kept++] = operation.name;
    }
    *count = kept;
    return names;
}

static int operation_read(const struct fault_reader *r, const json_t *value,
                          struct fault_rule *rule)
{
    const char *typed = json_string_value(value);
    if (!typed)
        return wrong(r, "\"operation\" is missing; give a name such as \"GetObject\", or \"*\"");
    for (size_t i = 0; i < r->operation_count && !rule->operation; i++) {
        if (strcmp(r->operations[i], typed) == 0)
            rule->operation = r->operations[i];
    }
    if (!rule->operation)
        return invalid(r, "unknown operation", typed,
                       nearest_name(typed, r->operations, r->operation_count));
    rule->has = fault_traits(typed);
    return 0;
}

static int kind_read(const struct fault_reader *r, const json_t *value, struct fault_rule *rule)
{
    const char *names[FAULT_KINDS], *typed = json_string_value(value);
    if (!typed)
        return wrong(r, "\"fault\" is missing; give a name such as \"error\"");
    for (int i = 0; i < FAULT_KINDS; i++) {
        names[i] = fault_name((enum fault_kind)i);
        if (strcmp(typed, names[i]) == 0) {
            rule->kind = (enum fault_kind)i;
            return 0;
        }
    }
    return invalid(r, "unknown fault", typed, nearest_name(typed, names, FAULT_KINDS));
}

static int number_read(const struct fault_reader *r, const json_t *object, const char *name,
                       uint64_t max, uint64_t *out)
{
    const json_t *value = json_object_get(object, name);
    json_int_t number = json_integer_value(value);
    if (!value)
        return 0;
    if (!json_is_integer(value) || number < 1 || (uint64_t)number > max)
        return error_set(r->error, ERR_INVALID,
                         "%s:%u: \"%s\" must be a whole number from 1 to %llu", r->path, r->line,
                         name, (unsigned long long)max);
    *out = (uint64_t)number;
    return 0;
}

static int chance_read(const struct fault_reader *r, const json_t *value, double *out)
{
    double chance = json_number_value(value);
    if (!value)
        return 0;
    if (!json_is_number(value) || !(chance > 0 && chance <= 1))
        return wrong(r, "\"probability\" must be a number above 0 and up to 1");
    *out = chance;
    return 0;
}

static int resource_read(const struct fault_reader *r, const json_t *value, struct fault_rule *rule)
{
    const char *name = json_string_value(value);
    size_t size = json_string_length(value);
    if (!value)
        return 0;
    if (!name || size == 0 || size > FAULT_RESOURCE_MAX)
        return wrong(r, "\"resource\" must be the name of a bucket, queue or topic");
    memcpy(rule->resource, name, size + 1);
    return 0;
}

static int names_check(const struct fault_reader *r, json_t *object)
{
    static const char *const known[] = {"operation", "resource",    "fault", "nth",         "every",
                                        "times",     "probability", "seed",  "milliseconds"};
    const size_t count = sizeof known / sizeof known[0];
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        size_t i = 0;
        while (i < count && strcmp(known[i], name) != 0)
            i++;
        if (i == count)
            return invalid(r, "unknown member", name, nearest_name(name, known, count));
    }
    return 0;
}

static int rule_check(const struct fault_reader *r, const json_t *object,
                      const struct fault_rule *rule)
{
    unsigned needs = fault_needs(rule->kind);
    if ((rule->nth != 0) + (rule->every != 0) + (rule->probability > 0) > 1)
        return wrong(r, "give only one of \"nth\", \"every\" and \"probability\"");
    if (json_object_get(object, "seed") && !(rule->probability > 0))
        return wrong(r, "\"seed\" requires \"probability\"");
    if (json_object_get(object, "milliseconds") && rule->kind != FAULT_TRICKLE)
        return wrong(r, "\"milliseconds\" requires the fault \"trickle\"");
    if ((rule->has & needs) != needs)
        return error_set(r->error, ERR_INVALID, "%s:%u: the fault \"%s\" does not apply to %s",
                         r->path, r->line, fault_name(rule->kind), rule->operation);
    return 0;
}

static int rule_read(const struct fault_reader *r, json_t *object, struct fault_rule *rule)
{
    uint64_t seed = 1, milliseconds = TRICKLE_MS;
    int code = names_check(r, object);
    if (code)
        return code;
    code = operation_read(r, json_object_get(object, "operation"), rule);
    if (code)
        return code;
    code = kind_read(r, json_object_get(object, "fault"), rule);
    if (code)
        return code;
    code = resource_read(r, json_object_get(object, "resource"), rule);
    if (code)
        return code;
    code = number_read(r, object, "nth", UINT32_MAX, &rule->nth);
    if (code)
        return code;
    code = number_read(r, object, "every", UINT32_MAX, &rule->every);
    if (code)
        return code;
    code = number_read(r, object, "times", UINT32_MAX, &rule->times);
    if (code)
        return code;
    code = number_read(r, object, "seed", UINT32_MAX, &seed);
    if (code)
        return code;
    code = number_read(r, object, "milliseconds", MILLISECONDS_MAX, &milliseconds);
    if (code)
        return code;
    code = chance_read(r, json_object_get(object, "probability"), &rule->probability);
    if (code)
        return code;
    code = rule_check(r, object, rule);
    if (code)
        return code;
    rule->random = seed;
    rule->milliseconds = (unsigned)milliseconds;
    if (rule->nth && !rule->times)
        rule->times = 1;
    return 0;
}

static int line_read(const struct fault_reader *r, struct slice line, struct faults *faults)
{
    json_error_t why;
    if (faults->count == FAULT_RULES_MAX)
        return wrong(r, "too many rules; at most 1000 are allowed");
    json_t *object = json_text_read(line, JSON_REJECT_DUPLICATES, &why);
    int code;
    if (!object)
        code = error_set(r->error, ERR_INVALID, "%s:%u:%d: %s", r->path, r->line, why.column,
                         why.text);
    else if (!json_is_object(object))
        code = wrong(r, "a rule must be a JSON object");
    else
        code = rule_read(r, object, &faults->rules[faults->count]);
    json_decref(object);
    faults->count += code == 0;
    return code;
}

static bool is_blank(struct slice line)
{
    size_t i = 0;
    while (i < line.size && strchr(" \t\r", line.data[i]))
        i++;
    return i == line.size || line.data[i] == '#';
}

static int plan_read(struct fault_reader *r, struct slice text, struct faults *faults)
{
    int code = 0;
    while (text.size && !code) {
        const char *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size;
        struct slice line = {text.data, size};
        r->line++;
        if (memchr(line.data, '\0', line.size))
            code = wrong(r, "not a text file");
        else if (!is_blank(line))
            code = line_read(r, line, faults);
        size += end != NULL;
        text = (struct slice){text.data + size, text.size - size};
    }
    return code;
}

int faults_open(const char *path, const struct cloud_service *const *services, struct faults **out,
                struct error *error)
{
    struct fault_reader reader = {.path = path, .error = error};
    struct bytes text = {0};
    *out = NULL;
    struct faults *faults = calloc(1, sizeof *faults);
    reader.operations = operation_names(services, &reader.operation_count);
    int code = faults && reader.operations ? file_read(path, PLAN_MAX, &text, error)
                                           : error_set(error, ERR_MEMORY, "out of memory");
    if (!code)
        code = plan_read(&reader, (struct slice){text.data, text.size}, faults);
    bytes_free(&text);
    free(reader.operations);
    if (code) {
        free(faults);
        return code;
    }
    *out = faults;
    return 0;
}
