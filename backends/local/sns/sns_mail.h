/* A notification as a mail: header and body, lines end with CRLF. Pure. */
#ifndef THUMBWHEEL_LOCAL_SNS_MAIL_H
#define THUMBWHEEL_LOCAL_SNS_MAIL_H

#include <stdbool.h>

#include "bytes.h"

enum { SNS_MAIL_MAX = 1024 * 1024 };
#define SNS_MAIL_FROM "no-reply@sns.thumbwheel.local"

struct sns_mail { /* borrowed */
    const char *to, *id;
    const char *display_name; /* of the sender; NULL or empty: the default of SNS */
    struct slice subject, body;
};

/* Whether an address can be used unquoted in a header and an envelope. */
bool sns_mail_address_valid(const char *address);

/* Appends the mail; out->error reports a failure. */
int sns_mail_write(const struct sns_mail *mail, struct buffer *out);

#endif
