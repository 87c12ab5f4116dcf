/*
 * A process can't move to another PID namespace, only its next child is in one. So the started
 * process clones itself into all the namespaces and exits. The clone is its sibling, not its child
 * (CLONE_PARENT): the engine waits for it, reads its status and kills it like any child, and no
 * intermediate process remains.
 *
 * The decoder is the first process of its namespace, so signals without a handler don't end it,
 * except SIGKILL from outside and those of its own faults. For other signals that must end it
 * (SIGABRT, SIGXCPU), decoder_child.c has a handler.
 */
#include "decoder_layers.h"

#include <linux/sched.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const unsigned long long namespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

/* The C library stores the thread id at the address that it registered with the kernel. NULL:
 * unknown. */
static pid_t *own_number(void)
{
    pid_t *number = NULL;
    if (prctl(PR_GET_TID_ADDRESS, &number) || !number || *number != getpid())
        return NULL;
    return number;
}

/* False: nothing has changed. */
static bool move(void)
{
    pid_t *number = own_number();
    if (!number || unshare(CLONE_THREAD)) /* changes nothing, but fails if there are more threads */
        return false;
    struct clone_args copy = {
        .flags =
            namespaces | CLONE_NEWPID | CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
        .child_tid = (uintptr_t)number,
    };
    long pid = syscall(SYS_clone3, &copy, sizeof copy);
    if (pid > 0)
        _exit(EXIT_SUCCESS);
    return pid == 0;
}

bool decoder_namespaces_enter(void)
{
    return move() || unshare((int)namespaces) == 0;
}

/* Mounts the new root over the old one, which is then unmounted (pivot_root(2)). */
bool decoder_files_leave(void)
{
    static const char place[] = "/proc"; /* any directory that always exists */
    const unsigned long nothing = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
           !mount("none", place, "tmpfs", nothing, "size=4k,nr_inodes=1") && !chdir(place) &&
           !syscall(SYS_pivot_root, ".", ".") && !umount2(".", MNT_DETACH) && !chdir("/");
}

/* linux/landlock.h, of any version: fields that are 0 are not requested. */
struct ruleset {
    uint64_t files, network, scopes;
};

/* Denies all access rights of this version: there are no rules. */
static struct ruleset ruleset_of(long version)
{
    static const unsigned files[] = {0, 13, 14, 15, 15, 16}; /* number of rights by version */
    const long newest = sizeof files / sizeof *files - 1;
    return (struct ruleset){
        .files = (1ULL << files[version < newest ? version : newest]) - 1,
        .network = version >= 4 ? 3 : 0, /* TCP: bind, connect */
        .scopes = version >= 6 ? 3 : 0,  /* abstract sockets, signals */
    };
}

bool decoder_landlock_enter(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* its version */);
    if (version < 1)
        return false;
    const struct ruleset all = ruleset_of(version);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    if (ruleset < 0)
        return false;
    long code = syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
    return code == 0;
}
