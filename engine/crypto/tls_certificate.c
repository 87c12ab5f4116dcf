#include "tls_certificate.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "certificate.h"
#include "files.h"
#include "secret.h"

enum {
    DAY_S = 24 * 3600,
    GOOD_DAYS = 3650,
    SPARE_DAYS = 30, /* replaced this long before it expires */
};

/* RFC 5280, 4.2.1.6: a sequence of dNSName [2] and iPAddress [7]. */
static const unsigned char names[] = {
    0x30, 0x30, 0x82, 9,   'l', 'o', 'c', 'a', 'l', 'h',  'o', 's', 't', 0x82, 11, '*',  '.',
    'l',  'o',  'c',  'a', 'l', 'h', 'o', 's', 't', 0x87, 4,   127, 0,   0,    1,  0x87, 16,
    0,    0,    0,    0,   0,   0,   0,   0,   0,   0,    0,   0,   0,   0,    0,  1};

/* Empty: there is none, or it cannot be read. */
static void pem_read(const char *path, char out[PEM_SIZE])
{
    FILE *file = fopen(path, "re");
    size_t size = file ? fread(out, 1, PEM_SIZE - 1, file) : 0;
    out[size] = '\0';
    if (file)
        fclose(file);
}

static bool is_good(const char *certificate, const char *key)
{
    char certificate_pem[PEM_SIZE], key_pem[PEM_SIZE];
    time_t end = 0;
    pem_read(certificate, certificate_pem);
    pem_read(key, key_pem);
    bool fits = certificate_is_of(certificate_pem, key_pem, &end);
    secret_wipe(key_pem, sizeof key_pem);
    return fits && end > time(NULL) + (time_t)SPARE_DAYS * DAY_S;
}

static int pem_write(const char *path, const char *pem, unsigned mode, struct error *error)
{
    return file_write_as(path, slice_of(pem), &(struct file_options){.mode = mode, .durable = true},
                         error);
}

static int make(const char *certificate, const char *key, struct error *error)
{
    const struct certificate_plan plan = {
        .subject = "CN=localhost,O=Thumbwheel embedded cloud",
        .end = time(NULL) + (time_t)GOOD_DAYS * DAY_S,
        .server_names = {(const char *)names, sizeof names},
    };
    char certificate_pem[PEM_SIZE], key_pem[PEM_SIZE];
    int code = 0;
    if (certificate_key_make(key_pem) || certificate_make(&plan, key_pem, certificate_pem))
        code = error_set(error, ERR_MEMORY, "a TLS certificate could not be created");
    else /* the key first: a certificate without its key is generated again */
        code = pem_write(key, key_pem, 0600, error);
    secret_wipe(key_pem, sizeof key_pem);
    return code ? code : pem_write(certificate, certificate_pem, 0644, error);
}

int tls_certificate_ensure(const char *directory, struct error *error)
{
    char *certificate = path_join(directory, TLS_CERTIFICATE_FILE);
    char *key = path_join(directory, TLS_KEY_FILE);
    int code = 0;
    if (!certificate || !key)
        code = error_set(error, ERR_MEMORY, "out of memory");
    else if (!is_good(certificate, key))
        code = make(certificate, key, error);
    free(certificate);
    free(key);
    return code;
}
