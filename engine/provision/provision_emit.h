/*
 * The plan as a template for tools that keep a description of the cloud: CloudFormation (YAML) and
 * Terraform (HCL), each with parameters, outputs, the engine's role and optional alarms; and the
 * policy of the role alone. Pure; any thread.
 *
 * Each appends to the buffer and returns 0, ERR_MEMORY or ERR_LIMIT (the buffer's maximum).
 */
#ifndef THUMBWHEEL_PROVISION_EMIT_H
#define THUMBWHEEL_PROVISION_EMIT_H

#include "bytes.h"
#include "provision_document.h"
#include "provision_permissions.h"

enum { PROVISION_EMIT_MAX = 4 * 1024 * 1024 }; /* bytes, for the buffer */

int provision_emit_cloudformation(const struct provision_plan *plan,
                                  const struct provision_permissions *permissions,
                                  struct buffer *out);
int provision_emit_terraform(const struct provision_plan *plan,
                             const struct provision_permissions *permissions, struct buffer *out);
int provision_emit_iam_policy(const struct provision_plan *plan,
                              const struct provision_permissions *permissions,
                              const struct provision_place *place, struct buffer *out);

#endif
