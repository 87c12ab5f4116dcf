/* The files of certificate authorities that the HTTP client trusts. Blocking. */
#ifndef THUMBWHEEL_CA_FILE_H
#define THUMBWHEEL_CA_FILE_H

#include <stdbool.h>

/* Whether libcrypto, on which libcurl verifies peers, finds a certificate in PEM format in it. */
bool ca_file_has_certificate(const char *path);

#endif
