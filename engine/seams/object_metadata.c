#include <strings.h>

#include "object_store.h"

const char *object_metadata(const struct object_facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->metadata_count; i++) {
        if (strcasecmp(facts->metadata[i].name, name) == 0)
            return facts->metadata[i].value;
    }
    return NULL;
}
