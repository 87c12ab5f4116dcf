/*
 * The thread owns everything from its start until it notifies the loop of its end, except
 * `cancelled`, which the loop sets and the thread reads.
 */
#include "mail_client.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "error.h"

struct mail_sending {
    uv_thread_t thread;
    uv_async_t ended;
    atomic_bool cancelled;

    char *server, *from, *to;
    struct bytes text;
    size_t sent; /* bytes of the text that curl has read */
    long timeout_ms;
    CURLcode result;
    long status; /* the server's last reply */
    char detail[CURL_ERROR_SIZE];

    mail_done *done;
    void *user;
};

/* On the thread. */

static size_t on_read(char *out, size_t one, size_t count, void *user)
{
    struct mail_sending *s = user;
    size_t size = one * count, left = s->text.size - s->sent;
    if (size > left)
        size = left;
    if (size)
        memcpy(out, (const char *)s->text.data + s->sent, size);
    s->sent += size;
    return size;
}

static int on_progress(void *user, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct mail_sending *s = user;
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return atomic_load(&s->cancelled);
}

static unsigned options_set(CURL *easy, struct mail_sending *s, struct curl_slist *recipients)
{
    unsigned code = curl_easy_setopt(easy, CURLOPT_URL, s->server);
    code |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    code |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
    code |= curl_easy_setopt(easy, CURLOPT_MAIL_FROM, s->from);
    code |= curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients);
    code |= curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
    code |= curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)s->text.size);
    code |= curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    code |= curl_easy_setopt(easy, CURLOPT_READDATA, s);
    code |= curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    code |= curl_easy_setopt(easy, CURLOPT_XFERINFODATA, s);
    code |= curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    code |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, s->detail);
    code |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, s->timeout_ms);
    code |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    return code;
}

static void thread_main(void *argument)
{
    struct mail_sending *s = argument;
    CURL *easy = curl_easy_init();
    struct curl_slist *recipients = curl_slist_append(NULL, s->to);
    s->result = CURLE_OUT_OF_MEMORY;
    if (easy && recipients && !options_set(easy, s, recipients)) {
        s->result = curl_easy_perform(easy);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &s->status);
    }
    curl_easy_cleanup(easy);
    curl_slist_free_all(recipients);
    uv_async_send(&s->ended);
}

/* On the loop. */

static void sending_free(struct mail_sending *s)
{
    free(s->server);
    free(s->from);
    free(s->to);
    bytes_free(&s->text);
    free(s);
    curl_global_cleanup();
}

static int error_of(const struct mail_sending *s)
{
    if (s->result == CURLE_OK)
        return 0;
    if (s->result == CURLE_ABORTED_BY_CALLBACK)
        return ERR_CANCELLED;
    if (s->result == CURLE_OUT_OF_MEMORY)
        return ERR_MEMORY;
    if (s->result == CURLE_OPERATION_TIMEDOUT)
        return ERR_TIMEOUT;
    return s->status >= 500 && s->status < 600 ? ERR_INVALID : ERR_NETWORK;
}

static void ended_closed(uv_handle_t *handle)
{
    struct mail_sending *s = container_of((uv_async_t *)handle, struct mail_sending, ended);
    s->done(error_of(s), s->detail[0] ? s->detail : curl_easy_strerror(s->result), s->user);
    sending_free(s);
}

static void thread_ended(uv_async_t *async)
{
    struct mail_sending *s = container_of(async, struct mail_sending, ended);
    uv_thread_join(&s->thread);
    uv_close((uv_handle_t *)async, ended_closed);
}

int mail_send(uv_loop_t *loop, const struct mail *mail, mail_done *done, void *user,
              struct mail_sending **out)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return ERR_MEMORY;
    struct mail_sending *s = calloc(1, sizeof *s);
    if (!s) {
        curl_global_cleanup();
        return ERR_MEMORY;
    }
    s->server = strdup(mail->server);
    s->from = strdup(mail->from);
    s->to = strdup(mail->to);
    s->timeout_ms = (long)mail->timeout_ms;
    s->done = done;
    s->user = user;
    if (!s->server || !s->from || !s->to || uv_async_init(loop, &s->ended, thread_ended)) {
        sending_free(s);
        return ERR_MEMORY;
    }
    s->text = mail->text;
    s->result = CURLE_OUT_OF_MEMORY;
    *out = s;
    if (uv_thread_create(&s->thread, thread_main, s))
        uv_close((uv_handle_t *)&s->ended, ended_closed);
    return 0;
}

void mail_cancel(struct mail_sending *sending)
{
    atomic_store(&sending->cancelled, true);
}
