#include "provision_report.h"

#include <stdlib.h>
#include <string.h>

#include "terminal.h"

static const struct action_row {
    const char *mark, *colour, *name;
} actions[] = {
    [PROVISION_KEEP] = {"=", "", "keep"},
    [PROVISION_CREATE] = {"+", "\033[32m", "create"},
    [PROVISION_CHANGE] = {"~", "\033[33m", "change"},
    [PROVISION_CONFLICT] = {"!", "\033[31m", "conflict"},
};

struct provision_counts provision_count(const struct provision_plan *plan,
                                        const struct provision_change *changes)
{
    struct provision_counts counts = {0};
    for (size_t i = 0; i < plan->count; i++) {
        counts.keep += changes[i].action == PROVISION_KEEP;
        counts.create += changes[i].action == PROVISION_CREATE;
        counts.change += changes[i].action == PROVISION_CHANGE;
        counts.conflict += changes[i].action == PROVISION_CONFLICT;
    }
    return counts;
}

/* ---- for people ---- */

/* For free(); NULL: memory is short. */
static char *value_text(const json_t *value)
{
    if (json_is_string(value))
        return strdup(json_string_value(value));
    if (json_is_null(value))
        return strdup("none");
    return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

static void print_difference(FILE *out, const char *name, const json_t *difference, bool is_new)
{
    char *is = value_text(json_object_get(difference, "is"));
    char *should = value_text(json_object_get(difference, "should"));
    if (is && should && is_new)
        terminal_line(out, "      %s: %s", name, should);
    else if (is && should)
        terminal_line(out, "      %s: %s -> %s", name, is, should);
    free(is);
    free(should);
}

static void print_change(FILE *out, const char *kind, const char *name,
                         const struct provision_change *change, bool colour)
{
    const struct action_row *action = &actions[change->action];
    const bool shines = colour && action->colour[0];
    const char *attribute;
    json_t *difference;
    fprintf(out, "  %s%s%s ", shines ? action->colour : "", action->mark, shines ? "\033[0m" : "");
    terminal_line(out, "%s %s", kind, name);
    if (change->conflict)
        terminal_line(out, "      %s", change->conflict);
    else
        json_object_foreach(change->differences, attribute, difference)
            print_difference(out, attribute, difference, change->action == PROVISION_CREATE);
    for (size_t i = 0; i < change->others.count; i++)
        terminal_line(out, "      kept: %s", change->others.items[i]);
}

const char *provision_shown_name(const struct provision_plan *plan, size_t index)
{
    const struct provision_resource *resource = &plan->resources[index];
    return resource->kind == PROVISION_TARGET ? plan->resources[resource->on].name : resource->name;
}

void provision_print(FILE *out, const struct provision_plan *plan,
                     const struct provision_change *changes, bool colour)
{
    for (size_t i = 0; i < plan->count; i++)
        print_change(out, provision_kind_name(plan->resources[i].kind),
                     provision_shown_name(plan, i), &changes[i], colour);
    for (size_t i = 0; i < plan->notes.count; i++)
        terminal_line(out, "  note: %s", plan->notes.items[i]);
    if (plan->commands.count)
        fprintf(out, "\nTo let the store publish, run these commands with its own client:\n\n");
    for (size_t i = 0; i < plan->commands.count; i++)
        terminal_line(out, "    %s", plan->commands.items[i]);
}

/* ---- for programs ---- */

static json_t *texts_of(const struct text_list *list)
{
    json_t *out = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(out, json_string(list->items[i]));
    return out;
}

static json_t *resource_of(const struct provision_plan *plan, size_t index,
                           const struct provision_change *change, bool done)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:O?, s:o, s:s?}", "kind",
                     provision_kind_name(plan->resources[index].kind), "name",
                     provision_shown_name(plan, index), "action", actions[change->action].name,
                     "done", (int)done, "differences", change->differences, "kept",
                     texts_of(&change->others), "conflict", change->conflict);
}

json_t *provision_report(const struct provision_plan *plan, const struct provision_place *place,
                         const struct provision_change *changes, const bool *done)
{
    const struct provision_counts counts = provision_count(plan, changes);
    json_t *resources = json_array();
    int failed = !resources;
    bool applied = counts.conflict == 0;
    for (size_t i = 0; i < plan->count && !failed; i++) {
        failed = json_array_append_new(resources, resource_of(plan, i, &changes[i], done[i]));
        applied &= done[i] || changes[i].action == PROVISION_KEEP;
    }
    if (!failed)
        return json_pack("{s:s, s:s, s:s?, s:b, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "account",
                         place->account, "region", place->region, "broker", plan->broker, "applied",
                         (int)applied, "create", (json_int_t)counts.create, "change",
                         (json_int_t)counts.change, "keep", (json_int_t)counts.keep, "conflicts",
                         (json_int_t)counts.conflict, "notes", texts_of(&plan->notes), "commands",
                         texts_of(&plan->commands), "resources", resources);
    json_decref(resources);
    return NULL;
}
