#include "label_reply.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

enum { CONFIDENCE_MAX = 100 };

struct reader {
    const struct label_members *members;
    const char *flaw;
};

struct candidate { /* borrowed from the response */
    const json_t *label;
    double confidence;
    size_t index;
};

static int refuse(struct reader *r, const char *flaw)
{
    if (!r->flaw)
        r->flaw = flaw;
    return ERR_PROTOCOL;
}

/* C0, DEL and C1. jansson has checked that it is UTF-8. */
static bool has_control(const char *text)
{
    uint32_t c = 0;
    size_t size;
    for (; *text && (size = utf8_decode(text, &c)); text += size) {
        if (c < 0x20 || (c >= 0x7F && c < 0xA0))
            return true;
    }
    return *text != '\0';
}

static bool is_name(const json_t *value, size_t max)
{
    const char *text = json_string_value(value);
    return text && *text && strlen(text) < max && !has_control(text);
}

static bool is_share(const json_t *value, double max)
{
    double number = json_number_value(value);
    return json_is_number(value) && isfinite(number) && number >= 0 && number <= max;
}

/* ---- details ---- */

static int names_read(struct reader *r, const json_t *label, const char *member, const char *as,
                      json_t *out)
{
    const json_t *list = json_object_get(label, member);
    if (!list || json_is_null(list))
        return 0;
    if (!json_is_array(list))
        return refuse(r, "a list of names is not an array");
    json_t *names = json_array();
    if (!names)
        return ERR_MEMORY;
    for (size_t i = 0; i < json_array_size(list) && i < REPLY_NAMES_MAX; i++) {
        json_t *entry = json_array_get(list, i);
        if (json_is_object(entry))
            entry = json_object_get(entry, r->members->name);
        if (!is_name(entry, REPLY_NAME_MAX)) {
            json_decref(names);
            return refuse(r, "a parent, alias or category has no valid name");
        }
        json_array_append_new(names, json_string(json_string_value(entry)));
    }
    if (json_array_size(names) == 0) {
        json_decref(names);
        return 0;
    }
    return json_object_set_new(out, as, names) ? ERR_MEMORY : 0;
}

static int instance_read(struct reader *r, const json_t *instance, json_t *out)
{
    const struct label_members *m = r->members;
    const json_t *box = m->box ? json_object_get(instance, m->box) : instance;
    const json_t *confidence = json_object_get(instance, m->confidence);
    /* A box may reach a little beyond the image. */
    const struct {
        const char *name, *as;
    } sides[] = {{m->left, "left"}, {m->top, "top"}, {m->width, "width"}, {m->height, "height"}};
    json_t *to = json_object();
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        const json_t *value = json_object_get(box, sides[i].name);
        double number = json_number_value(value);
        if (!json_is_number(value) || !isfinite(number) || fabs(number) > 2) {
            json_decref(to);
            return refuse(r, "an instance has no valid box");
        }
        json_object_set_new(to, sides[i].as, json_real(number));
    }
    if (is_share(confidence, CONFIDENCE_MAX))
        json_object_set_new(to, "confidence", json_real(json_number_value(confidence)));
    return json_array_append_new(out, to) ? ERR_MEMORY : 0;
}

static int instances_read(struct reader *r, const json_t *label, json_t *out)
{
    const json_t *list = json_object_get(label, r->members->instances);
    if (json_array_size(list) == 0)
        return 0;
    json_t *instances = json_array();
    int code = instances ? 0 : ERR_MEMORY;
    for (size_t i = 0; !code && i < json_array_size(list) && i < REPLY_INSTANCES_MAX; i++)
        code = instance_read(r, json_array_get(list, i), instances);
    if (code) {
        json_decref(instances);
        return code;
    }
    return json_object_set_new(out, "instances", instances) ? ERR_MEMORY : 0;
}

static int details_read(struct reader *r, const json_t *label, json_t *out)
{
    const struct label_members *m = r->members;
    int code = names_read(r, label, m->parents, "parents", out);
    if (code)
        return code;
    code = names_read(r, label, m->aliases, "aliases", out);
    if (code)
        return code;
    code = names_read(r, label, m->categories, "categories", out);
    return code ? code : instances_read(r, label, out);
}

/* ---- labels ---- */

static int candidate_read(struct reader *r, const json_t *label, struct candidate *out)
{
    const json_t *confidence = json_object_get(label, r->members->confidence);
    if (!json_is_object(label))
        return refuse(r, "a label is not an object");
    if (!is_name(json_object_get(label, r->members->name), LABEL_NAME_MAX))
        return refuse(r, "a label's name is missing, too long or contains control characters");
    if (!is_share(confidence, CONFIDENCE_MAX))
        return refuse(r, "a label's confidence is not a number from 0 to 100");
    out->label = label;
    out->confidence = json_number_value(confidence);
    return 0;
}

/* Equals keep their order. */
static int best_first(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (a->confidence != b->confidence)
        return a->confidence < b->confidence ? 1 : -1;
    return a->index < b->index ? -1 : 1;
}

static int keep(struct reader *r, const struct candidate *candidate, struct label_reply *out)
{
    struct label *label = &out->labels.entries[out->labels.count];
    const char *name = json_string_value(json_object_get(candidate->label, r->members->name));
    json_t *details = json_object();
    int code = details ? details_read(r, candidate->label, details) : ERR_MEMORY;
    if (code) {
        json_decref(details);
        return code;
    }
    *label = (struct label){.confidence = candidate->confidence};
    memcpy(label->name, name, strlen(name)); /* shorter than LABEL_NAME_MAX: is_name */
    out->labels.count++;
    return json_array_append_new(out->details, details) ? ERR_MEMORY : 0;
}

static int candidates_keep(struct reader *r, const struct candidate *candidates, size_t count,
                           const struct labeler_settings *settings, struct label_reply *out)
{
    size_t max = settings->max < LABELS_MAX ? settings->max : LABELS_MAX;
    for (size_t i = 0; i < count && out->labels.count < max; i++) {
        int code = 0;
        if (candidates[i].confidence >= settings->min_confidence)
            code = keep(r, &candidates[i], out);
        if (code)
            return code;
    }
    return 0;
}

static int read_all(struct reader *r, const json_t *labels, const struct labeler_settings *settings,
                    struct candidate *candidates, struct label_reply *out)
{
    size_t count = json_array_size(labels);
    for (size_t i = 0; i < count; i++) {
        int code = candidate_read(r, json_array_get(labels, i), &candidates[i]);
        if (code)
            return code;
        candidates[i].index = i;
    }
    qsort(candidates, count, sizeof *candidates, best_first);
    return candidates_keep(r, candidates, count, settings, out);
}

int label_reply_read(const json_t *labels, const struct label_members *members,
                     const struct labeler_settings *settings, struct label_reply *out,
                     const char **flaw)
{
    struct reader r = {.members = members};
    *out = (struct label_reply){.details = json_array()};
    *flaw = "";
    if (!json_is_array(labels))
        refuse(&r, "it has no array of labels");
    else if (json_array_size(labels) > REPLY_LABELS_MAX)
        refuse(&r, "it has more than 1000 labels");
    int code = r.flaw ? ERR_PROTOCOL : 0;
    struct candidate *candidates =
        code ? NULL : calloc(json_array_size(labels) + 1, sizeof *candidates);
    if (!code)
        code = candidates && out->details ? read_all(&r, labels, settings, candidates, out)
                                          : ERR_MEMORY;
    free(candidates);
    if (code) {
        json_decref(out->details);
        *out = (struct label_reply){0};
        *flaw = r.flaw ? r.flaw : "out of memory";
    }
    return code;
}
