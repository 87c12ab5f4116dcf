/*
 * After a denied GET, checks whether the object exists.
 *
 * S3 responds with 403 instead of 404 for a missing key if the caller may not list the bucket
 * ("GetObject", section Permissions, S3 API reference). A caller that may list only that key (a
 * policy with a condition on s3:prefix, a compatible service with its own rules) can still find
 * out: if the object exists, a listing with the key as its prefix begins with the key. If the
 * listing is refused too, the result remains "denied", and the message is retried.
 *
 * A listing does not contain older versions, so this is not done for a GET with a version.
 */
#include <string.h>

#include "source_private.h"

static void say_missing(struct source *source)
{
    struct error denied = source->error;
    error_set(&source->error, ERR_NOT_FOUND, "the bucket does not list the object; %s",
              denied.text);
}

static void on_listed(const struct object_entry *entries, size_t count, bool more,
                      const struct error *error, void *user)
{
    struct source *source = user;
    (void)more;
    source->get = NULL;
    if (!error->code && (count == 0 || strcmp(entries[0].key, source->key) != 0))
        say_missing(source);
    source->denied_asked(source, &source->error);
}

bool source_denied_ask(struct source *source, const struct error *denied,
                       void (*done)(struct source *source, const struct error *error))
{
    struct object_store *store = source->table->options.store;
    if (denied->code != ERR_DENIED || source->version)
        return false;
    source->error = *denied;
    source->denied_asked = done;
    return store->ops->list(store, source->bucket, source->key, NULL, on_listed, source,
                            &source->get) == 0;
}
