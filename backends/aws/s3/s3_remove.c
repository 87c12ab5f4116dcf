/* DeleteObject. */
#include "container_of.h"
#include "s3_private.h"

enum { QUERY_MAX = 4096 };

int s3_remove(struct object_store *store, const struct object_name *name, object_done *done,
              void *user, struct object_request **out)
{
    struct buffer query;
    buffer_init(&query, QUERY_MAX);
    int code = name->key ? s3_version_query(name, "", &query) : ERR_INVALID;
    struct s3_call call = {.operation = "DeleteObject",
                           .method = "DELETE",
                           .bucket = name->bucket,
                           .key = name->key,
                           .trace = name->trace,
                           .query = query.size ? query.data : NULL,
                           .response_max = AWS_RESPONSE_MAX,
                           .replied = s3_on_done,
                           .done.done = done,
                           .user = user};
    if (!code)
        code = s3_start(container_of(store, struct aws, objects), &call, out);
    buffer_free(&query);
    return code;
}
