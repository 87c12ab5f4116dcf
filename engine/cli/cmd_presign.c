/* thumbwheel presign: a URL with which anyone may get or put an object for some time. */
#include "command.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core_files.h"
#include "iso_time.h"
#include "json_line.h"
#include "object_address.h"
#include "service.h"
#include "terminal.h"

enum { EXPIRES_S = 60 * 60 };

struct presign {
    const struct config *config;
    struct object_address address;
    struct object_presign what;
    struct object_validity valid;
    char *url, *curl; /* curl: the command */
    bool located;
    struct error error;
};

static bool is_put(const struct presign *presign)
{
    return strcmp(presign->what.method, "PUT") == 0;
}

/* ---- the arguments ---- */

static int refuse_option(const struct config *config, const char *name, const char *verb,
                         struct error *error)
{
    if (!config_given(config, name))
        return 0;
    return error_set(error, ERR_INVALID, "--%s does not apply to presign %s", name, verb);
}

static int verb_read(struct presign *presign, const char *verb)
{
    const struct config *config = presign->config;
    struct error *error = &presign->error;
    if (strcmp(verb, "get") == 0) {
        presign->what.method = "GET";
        return refuse_option(config, "size", verb, error);
    }
    if (strcmp(verb, "put") != 0)
        return error_set(error, ERR_INVALID, "\"%s\" is not allowed; give get or put", verb);
    presign->what.method = "PUT";
    const int code = refuse_option(config, "disposition", verb, error);
    return code ? code : refuse_option(config, "version-id", verb, error);
}

static bool is_header_value(const char *text)
{
    for (; text && *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

static int arguments_read(struct presign *presign)
{
    const struct config *config = presign->config;
    struct error *error = &presign->error;
    if (config->paths.count != 2)
        return error_set(error, ERR_INVALID,
                         "presign needs get or put, and one object: thumbwheel presign get "
                         "s3://BUCKET/KEY");
    int code = verb_read(presign, config->paths.items[0]);
    if (!code)
        code = object_address_read(config->paths.items[1], &presign->address, error);
    if (code)
        return code;
    if (!presign->address.key[0])
        return error_set(error, ERR_INVALID, "\"%s\" has no key; expected s3://BUCKET/KEY",
                         config->paths.items[1]);
    if (!is_header_value(config->content_type) || !is_header_value(config->disposition))
        return error_set(error, ERR_INVALID,
                         "--content-type and --disposition become headers: give printable ASCII");
    presign->what.name = (struct object_name){.bucket = presign->address.bucket,
                                              .key = presign->address.key,
                                              .version = config->version_id};
    presign->what.expires_s = config->expires_s ? config->expires_s : EXPIRES_S;
    presign->what.content_type = config->content_type;
    presign->what.disposition = config->disposition;
    presign->what.sized = config_given(config, "size");
    presign->what.size = config->size;
    return 0;
}

/* ---- what is printed ---- */

/* The last part of the key, in the current directory. */
static void print_file_name(FILE *out, const char *key)
{
    const char *slash = strrchr(key, '/'), *name = slash ? slash + 1 : key;
    char *path = NULL;
    const bool is_plain = *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    if (asprintf(&path, "%s%s", *name == '-' ? "./" : "", is_plain ? name : "object") < 0)
        return;
    terminal_shell_word(out, path);
    free(path);
}

static void print_curl(FILE *out, const struct presign *presign)
{
    fputs("curl --fail ", out);
    if (is_put(presign)) {
        fputs("--upload-file FILE ", out);
        if (presign->what.content_type) {
            char *header = NULL;
            if (asprintf(&header, "Content-Type: %s", presign->what.content_type) < 0)
                return;
            fputs("--header ", out);
            terminal_shell_word(out, header);
            fputc(' ', out);
            free(header);
        }
    } else {
        fputs("--output ", out);
        print_file_name(out, presign->address.key);
        fputc(' ', out);
    }
    terminal_shell_word(out, presign->url);
}

static char *curl_make(const struct presign *presign)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    print_curl(out, presign);
    return fclose(out) ? NULL : text;
}

static const char *time_text(int64_t unix_s, char out[ISO_TIME_SIZE])
{
    if (!unix_s)
        return NULL;
    iso_time_format(unix_s, out);
    return out;
}

static json_t *headers_json(const struct presign *presign)
{
    json_t *headers = json_object();
    char size[24];
    if (!is_put(presign))
        return headers;
    snprintf(size, sizeof size, "%" PRIu64, presign->what.size);
    if (presign->what.content_type)
        json_object_set_new(headers, "Content-Type", json_string(presign->what.content_type));
    if (presign->what.sized)
        json_object_set_new(headers, "Content-Length", json_string(size));
    return headers;
}

static int print_json(const struct presign *presign)
{
    char expires[ISO_TIME_SIZE], end[ISO_TIME_SIZE];
    json_t *tree =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s?, s:s}", "method", presign->what.method,
                  "bucket", presign->address.bucket, "key", presign->address.key, "url",
                  presign->url, "headers", headers_json(presign), "expires",
                  time_text(presign->valid.expires_s, expires), "credentials_expire",
                  time_text(presign->valid.credentials_expire_s, end), "curl", presign->curl);
    return json_line_print(tree, stdout);
}

static void warn_of_credentials(const struct presign *presign)
{
    char end[ISO_TIME_SIZE];
    const struct object_validity *valid = &presign->valid;
    if (!valid->credentials_expire_s || valid->credentials_expire_s >= valid->expires_s)
        return;
    iso_time_format(valid->credentials_expire_s, end);
    command_warn("the credentials expire at %s, and the URL ends with them; for a longer validity, "
                 "sign with credentials that last longer",
                 end);
}

static int print_result(const struct presign *presign)
{
    char expires[ISO_TIME_SIZE];
    if (presign->config->json)
        return print_json(presign);
    printf("%s\n", presign->url);
    if (terminal_is(fileno(stdout))) {
        iso_time_format(presign->valid.expires_s, expires);
        printf("\nValid until %s. With curl:\n\n%s\n", expires, presign->curl);
    }
    return 0;
}

/* ---- making it ---- */

/* Without a response the URL is for the configured region, which is right for most buckets. */
static void on_located(const struct error *error, void *user)
{
    struct presign *presign = user;
    presign->located = true;
    switch (error->code) {
    case ERR_TIMEOUT:
    case ERR_NETWORK:
    case ERR_THROTTLED:
    case ERR_SERVER:
    case ERR_PROTOCOL:
    case ERR_REFUSED:
        command_warn("the bucket's region could not be asked for, and the URL is for the "
                     "configured one: %s",
                     error->text);
        break;
    default:
        presign->error = *error;
    }
}

static bool is_located(void *user)
{
    return ((struct presign *)user)->located;
}

static int presign_make(struct service *service, struct presign *presign)
{
    struct object_store *store = service->backend.store;
    struct error *error = &presign->error;
    int code = store->ops->locate(store, presign->address.bucket, on_located, presign, NULL);
    if (code)
        return error_set(error, code, "s3://%s is not valid (%s)", presign->address.bucket,
                         error_name(code));
    if (!service_wait(service, is_located, presign))
        return error_set(error, ERR_CANCELLED, "interrupted");
    if (error->code)
        return error->code;
    code = store->ops->presign(store, &presign->what, &presign->url, &presign->valid, error);
    if (code)
        return code;
    presign->curl = curl_make(presign);
    if (!presign->curl)
        return error_set(error, ERR_MEMORY, "out of memory");
    warn_of_credentials(presign);
    return print_result(presign);
}

static int presign_run(const struct assembly *assembly, struct presign *presign)
{
    struct service service;
    const struct service_options options = {.assembly = assembly, .config = presign->config};
    int code = service_open(&service, &options, &presign->error);
    if (!code)
        code = presign_make(&service, presign);
    service_close(&service);
    return code;
}

int cmd_presign(const struct assembly *assembly, const struct config *config)
{
    struct presign presign = {.config = config};
    core_files_forbid();
    int code = arguments_read(&presign);
    if (!code)
        code = presign_run(assembly, &presign);
    if (code)
        command_error("%s", presign.error.code ? presign.error.text : error_name(code));
    object_address_free(&presign.address);
    free(presign.url);
    free(presign.curl);
    return (int)command_status(code);
}
