/* The faults, the operations that they apply to, and the choice of one for a call. */
#include "faults.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fault_rules.h"

/* Properties of an operation that faults depend on. */
enum trait {
    ANY = 0,
    BODY = 1,     /* its response has a body */
    CHECKED = 2,  /* a client can check the data: an object's bytes, a message's MD5 */
    MESSAGES = 4, /* its response has messages */
    RECEIPTS = 8, /* it takes receipt handles */
    ENTRIES = 16, /* its response has a result for each entry of a batch */
    UPLOAD = 32,  /* its request has a body that is streamed and checked */
};

static const struct fault_kind_name {
    const char *name;
    unsigned needs;
} kinds[FAULT_KINDS] = {
    [FAULT_ERROR] = {"error", ANY},           /* 500 InternalError */
    [FAULT_SLOW_DOWN] = {"slow-down", ANY},   /* 503, SlowDown or ServiceUnavailable */
    [FAULT_THROTTLE] = {"throttle", ANY},     /* each service's own code */
    [FAULT_CLOCK_SKEW] = {"clock-skew", ANY}, /* 403 RequestTimeTooSkewed */
    [FAULT_RESET] = {"reset", ANY},           /* not executed; the connection is reset */
    [FAULT_RESET_IN_UPLOAD] = {"reset-in-upload", UPLOAD}, /* not executed; reset mid-request */
    [FAULT_RESET_IN_BODY] = {"reset-in-body", BODY},       /* executed; reset mid-response */
    [FAULT_RESET_AFTER] = {"reset-after", ANY},  /* executed; reset instead of a response */
    [FAULT_STALL] = {"stall", ANY},              /* not executed; no response */
    [FAULT_TRUNCATE] = {"truncate", BODY},       /* executed; half of the body, well framed */
    [FAULT_TRICKLE] = {"trickle", BODY},         /* executed; the body is sent slowly */
    [FAULT_CORRUPT] = {"corrupt", CHECKED},      /* a changed byte, or a wrong MD5OfBody */
    [FAULT_BAD_DIGEST] = {"bad-digest", UPLOAD}, /* 400 BadDigest: damaged in transit */
    [FAULT_DUPLICATE] = {"duplicate", MESSAGES}, /* visible again at once */
    [FAULT_REORDER] = {"reorder", MESSAGES},     /* messages in reverse order */
    [FAULT_EXPIRE_RECEIPT] = {"expire-receipt", RECEIPTS}, /* ReceiptHandleIsInvalid */
    [FAULT_FAIL_ENTRY] = {"fail-entry", ENTRIES}, /* executed; one entry has InternalError */
};

const char fault_every_operation[] = "*";

/* The dispatch tables (operations.h) list the operations. This table lists those whose responses
 * have more than a body. */
static const struct known {
    const char *name;
    unsigned has;
} unusual[] = {
    {fault_every_operation, BODY | CHECKED | MESSAGES | RECEIPTS | ENTRIES | UPLOAD},

    {"GetObject", BODY | CHECKED},
    {"PutObject", UPLOAD},
    {"UploadPart", UPLOAD},

    {"ChangeMessageVisibility", RECEIPTS},
    {"ChangeMessageVisibilityBatch", BODY | RECEIPTS | ENTRIES},
    {"DeleteMessage", RECEIPTS},
    {"DeleteMessageBatch", BODY | RECEIPTS | ENTRIES},
    {"ReceiveMessage", BODY | CHECKED | MESSAGES},
    {"SendMessageBatch", BODY | ENTRIES},

    {"AbortMultipartUpload", ANY},
    {"CreateBucket", ANY},
    {"DeleteBucket", ANY},
    {"DeleteBucketCors", ANY},
    {"DeleteBucketPolicy", ANY},
    {"DeleteBucketTagging", ANY},
    {"DeleteObject", ANY},
    {"DeleteObjectTagging", ANY},
    {"DeleteQueue", ANY},
    {"HeadBucket", ANY},
    {"HeadObject", ANY},
    {"PurgeQueue", ANY},
    {"PutBucketCors", ANY},
    {"PutBucketNotificationConfiguration", ANY},
    {"PutBucketPolicy", ANY},
    {"PutBucketTagging", ANY},
    {"PutBucketVersioning", ANY},
    {"PutObjectTagging", ANY},
    {"SetQueueAttributes", ANY},
};

const char *faults_unusual_operation(size_t at)
{
    return at + 1 < sizeof unusual / sizeof unusual[0] ? unusual[at + 1].name : NULL;
}

const char *fault_name(enum fault_kind kind)
{
    return kinds[kind].name;
}

unsigned fault_traits(const char *operation)
{
    for (size_t i = 0; i < sizeof unusual / sizeof unusual[0]; i++) {
        if (strcmp(unusual[i].name, operation) == 0)
            return unusual[i].has;
    }
    return BODY;
}

unsigned fault_needs(enum fault_kind kind)
{
    return kinds[kind].needs;
}

void faults_close(struct faults *faults)
{
    free(faults);
}

/* ---- drawing ---- */

/* splitmix64: a plan applies to the same calls in every run. */
static double random_unit(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ldexp((double)((z ^ (z >> 31)) >> 11), -53);
}

const char *faults_resource(const char *text)
{
    const char *name = text;
    for (const char *p = text; *p; p++)
        name = *p == '/' || *p == ':' ? p + 1 : name;
    return name;
}

static bool is_about(const struct fault_rule *rule, const char *resource)
{
    return !rule->resource[0] ||
           (resource && strcmp(rule->resource, faults_resource(resource)) == 0);
}

static bool is_for(const struct fault_rule *rule, const char *operation)
{
    unsigned needs = fault_needs(rule->kind);
    if (rule->operation != fault_every_operation)
        return strcmp(rule->operation, operation) == 0;
    return (fault_traits(operation) & needs) == needs;
}

static bool is_due(struct fault_rule *rule)
{
    rule->seen++;
    if (rule->times && rule->injected == rule->times)
        return false;
    if (rule->nth)
        return rule->seen >= rule->nth;
    if (rule->every)
        return rule->seen % rule->every == 0;
    return !(rule->probability > 0) || random_unit(&rule->random) < rule->probability;
}

bool faults_draw(struct faults *faults, const char *operation, const char *resource,
                 struct fault_draw *out)
{
    for (size_t i = 0; i < faults->count; i++) {
        struct fault_rule *rule = &faults->rules[i];
        if (!is_for(rule, operation) || !is_about(rule, resource) || !is_due(rule))
            continue;
        rule->injected++;
        *out = (struct fault_draw){rule->kind, rule->milliseconds};
        return true;
    }
    return false;
}
