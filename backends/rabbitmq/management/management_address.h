/* Where RabbitMQ's management API is: http://[USER@]HOST[:PORT][/PATH], or https. Pure; any thread.
 */
#ifndef THUMBWHEEL_MANAGEMENT_ADDRESS_H
#define THUMBWHEEL_MANAGEMENT_ADDRESS_H

#include "error.h"

struct management_address { /* owns its strings */
    char *base;             /* without the user and without '/' at its end */
    char *user;             /* decoded; NULL: none given */
};

/* ERR_INVALID: the text says what is wrong, and repeats no password; ERR_MEMORY. On an error *out is
 * empty. */
int management_address_parse(const char *text, struct management_address *out, struct error *error);
void management_address_clear(struct management_address *address);

#endif
