#include "sns_signing.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"

struct sns_signing {
    struct storage_task task;
    const struct sns_key *key;
    int version;
    struct bytes text;
    char **places;
    size_t count, capacity;
};

/* Storage thread. */
static int signing_run(struct storage_task *task, struct storage *storage)
{
    struct sns_signing *signing = container_of(task, struct sns_signing, task);
    const struct slice text = {signing->text.data, signing->text.size};
    char signature[SNS_SIGNATURE_SIZE];
    (void)storage;
    if (signing->count == 0)
        return 0;
    if (sns_key_sign(signing->key, signing->version, text, signature))
        return error_set(&task->error, ERR_MEMORY, "a notification cannot be signed");
    for (size_t i = 0; i < signing->count; i++)
        memcpy(signing->places[i], signature, SNS_SIGNATURE_LENGTH);
    return 0;
}

static void signing_done(struct storage_task *task, int code)
{
    struct sns_signing *signing = container_of(task, struct sns_signing, task);
    (void)code;
    bytes_free(&signing->text);
    free(signing->places);
    free(signing);
}

int sns_signing_add(const struct sns_key *key, int version, struct bytes text,
                    struct storage_unit *unit, struct sns_signing **out)
{
    struct sns_signing *signing = calloc(1, sizeof *signing);
    if (!signing) {
        bytes_free(&text);
        return ERR_MEMORY;
    }
    *signing = (struct sns_signing){.task = {.run = signing_run, .done = signing_done},
                                    .key = key,
                                    .version = version,
                                    .text = text};
    storage_unit_add(unit, &signing->task);
    *out = signing;
    return 0;
}

int sns_signing_reserve(struct sns_signing *signing)
{
    if (signing->count < signing->capacity)
        return 0;
    size_t capacity = signing->capacity ? 2 * signing->capacity : 4;
    char **grown = realloc(signing->places, capacity * sizeof *grown);
    if (!grown)
        return ERR_MEMORY;
    signing->places = grown;
    signing->capacity = capacity;
    return 0;
}

void sns_signing_place(struct sns_signing *signing, char *place)
{
    if (!signing)
        return;
    signing->places[signing->count++] = place;
}
