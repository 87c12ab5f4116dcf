/*
 * A clock that stands still while there is work to do, and goes on to the next timer as soon as
 * there is none: no test waits, and a slow machine makes no timer fire early. A test program that
 * links this library runs its loop on it; there is nothing to call.
 *
 * libuv and libcurl take the time from clock_gettime(2), and a loop waits in epoll_pwait(2) and
 * nowhere else. Both are replaced here: the dynamic linker prefers the program's own functions.
 * The linker's --wrap leads to the rest (uv_run, uv_cond_*, uv_thread_create), of our code alone: not
 * of libuv's own.
 *
 * The clock moves only when no work is pending: no descriptor is ready, which includes
 * every uv_async_send, and no thread is at work: neither one of the pool with a request nor one that
 * our code has started, except those that wait on a condition. Such a thread wakes when the condition
 * is signalled or its own timeout comes.
 *
 * Where a loop has sockets, a packet may be on its way through the kernel without a descriptor
 * being ready. The clock then waits until all that was sent has been acknowledged. The end of a
 * connection is not detected this way, so the clock pauses in real time after each event, and goes
 * in steps.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "container_of.h"
#include "list.h"

enum {
    START_S = 1000000,
    HANG_MS = 120000, /* of real time; no test keeps a worker busy for so long */
    PAUSE_MS = 1,     /* of real time, for sockets */
    STEP_MS = 100,    /* by which the clock goes on at once */
    PAUSES_MAX = 50,  /* for what is never acknowledged: a reader without room drops it */
    FD_GAP_MAX = 32,  /* numbers of descriptors that are free, below one that is not */
};

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull
#define NEVER     UINT64_MAX

struct waiter { /* a thread in uv_cond_wait, on its stack */
    struct list link;
    uv_cond_t *condition;
    uv_mutex_t *mutex;
    uint64_t due_ns;
    bool woken; /* no longer counted */
};

static atomic_ullong now_ns = START_S * NS_PER_S;
static uv_loop_t *running; /* of the thread in uv_run */
static bool stirred;       /* something happened since the last pause */
static int blocked_fd;     /* readable after a thread has begun to wait, or has ended */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct list waiters = {&waiters, &waiters};
static unsigned blocked; /* threads that wait */
static unsigned started; /* threads of our code that have not ended */

/* Before any thread could use it. */
__attribute__((constructor)) static void blocked_fd_open(void)
{
    blocked_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* ---- the time ---- */

int clock_gettime(clockid_t id, struct timespec *out)
{
    if (id != CLOCK_MONOTONIC && id != CLOCK_MONOTONIC_COARSE && id != CLOCK_MONOTONIC_RAW &&
        id != CLOCK_BOOTTIME)
        return (int)syscall(SYS_clock_gettime, id, out);
    uint64_t now = atomic_load(&now_ns);
    *out = (struct timespec){(time_t)(now / NS_PER_S), (long)(now % NS_PER_S)};
    return 0;
}

/* ---- threads that wait on a condition ---- */

int __real_uv_run(uv_loop_t *loop, uv_run_mode mode);
int __wrap_uv_run(uv_loop_t *loop, uv_run_mode mode);
void __real_uv_cond_wait(uv_cond_t *condition, uv_mutex_t *mutex);
void __wrap_uv_cond_wait(uv_cond_t *condition, uv_mutex_t *mutex);
int __wrap_uv_cond_timedwait(uv_cond_t *condition, uv_mutex_t *mutex, uint64_t timeout_ns);
void __real_uv_cond_broadcast(uv_cond_t *condition);
void __wrap_uv_cond_broadcast(uv_cond_t *condition);
void __wrap_uv_cond_signal(uv_cond_t *condition);

static void wait_until(uv_cond_t *condition, uv_mutex_t *mutex, uint64_t due_ns)
{
    struct waiter waiter = {.condition = condition, .mutex = mutex, .due_ns = due_ns};
    pthread_mutex_lock(&lock);
    list_push(&waiters, &waiter.link);
    blocked++;
    pthread_mutex_unlock(&lock);
    eventfd_write(blocked_fd, 1);
    __real_uv_cond_wait(condition, mutex);
    pthread_mutex_lock(&lock);
    list_remove(&waiter.link);
    if (!waiter.woken)
        blocked--;
    pthread_mutex_unlock(&lock);
}

void __wrap_uv_cond_wait(uv_cond_t *condition, uv_mutex_t *mutex)
{
    wait_until(condition, mutex, NEVER);
}

int __wrap_uv_cond_timedwait(uv_cond_t *condition, uv_mutex_t *mutex, uint64_t timeout_ns)
{
    uint64_t due_ns = atomic_load(&now_ns) + timeout_ns;
    wait_until(condition, mutex, due_ns);
    return atomic_load(&now_ns) >= due_ns ? UV_ETIMEDOUT : 0;
}

/* They count as working from now on, not only once they run. */
static void count_as_woken(const uv_cond_t *condition)
{
    pthread_mutex_lock(&lock);
    for (struct list *l = waiters.next; l != &waiters; l = l->next) {
        struct waiter *waiter = container_of(l, struct waiter, link);
        if (waiter->condition != condition || waiter->woken)
            continue;
        waiter->woken = true;
        blocked--;
    }
    pthread_mutex_unlock(&lock);
}

void __wrap_uv_cond_broadcast(uv_cond_t *condition)
{
    count_as_woken(condition);
    __real_uv_cond_broadcast(condition);
}

/* Which one wakes is not known: all of them do, as POSIX allows. */
void __wrap_uv_cond_signal(uv_cond_t *condition)
{
    __wrap_uv_cond_broadcast(condition);
}

static uint64_t first_due(void)
{
    uint64_t due_ns = NEVER;
    pthread_mutex_lock(&lock);
    for (struct list *l = waiters.next; l != &waiters; l = l->next) {
        const struct waiter *waiter = container_of(l, struct waiter, link);
        if (!waiter->woken && waiter->due_ns < due_ns)
            due_ns = waiter->due_ns;
    }
    pthread_mutex_unlock(&lock);
    return due_ns;
}

/* A condition whose waiter's time has come; its mutex too. */
static uv_cond_t *due_condition(uv_mutex_t **mutex)
{
    uv_cond_t *condition = NULL;
    pthread_mutex_lock(&lock);
    for (struct list *l = waiters.next; l != &waiters && !condition; l = l->next) {
        const struct waiter *waiter = container_of(l, struct waiter, link);
        if (waiter->woken || waiter->due_ns > atomic_load(&now_ns))
            continue;
        condition = waiter->condition;
        *mutex = waiter->mutex;
    }
    pthread_mutex_unlock(&lock);
    return condition;
}

/* With its mutex: a thread that holds it is about to wait, and would miss the signal. */
static void wake_due(void)
{
    uv_cond_t *condition;
    uv_mutex_t *mutex;
    while ((condition = due_condition(&mutex))) {
        uv_mutex_lock(mutex);
        __wrap_uv_cond_broadcast(condition);
        uv_mutex_unlock(mutex);
    }
}

/* ---- threads of our code ---- */

struct thread_start {
    uv_thread_cb entry;
    void *user;
};

int __real_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *user);
int __wrap_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *user);

static void count_started(int change)
{
    pthread_mutex_lock(&lock);
    started = (unsigned)((int)started + change);
    pthread_mutex_unlock(&lock);
}

static void thread_main(void *user)
{
    struct thread_start start = *(struct thread_start *)user;
    free(user);
    start.entry(start.user);
    count_started(-1);
    eventfd_write(blocked_fd, 1);
}

int __wrap_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *user)
{
    struct thread_start *start = malloc(sizeof *start);
    if (!start)
        return UV_ENOMEM;
    *start = (struct thread_start){entry, user};
    count_started(1);
    int code = __real_uv_thread_create(thread, thread_main, start);
    if (code) {
        count_started(-1);
        free(start);
    }
    return code;
}

/* ---- the loop ---- */

int __wrap_uv_run(uv_loop_t *loop, uv_run_mode mode)
{
    uv_loop_t *outer = running;
    running = loop;
    int more = __real_uv_run(loop, mode);
    running = outer;
    return more;
}

static bool is_working(void)
{
    pthread_mutex_lock(&lock);
    bool working = running->active_reqs.count + started > blocked;
    pthread_mutex_unlock(&lock);
    return working;
}

static void find_socket(uv_handle_t *handle, void *found)
{
    uv_handle_type type = uv_handle_get_type(handle);
    if (uv_is_active(handle) &&
        (type == UV_TCP || type == UV_NAMED_PIPE || type == UV_POLL || type == UV_UDP))
        *(bool *)found = true;
}

static bool has_sockets(void)
{
    bool found = false;
    uv_walk(running, find_socket, &found);
    return found;
}

/* Makes this end acknowledge received data; the errno if it is not a TCP socket. */
static int acknowledge(int fd)
{
    const int on = 1;
    return setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on) ? errno : 0;
}

static bool is_unacknowledged(int fd)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_state != TCP_LISTEN && info.tcpi_unacked > 0;
}

/* Both ends of every connection are in this process, whose descriptors have the lowest numbers. */
static bool any_is_sending(void)
{
    bool sending = false;
    for (int fd = 0, closed = 0; closed < FD_GAP_MAX; fd++) {
        int code = acknowledge(fd);
        closed = code == EBADF ? closed + 1 : 0;
        sending |= code == 0 && is_unacknowledged(fd);
    }
    return sending;
}

static int real_epoll(int fd, struct epoll_event *events, int max)
{
    return (int)syscall(SYS_epoll_pwait, fd, events, max, 0, NULL, (size_t)8);
}

/* Until a descriptor is ready, or a thread has begun to wait. */
static void wait_for_work(int fd)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = blocked_fd, .events = POLLIN}};
    eventfd_t ignored;
    if (poll(fds, 2, HANG_MS) == 0) {
        fprintf(stderr, "virtual clock: a worker or a peer hangs\n");
        abort();
    }
    eventfd_read(blocked_fd, &ignored);
}

/* No work is pending at this time: moves to the next timer, at most to until_ns. */
static void advance(uint64_t until_ns)
{
    uint64_t due_ns = first_due();
    if (until_ns < due_ns)
        due_ns = until_ns;
    if (due_ns > atomic_load(&now_ns))
        atomic_store(&now_ns, due_ns);
    wake_due();
}

static uint64_t after_ms(uint64_t ms)
{
    return atomic_load(&now_ns) + ms * NS_PER_MS;
}

/* Waits in real time for data in the kernel: after the last event, and until all of it has been
 * acknowledged. */
static bool needs_pause(unsigned pauses)
{
    return has_sockets() &&
           (pauses == 0 ? stirred || any_is_sending() : pauses < PAUSES_MAX && any_is_sending());
}

int epoll_pwait(int fd, struct epoll_event *events, int max, int timeout, const sigset_t *mask)
{
    (void)mask; /* NULL: no loop blocks signals */
    const uint64_t until_ns = timeout < 0 ? NEVER : after_ms((uint64_t)timeout);
    for (unsigned pauses = 0;;) {
        bool working = is_working(); /* before the check, so that its last action is seen */
        int count = real_epoll(fd, events, max);
        stirred |= count > 0;
        if (count != 0 || timeout == 0)
            return count;
        if (working || (until_ns == NEVER && first_due() == NEVER)) {
            wait_for_work(fd);
        } else if (until_ns <= atomic_load(&now_ns)) {
            return 0;
        } else if (needs_pause(pauses)) {
            poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, PAUSE_MS);
            stirred = false;
            pauses++;
        } else {
            uint64_t step_ns = has_sockets() ? after_ms(STEP_MS) : NEVER;
            advance(step_ns < until_ns ? step_ns : until_ns);
            pauses = 0;
        }
    }
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
    return epoll_pwait(fd, events, max, timeout, NULL);
}
