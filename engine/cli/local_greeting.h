/* The text that `thumbwheel local` prints at startup: its endpoint, and commands to try. */
#ifndef THUMBWHEEL_LOCAL_GREETING_H
#define THUMBWHEEL_LOCAL_GREETING_H

#include <stdio.h>

struct greeting {
    const char *gallery; /* its link; NULL: none */
    const char *endpoint;
    const char *data;  /* directory */
    const char *photo; /* a file to upload */
    const char *region;
    const char *certificate; /* certificate to trust; NULL: plain HTTP */
    const char *keys;        /* --keys: a file of access keys, or "any"; NULL: the key below */
    const char *access_key, *secret_key;
};

void greeting_print_start(const struct greeting *greeting, FILE *out);
/* The last line: from now on the command waits for a signal. */
void greeting_print_serving(FILE *out);
/* Commands to try, then the last line. */
void greeting_print_try(const struct greeting *greeting, FILE *out);

#endif
