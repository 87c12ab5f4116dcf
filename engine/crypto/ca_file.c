#include "ca_file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>

bool ca_file_has_certificate(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    X509 *certificate = PEM_read_X509_AUX(file, NULL, NULL, NULL);
    bool has = certificate != NULL;
    X509_free(certificate);
    ERR_clear_error();
    fclose(file);
    return has;
}
