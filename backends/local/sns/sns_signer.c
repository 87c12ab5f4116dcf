/* The key being created belongs to the thread until the thread reports its end to the loop. */
#include "sns_signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "hash.h"
#include "log.h"
#include "sigv4.h"

struct sns_signer {
    uv_loop_t *loop;
    char *directory; /* a copy: the thread may outlive the owner of the original */
    uv_thread_t thread;
    uv_async_t ended;
    bool running, ready;
    struct list wishes;
    struct sns_key *key;
    int code; /* result of the last attempt, with its reason */
    struct error error;
    char path[SNS_CERTIFICATE_PATH_SIZE];
    void (*closed)(void *user);
    void *user;
};

static void thread_main(void *argument)
{
    struct sns_signer *signer = argument;
    signer->code = sns_key_open(signer->directory, &signer->key, &signer->error);
    uv_async_send(&signer->ended);
}

/* The loop. */

static void path_set(struct sns_signer *signer)
{
    const char *certificate = sns_key_certificate(signer->key);
    char digest[SIGV4_HEX_SIZE];
    sha256_hex(certificate, strlen(certificate), digest);
    snprintf(signer->path, sizeof signer->path, "/SimpleNotificationService-%.32s.pem", digest);
}

static void wishes_respond(struct sns_signer *signer, int code)
{
    struct list wishes, *link;
    list_init(&wishes);
    list_move_all(&wishes, &signer->wishes);
    while ((link = list_shift(&wishes))) {
        struct sns_signer_wish *wish = container_of(link, struct sns_signer_wish, link);
        wish->ready(wish, code);
    }
}

static void signer_free(struct sns_signer *signer)
{
    void (*closed)(void *user) = signer->closed;
    void *user = signer->user;
    sns_key_close(signer->key);
    free(signer->directory);
    free(signer);
    if (closed)
        closed(user);
}

static void ended_closed(uv_handle_t *handle)
{
    struct sns_signer *signer = container_of((uv_async_t *)handle, struct sns_signer, ended);
    int code = signer->code;
    signer->running = false;
    if (signer->closed) {
        signer_free(signer);
        return;
    }
    signer->ready = !code;
    if (code)
        log_error("SNS messages cannot be signed", LOG_TEXT("error", signer->error.text));
    else
        path_set(signer);
    wishes_respond(signer, code);
}

static void thread_ended(uv_async_t *async)
{
    struct sns_signer *signer = container_of(async, struct sns_signer, ended);
    uv_thread_join(&signer->thread);
    uv_close((uv_handle_t *)async, ended_closed);
}

static int thread_start(struct sns_signer *signer)
{
    if (uv_async_init(signer->loop, &signer->ended, thread_ended))
        return ERR_MEMORY;
    signer->running = true;
    if (uv_thread_create(&signer->thread, thread_main, signer) == 0)
        return 0;
    signer->code = error_set(&signer->error, ERR_MEMORY, "cannot start a thread");
    uv_close((uv_handle_t *)&signer->ended, ended_closed);
    return 0;
}

void sns_signer_want(struct sns_signer *signer, struct sns_signer_wish *wish)
{
    list_push(&signer->wishes, &wish->link);
    if (!signer->running && thread_start(signer))
        log_error("SNS messages cannot be signed", LOG_TEXT("error", "out of memory"));
}

bool sns_signer_ready(const struct sns_signer *signer)
{
    return signer->ready;
}

const struct sns_key *sns_signer_key(const struct sns_signer *signer)
{
    return signer->key;
}

const char *sns_signer_certificate_path(const struct sns_signer *signer)
{
    return signer->path;
}

const char *sns_signer_certificate(const struct sns_signer *signer)
{
    return sns_key_certificate(signer->key);
}

int sns_signer_open(uv_loop_t *loop, const char *directory, struct sns_signer **out)
{
    struct sns_signer *signer = calloc(1, sizeof *signer);
    if (!signer)
        return ERR_MEMORY;
    signer->directory = strdup(directory);
    if (!signer->directory) {
        free(signer);
        return ERR_MEMORY;
    }
    signer->loop = loop;
    list_init(&signer->wishes);
    *out = signer;
    return 0;
}

static void nothing(void *user)
{
    (void)user;
}

void sns_signer_close(struct sns_signer *signer, void (*closed)(void *user), void *user)
{
    signer->closed = closed ? closed : nothing;
    signer->user = user;
    wishes_respond(signer, ERR_CANCELLED);
    if (!signer->running)
        signer_free(signer);
}
