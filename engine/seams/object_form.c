#include <stdlib.h>

#include "object_store.h"

void object_form_free(struct object_form_made *form)
{
    free(form->url);
    for (size_t i = 0; i < form->count; i++)
        free(form->fields[i].value);
    *form = (struct object_form_made){0};
}
