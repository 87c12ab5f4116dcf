#include "provision_change.h"

#include <stdlib.h>
#include <string.h>

void provision_finding_clear(struct provision_finding *finding)
{
    json_decref(finding->attributes);
    text_list_clear(&finding->others);
    free(finding->conflict);
    *finding = (struct provision_finding){0};
}

void provision_change_clear(struct provision_change *change)
{
    json_decref(change->differences);
    text_list_clear(&change->others);
    free(change->conflict);
    *change = (struct provision_change){0};
}

int provision_change_copy(const struct provision_change *change, struct provision_change *out)
{
    int code = 0;
    *out =
        (struct provision_change){.action = change->action,
                                  .differences = json_incref(change->differences),
                                  .conflict = change->conflict ? strdup(change->conflict) : NULL};
    for (size_t i = 0; i < change->others.count && !code; i++)
        code = text_list_add(&out->others, change->others.items[i]);
    return change->conflict && !out->conflict ? ERR_MEMORY : code;
}

static int difference_add(json_t *differences, const char *name, const json_t *is,
                          const json_t *should)
{
    return json_object_set_new(differences, name,
                               json_pack("{s:o, s:o}", "is", is ? json_deep_copy(is) : json_null(),
                                         "should", should ? json_deep_copy(should) : json_null()));
}

static int missing_find(json_t *wanted, json_t *found, json_t *differences)
{
    const char *name;
    json_t *value;
    json_object_foreach(wanted, name, value)
    {
        const json_t *is = json_object_get(found, name);
        if (!json_equal(is, value) && difference_add(differences, name, is, value))
            return ERR_MEMORY;
    }
    return 0;
}

/* A found attribute that the plan lacks is an entry of ours that is no longer wanted. */
static int surplus_find(json_t *wanted, json_t *found, json_t *differences)
{
    const char *name;
    json_t *value;
    json_object_foreach(found, name, value)
    {
        if (!json_object_get(wanted, name) && difference_add(differences, name, value, NULL))
            return ERR_MEMORY;
    }
    return 0;
}

static enum provision_action action_of(const struct provision_change *change, bool exists)
{
    if (change->conflict)
        return PROVISION_CONFLICT;
    if (!exists)
        return PROVISION_CREATE;
    return json_object_size(change->differences) ? PROVISION_CHANGE : PROVISION_KEEP;
}

int provision_compare(const struct provision_plan *plan, size_t index,
                      const struct provision_place *place, struct provision_finding *finding,
                      struct provision_change *change)
{
    json_t *wanted = provision_attributes(plan, index, place);
    *change = (struct provision_change){
        .differences = json_object(), .others = finding->others, .conflict = finding->conflict};
    finding->others = (struct text_list){0};
    finding->conflict = NULL;
    int failed = !wanted || !change->differences ||
                 missing_find(wanted, finding->attributes, change->differences) ||
                 surplus_find(wanted, finding->attributes, change->differences);
    change->action = action_of(change, finding->exists);
    json_decref(wanted);
    provision_finding_clear(finding);
    return failed ? ERR_MEMORY : 0;
}

static bool one_begins_with_other(const char *a, const char *b)
{
    const size_t size = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
    return strncmp(a, b, size) == 0;
}

static bool one_ends_with_other(const char *a, const char *b)
{
    const size_t one = strlen(a), other = strlen(b), size = one < other ? one : other;
    return memcmp(a + one - size, b + other - size, size) == 0;
}

bool provision_filters_overlap(const char *prefix, const char *suffix, const char *other_prefix,
                               const char *other_suffix)
{
    return one_begins_with_other(prefix, other_prefix) && one_ends_with_other(suffix, other_suffix);
}
