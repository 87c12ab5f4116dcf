/* Writing files: either completely or an error, and never a partial file under the final name. */
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIMIT = 100 };

static char directory[64];

static int directory_setup(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/thumbwheel-files-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int directory_teardown(void **state)
{
    (void)state;
    return directory_remove(directory, NULL);
}

/* The kernel writes up to the limit, which is a short write, and then refuses. */
static void limit_set(rlim_t size)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void short_write_is_continued(void **state)
{
    (void)state;
    char path[128], text[LIMIT + 50];
    memset(text, 'x', sizeof text);
    snprintf(path, sizeof path, "%s/a", directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    limit_set(LIMIT);
    int code = file_write_all(fd, text, sizeof text);
    int number = errno;
    limit_set(RLIM_INFINITY);
    assert_int_equal(code, ERR_IO);
    assert_int_equal(number, EFBIG); /* of the second write */
    assert_int_equal(lseek(fd, 0, SEEK_END), LIMIT);
    assert_int_equal(file_write_all(fd, text, sizeof text), 0);
    assert_int_equal(lseek(fd, 0, SEEK_END), LIMIT + sizeof text);
    close(fd);
}

static size_t entries_in_directory(void)
{
    size_t count = 0;
    DIR *open_directory = opendir(directory);
    for (struct dirent *entry; (entry = readdir(open_directory));)
        count += entry->d_name[0] != '.' || file_is_temporary(entry->d_name);
    closedir(open_directory);
    return count;
}

static void failed_write_keeps_the_old_file(void **state)
{
    (void)state;
    char path[128], text[LIMIT + 50];
    struct error error = {0};
    struct bytes content;
    memset(text, 'x', sizeof text);
    snprintf(path, sizeof path, "%s/a", directory);
    const struct file_options options = {.mode = 0600, .durable = true};
    assert_int_equal(file_write_as(path, slice_of("old"), &options, &error), 0);
    limit_set(LIMIT);
    int code = file_write_as(path, (struct slice){text, sizeof text}, &options, &error);
    limit_set(RLIM_INFINITY);
    assert_int_equal(code, ERR_IO);
    assert_non_null(strstr(error.text, path));
    assert_int_equal(file_read(path, LIMIT, &content, &error), 0);
    assert_true(slice_equal_text((struct slice){content.data, content.size}, "old"));
    bytes_free(&content);
    assert_int_equal(entries_in_directory(), 1);
}

static void mode_is_the_one_asked_for(void **state)
{
    (void)state;
    char path[128];
    struct stat facts;
    struct error error = {0};
    snprintf(path, sizeof path, "%s/key.pem", directory);
    mode_t mask = umask(0);
    int code = file_write_as(path, slice_of("k"), &(struct file_options){.mode = 0600}, &error);
    umask(mask);
    assert_int_equal(code, 0);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/new/key.pem", directory);
    assert_int_equal(
        file_write_as(path, slice_of("k"), &(struct file_options){.mode = 0600}, &error),
        ERR_NOT_FOUND);
    assert_int_equal(file_write(path, "k", 1, &error), 0); /* makes the parent */
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0644);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(short_write_is_continued, directory_setup,
                                        directory_teardown),
        cmocka_unit_test_setup_teardown(failed_write_keeps_the_old_file, directory_setup,
                                        directory_teardown),
        cmocka_unit_test_setup_teardown(mode_is_the_one_asked_for, directory_setup,
                                        directory_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
