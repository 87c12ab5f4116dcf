/*
 * The filter lists what a decoder needs: memory, threads, the clock, and read and write on its
 * descriptors. Three kinds of calls are not on the list:
 *
 *   what takes a path    EACCES: libraries look for a file now and then, and do without. A filter
 *                        can't read a path, so this includes newfstatat with an empty one, which is
 *                        how some versions of the C library make fstat. For drawings, which have
 *                        texts, calls that open a file to be read or look at one are allowed, if
 *                        a layer behind the filter leaves only fonts.
 *   what no library does by itself: a socket, a program, a process, another process' memory
 *                        the kernel ends the process
 *   all others           EPERM
 *
 * Calls on the list are allowed only with the arguments that libraries use: no clock of another
 * process, no limits of another process, no executable memory (so libvips must not compile code at
 * run time: pipeline_vips.c), no clone but pthread_create's.
 *
 * The parent measures the total memory every 20 ms (decoder_watch.c). Between two measurements
 * the kernel enforces:
 *
 *   RLIMIT_DATA + RLIMIT_FSIZE   twice the limit: what is private and writable, and the output
 *   RLIMIT_AS / 512              128 MiB and 1/128 of the limit: page tables, of which memory that
 *                                is only read needs as many
 *
 * A tighter RLIMIT_DATA would refuse memory to legitimate images, because it also counts unused
 * memory such as the stacks of all threads. A codec that is refused memory reports a damaged image,
 * so the parent's more precise check should apply first. Memory that no limit counts is refused:
 * shared anonymous memory, huge pages, mappings that grow down like a stack, another memfd. Control
 * groups are not used: to create one, the engine would have to leave its own.
 *
 * AddressSanitizer's shadow memory is terabytes of private, writable memory, so with it neither
 * RLIMIT_DATA nor RLIMIT_AS is set. The filter is the same.
 */
#include "decoder_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "decoder_wire.h"

/* Being root gives no capabilities, neither now nor after an exec, and this cannot be changed. */
enum {
    SECUREBITS = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                 SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED
};

#ifndef CLONE_DETACHED
#define CLONE_DETACHED 0x00400000
#endif

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
    SCMP_SYS(sched_getaffinity), /* of a thread, whose id a filter cannot know */
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
};

static const int by_path[] = {
    SCMP_SYS(openat2), SCMP_SYS(creat),    SCMP_SYS(lstat),
    SCMP_SYS(statx),   SCMP_SYS(readlink), SCMP_SYS(readlinkat),
};

/* What the libraries need to look at fonts; to open them, see add_opening. */
static const int looking[] = {
    SCMP_SYS(stat),      SCMP_SYS(newfstatat), SCMP_SYS(access),
    SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
};
static const int opening[] = {SCMP_SYS(open), SCMP_SYS(openat)};

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
    int code = 0;
    for (size_t i = 0; !code && i < count; i++)
        code = seccomp_rule_add(filter, action, calls[i], 0);
    return code;
}

#define ADD_ALL(filter, action, calls)                                                             \
    add_all(filter, action, (calls), sizeof(calls) / sizeof *(calls))

/* Comparisons of an argument. */
static struct scmp_arg_cmp equal(unsigned argument, scmp_datum_t value)
{
    return (struct scmp_arg_cmp){.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value};
}

static struct scmp_arg_cmp at_most(unsigned argument, scmp_datum_t value)
{
    return (struct scmp_arg_cmp){.arg = argument, .op = SCMP_CMP_LE, .datum_a = value};
}

static struct scmp_arg_cmp masked(unsigned argument, scmp_datum_t mask, scmp_datum_t value)
{
    return (struct scmp_arg_cmp){
        .arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

/* Allows a call if an argument satisfies the comparison; allow_both: if two do. */
static int allow(scmp_filter_ctx filter, int call, struct scmp_arg_cmp first)
{
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &first);
}

static int allow_both(scmp_filter_ctx filter, int call, struct scmp_arg_cmp first,
                      struct scmp_arg_cmp second)
{
    const struct scmp_arg_cmp both[] = {first, second};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 2, both);
}

/* Exactly the flags of pthread_create, no processes and no namespaces. The C library uses clone if
 * clone3, whose flags a filter cannot see, is not available. */
static int add_threads(scmp_filter_ctx filter)
{
    const scmp_datum_t flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                               CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
                               CLONE_CHILD_CLEARTID;
    int code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (code)
        return code;
    code = allow(filter, SCMP_SYS(clone), equal(0, flags));
    if (code)
        return code;
    /* Some C libraries also pass a flag that the kernel has ignored since Linux 2.6. */
    code = allow(filter, SCMP_SYS(clone), equal(0, flags | CLONE_DETACHED));
    if (code)
        return code;
    code = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 1,
                            masked(0, CLONE_THREAD, 0));
    if (code)
        return code;
    return allow(filter, SCMP_SYS(prctl), equal(0, PR_SET_NAME));
}

/* Private memory, or shared pages of an open file; never executable. */
static int add_memory(scmp_filter_ctx filter)
{
    const scmp_datum_t uncounted = MAP_HUGETLB | MAP_GROWSDOWN | MAP_LOCKED;
    const struct scmp_arg_cmp data = at_most(2, PROT_READ | PROT_WRITE);
    const struct scmp_arg_cmp private_one = masked(3, uncounted | MAP_SHARED, 0);
    const struct scmp_arg_cmp file = masked(3, uncounted | MAP_SHARED | MAP_ANONYMOUS, MAP_SHARED);
    int code = allow_both(filter, SCMP_SYS(mmap), data, private_one);
    if (code)
        return code;
    code = allow_both(filter, SCMP_SYS(mmap), data, file);
    if (code)
        return code;
    return allow(filter, SCMP_SYS(mprotect), data);
}

/* Only the clocks with fixed numbers. The others measure the processor time of any process. */
static int add_clocks(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp fixed = at_most(0, CLOCK_TAI);
    int code = allow(filter, SCMP_SYS(clock_gettime), fixed);
    if (code)
        return code;
    code = allow(filter, SCMP_SYS(clock_getres), fixed);
    if (code)
        return code;
    return allow(filter, SCMP_SYS(clock_nanosleep), fixed);
}

/* Calls that are allowed for the process itself, but with other arguments would reveal information
 * about others. */
static int add_own(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp itself = equal(0, 0);
    /* its limits, to read them */
    int code = allow_both(filter, SCMP_SYS(prlimit64), itself, equal(2, 0));
    /* abort; with other signals it could stop itself and appear to be stopped by another process */
    if (code)
        return code;
    return allow_both(filter, SCMP_SYS(tgkill), equal(0, (scmp_datum_t)getpid()),
                      equal(2, SIGABRT));
}

/* Opens files only to read them, if at all. */
static int add_opening(scmp_filter_ctx filter, bool fonts)
{
    const scmp_datum_t harmless = O_CLOEXEC | O_NOCTTY | O_NONBLOCK | 0100000 /* O_LARGEFILE */;
    const scmp_datum_t others = 0xffffffff & ~harmless;
    if (!fonts) {
        int code = ADD_ALL(filter, SCMP_ACT_ERRNO(EACCES), looking);
        return code ? code : ADD_ALL(filter, SCMP_ACT_ERRNO(EACCES), opening);
    }
    int code = ADD_ALL(filter, SCMP_ACT_ALLOW, looking);
    if (code)
        return code;
    code = allow(filter, SCMP_SYS(open), masked(1, others, O_RDONLY));
    return code ? code : allow(filter, SCMP_SYS(openat), masked(2, others, O_RDONLY));
}

static int filter_load(bool fonts)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return -ENOMEM;
    int code = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (code)
        goto out;
    /* For a call of another architecture: kill all threads, not one. */
    code = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (code)
        goto out;
    code = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* use a search tree */
    if (code)
        goto out;
    code = ADD_ALL(filter, SCMP_ACT_ALLOW, needed);
    if (code)
        goto out;
    code = ADD_ALL(filter, SCMP_ACT_ERRNO(EACCES), by_path);
    if (code)
        goto out;
    code = add_opening(filter, fonts);
    if (code)
        goto out;
    code = ADD_ALL(filter, SCMP_ACT_KILL_PROCESS, deadly);
    if (code)
        goto out;
    code = add_threads(filter);
    if (code)
        goto out;
    code = add_memory(filter);
    if (code)
        goto out;
    code = add_clocks(filter);
    if (code)
        goto out;
    code = add_own(filter);
    if (code)
        goto out;
    code = seccomp_load(filter);
out:
    seccomp_release(filter);
    return code;
}

static int limit_set(int which, uint64_t value)
{
    const struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
    return setrlimit((__rlimit_resource_t)which, &limit);
}

enum { FONTS_OPEN = 16 }; /* files at the same time */

/* More than the C library reserves for the heaps and stacks of the maximum number of threads.
 */
static const uint64_t reserved = 64ULL << 30;

/* The output of a decoder cannot exceed a third of its memory, because it is counted three times
 * (render_promise.c). */
static int limits_set(uint64_t memory, bool fonts)
{
    const uint64_t output = memory / 3;
    const uint64_t descriptors = DECODER_DESCRIPTORS + (fonts ? FONTS_OPEN : 0);
    if (limit_set(RLIMIT_CORE, 0) || limit_set(RLIMIT_NOFILE, descriptors) ||
        limit_set(RLIMIT_FSIZE, output) ||
        (!DECODER_SANITIZED && (limit_set(RLIMIT_DATA, 2 * memory - output) ||
                                limit_set(RLIMIT_AS, reserved + 4 * memory))))
        return -1;
    return 0;
}

int decoder_sandbox_enter(uint64_t memory, bool fonts, struct error *error)
{
    if (limits_set(memory, fonts))
        return error_set(error, ERR_UNSUPPORTED, "its limits could not be set (%s)",
                         strerror(errno));
    int code = filter_load(fonts);
    if (code)
        return error_set(error, ERR_UNSUPPORTED, "the kernel refused its seccomp filter (%s)",
                         strerror(-code));
    return 0;
}

/* ---- privileges ---- */

/* An unprivileged process cannot drop capabilities from the bounding set. That is harmless:
 * no_new_privs prevents the process from ever gaining one. */
static void bounding_drop(void)
{
    for (unsigned long number = 0; prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0; number++)
        ;
    prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0);
}

int decoder_privileges_drop(struct error *error)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    bounding_drop();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_capset, &header, none))
        return error_set(error, ERR_UNSUPPORTED, "its privileges could not be dropped (%s)",
                         strerror(errno));
    return 0;
}
