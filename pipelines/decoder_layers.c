/*
 * A PID namespace is not among them: only a child of the decoder would be in it, and as its first
 * process that would not get the signals by which crashes are told.
 */
#include "decoder_layers.h"

#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

bool decoder_namespaces_enter(void)
{
    return unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                   CLONE_NEWCGROUP) == 0;
}

/* The new root is put over the old one, which is then taken away (pivot_root(2)). */
bool decoder_files_leave(void)
{
    static const char place[] = "/proc"; /* any folder that is always there */
    const unsigned long nothing = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
           !mount("none", place, "tmpfs", nothing, "size=4k,nr_inodes=1") && !chdir(place) &&
           !syscall(SYS_pivot_root, ".", ".") && !umount2(".", MNT_DETACH) && !chdir("/");
}

/* linux/landlock.h, of any version: what is 0 is not asked for. */
struct ruleset {
    uint64_t files, network, scopes;
};

/* All rights that the version knows, each to be denied: there are no rules. */
static struct ruleset ruleset_of(long version)
{
    static const unsigned files[] = {0, 13, 14, 15, 15, 16}; /* their number, by version */
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
