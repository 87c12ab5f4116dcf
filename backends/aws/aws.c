#include "aws.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws_identity.h"
#include "aws_notify.h"
#include "aws_private.h"
#include "aws_request.h"
#include "ca_file.h"
#include "instance_region.h"
#include "partition.h"
#include "rekognition.h"
#include "s3_private.h"
#include "sns_topics.h"
#include "sqs_private.h"

static int region_of_instance(struct aws *aws, const struct profile *profile, struct error *error)
{
    struct error why = {0};
    aws->region = instance_region(profile, &why);
    if (aws->region && region_is_plain(slice_of(aws->region)))
        return 0;
    return error_set(error, ERR_INVALID,
                     "no AWS region is set; set AWS_REGION, or region in ~/.aws/config%s%s%s",
                     why.code ? " (" : "", why.text, why.code ? ")" : "");
}

/* Self-hosted services rarely check the region, but the signature must contain one. */
static int region_find(struct aws *aws, const struct backend_settings *options,
                       const struct profile *profile, struct error *error)
{
    const char *region = options->region;
    if (!region)
        region = profile_variable(profile, "AWS_REGION");
    if (!region)
        region = profile_variable(profile, "AWS_DEFAULT_REGION");
    if (!region)
        region = profile_get(profile, "region");
    if (!region && aws->endpoints.urls[AWS_S3] && aws->endpoints.urls[AWS_SQS])
        region = "us-east-1";
    if (!region)
        return region_of_instance(aws, profile, error);
    if (!region_is_plain(slice_of(region)))
        return error_set(error, ERR_INVALID, "\"%.60s\" is not an AWS region; try eu-central-1",
                         region);
    aws->region = slice_dup(slice_of(region));
    return aws->region ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

static int settings_find(struct aws *aws, const struct backend_settings *options,
                         const struct profile *profile, struct error *error)
{
    int code = endpoints_read(&aws->endpoints, options, profile, error);
    if (code)
        return code;
    code = region_find(aws, options, profile, error);
    if (code)
        return code;
    code = endpoints_check(&aws->endpoints, aws->region, error);
    if (code)
        return code;
    const struct credential_host host = {.loop = aws->loop,
                                         .http = aws->http,
                                         .region = aws->region,
                                         .endpoints = &aws->endpoints,
                                         .clock_offset = &aws->clock_offset_s};
    code = credential_chain_open(&host, options, profile, &aws->chain, error);
    if (code)
        return code;
    aws->unsigned_payload = options->unsigned_payload;
    aws->requester_pays = options->requester_pays;
    return 0;
}

/* "9d66eef0.0", as openssl-rehash(1) names them. */
static bool is_hash_name(const char *name)
{
    enum { HASH_DIGITS = 8 };
    const size_t digits = strspn(name, "0123456789abcdef");
    return digits == HASH_DIGITS && name[digits] == '.' && name[digits + 1] &&
           !name[digits + 1 + strspn(name + digits + 1, "0123456789")];
}

/* OpenSSL does not find files with other names. */
static bool has_hashed_certificate(const char *path)
{
    bool has = false;
    DIR *directory = opendir(path);
    for (struct dirent *entry; !has && directory && (entry = readdir(directory));) {
        char *file = NULL;
        if (is_hash_name(entry->d_name) && asprintf(&file, "%s/%s", path, entry->d_name) >= 0) {
            has = ca_file_has_certificate(file);
            free(file);
        }
    }
    if (directory)
        closedir(directory);
    return has;
}

static int bundle_refuse(const char *name, const char *path, bool is_directory, struct error *error)
{
    return is_directory
               ? error_set(error, ERR_INVALID,
                           "%s names the directory \"%.300s\", which contains no certificate under "
                           "the name that OpenSSL looks for; run \"openssl rehash\" on it",
                           name, path)
               : error_set(error, ERR_INVALID,
                           "%s names \"%.300s\", which contains no certificate in PEM format", name,
                           path);
}

static int bundle_trust(struct aws *aws, const char *name, const char *path, struct error *error)
{
    struct stat facts;
    if (stat(path, &facts) || access(path, S_ISDIR(facts.st_mode) ? R_OK | X_OK : R_OK))
        return error_set(error, ERR_INVALID, "%s names \"%.300s\", which cannot be read: %s", name,
                         path, strerror(errno));
    const bool is_directory = S_ISDIR(facts.st_mode);
    if (!is_directory && !S_ISREG(facts.st_mode))
        return error_set(error, ERR_INVALID,
                         "%s names \"%.300s\", which is neither a file nor a directory", name,
                         path);
    /* Without any, no service would be trusted, and each request would fail for a reason that is
     * hard to guess. */
    if (!(is_directory ? has_hashed_certificate(path) : ca_file_has_certificate(path)))
        return bundle_refuse(name, path, is_directory, error);
    int code = http_client_trust(aws->http, path, is_directory);
    return code ? error_set(error, code, "out of memory") : 0;
}

/* AWS_CA_BUNDLE, the profile's ca_bundle, then SSL_CERT_FILE (OpenSSL's,
 * SSL_CTX_load_verify_locations(3)). Each names a file or a directory, like REQUESTS_CA_BUNDLE of
 * requests and curl's --cacert and --capath. SSL_CERT_DIR is not used: OpenSSL adds it to the
 * system's bundle, which containers that set it rely on, and http_easy.c explains the cost of
 * loading both. */
static int authorities_find(struct aws *aws, const struct profile *profile, struct error *error)
{
    const struct {
        const char *name, *path;
    } bundles[] = {{"AWS_CA_BUNDLE", profile_variable(profile, "AWS_CA_BUNDLE")},
                   {"ca_bundle", profile_get(profile, "ca_bundle")},
                   {"SSL_CERT_FILE", profile_variable(profile, "SSL_CERT_FILE")}};
    for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++) {
        if (bundles[i].path)
            return bundle_trust(aws, bundles[i].name, bundles[i].path, error);
    }
    return 0;
}

int aws_create(uv_loop_t *loop, struct http_client *http, const struct backend_settings *options,
               struct aws **out, struct error *error)
{
    *out = NULL;
    struct profile profile;
    struct aws *aws = calloc(1, sizeof *aws);
    if (!aws)
        return error_set(error, ERR_MEMORY, "out of memory");
    aws->queues.ops = &sqs_ops;
    aws->queues.admin = &sqs_admin_ops;
    aws->objects.ops = &s3_ops;
    aws->topics.ops = &aws_topic_ops;
    aws->event_buses.ops = &aws_event_bus_ops;
    aws->rekognition.ops = &rekognition_ops;
    aws->topic_batches.ops = &sns_ops;
    aws->loop = loop;
    aws->http = http;
    list_init(&aws->requests);
    list_init(&aws->openings);
    int code = profile_load(&profile, options->profile, options->ignore_environment, error);
    if (code)
        goto out;
    code = authorities_find(aws, &profile, error);
    if (code)
        goto out;
    code = settings_find(aws, options, &profile, error);
out:
    profile_free(&profile);
    if (code)
        aws_destroy(aws);
    else
        *out = aws;
    return code;
}

void aws_destroy(struct aws *aws)
{
    if (!aws)
        return;
    while (!list_empty(&aws->requests))
        aws_request_cancel(container_of(aws->requests.next, struct aws_request, link));
    aws_identify_cancel(aws);
    credential_chain_close(aws->chain);
    free(aws->region);
    endpoints_free(&aws->endpoints);
    bucket_regions_free(&aws->bucket_regions);
    free(aws);
}

struct queue_backend *aws_queue_backend(struct aws *aws)
{
    return &aws->queues;
}

const char *aws_region(const struct aws *aws)
{
    return aws->region;
}

struct object_store *aws_object_store(struct aws *aws)
{
    return &aws->objects;
}

struct notifier *aws_topic_notifier(struct aws *aws)
{
    return &aws->topics;
}

struct notifier *aws_event_bus_notifier(struct aws *aws)
{
    return &aws->event_buses;
}

struct labeler *aws_rekognition(struct aws *aws)
{
    return &aws->rekognition;
}

struct topic_backend *aws_topic_backend(struct aws *aws)
{
    return &aws->topic_batches;
}
