/*
 * Attacks by a decoder that an image has taken over.
 *
 * Each attempt runs in a separate process in the sandbox, with a decoder's descriptors. It states
 * the expected result: an error, or the end of the process (KILLED). An attempt that succeeds, or
 * fails in another way, fails the test. isolation.c tests the limits that the parent enforces
 * (threads, memory).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "decoder_layers.h"
#include "decoder_sandbox.h"
#include "decoder_wire.h"

enum {
    MEMORY = 256 << 20,
    KILLED = -1, /* how an attempt ends, where it isn't an error number: by the filter */
    GONE = -2,   /* by any signal: the kernel may not have that door at all */
    SUCCEEDED = 0,
    NOT_READY = 200, /* exit status: there is no such error number */
};

/* Calls that are newer than some headers: their numbers are the same on all machines. */
enum {
    NR_CACHESTAT = 451,
    NR_FCHMODAT2 = 452,
    NR_STATMOUNT = 457,
    NR_LISTMOUNT = 458,
    NR_LSM_GET_SELF_ATTR = 459,
    NR_SETXATTRAT = 463,
    NR_OPEN_TREE_ATTR = 467,
};

struct attack {
    const char *name;
    int want; /* an error number or KILLED */
    long call;
    long arguments[6];
    long (*act)(void); /* instead of the call */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define P(pointer)   ((long)(uintptr_t)(pointer))

static size_t tried;
static pid_t parent;
static char room[4096]; /* that a call may write to */
static char zeros[4096];

/* ---- the hostile side ---- */

static void become_decoder(void)
{
    struct error error = {0};
    int input = memfd_create("input", 0), output = memfd_create("output", 0);
    if (input < 0 || output < 0 || ftruncate(input, 4096) || ftruncate(output, 4096))
        _exit(NOT_READY);
    snprintf(room, sizeof room, "/proc/self/fd/%d", input);
    int reading = open(room, O_RDONLY);
    int pair[2];
    if (reading < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
        _exit(NOT_READY);
    int moved[] = {fcntl(pair[0], F_DUPFD, 32), fcntl(reading, F_DUPFD, 32),
                   fcntl(output, F_DUPFD, 32)};
    for (int i = 0; i < 3; i++)
        dup2(moved[i], DECODER_SOCKET + i);
    close_range(DECODER_DESCRIPTORS, ~0U, 0);
    if (decoder_privileges_drop(&error) || decoder_sandbox_enter(MEMORY, false, &error))
        _exit(NOT_READY); /* without the other layers: the filter alone must do */
}

static void run(const struct attack *attack)
{
    const long *a = attack->arguments;
    signal(SIGSEGV, SIG_DFL); /* cmocka's and the sanitizer's */
    signal(SIGXFSZ, SIG_IGN); /* as decoders do */
    become_decoder();
    errno = 0;
    long result =
        attack->act ? attack->act() : syscall(attack->call, a[0], a[1], a[2], a[3], a[4], a[5]);
    syscall(SYS_exit_group, result == -1 ? errno : SUCCEEDED);
}

/* ---- checking the results ---- */

static int outcome_of_status(int status)
{
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSYS ? KILLED : -WTERMSIG(status);
    return WEXITSTATUS(status);
}

static const char *outcome_text(int outcome)
{
    if (outcome == KILLED)
        return "killed by the sandbox";
    return outcome < 0 ? "killed by another signal" : strerrorname_np(outcome);
}

static void try_one(const struct attack *attack)
{
    int status = 0;
    parent = getpid();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        run(attack);
    assert_int_equal(waitpid(child, &status, 0), child);
    int outcome = outcome_of_status(status);
    assert_int_not_equal(outcome, NOT_READY);
    if (attack->want == GONE && outcome < 0)
        outcome = GONE;
    if (outcome != attack->want)
        fail_msg("%s: %s (%d), expected %s", attack->name,
                 outcome == SUCCEEDED ? "it succeeded" : outcome_text(outcome), outcome,
                 outcome_text(attack->want));
    tried++;
}

static void try_all(const struct attack *attacks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        try_one(&attacks[i]);
}

#define TRY_ALL(attacks) try_all(attacks, COUNT(attacks))

/* ---- files and their metadata ---- */

static void files_are_out_of_reach(void **state)
{
    (void)state;
    const long path = P("/etc/passwd"), made = P("/tmp/thumbwheel-made-by-an-attack");
    const long root = P("/"), empty = P(""), buffer = P(room);
    const struct attack attacks[] = {
        {"openat", EACCES, SYS_openat, {AT_FDCWD, path, O_RDONLY}, NULL},
        {"openat to create", EACCES, SYS_openat, {AT_FDCWD, made, O_CREAT | O_WRONLY, 0600}, NULL},
        {"openat without a name",
         EACCES,
         SYS_openat,
         {AT_FDCWD, P("/tmp"), O_TMPFILE | O_RDWR, 0600},
         NULL},
        {"openat O_PATH", EACCES, SYS_openat, {AT_FDCWD, root, O_PATH}, NULL},
        {"openat of the program",
         EACCES,
         SYS_openat,
         {AT_FDCWD, P("/proc/self/exe"), O_RDONLY},
         NULL},
        {"openat of its memory", EACCES, SYS_openat, {AT_FDCWD, P("/proc/self/mem"), O_RDWR}, NULL},
        {"openat of the input, to write",
         EACCES,
         SYS_openat,
         {AT_FDCWD, P("/proc/self/fd/4"), O_RDWR},
         NULL},
        {"openat of the terminal", EACCES, SYS_openat, {AT_FDCWD, P("/dev/tty"), O_RDWR}, NULL},
        {"openat below a descriptor", EACCES, SYS_openat, {DECODER_INPUT, path, O_RDONLY}, NULL},
        {"openat2", EACCES, SYS_openat2, {AT_FDCWD, path, P(zeros), 24}, NULL},
        {"name_to_handle_at",
         EPERM,
         SYS_name_to_handle_at,
         {AT_FDCWD, path, buffer, buffer, 0},
         NULL},
        {"open_by_handle_at", EPERM, SYS_open_by_handle_at, {AT_FDCWD, buffer, O_RDONLY}, NULL},
        {"newfstatat", EACCES, SYS_newfstatat, {AT_FDCWD, path, buffer, 0}, NULL},
        {"newfstatat AT_EMPTY_PATH with a path",
         EACCES,
         SYS_newfstatat,
         {AT_FDCWD, path, buffer, AT_EMPTY_PATH},
         NULL},
        {"newfstatat of the working directory",
         EACCES,
         SYS_newfstatat,
         {AT_FDCWD, empty, buffer, AT_EMPTY_PATH},
         NULL},
        {"newfstatat with a descriptor and a path",
         EACCES,
         SYS_newfstatat,
         {DECODER_INPUT, path, buffer, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW},
         NULL},
        {"statx", EACCES, SYS_statx, {AT_FDCWD, path, 0, 0x7ff, buffer}, NULL},
        {"statx AT_EMPTY_PATH with a path",
         EACCES,
         SYS_statx,
         {AT_FDCWD, path, AT_EMPTY_PATH, 0x7ff, buffer},
         NULL},
        {"faccessat", EACCES, SYS_faccessat, {AT_FDCWD, path, R_OK}, NULL},
        {"faccessat2", EACCES, SYS_faccessat2, {AT_FDCWD, path, R_OK, AT_EMPTY_PATH}, NULL},
        {"readlinkat", EACCES, SYS_readlinkat, {AT_FDCWD, P("/proc/self/exe"), buffer, 4096}, NULL},
        {"statfs", EPERM, SYS_statfs, {root, buffer}, NULL},
        {"fstatfs", EPERM, SYS_fstatfs, {DECODER_INPUT, buffer}, NULL},
        {"getcwd", EPERM, SYS_getcwd, {buffer, 4096}, NULL},
        {"chdir", EPERM, SYS_chdir, {root}, NULL},
        {"chroot", EPERM, SYS_chroot, {root}, NULL},
        {"getdents64", EPERM, SYS_getdents64, {DECODER_INPUT, buffer, 4096}, NULL},
        {"unlinkat", EPERM, SYS_unlinkat, {AT_FDCWD, made, 0}, NULL},
        {"renameat2", EPERM, SYS_renameat2, {AT_FDCWD, made, AT_FDCWD, made, 0}, NULL},
        {"linkat", EPERM, SYS_linkat, {DECODER_OUTPUT, empty, AT_FDCWD, made, AT_EMPTY_PATH}, NULL},
        {"symlinkat", EPERM, SYS_symlinkat, {path, AT_FDCWD, made}, NULL},
        {"mkdirat", EPERM, SYS_mkdirat, {AT_FDCWD, made, 0700}, NULL},
        {"mknodat", EPERM, SYS_mknodat, {AT_FDCWD, made, S_IFCHR | 0600, 0x101}, NULL},
        {"fchmodat", EPERM, SYS_fchmodat, {AT_FDCWD, path, 0777}, NULL},
        {"fchmodat2", EPERM, NR_FCHMODAT2, {AT_FDCWD, path, 0777, 0}, NULL},
        {"fchownat", EPERM, SYS_fchownat, {AT_FDCWD, path, 0, 0, 0}, NULL},
        {"utimensat", EPERM, SYS_utimensat, {AT_FDCWD, path, 0, 0}, NULL},
        {"truncate", EPERM, SYS_truncate, {made, 0}, NULL},
        {"getxattr", EPERM, SYS_getxattr, {path, P("user.x"), buffer, 64}, NULL},
        {"setxattr", EPERM, SYS_setxattr, {path, P("user.x"), buffer, 1, 0}, NULL},
        {"setxattrat", EPERM, NR_SETXATTRAT, {AT_FDCWD, path, 0, P("user.x"), buffer, 16}, NULL},
        {"inotify_init1", EPERM, SYS_inotify_init1, {0}, NULL},
        {"fanotify_init", EPERM, SYS_fanotify_init, {0, 0}, NULL},
        {"cachestat", EPERM, NR_CACHESTAT, {DECODER_INPUT, buffer, buffer, 0}, NULL},
        {"umask", EPERM, SYS_umask, {0}, NULL},
        {"sync", EPERM, SYS_sync, {0}, NULL},
    };
    TRY_ALL(attacks);
}

/* ---- descriptors that it has ---- */

static void descriptors_are_closed(void **state)
{
    (void)state;
    const struct attack attacks[] = {
        {"write to the input", EBADF, SYS_write, {DECODER_INPUT, P(room), 1}, NULL},
        {"cut the output", EPERM, SYS_ftruncate, {DECODER_OUTPUT, 0}, NULL},
        {"reserve in the output", EPERM, SYS_fallocate, {DECODER_OUTPUT, 0, 0, 1L << 40}, NULL},
        {"write beyond the output's limit",
         EFBIG,
         SYS_pwrite64,
         {DECODER_OUTPUT, P(room), 1, MEMORY},
         NULL},
        {"dup", EPERM, SYS_dup, {DECODER_SOCKET}, NULL},
        {"dup3", EPERM, SYS_dup3, {DECODER_SOCKET, 100, 0}, NULL},
        {"F_DUPFD", EPERM, SYS_fcntl, {DECODER_SOCKET, F_DUPFD, 0}, NULL},
        {"F_SETOWN", EPERM, SYS_fcntl, {DECODER_SOCKET, F_SETOWN, parent}, NULL},
        {"F_SETSIG", EPERM, SYS_fcntl, {DECODER_SOCKET, F_SETSIG, SIGKILL}, NULL},
        {"O_ASYNC", EPERM, SYS_fcntl, {DECODER_SOCKET, F_SETFL, O_ASYNC}, NULL},
        {"seal the output", EPERM, SYS_fcntl, {DECODER_OUTPUT, F_ADD_SEALS, F_SEAL_WRITE}, NULL},
        {"lock the output", EPERM, SYS_flock, {DECODER_OUTPUT, 2}, NULL},
        {"TIOCSTI", EPERM, SYS_ioctl, {0, 0x5412, P("x")}, NULL},
        {"TIOCLINUX", EPERM, SYS_ioctl, {0, 0x541c, P(room)}, NULL},
        {"FIOASYNC", EPERM, SYS_ioctl, {DECODER_SOCKET, 0x5452, P(room)}, NULL},
        {"chmod of the output", EPERM, SYS_fchmod, {DECODER_OUTPUT, 0777}, NULL},
        {"chown of the output", EPERM, SYS_fchown, {DECODER_OUTPUT, 65534, 65534}, NULL},
        {"attributes of the output",
         EPERM,
         SYS_fsetxattr,
         {DECODER_OUTPUT, P("user.x"), P(room), 1, 0},
         NULL},
        {"sendfile", EPERM, SYS_sendfile, {DECODER_SOCKET, DECODER_INPUT, 0, 16}, NULL},
        {"splice", EPERM, SYS_splice, {DECODER_INPUT, 0, DECODER_SOCKET, 0, 16, 0}, NULL},
        {"copy_file_range",
         EPERM,
         SYS_copy_file_range,
         {DECODER_INPUT, 0, DECODER_OUTPUT, 0, 16, 0},
         NULL},
        {"pass a descriptor", KILLED, SYS_sendmsg, {DECODER_SOCKET, P(zeros), 0}, NULL},
        {"take a descriptor", KILLED, SYS_recvmsg, {DECODER_SOCKET, P(zeros), 0}, NULL},
        {"pidfd_getfd", EPERM, SYS_pidfd_getfd, {DECODER_SOCKET, 0, 0}, NULL},
        {"a pipe", EPERM, SYS_pipe2, {P(room), 0}, NULL},
        {"an event counter", EPERM, SYS_eventfd2, {0, 0}, NULL},
        {"a signal descriptor", EPERM, SYS_signalfd4, {-1, P(zeros), 8, 0}, NULL},
        {"a timer descriptor", EPERM, SYS_timerfd_create, {0, 0}, NULL},
        {"an epoll", EPERM, SYS_epoll_create1, {0}, NULL},
    };
    parent = getpid();
    TRY_ALL(attacks);
}

/* ---- the network ---- */

static void sockets(void **state)
{
    (void)state;
    const struct attack attacks[] = {
        {"AF_UNIX", KILLED, SYS_socket, {AF_UNIX, SOCK_STREAM, 0}, NULL},
        {"AF_INET", KILLED, SYS_socket, {AF_INET, SOCK_STREAM, 0}, NULL},
        {"AF_INET, datagrams", KILLED, SYS_socket, {AF_INET, SOCK_DGRAM, 0}, NULL},
        {"AF_INET, raw", KILLED, SYS_socket, {AF_INET, SOCK_RAW, 1}, NULL},
        {"AF_INET6", KILLED, SYS_socket, {AF_INET6, SOCK_STREAM, 0}, NULL},
        {"AF_NETLINK", KILLED, SYS_socket, {AF_NETLINK, SOCK_RAW, 0}, NULL},
        {"AF_PACKET", KILLED, SYS_socket, {AF_PACKET, SOCK_RAW, 0}, NULL},
        {"AF_KEY", KILLED, SYS_socket, {AF_KEY, SOCK_RAW, 2}, NULL},
        {"AF_ALG", KILLED, SYS_socket, {AF_ALG, SOCK_SEQPACKET, 0}, NULL},
        {"AF_VSOCK", KILLED, SYS_socket, {AF_VSOCK, SOCK_STREAM, 0}, NULL},
        {"AF_BLUETOOTH", KILLED, SYS_socket, {AF_BLUETOOTH, SOCK_RAW, 1}, NULL},
        {"AF_XDP", KILLED, SYS_socket, {44, SOCK_RAW, 0}, NULL},
        {"socketpair", KILLED, SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, P(room)}, NULL},
        {"connect", KILLED, SYS_connect, {DECODER_SOCKET, P(zeros), 16}, NULL},
        {"bind", KILLED, SYS_bind, {DECODER_SOCKET, P(zeros), 16}, NULL},
        {"listen", EPERM, SYS_listen, {DECODER_SOCKET, 1}, NULL},
        {"accept4", EPERM, SYS_accept4, {DECODER_SOCKET, 0, 0, 0}, NULL},
        {"sendto", KILLED, SYS_sendto, {DECODER_SOCKET, P(room), 1, 0, 0, 0}, NULL},
        {"sendmmsg", KILLED, SYS_sendmmsg, {DECODER_SOCKET, P(zeros), 1, 0}, NULL},
        {"setsockopt",
         EPERM,
         SYS_setsockopt,
         {DECODER_SOCKET, SOL_SOCKET, SO_SNDBUF, P(room), 4},
         NULL},
        {"getsockopt",
         EPERM,
         SYS_getsockopt,
         {DECODER_SOCKET, SOL_SOCKET, SO_PEERCRED, P(room), P(room)},
         NULL},
        {"getpeername", EPERM, SYS_getpeername, {DECODER_SOCKET, P(room), P(room)}, NULL},
        {"shutdown", EPERM, SYS_shutdown, {DECODER_SOCKET, 2}, NULL},
    };
    TRY_ALL(attacks);
}

/* ---- other processes ---- */

static long stop_itself(void)
{
    pid_t own = (pid_t)syscall(SYS_getpid);
    return syscall(SYS_tgkill, own, own, SIGSTOP);
}

static void processes_are_refused(void **state)
{
    (void)state;
    parent = getpid();
    const struct iovec part = {room, sizeof room};
    const long vector = P(&part), cpu_clock_of_parent = (long)(int)((~(unsigned)parent << 3) | 2);
    const struct attack attacks[] = {
        {"execve", KILLED, SYS_execve, {P("/bin/true"), P(zeros), P(zeros)}, NULL},
        {"execveat", KILLED, SYS_execveat, {AT_FDCWD, P("/bin/true"), P(zeros), P(zeros), 0}, NULL},
        {"execveat of a descriptor",
         KILLED,
         SYS_execveat,
         {DECODER_OUTPUT, P(""), P(zeros), P(zeros), AT_EMPTY_PATH},
         NULL},
        {"kill the parent", KILLED, SYS_kill, {parent, SIGTERM}, NULL},
        {"kill everybody", KILLED, SYS_kill, {-1, 0}, NULL},
        {"kill the group", KILLED, SYS_kill, {0, 0}, NULL},
        {"tkill", EPERM, SYS_tkill, {parent, 0}, NULL},
        {"tgkill the parent", EPERM, SYS_tgkill, {parent, parent, 0}, NULL},
        {"tgkill to stop itself", EPERM, 0, {0}, stop_itself},
        {"rt_sigqueueinfo", EPERM, SYS_rt_sigqueueinfo, {parent, SIGTERM, P(zeros)}, NULL},
        {"rt_tgsigqueueinfo",
         EPERM,
         SYS_rt_tgsigqueueinfo,
         {parent, parent, SIGTERM, P(zeros)},
         NULL},
        {"pidfd_open", EPERM, SYS_pidfd_open, {parent, 0}, NULL},
        {"pidfd_send_signal", EPERM, SYS_pidfd_send_signal, {DECODER_SOCKET, 0, 0, 0}, NULL},
        {"ptrace", KILLED, SYS_ptrace, {PTRACE_ATTACH, parent, 0, 0}, NULL},
        {"ptrace SEIZE", KILLED, SYS_ptrace, {PTRACE_SEIZE, parent, 0, 0}, NULL},
        {"ptrace TRACEME", KILLED, SYS_ptrace, {PTRACE_TRACEME, 0, 0, 0}, NULL},
        {"process_vm_readv", KILLED, SYS_process_vm_readv, {parent, vector, 1, vector, 1, 0}, NULL},
        {"process_vm_writev",
         KILLED,
         SYS_process_vm_writev,
         {parent, vector, 1, vector, 1, 0},
         NULL},
        {"process_madvise",
         EPERM,
         SYS_process_madvise,
         {DECODER_SOCKET, vector, 1, MADV_COLD, 0},
         NULL},
        {"process_mrelease", EPERM, SYS_process_mrelease, {DECODER_SOCKET, 0}, NULL},
        {"kcmp", EPERM, SYS_kcmp, {parent, parent, 0, 0, 1}, NULL},
        {"limits of the parent, to read",
         EPERM,
         SYS_prlimit64,
         {parent, RLIMIT_DATA, 0, P(room)},
         NULL},
        {"limits of the parent, to set",
         EPERM,
         SYS_prlimit64,
         {parent, RLIMIT_CPU, P(zeros), 0},
         NULL},
        {"own limits, to set", EPERM, SYS_prlimit64, {0, RLIMIT_DATA, P(zeros), 0}, NULL},
        {"setrlimit", EPERM, SYS_setrlimit, {RLIMIT_CPU, P(zeros)}, NULL},
        {"setpriority", EPERM, SYS_setpriority, {PRIO_PROCESS, (long)parent, 19}, NULL},
        {"sched_setaffinity", EPERM, SYS_sched_setaffinity, {parent, 8, P(room)}, NULL},
        {"sched_setscheduler", EPERM, SYS_sched_setscheduler, {0, 1, P(zeros)}, NULL},
        {"sched_setattr", EPERM, SYS_sched_setattr, {0, P(zeros), 0}, NULL},
        {"the parent's clock", EPERM, SYS_clock_gettime, {cpu_clock_of_parent, P(room)}, NULL},
        {"the parent's clock's grain",
         EPERM,
         SYS_clock_getres,
         {cpu_clock_of_parent, P(room)},
         NULL},
        {"the parent's clock, to sleep by",
         EPERM,
         SYS_clock_nanosleep,
         {cpu_clock_of_parent, 0, P(zeros), 0},
         NULL},
        {"get_robust_list", EPERM, SYS_get_robust_list, {parent, P(room), P(room)}, NULL},
        {"getppid", EPERM, SYS_getppid, {0}, NULL},
        {"getpgid", EPERM, SYS_getpgid, {parent}, NULL},
        {"setsid", EPERM, SYS_setsid, {0}, NULL},
        {"setpgid", EPERM, SYS_setpgid, {0, 0}, NULL},
        {"wait4", EPERM, SYS_wait4, {-1, 0, WNOHANG, 0}, NULL},
        {"waitid", EPERM, SYS_waitid, {P_PID, parent, P(zeros), WNOHANG | WEXITED, 0}, NULL},
        {"ioprio_set", EPERM, SYS_ioprio_set, {1, (long)parent, 0}, NULL},
        {"move_pages", EPERM, SYS_move_pages, {parent, 0, 0, 0, 0, 0}, NULL},
        {"migrate_pages", EPERM, SYS_migrate_pages, {parent, 0, 0, 0}, NULL},
        {"clock_settime", EPERM, SYS_clock_settime, {CLOCK_REALTIME, P(zeros)}, NULL},
        {"settimeofday", EPERM, SYS_settimeofday, {P(zeros), 0}, NULL},
        {"a timer that signals", EPERM, SYS_timer_create, {CLOCK_MONOTONIC, 0, P(room)}, NULL},
        {"an alarm", EPERM, SYS_setitimer, {0, P(zeros), 0}, NULL},
        {"a message queue", EPERM, SYS_mq_open, {P("x"), O_CREAT, 0600, 0}, NULL},
        {"System V messages", EPERM, SYS_msgget, {0, 01000 | 0600}, NULL},
        {"System V semaphores", EPERM, SYS_semget, {0, 1, 01000 | 0600}, NULL},
    };
    TRY_ALL(attacks);
}

/* ---- clone, and namespaces ---- */

enum {
    PTHREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
              CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID
};

/* The child of a clone that is allowed must not run on this stack. */
static long clone_with(unsigned long flags)
{
    static char stack[16384] __attribute__((aligned(16)));
    return syscall(SYS_clone, flags, stack + sizeof stack, room, room + 64, 0);
}

static long clone_as_fork(void)
{
    return clone_with(SIGCHLD);
}
static long clone_as_vfork(void)
{
    return clone_with(CLONE_VM | CLONE_VFORK | SIGCHLD);
}
static long clone_for_a_brother(void)
{
    return clone_with(CLONE_PARENT | SIGCHLD);
}
static long clone_new_user(void)
{
    return clone_with(CLONE_NEWUSER | SIGCHLD);
}
static long clone_thread_new_net(void)
{
    return clone_with(PTHREAD | CLONE_NEWNET);
}
static long clone_thread_new_uts(void)
{
    return clone_with(PTHREAD | CLONE_NEWUTS);
}
static long clone_thread_new_ipc(void)
{
    return clone_with(PTHREAD | CLONE_NEWIPC);
}
static long clone_thread_new_cgroup(void)
{
    return clone_with(PTHREAD | CLONE_NEWCGROUP);
}
static long clone_thread_traced(void)
{
    return clone_with(PTHREAD | CLONE_PTRACE);
}
static long clone_thread_pidfd(void)
{
    return clone_with((PTHREAD & ~(unsigned)CLONE_PARENT_SETTID) | CLONE_PIDFD);
}
static long clone_thread_own_files(void)
{
    return clone_with(PTHREAD & ~(unsigned)CLONE_FILES);
}
static long clone_thread_io(void)
{
    return clone_with(PTHREAD | CLONE_IO);
}

static void clone_and_namespaces(void **state)
{
    (void)state;
    const struct attack attacks[] = {
        {"clone as fork", KILLED, 0, {0}, clone_as_fork},
        {"clone as vfork", KILLED, 0, {0}, clone_as_vfork},
        {"clone for a brother", KILLED, 0, {0}, clone_for_a_brother},
        {"clone CLONE_NEWUSER", KILLED, 0, {0}, clone_new_user},
        {"clone CLONE_THREAD and CLONE_NEWNET", EPERM, 0, {0}, clone_thread_new_net},
        {"clone CLONE_THREAD and CLONE_NEWUTS", EPERM, 0, {0}, clone_thread_new_uts},
        {"clone CLONE_THREAD and CLONE_NEWIPC", EPERM, 0, {0}, clone_thread_new_ipc},
        {"clone CLONE_THREAD and CLONE_NEWCGROUP", EPERM, 0, {0}, clone_thread_new_cgroup},
        {"clone CLONE_THREAD and CLONE_PTRACE", EPERM, 0, {0}, clone_thread_traced},
        {"clone CLONE_THREAD and CLONE_PIDFD", EPERM, 0, {0}, clone_thread_pidfd},
        {"clone CLONE_THREAD without CLONE_FILES", EPERM, 0, {0}, clone_thread_own_files},
        {"clone CLONE_THREAD and CLONE_IO", EPERM, 0, {0}, clone_thread_io},
        {"clone3", ENOSYS, SYS_clone3, {P(zeros), 88}, NULL},
        {"unshare CLONE_NEWUSER", EPERM, SYS_unshare, {CLONE_NEWUSER}, NULL},
        {"unshare CLONE_NEWNS", EPERM, SYS_unshare, {CLONE_NEWNS}, NULL},
        {"unshare CLONE_NEWNET", EPERM, SYS_unshare, {CLONE_NEWNET}, NULL},
        {"unshare CLONE_NEWPID", EPERM, SYS_unshare, {CLONE_NEWPID}, NULL},
        {"unshare CLONE_FILES", EPERM, SYS_unshare, {CLONE_FILES}, NULL},
        {"setns", EPERM, SYS_setns, {DECODER_INPUT, 0}, NULL},
        {"mount", EPERM, SYS_mount, {P("none"), P("/tmp"), P("tmpfs"), 0, 0}, NULL},
        {"umount2", EPERM, SYS_umount2, {P("/proc"), 2}, NULL},
        {"pivot_root", EPERM, SYS_pivot_root, {P("/"), P("/")}, NULL},
        {"fsopen", EPERM, SYS_fsopen, {P("tmpfs"), 0}, NULL},
        {"fspick", EPERM, SYS_fspick, {AT_FDCWD, P("/"), 0}, NULL},
        {"open_tree", EPERM, SYS_open_tree, {AT_FDCWD, P("/"), 1}, NULL},
        {"open_tree_attr", EPERM, NR_OPEN_TREE_ATTR, {AT_FDCWD, P("/"), 1, 0, 0}, NULL},
        {"move_mount", EPERM, SYS_move_mount, {AT_FDCWD, P("/"), AT_FDCWD, P("/tmp"), 0}, NULL},
        {"mount_setattr", EPERM, SYS_mount_setattr, {AT_FDCWD, P("/"), 0, P(zeros), 32}, NULL},
        {"statmount", EPERM, NR_STATMOUNT, {P(zeros), P(room), 512, 0}, NULL},
        {"listmount", EPERM, NR_LISTMOUNT, {P(zeros), P(room), 64, 0}, NULL},
        {"swapon", EPERM, SYS_swapon, {P("/tmp/x"), 0}, NULL},
        {"sethostname", EPERM, SYS_sethostname, {P("x"), 1}, NULL},
    };
    TRY_ALL(attacks);
}

/* ---- kernel interfaces, and ways out of the sandbox ---- */

static void the_kernel_is_out_of_reach(void **state)
{
    (void)state;
    static const struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct attack attacks[] = {
        {"io_uring_setup", KILLED, SYS_io_uring_setup, {1, P(zeros)}, NULL},
        {"io_uring_enter", EPERM, SYS_io_uring_enter, {0, 0, 0, 0, 0, 0}, NULL},
        {"io_uring_register", EPERM, SYS_io_uring_register, {0, 0, 0, 0}, NULL},
        {"io_setup", EPERM, SYS_io_setup, {1, P(zeros)}, NULL},
        {"bpf, to make a map", KILLED, SYS_bpf, {0, P(zeros), 72}, NULL},
        {"bpf, to load a program", KILLED, SYS_bpf, {5, P(zeros), 72}, NULL},
        {"userfaultfd", EPERM, SYS_userfaultfd, {1}, NULL},
        {"perf_event_open", EPERM, SYS_perf_event_open, {P(zeros), 0, -1, -1, 0}, NULL},
        {"add_key", EPERM, SYS_add_key, {P("user"), P("x"), P("x"), 1, -2}, NULL},
        {"request_key", EPERM, SYS_request_key, {P("user"), P("x"), 0, 0}, NULL},
        {"keyctl", EPERM, SYS_keyctl, {0, -3, 1}, NULL},
        {"syslog", EPERM, SYS_syslog, {3, P(room), 4096}, NULL},
        {"init_module", EPERM, SYS_init_module, {P(room), 16, P("")}, NULL},
        {"finit_module", EPERM, SYS_finit_module, {DECODER_INPUT, P(""), 0}, NULL},
        {"kexec_load", EPERM, SYS_kexec_load, {0, 0, 0, 0}, NULL},
        {"reboot", EPERM, SYS_reboot, {0xfee1deadL, 672274793L, 0, 0}, NULL},
        {"acct", EPERM, SYS_acct, {0}, NULL},
        {"quotactl", EPERM, SYS_quotactl, {0, 0, 0, 0}, NULL},
        {"personality", EPERM, SYS_personality, {ADDR_NO_RANDOMIZE}, NULL},
        {"personality, executable data", EPERM, SYS_personality, {READ_IMPLIES_EXEC}, NULL},
        {"another filter", EPERM, SYS_seccomp, {1, 0, P(zeros)}, NULL},
        {"a listener", EPERM, SYS_seccomp, {1, 8, P(zeros)}, NULL},
        {"the strict mode", EPERM, SYS_prctl, {PR_SET_SECCOMP, 1, 0, 0, 0}, NULL},
        {"landlock_create_ruleset", EPERM, SYS_landlock_create_ruleset, {0, 0, 1}, NULL},
        {"landlock_restrict_self", EPERM, SYS_landlock_restrict_self, {0, 0}, NULL},
        {"lsm_get_self_attr", EPERM, NR_LSM_GET_SELF_ATTR, {100, P(room), P(room), 0}, NULL},
        {"PR_SET_NO_NEW_PRIVS", EPERM, SYS_prctl, {PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0}, NULL},
        {"PR_SET_DUMPABLE", EPERM, SYS_prctl, {PR_SET_DUMPABLE, 1, 0, 0, 0}, NULL},
        {"PR_SET_PDEATHSIG", EPERM, SYS_prctl, {PR_SET_PDEATHSIG, 0, 0, 0, 0}, NULL},
        {"PR_SET_PTRACER", EPERM, SYS_prctl, {PR_SET_PTRACER, -1, 0, 0, 0}, NULL},
        {"PR_SET_MM", EPERM, SYS_prctl, {PR_SET_MM, 1, 0, 0, 0}, NULL},
        {"PR_SET_CHILD_SUBREAPER", EPERM, SYS_prctl, {PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0}, NULL},
        {"PR_CAP_AMBIENT",
         EPERM,
         SYS_prctl,
         {PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0},
         NULL},
        {"PR_SET_SECUREBITS", EPERM, SYS_prctl, {PR_SET_SECUREBITS, 0, 0, 0, 0}, NULL},
        {"PR_TASK_PERF_EVENTS_ENABLE",
         EPERM,
         SYS_prctl,
         {PR_TASK_PERF_EVENTS_ENABLE, 0, 0, 0, 0},
         NULL},
        {"capget", EPERM, SYS_capget, {P(&header), P(room)}, NULL},
        {"capset", EPERM, SYS_capset, {P(&header), P(room)}, NULL},
        {"setuid", EPERM, SYS_setuid, {0}, NULL},
        {"setresuid", EPERM, SYS_setresuid, {65534, 65534, 65534}, NULL},
        {"setgroups", EPERM, SYS_setgroups, {0, 0}, NULL},
        {"setfsuid", EPERM, SYS_setfsuid, {0}, NULL},
        {"a call that does not exist", EPERM, 4000, {0}, NULL},
    };
    TRY_ALL(attacks);
}

/* ---- memory ---- */

enum { PAGES = 1 << 20, RW = PROT_READ | PROT_WRITE, RX = PROT_READ | PROT_EXEC };

static long make_its_memory_executable(void)
{
    void *page = mmap(NULL, PAGES, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? 0 : syscall(SYS_mprotect, page, PAGES, RX);
}

static long make_its_code_writable(void)
{
    uintptr_t page = (uintptr_t)&make_its_code_writable & ~(uintptr_t)4095;
    return syscall(SYS_mprotect, page, 4096, RW | PROT_EXEC);
}

static void memory_is_limited(void **state)
{
    (void)state;
    const int own = MAP_PRIVATE | MAP_ANONYMOUS, shared = MAP_SHARED | MAP_ANONYMOUS;
    const struct attack attacks[] = {
        {"executable memory", EPERM, SYS_mmap, {0, PAGES, RX, own, -1, 0}, NULL},
        {"writable and executable memory",
         EPERM,
         SYS_mmap,
         {0, PAGES, RW | PROT_EXEC, own, -1, 0},
         NULL},
        {"executable output", EPERM, SYS_mmap, {0, 4096, RX, MAP_SHARED, DECODER_OUTPUT, 0}, NULL},
        {"executable input", EPERM, SYS_mmap, {0, 4096, RX, MAP_PRIVATE, DECODER_INPUT, 0}, NULL},
        {"mprotect to execute", EPERM, 0, {0}, make_its_memory_executable},
        {"mprotect of its code", EPERM, 0, {0}, make_its_code_writable},
        {"pkey_mprotect", EPERM, SYS_pkey_mprotect, {P(room), 4096, RX, -1}, NULL},
        {"remap_file_pages", EPERM, SYS_remap_file_pages, {P(room), 4096, 0, 0, 0}, NULL},
        {"shared memory", EPERM, SYS_mmap, {0, PAGES, RW, shared, -1, 0}, NULL},
        {"shared memory, validated",
         EPERM,
         SYS_mmap,
         {0, PAGES, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0},
         NULL},
        {"huge pages", EPERM, SYS_mmap, {0, 2 << 20, RW, own | MAP_HUGETLB, -1, 0}, NULL},
        {"memory that grows down",
         EPERM,
         SYS_mmap,
         {0, PAGES, RW, own | MAP_GROWSDOWN, -1, 0},
         NULL},
        {"memory that is locked", EPERM, SYS_mmap, {0, PAGES, RW, own | MAP_LOCKED, -1, 0}, NULL},
        {"the input, to write",
         EACCES,
         SYS_mmap,
         {0, 4096, RW, MAP_SHARED, DECODER_INPUT, 0},
         NULL},
        {"mlock", EPERM, SYS_mlock, {P(room), 4096}, NULL},
        {"mlockall", EPERM, SYS_mlockall, {1}, NULL},
        {"another memfd", EPERM, SYS_memfd_create, {P("x"), 0}, NULL},
        {"a secret memfd", EPERM, SYS_memfd_secret, {0}, NULL},
        {"System V memory", EPERM, SYS_shmget, {0, PAGES, 01000 | 0600}, NULL},
        {"System V memory, attached", EPERM, SYS_shmat, {0, 0, 0}, NULL},
        {"mbind", EPERM, SYS_mbind, {P(room), 4096, 0, 0, 0, 0}, NULL},
        {"membarrier", EPERM, SYS_membarrier, {0, 0, 0}, NULL},
    };
    TRY_ALL(attacks);
}

static long read_its_limits(void)
{
    struct rlimit data, file;
    if (syscall(SYS_prlimit64, 0, RLIMIT_DATA, NULL, &data) ||
        syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &file))
        return 0;
    errno = data.rlim_max + file.rlim_max <= 2UL * MEMORY ? ENOMEM : 0;
    return -1;
}

/* RLIMIT_DATA and RLIMIT_AS, which a sanitizer's own memory leaves no room for. */
static void memory_without_end(void **state)
{
    (void)state;
    const long size = 3L * MEMORY;
    const struct attack attacks[] = {
        {"much memory", ENOMEM, SYS_mmap, {0, size, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}, NULL},
        {"twice its limit in memory and output", ENOMEM, 0, {0}, read_its_limits},
        {"many page tables",
         ENOMEM,
         SYS_mmap,
         {0, 1L << 37, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0},
         NULL},
        {"much memory of a file",
         ENOMEM,
         SYS_mmap,
         {0, size, RW, MAP_PRIVATE, DECODER_OUTPUT, 0},
         NULL},
    };
    if (DECODER_SANITIZED)
        skip();
    TRY_ALL(attacks);
}

/* ---- the other calls of this processor ---- */

#if defined(__x86_64__)
static long through_int80(void)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory"); /* getpid */
    return result;
}

static void x86(void **state)
{
    (void)state;
    const long path = P("/etc/passwd"), x32 = 0x40000000;
    const struct attack attacks[] = {
        {"open", EACCES, SYS_open, {path, O_RDONLY}, NULL},
        {"creat", EACCES, SYS_creat, {P("/tmp/thumbwheel-made-by-an-attack"), 0600}, NULL},
        {"stat", EACCES, SYS_stat, {path, P(room)}, NULL},
        {"lstat", EACCES, SYS_lstat, {path, P(room)}, NULL},
        {"access", EACCES, SYS_access, {path, R_OK}, NULL},
        {"readlink", EACCES, SYS_readlink, {P("/proc/self/exe"), P(room), 4096}, NULL},
        {"fork", KILLED, SYS_fork, {0}, NULL},
        {"vfork", KILLED, SYS_vfork, {0}, NULL},
        {"iopl", EPERM, SYS_iopl, {3}, NULL},
        {"ioperm", EPERM, SYS_ioperm, {0x80, 1, 1}, NULL},
        {"modify_ldt", EPERM, SYS_modify_ldt, {1, P(zeros), 16}, NULL},
        {"arch_prctl", EPERM, SYS_arch_prctl, {0x1012, 1}, NULL},
        {"uselib", EPERM, SYS_uselib, {path}, NULL},
        {"the x32 way to open", KILLED, SYS_open | x32, {path, O_RDONLY}, NULL},
        {"the x32 way to execve", KILLED, 520 | x32, {P("/bin/true"), 0, 0}, NULL},
        {"the 32-bit way", GONE, 0, {0}, through_int80},
    };
    TRY_ALL(attacks);
}
#endif

/* ---- the layers behind the filter, by themselves ---- */

enum { MISSING = 201 };

/* The child may be replaced by a sibling, and exits with 0 then. */
static void assert_layer(int (*act)(void))
{
    int status = 0, one = 0;
    parent = getpid();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(act());
    while (waitpid(-1, &one, 0) > 0)
        status = one ? one : status;
    assert_int_equal(errno, ECHILD);
    if (WIFEXITED(status) && WEXITSTATUS(status) == MISSING)
        skip(); /* this kernel, or the container, has none */
    assert_int_equal(status, 0);
}

static bool is_refused(const char *path, int want)
{
    struct stat about;
    errno = 0;
    if (want == ENOENT)
        return stat(path, &about) != 0 && errno == want;
    return open(path, O_RDONLY) < 0 && errno == want;
}

static int within_landlock(void)
{
    struct error error = {0};
    if (decoder_privileges_drop(&error))
        return 1;
    if (!decoder_landlock_enter(false))
        return MISSING;
    return !is_refused("/etc/passwd", EACCES) || !is_refused("/", EACCES) ||
           open("/tmp/thumbwheel-made-by-an-attack", O_CREAT | O_WRONLY, 0600) >= 0;
}

static void landlock_by_itself(void **state)
{
    (void)state;
    assert_layer(within_landlock);
}

/* For drawings, fonts can be read; nothing else, and nothing can be written. */
static bool fonts_alone(int refusal)
{
    static const char font[] = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"; /* see dev */
    return open(font, O_RDONLY) >= 0 && is_refused("/etc/passwd", refusal) &&
           is_refused("/usr/bin/true", refusal) && open(font, O_RDWR) < 0 &&
           open("/usr/share/fonts/made-by-an-attack", O_CREAT | O_WRONLY, 0600) < 0;
}

static int within_landlock_with_fonts(void)
{
    struct error error = {0};
    if (decoder_privileges_drop(&error))
        return 1;
    if (!decoder_landlock_enter(true))
        return MISSING;
    return !fonts_alone(EACCES);
}

static int within_namespaces_with_fonts(void)
{
    struct error error = {0};
    if (!decoder_namespaces_enter(true) || !decoder_files_leave(true))
        return MISSING;
    if (decoder_privileges_drop(&error))
        return 1;
    return !fonts_alone(ENOENT) || mkdir("/tmp", 0700) == 0 || umount("/usr/share/fonts") == 0;
}

/* The filter by itself: files can only be read. */
static int within_filter_with_fonts(void)
{
    struct error error = {0};
    if (decoder_privileges_drop(&error) || decoder_sandbox_enter(MEMORY, true, &error))
        return 1;
    const char *file = "/tmp/thumbwheel-made-by-an-attack";
    return open("/dev/null", O_RDONLY) < 0 || open("/dev/null", O_WRONLY) >= 0 ||
           open("/dev/null", O_RDWR) >= 0 || open(file, O_RDONLY | O_CREAT, 0600) >= 0 ||
           open("/", O_RDONLY | O_DIRECTORY) >= 0 || open("/", O_PATH) >= 0 ||
           open("/tmp", O_TMPFILE | O_RDWR, 0600) >= 0 || unlink(file) == 0 ||
           mkdir(file, 0700) == 0;
}

static void drawings_can_read_fonts_alone(void **state)
{
    (void)state;
    assert_layer(within_filter_with_fonts);
    assert_layer(within_landlock_with_fonts);
    assert_layer(within_namespaces_with_fonts);
}

static int within_namespaces(void)
{
    struct error error = {0};
    if (!decoder_namespaces_enter(false) || !decoder_files_leave(false))
        return MISSING;
    if (decoder_privileges_drop(&error))
        return 1;
    return !is_refused("/etc/passwd", ENOENT) || !is_refused("/proc/self", ENOENT) ||
           !is_refused("../etc", ENOENT) || socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static void namespaces_by_themselves(void **state)
{
    (void)state;
    assert_layer(within_namespaces);
}

/* Without the filter, so that the namespace itself must refuse. */
static int within_pid_namespace(void)
{
    static const char *const none = "no such process";
    if (!decoder_namespaces_enter(false) || getpid() != 1 || parent == 1)
        return MISSING;
    const struct attack calls[] = {
        {none, ESRCH, SYS_kill, {parent, 0}, NULL},
        {none, ESRCH, SYS_kill, {-1, 0}, NULL},
        {none, ESRCH, SYS_tgkill, {parent, parent, 0}, NULL},
        {none, ESRCH, SYS_pidfd_open, {parent, 0}, NULL},
        {none, ESRCH, SYS_ptrace, {PTRACE_SEIZE, parent, 0, 0}, NULL},
        {none, ESRCH, SYS_prlimit64, {parent, RLIMIT_DATA, 0, P(room)}, NULL},
        {none, ESRCH, SYS_sched_getaffinity, {parent, sizeof room, P(room)}, NULL},
        {none, ESRCH, SYS_getpgid, {parent}, NULL},
        {none, ESRCH, SYS_getsid, {parent}, NULL},
    };
    for (size_t i = 0; i < COUNT(calls); i++) {
        const long *a = calls[i].arguments;
        errno = 0;
        if (syscall(calls[i].call, a[0], a[1], a[2], a[3], a[4], a[5]) != -1 ||
            errno != calls[i].want)
            return (int)i + 1;
    }
    return getppid() != 0;
}

static void pid_namespace_by_itself(void **state)
{
    (void)state;
    assert_layer(within_pid_namespace);
}

static void it_has_no_capabilities(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct error error = {0};
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct sets[2];
        if (decoder_privileges_drop(&error) || syscall(SYS_capget, &header, sets))
            _exit(NOT_READY);
        unsigned any = 0;
        for (int i = 0; i < 2; i++)
            any |= sets[i].effective | sets[i].permitted | sets[i].inheritable;
        bool bounded = geteuid() != 0 || prctl(PR_CAPBSET_READ, CAP_NET_ADMIN) == 0;
        _exit(any || !bounded || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void there_were_many(void **state)
{
    (void)state;
    assert_in_range(tried, 200, SIZE_MAX);
    assert_int_not_equal(access("/tmp/thumbwheel-made-by-an-attack", F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_out_of_reach),
        cmocka_unit_test(descriptors_are_closed),
        cmocka_unit_test(sockets),
        cmocka_unit_test(processes_are_refused),
        cmocka_unit_test(clone_and_namespaces),
        cmocka_unit_test(the_kernel_is_out_of_reach),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(memory_without_end),
#if defined(__x86_64__)
        cmocka_unit_test(x86),
#endif
        cmocka_unit_test(drawings_can_read_fonts_alone),
        cmocka_unit_test(landlock_by_itself),
        cmocka_unit_test(namespaces_by_themselves),
        cmocka_unit_test(pid_namespace_by_itself),
        cmocka_unit_test(it_has_no_capabilities),
        cmocka_unit_test(there_were_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
