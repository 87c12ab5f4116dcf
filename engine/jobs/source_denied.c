/*
 * A GET that was denied: is the object there at all?
 *
 * S3 answers 403 instead of 404 for a key that does not exist when the caller may not list the
 * bucket ("GetObject", section Permissions, S3 API reference). A caller that may list only that key
 * (a policy with a condition on s3:prefix, a compatible service with rules of its own) can still
 * find out: a listing with the key as its prefix begins with the key, if there is such an object.
 * Where the listing is refused too, denied remains the answer, and the message is tried again.
 *
 * A listing says nothing about older versions, so a GET that names a version is not asked about.
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
