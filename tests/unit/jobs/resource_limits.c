/* The limits of a process: those of the machine, and of control groups in both versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "cpus.h"
#include "memory_limit.h"

static char root[] = "/tmp/thumbwheel-limit-XXXXXX";

static void put(const char *path, const char *text)
{
    char name[512];
    snprintf(name, sizeof name, "%s%s", root, path);
    for (char *p = name + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        mkdir(name, 0700);
        *p = '/';
    }
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int remove_root(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

static int make_root(void **state)
{
    (void)state;
    memcpy(root + sizeof root - 7, "XXXXXX", 6);
    if (!mkdtemp(root))
        return -1;
    put("/proc/meminfo", "MemTotal:        4000 kB\nMemFree:  1 kB\n");
    return 0;
}

static void without_a_group_the_machine_is_the_limit(void **state)
{
    (void)state;
    assert_int_equal(memory_limit(root), 4000 * 1024);
    assert_int_equal(memory_limit("/no/such/root"), 0);
}

static void a_parents_limit_binds_its_children(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/system.slice/thumbwheel.service\n");
    put("/sys/fs/cgroup/system.slice/thumbwheel.service/memory.max", "max\n");
    put("/sys/fs/cgroup/system.slice/memory.max", "2097152\n");
    assert_int_equal(memory_limit(root), 2097152);
    put("/sys/fs/cgroup/system.slice/thumbwheel.service/memory.max", "1048576\n");
    assert_int_equal(memory_limit(root), 1048576);
}

static void version_one_has_its_own_file(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "5:cpu,cpuacct:/other\n4:memory:/box\n1:name=systemd:/\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"); /* none */
    assert_int_equal(memory_limit(root), 4000 * 1024);
    put("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "1048576\n");
    assert_int_equal(memory_limit(root), 1048576);
}

/* As in a container: the path is the host's, the root is what is mounted. */
static void the_root_counts_where_the_path_is_unknown(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "4:memory:/docker/0123\n0::/docker/0123\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "524288\n");
    assert_int_equal(memory_limit(root), 524288);
    put("/sys/fs/cgroup/memory.max", "262144\n");
    assert_int_equal(memory_limit(root), 262144);
}

static void the_peak_is_the_groups_own(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/system.slice/thumbwheel.service\n");
    put("/sys/fs/cgroup/system.slice/memory.peak", "2097152\n");
    assert_int_equal(memory_group_peak(root), 0); /* a kernel without the file says nothing */
    put("/sys/fs/cgroup/system.slice/thumbwheel.service/memory.peak", "1048576\n");
    assert_int_equal(memory_group_peak(root), 1048576);
}

static void the_peak_of_version_one_is_found_in_a_container(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "4:memory:/docker/0123\n0::/docker/0123\n");
    put("/sys/fs/cgroup/memory/memory.max_usage_in_bytes", "524288\n");
    assert_int_equal(memory_group_peak(root), 524288);
}

static void the_resident_peak_is_the_process_own(void **state)
{
    (void)state;
    assert_int_equal(memory_resident_peak(root), 0);
    put("/proc/self/status", "Name:\tVmHWM: 7 kB\nVmPeak:\t  900 kB\nVmHWM:\t  300 kB\n");
    assert_int_equal(memory_resident_peak(root), 300 * 1024);
}

/* The quota of the test's own control group does not apply: its files are not below root. */
static void a_quota_limits_the_processors(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/pod\n");
    unsigned all = cpus_available(root);
    assert_true(all >= 1);
    put("/sys/fs/cgroup/pod/cpu.max", "max 100000\n");
    assert_int_equal(cpus_available(root), all);
    put("/sys/fs/cgroup/pod/cpu.max", "50000 100000\n"); /* half a processor */
    assert_int_equal(cpus_available(root), 1);
    put("/sys/fs/cgroup/pod/cpu.max", "100001 100000\n");
    assert_int_equal(cpus_available(root), all < 2 ? all : 2);
    put("/sys/fs/cgroup/pod/cpu.max", "99900000 100000\n"); /* more than there are */
    assert_int_equal(cpus_available(root), all);
}

static void a_quota_of_a_parent_limits_the_processors(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/pod/container\n");
    put("/sys/fs/cgroup/pod/container/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/pod/cpu.max", "100000 100000\n");
    assert_int_equal(cpus_available(root), 1);
}

/* As docker run --cpus sets it on a host with version 1, seen from within the container. */
static void a_quota_of_version_one_limits_the_processors(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "4:cpu,cpuacct:/docker/0123\n3:memory:/docker/0123\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    unsigned all = cpus_available(root);
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
    assert_int_equal(cpus_available(root), 1);
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000\n");
    assert_int_equal(cpus_available(root), all < 2 ? all : 2);
}

static void files_without_sense_limit_nothing(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "4:cpu:/\n0::/pod\n");
    unsigned all = cpus_available(root);
    static const char *const contents[] = {"", "0 100000\n", "5 0\n", "-5 100000\n", "many\n"};
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        put("/sys/fs/cgroup/pod/cpu.max", contents[i]);
        put("/sys/fs/cgroup/pod/memory.max", contents[i]);
        put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", contents[i]);
        put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "0\n");
        assert_true(cpus_available(root) >= 1 && cpus_available(root) <= all);
        assert_true(memory_limit(root) > 0);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(without_a_group_the_machine_is_the_limit),
        CASE(a_parents_limit_binds_its_children),
        CASE(version_one_has_its_own_file),
        CASE(the_root_counts_where_the_path_is_unknown),
        CASE(the_peak_is_the_groups_own),
        CASE(the_peak_of_version_one_is_found_in_a_container),
        CASE(the_resident_peak_is_the_process_own),
        CASE(a_quota_limits_the_processors),
        CASE(a_quota_of_a_parent_limits_the_processors),
        CASE(a_quota_of_version_one_limits_the_processors),
        CASE(files_without_sense_limit_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
