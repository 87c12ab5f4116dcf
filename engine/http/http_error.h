/* Maps curl's results to the codes of error.h. Any thread. */
#ifndef THUMBWHEEL_HTTP_ERROR_H
#define THUMBWHEEL_HTTP_ERROR_H

#include <curl/curl.h>

/* The code of a failed transfer; never 0. */
int http_error_of(CURLcode result);

#endif
