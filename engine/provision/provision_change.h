/*
 * What was found in the cloud, compared with the plan, and the seam to the backend that reads and
 * writes it. Comparing is pure; any thread. The backend works on the loop thread.
 */
#ifndef THUMBWHEEL_PROVISION_CHANGE_H
#define THUMBWHEEL_PROVISION_CHANGE_H

#include "provision_document.h"

/* A resource as it was found. */
struct provision_finding {
    bool exists;
    json_t *attributes;      /* in the form of provision_attributes; NULL: none */
    struct text_list others; /* what is there, is not ours and stays, for people */
    char *conflict;          /* why the resource cannot be as planned; NULL: it can */
};

enum provision_action { PROVISION_KEEP, PROVISION_CREATE, PROVISION_CHANGE, PROVISION_CONFLICT };

struct provision_change {
    enum provision_action action;
    json_t *differences; /* name: {"is": …, "should": …}, each null if there is none */
    struct text_list others;
    char *conflict;
};

/* Takes the finding, also on failure. ERR_MEMORY. The caller clears the change in any case. */
int provision_compare(const struct provision_plan *plan, size_t index,
                      const struct provision_place *place, struct provision_finding *finding,
                      struct provision_change *change);
void provision_finding_clear(struct provision_finding *finding);
void provision_change_clear(struct provision_change *change);
/* A copy, which the caller clears. ERR_MEMORY. */
int provision_change_copy(const struct provision_change *change, struct provision_change *out);

/* Whether photos exist that both filters take: one prefix begins with the other, and one suffix
 * ends with the other. */
bool provision_filters_overlap(const char *prefix, const char *suffix, const char *other_prefix,
                               const char *other_suffix);

/*
 * A run of the backend over the plan: it reads each resource and compares it; with `write` it then
 * creates or changes what differs, before it reads the next one, and ends at the first conflict.
 * Resources that are as planned get no write request. Borrowed until the run ends.
 */
struct provision_run {
    const struct provision_plan *plan;
    struct provision_place place;
    bool write;
    const char *events_password; /* of the user in the plan's events_to; NULL: none. Not logged. */
    /* Either may be NULL. The change is borrowed. */
    void (*compared)(size_t index, const struct provision_change *change, void *user);
    void (*written)(size_t index, void *user);
    void *user;
};

#endif
