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

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
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

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, text, strlen(text)) < 0) {
        /* then folders can't be made, which is noticed */
    }
    close(fd);
}

/* The user and group exist in the user namespace, too: only so can the process make folders. */
static void identity_keep(uid_t user, gid_t group)
{
    char text[64];
    snprintf(text, sizeof text, "%u %u 1", user, user);
    write_text("/proc/self/uid_map", text);
    write_text("/proc/self/setgroups", "deny");
    snprintf(text, sizeof text, "%u %u 1", group, group);
    write_text("/proc/self/gid_map", text);
}

bool decoder_namespaces_enter(bool fonts)
{
    const uid_t user = geteuid(), group = getegid();
    if (!move() && unshare((int)namespaces))
        return false;
    if (fonts)
        identity_keep(user, group);
    return true;
}

static const unsigned long harmless = MS_NOSUID | MS_NODEV | MS_NOEXEC;
static const unsigned long nothing = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

/* Where Debian's packages and administrators install fonts. They are no secret. */
static const char *const font_folders[] = {"/usr/share/fonts", "/usr/local/share/fonts"};
enum { FONT_FOLDERS = sizeof font_folders / sizeof *font_folders };

/* The folders of an absolute path, below another one. */
static void folders_make(const char *root, const char *path)
{
    char whole[256];
    for (const char *end = path; end; end = strchr(end + 1, '/')) {
        snprintf(whole, sizeof whole, "%s%.*s", root, (int)(end - path), path);
        mkdir(whole, 0755);
    }
    snprintf(whole, sizeof whole, "%s%s", root, path);
    mkdir(whole, 0755);
}

/* Each at its own place below the new root. False: one that exists could not be mounted. */
static bool fonts_mount(const char *root)
{
    char place[256];
    for (size_t i = 0; i < FONT_FOLDERS; i++) {
        if (access(font_folders[i], F_OK))
            continue;
        folders_make(root, font_folders[i]);
        snprintf(place, sizeof place, "%s%s", root, font_folders[i]);
        if (mount(font_folders[i], place, NULL, MS_BIND | MS_REC, NULL) ||
            mount(NULL, place, NULL, MS_BIND | MS_REMOUNT | nothing, NULL))
            return false;
    }
    return true;
}

static bool root_mount(const char *place, bool fonts)
{
    if (!fonts)
        return !mount("none", place, "tmpfs", nothing, "size=4k,nr_inodes=1");
    if (mount("none", place, "tmpfs", harmless, "size=64k,nr_inodes=16"))
        return false;
    return fonts_mount(place) &&
           !mount(NULL, place, NULL, MS_REMOUNT | nothing, "size=64k,nr_inodes=16");
}

/* Mounts the new root over the old one, which is then unmounted (pivot_root(2)). */
bool decoder_files_leave(bool fonts)
{
    static const char place[] = "/proc"; /* any directory that always exists */
    return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) && root_mount(place, fonts) &&
           !chdir(place) && !syscall(SYS_pivot_root, ".", ".") && !umount2(".", MNT_DETACH) &&
           !chdir("/");
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

/* linux/landlock.h, where it is packed. */
struct __attribute__((packed)) beneath {
    uint64_t allowed;
    int32_t folder;
};

/* To read files of the folders. */
static void fonts_allow(int ruleset)
{
    enum { PATH_BENEATH = 1, READ_FILE = 1 << 2 };
    for (size_t i = 0; i < FONT_FOLDERS; i++) {
        struct beneath rule = {READ_FILE, open(font_folders[i], O_PATH | O_CLOEXEC)};
        if (rule.folder < 0)
            continue;
        syscall(SYS_landlock_add_rule, ruleset, PATH_BENEATH, &rule, 0);
        close(rule.folder);
    }
}

bool decoder_landlock_enter(bool fonts)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* its version */);
    if (version < 1)
        return false;
    const struct ruleset all = ruleset_of(version);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    if (ruleset < 0)
        return false;
    if (fonts)
        fonts_allow(ruleset);
    long code = syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
    return code == 0;
}
