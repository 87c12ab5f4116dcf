/* provision --via rabbitmq: the part of a plan that is in the broker, and the password that the store
 * gets. */
#ifndef THUMBWHEEL_BROKER_PART_H
#define THUMBWHEEL_BROKER_PART_H

#include "provision_change.h"
#include "service.h"

/* Runs the broker's part of a plan and waits for it. ERR_CANCELLED: interrupted; the text says what
 * became of it. */
int broker_part_run(struct service *service, const struct provision_run *run, struct error *error);

/* Reads the password of the user in the plan's events_to, for broker_part_forget; *out is NULL if the
 * plan needs none. */
int broker_part_password(struct service *service, const struct provision_plan *plan, char **out,
                         struct error *error);
/* NULL does nothing. */
void broker_part_forget(char *password);

#endif
