#include "provision_template.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "provision_emit.h"

static int emit(enum config_emit form, const struct provision_plan *plan,
                const struct provision_permissions *permissions,
                const struct provision_place *place, struct buffer *out)
{
    switch (form) {
    case EMIT_CLOUDFORMATION:
        return provision_emit_cloudformation(plan, permissions, out);
    case EMIT_TERRAFORM:
        return provision_emit_terraform(plan, permissions, out);
    case EMIT_IAM_POLICY:
        return provision_emit_iam_policy(plan, permissions, place, out);
    case EMIT_NOTHING:
        break;
    }
    return ERR_INVALID;
}

int template_print(enum config_emit form, const struct provision_plan *plan,
                   const struct pipeline_set *pipelines, const struct provision_place *place,
                   struct error *error)
{
    struct provision_permissions permissions;
    struct buffer text;
    buffer_init(&text, PROVISION_EMIT_MAX);
    int code = provision_permissions_make(&permissions, plan, pipelines->ops, pipelines->items,
                                          pipelines->count, error);
    if (code)
        goto out;
    code = emit(form, plan, &permissions, place, &text);
    if (code) {
        error_set(error, code, "the template could not be made (%s)", error_name(code));
        goto out;
    }
    if (fwrite(text.data, 1, text.size, stdout) != text.size || fflush(stdout))
        code = error_set(error, ERR_IO, "standard output: %s", strerror(errno));
out:
    buffer_free(&text);
    provision_permissions_clear(&permissions);
    return code;
}
