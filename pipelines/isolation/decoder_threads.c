/*
 * A filter cannot count, and RLIMIT_NPROC counts all processes of a user and does not apply to
 * root. So each clone of a decoder waits for its parent's decision (seccomp_unotify(2)): a filter
 * below that of the sandbox notifies the parent, which waits for the decoder anyway and checks the
 * number of threads. An allowed clone must also pass the sandbox's filter; its flags are in a
 * register, so they can't change meanwhile.
 *
 * Allowed clones that have not started yet are not counted: there are at most as many as threads.
 * This needs Linux 5.7; otherwise the parent kills a decoder when it sees too many.
 */
#include "decoder_threads.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "decoder_wire.h"

/* libseccomp's API level for Linux 5.7; size in bytes, for any kernel */
enum { LEVEL = 6, NOTICE_MAX = 512 };

static int notifying_filter_load(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int fd = -1;
    if (!filter)
        return -1;
    if (!seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) &&
        !seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(clone), 0) && !seccomp_load(filter))
        fd = seccomp_notify_fd(filter);
    seccomp_release(filter);
    return fd;
}

int decoder_threads_hand_over(void)
{
    char told = 0;
    struct iovec part = {&told, sizeof told};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    int fd = seccomp_api_get() >= LEVEL ? notifying_filter_load() : -1;
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        control.head = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    }
    ssize_t sent = sendmsg(DECODER_SOCKET, &message, MSG_NOSIGNAL);
    if (fd >= 0)
        close(fd);
    return sent == sizeof told ? 0 : ERR_IO;
}

int decoder_threads_receive(int socket, int *fd, pid_t *sender)
{
    char told;
    struct iovec part = {&told, sizeof told};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    struct ucred process = {0};
    *fd = -1;
    if (recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof told)
        return ERR_IO;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof *fd))
            memcpy(fd, CMSG_DATA(head), sizeof *fd);
        else if (head->cmsg_type == SCM_CREDENTIALS && head->cmsg_len == CMSG_LEN(sizeof process))
            memcpy(&process, CMSG_DATA(head), sizeof process);
    }
    *sender = process.pid;
    return process.pid > 0 ? 0 : ERR_IO;
}

void decoder_threads_decide(int fd, uint64_t threads)
{
    union {
        struct seccomp_notif fields;
        char room[NOTICE_MAX];
    } notice = {.room = {0}};
    union {
        struct seccomp_notif_resp fields;
        char room[NOTICE_MAX];
    } response = {.room = {0}};
    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &notice))
        return; /* the thread that requested it has ended */
    response.fields.id = notice.fields.id;
    if (threads < DECODER_THREADS_MAX)
        response.fields.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else
        response.fields.error = -EAGAIN;
    ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &response);
}
