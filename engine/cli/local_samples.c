/*
 * One pool thread paints and encodes one sample after the other, and the loop thread shows the
 * progress. Encoding cannot be interrupted, so a signal does not wait for it (service.h, at_once):
 * existing files are complete, and the next run creates the others.
 */
#include "local_samples.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "command.h"
#include "container_of.h"
#include "files.h"
#include "progress.h"
#include "standard_directories.h"

struct sample_maker {
    uv_work_t work;
    struct service *service;
    const char *directory;
    struct progress progress;
    uint64_t began_ms;
    bool noted, done;
    atomic_size_t missing, there;
    /* owned by the pool thread until done */
    struct text_list paths;
    struct error error;
};

/* ---- on the pool thread ---- */

static void remove_temporary(int directory)
{
    struct dirent *entry;
    int fd = dup(directory);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (!listing && fd >= 0)
        close(fd);
    while (listing && (entry = readdir(listing)))
        if (file_is_temporary(entry->d_name))
            unlinkat(directory, entry->d_name, 0);
    if (listing)
        closedir(listing);
}

/* Every process that may be writing holds a shared lock on the directory, and the kernel releases
 * the lock of a killed process. So a process that gets the exclusive lock is the only one, and all
 * temporary files are leftovers, which it removes. Returns the descriptor of the lock; -1: no lock,
 * and leftovers are kept. */
static int directory_claim(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fd;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        remove_temporary(fd);
    while (flock(fd, LOCK_SH) && errno == EINTR) /* other processes hold the exclusive lock only
                                                  * briefly */
        ;
    return fd;
}

static int make_one(struct sample_maker *maker, size_t index)
{
    char *path;
    int code = maker->service->assembly->sample_make(maker->directory, index, &path, &maker->error);
    if (!code && text_list_take(&maker->paths, path))
        code = error_set(&maker->error, ERR_MEMORY, "out of memory");
    atomic_fetch_add(&maker->there, !code);
    return code;
}

static void make_all(uv_work_t *work)
{
    struct sample_maker *maker = container_of(work, struct sample_maker, work);
    const struct assembly *assembly = maker->service->assembly;
    size_t missing = assembly->samples_missing(maker->directory);
    atomic_store(&maker->missing, missing);
    int code = missing ? directory_make(maker->directory, 0777, &maker->error) : 0;
    int lock = directory_claim(maker->directory);
    for (size_t i = 0; i < assembly->samples_count() && !code; i++)
        code = make_one(maker, i);
    if (lock >= 0)
        close(lock);
}

/* ---- on the loop thread ---- */

static void note(struct sample_maker *maker)
{
    size_t missing = atomic_load(&maker->missing);
    if (missing && !maker->noted)
        command_note("no photos given: creating %zu sample%s in %s", missing,
                     missing == 1 ? "" : "s", maker->directory);
    maker->noted |= missing > 0;
}

static void show(void *user)
{
    struct sample_maker *maker = user;
    size_t count = maker->service->assembly->samples_count(), there = atomic_load(&maker->there);
    const struct progress_facts facts = {
        .what = "samples",
        .count = count,
        .done = there,
        .parts = count,
        .parts_done = there,
        .elapsed_ms = uv_now(&maker->service->loop) - maker->began_ms,
    };
    note(maker);
    if (maker->noted)
        progress_show(&maker->progress, &facts);
}

static void on_made(uv_work_t *work, int code)
{
    struct sample_maker *maker = container_of(work, struct sample_maker, work);
    (void)code; /* it is never cancelled */
    maker->done = true;
}

static bool made(void *user)
{
    return ((struct sample_maker *)user)->done;
}

static int make_in(const char *directory, struct service *service, struct text_list *paths,
                   struct error *error)
{
    struct sample_maker maker = {.service = service, .directory = directory};
    progress_init(&maker.progress, STDERR_FILENO);
    uv_update_time(&service->loop);
    maker.began_ms = uv_now(&service->loop);
    service->at_once = "stopped before all samples were created";
    service_tick(service, show, &maker);
    uv_queue_work(&service->loop, &maker.work, make_all, on_made);
    service_finish(service, made, &maker);
    service_tick(service, NULL, NULL);
    service->at_once = NULL;
    progress_clear(&maker.progress);
    note(&maker);
    if (!maker.error.code) {
        *paths = maker.paths;
        return 0;
    }
    text_list_clear(&maker.paths);
    *error = maker.error;
    return error->code;
}

static bool is_of_the_place(int code)
{
    return code == ERR_IO || code == ERR_NOT_FOUND;
}

static int make_temporary(struct local_samples *samples, struct service *service,
                          struct error *error)
{
    command_note("the samples are not kept: %s", error->text);
    int code = temporary_directory_create(&samples->temporary, error);
    return code ? code : make_in(samples->temporary, service, &samples->paths, error);
}

int local_samples_make(struct local_samples *samples, struct service *service, struct error *error)
{
    char *cache = standard_cache_directory(), *place = cache ? path_join(cache, "samples") : NULL;
    int code = place ? make_in(place, service, &samples->paths, error)
                     : error_set(error, ERR_MEMORY, "out of memory");
    if (is_of_the_place(code))
        code = make_temporary(samples, service, error);
    if (code)
        error_prefix(error, "the samples could not be created");
    free(place);
    free(cache);
    return code;
}

void local_samples_discard(struct local_samples *samples)
{
    struct error error = {0};
    if (samples->temporary && directory_remove(samples->temporary, &error))
        command_note("%s", error.text);
    free(samples->temporary);
    samples->temporary = NULL;
    text_list_clear(&samples->paths);
}
