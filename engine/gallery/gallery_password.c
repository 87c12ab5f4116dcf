#include "gallery_password.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gallery_accounts.h"
#include "login_pace.h"
#include "secret.h"

enum { AT_ONCE = 2, WAITING_MAX = 32, RETRY_S = 5 };

/* Compared with if there is no user of the name: of the same cost as those of password_hash. */
static const char nobody[] = "$scrypt$ln=17,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct gallery_passwords {
    struct gallery *gallery;
    struct login_pace pace;
    struct list waiting; /* struct password_check */
    unsigned waiting_count, running;
    bool closing;
};

struct password_check {
    struct list link;
    uv_work_t work;
    struct gallery_passwords *passwords;
    struct gallery_call *call; /* NULL: it has ended */
    gallery_password_checked *checked;
    bool runs;
    char name[SESSION_USER_MAX + 1], address[INET6_ADDRSTRLEN];
    char print[SESSION_PRINT_SIZE]; /* of the user whose password is compared with; "": nobody's */
    /* the worker's */
    char hash[PASSWORD_HASH_SIZE], *password;
    bool matches;
};

static void run_next(struct gallery_passwords *passwords);

/* ---- one check ---- */

static void check_free(struct password_check *check)
{
    if (check->password)
        secret_wipe(check->password, strlen(check->password));
    free(check->password);
    free(check);
}

/* On a pool thread. */
static void compare(uv_work_t *work)
{
    struct password_check *check = container_of(work, struct password_check, work);
    check->matches = password_matches(check->password, check->hash) && *check->print;
}

/* The user may have changed meanwhile. */
static const struct gallery_user *user_of(const struct password_check *check)
{
    const struct gallery_user *user = gallery_account_find(check->passwords->gallery, check->name);
    return check->matches && user && strcmp(user->print, check->print) == 0 ? user : NULL;
}

static void answer(struct password_check *check)
{
    struct gallery_call *call = check->call;
    const struct gallery_user *user = user_of(check);
    call->ended = NULL;
    if (user) {
        login_pace_give(&check->passwords->pace, "user", check->name);
        login_pace_give(&check->passwords->pace, "address", check->address);
    }
    check->checked(call, user);
}

static void end(struct gallery_passwords *passwords)
{
    struct gallery *gallery = passwords->gallery;
    free(passwords);
    gallery->passwords = NULL;
    gallery_part_closed(gallery);
}

static void on_compared(uv_work_t *work, int code)
{
    struct password_check *check = container_of(work, struct password_check, work);
    struct gallery_passwords *passwords = check->passwords;
    (void)code;
    passwords->running--;
    if (check->call && !passwords->closing)
        answer(check);
    check_free(check);
    if (!passwords->closing)
        run_next(passwords);
    else if (!passwords->running)
        end(passwords);
}

static void run_next(struct gallery_passwords *passwords)
{
    while (passwords->running < AT_ONCE && !list_empty(&passwords->waiting)) {
        struct password_check *check =
            container_of(list_shift(&passwords->waiting), struct password_check, link);
        passwords->waiting_count--;
        passwords->running++;
        check->runs = true;
        uv_queue_work(passwords->gallery->loop, &check->work, compare, on_compared);
    }
}

static void on_ended(struct gallery_call *call, bool completed)
{
    struct password_check *check = call->state;
    (void)completed;
    check->call = NULL;
    if (check->runs)
        return;
    list_remove(&check->link);
    check->passwords->waiting_count--;
    check_free(check);
}

/* ---- asking ---- */

/* An IPv6 address stands for its network of 64 bits, which one machine may have all of. */
static void address_of(const struct gallery_call *call, char out[INET6_ADDRSTRLEN])
{
    struct in6_addr address;
    http_call_peer(call->http, out);
    if (inet_pton(AF_INET6, out, &address) != 1 || IN6_IS_ADDR_V4MAPPED(&address))
        return;
    memset(address.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &address, out, INET6_ADDRSTRLEN);
}

static bool pace_allows(struct gallery_call *call, const char *name, const char *address)
{
    struct gallery_passwords *passwords = call->gallery->passwords;
    const uint64_t now_ms = uv_now(call->gallery->loop);
    unsigned retry_s = RETRY_S;
    const bool full = passwords->waiting_count >= WAITING_MAX;
    if (!full && login_pace_take(&passwords->pace, "address", address, now_ms, &retry_s) &&
        login_pace_take(&passwords->pace, "user", name, now_ms, &retry_s))
        return true;
    gallery_refuse_for(call, 429, "too_many_attempts", retry_s,
                       "too many attempts to log in; wait a little and try again");
    return false;
}

static struct password_check *check_make(struct gallery_call *call, const char *name,
                                         const char *password)
{
    struct password_check *check = calloc(1, sizeof *check);
    const struct gallery_user *user = gallery_account_find(call->gallery, name);
    if (!check || !(check->password = strdup(password))) {
        free(check);
        return NULL;
    }
    check->passwords = call->gallery->passwords;
    check->call = call;
    snprintf(check->name, sizeof check->name, "%s", user ? name : "");
    snprintf(check->print, sizeof check->print, "%s", user ? user->print : "");
    snprintf(check->hash, sizeof check->hash, "%s", user ? user->password : nobody);
    return check;
}

void gallery_password_check(struct gallery_call *call, const char *name, const char *password,
                            gallery_password_checked *checked)
{
    struct gallery_passwords *passwords = call->gallery->passwords;
    char address[INET6_ADDRSTRLEN];
    address_of(call, address);
    if (!pace_allows(call, name, address))
        return;
    struct password_check *check = check_make(call, name, password);
    if (!check) {
        gallery_refuse(call, 503, "out_of_memory", "the server is short of memory; try again");
        return;
    }
    snprintf(check->address, sizeof check->address, "%s", address);
    check->checked = checked;
    call->state = check;
    call->ended = on_ended;
    list_push(&passwords->waiting, &check->link);
    passwords->waiting_count++;
    run_next(passwords);
}

/* ---- opening and closing ---- */

int gallery_passwords_open(struct gallery *gallery, struct error *error)
{
    struct gallery_passwords *passwords = calloc(1, sizeof *passwords);
    if (!passwords)
        return error_set(error, ERR_MEMORY, "out of memory");
    passwords->gallery = gallery;
    list_init(&passwords->waiting);
    gallery->passwords = passwords;
    return 0;
}

/* All requests have ended, so that none waits. */
void gallery_passwords_close(struct gallery *gallery)
{
    struct gallery_passwords *passwords = gallery->passwords;
    passwords->closing = true;
    if (!passwords->running)
        end(passwords);
}
