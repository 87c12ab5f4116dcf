/*
 * The filter is a list of what a decoder needs: memory, threads, the clock, and read and write on
 * the descriptors that it has. Three kinds of calls are not on it:
 *
 *   what takes a path    EACCES: libraries look for a file now and then, and do without
 *   what no library does by itself: a socket, a program, a process, another process' memory
 *                        the kernel ends the process
 *   all others           EPERM
 *
 * Memory is counted by RLIMIT_DATA: private and writable, which is what allocators ask for; the
 * address space itself may be reserved as libraries like. It is twice what the parent allows
 * (decoder_process.c): a codec that is refused memory calls the image damaged, so the parent, which
 * knows better, shall be first. Shared anonymous memory, which that limit
 * does not count, can't be had.
 *
 * AddressSanitizer's shadow is private, writable memory by the terabyte: with it there is no such
 * limit. The filter is the same.
 */
#include "decoder_sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "decoder_wire.h"

static const int needed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
};

static const int by_path[] = {
    SCMP_SYS(open),      SCMP_SYS(openat),     SCMP_SYS(openat2),  SCMP_SYS(creat),
    SCMP_SYS(stat),      SCMP_SYS(lstat),      SCMP_SYS(statx),    SCMP_SYS(access),
    SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
};

static const int deadly[] = {
    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(kill),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(bpf),
};

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    int err = 0;
    for (size_t i = 0; !err && i < count; i++)
        err = seccomp_rule_add(filter, action, calls[i], 0);
    return err;
}

#define ADD_ALL(filter, action, calls) add_all(filter, action, calls, sizeof calls / sizeof *calls)
#define ADD(filter, action, call, ...)                                                             \
    seccomp_rule_add(filter, action, SCMP_SYS(call), 1, __VA_ARGS__)

/* Threads, but no processes. The C library takes clone where clone3, whose flags a filter can't
 * see, is not there. */
static int add_threads(scmp_filter_ctx filter)
{
    int err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (!err)
        err = ADD(filter, SCMP_ACT_ALLOW, clone,
                  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    if (!err)
        err =
            ADD(filter, SCMP_ACT_KILL_PROCESS, clone, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    if (!err)
        err = ADD(filter, SCMP_ACT_ALLOW, prctl, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
    return err;
}

static int add_some(scmp_filter_ctx filter)
{
    const unsigned shared = MAP_SHARED | MAP_ANONYMOUS;
    int err = ADD(filter, SCMP_ACT_ALLOW, mmap, SCMP_A3(SCMP_CMP_MASKED_EQ, shared, MAP_SHARED));
    if (!err)
        err = ADD(filter, SCMP_ACT_ALLOW, mmap, SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED, 0));
    if (!err) /* fstat, as some versions of the C library make it */
        err = ADD(filter, SCMP_ACT_ALLOW, newfstatat,
                  SCMP_A3(SCMP_CMP_MASKED_EQ, 0x1000 /* AT_EMPTY_PATH */, 0x1000));
    if (!err) /* its limits, to read them */
        err = ADD(filter, SCMP_ACT_ALLOW, prlimit64, SCMP_A2(SCMP_CMP_EQ, 0, 0));
    if (!err) /* abort */
        err = ADD(filter, SCMP_ACT_ALLOW, tgkill, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    return err;
}

static int filter_load(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return -ENOMEM;
    int err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (!err)
        err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a search tree */
    if (!err)
        err = ADD_ALL(filter, SCMP_ACT_ALLOW, needed);
    if (!err)
        err = ADD_ALL(filter, SCMP_ACT_ERRNO(EACCES), by_path);
    if (!err)
        err = ADD_ALL(filter, SCMP_ACT_KILL_PROCESS, deadly);
    if (!err)
        err = add_threads(filter);
    if (!err)
        err = add_some(filter);
    if (!err)
        err = seccomp_load(filter);
    seccomp_release(filter);
    return err;
}

static int limit_set(int which, uint64_t value)
{
    const struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
    return setrlimit((__rlimit_resource_t)which, &limit);
}

int decoder_sandbox_enter(uint64_t memory, struct error *error)
{
    if (limit_set(RLIMIT_CORE, 0) || limit_set(RLIMIT_NOFILE, DECODER_DESCRIPTORS) ||
        limit_set(RLIMIT_FSIZE, memory) ||
        (!DECODER_SANITIZED && limit_set(RLIMIT_DATA, 2 * memory)) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return error_set(error, ERR_UNSUPPORTED, "its limits could not be set (%s)",
                         strerror(errno));
    int err = filter_load();
    if (err)
        return error_set(error, ERR_UNSUPPORTED, "the kernel refused its seccomp filter (%s)",
                         strerror(-err));
    return 0;
}
