/*
 * URLs of subscribers, which may have a user name and a password: https://user:password@host/.
 *
 * They are sent as basic authentication and never shown or logged. Source: "Using the Amazon SNS
 * message format to send to HTTPS endpoints" in the SNS Developer Guide; the service shows four
 * asterisks (obfuscateEndpointPassword in hashicorp/terraform-provider-aws). Any thread.
 */
#ifndef THUMBWHEEL_LOCAL_SNS_ENDPOINT_H
#define THUMBWHEEL_LOCAL_SNS_ENDPOINT_H

#include <stdbool.h>

/* An absolute URL of this protocol ("http" or "https"). */
bool sns_endpoint_valid(const char *protocol, const char *url);

/* The results are for free(); NULL if memory is short. Endpoints that are no URLs are unchanged. */
char *sns_endpoint_shown(const char *endpoint);    /* with asterisks for the password */
char *sns_endpoint_url(const char *endpoint);      /* without user name and password */
char *sns_endpoint_password(const char *endpoint); /* the value of Authorization; "": none */

#endif
