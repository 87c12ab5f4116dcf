#include "letters_work.h"

#include <stdlib.h>
#include <string.h>

#include "queue_scan.h"
#include "redrive.h"

struct letters_work {
    struct letters_options options;
    struct letters_facts facts;
    struct dead_letter_filter filter;
    struct queue *letters;
    struct queue_scan *scan;
    struct redrive *redrive;
    struct redrive_target *targets;
    size_t target_count;
};

static bool is_full(const struct letters_work *work)
{
    return work->options.limit && work->facts.matched >= work->options.limit;
}

/* ---- list, and purge of some ---- */

static enum scan_verdict act(struct letters_work *work, const struct queue_message *message,
                             const struct dead_letter_facts *facts)
{
    if (is_full(work) ||
        !dead_letter_filter_passes(&work->filter, message, facts, work->options.now_ms))
        return SCAN_HOLD;
    work->facts.matched++;
    if (is_full(work))
        queue_scan_stop(work->scan);
    if (work->options.action == LETTERS_PURGE)
        return SCAN_DELETE;
    work->options.listed(message, facts, work->options.user);
    return SCAN_HOLD;
}

static enum scan_verdict look(struct queue_message *message, struct scan_item *item, void *user)
{
    struct letters_work *work = user;
    struct dead_letter_facts facts;
    (void)item;
    dead_letter_facts_read(message, &work->options.origins, &facts);
    const enum scan_verdict verdict = act(work, message, &facts);
    dead_letter_facts_clear(&facts);
    return verdict;
}

static void on_scanned(void *user)
{
    struct letters_work *work = user;
    const struct queue_scan_facts *scan = queue_scan_facts(work->scan);
    const bool purge = work->options.action == LETTERS_PURGE;
    work->facts.done = purge ? scan->deleted : work->facts.matched;
    work->facts.failed = scan->undeleted;
    work->facts.complete = scan->complete;
    work->facts.error = scan->error;
    work->options.done(work, work->options.user);
}

static unsigned visibility_of(const struct letters_work *work)
{
    const struct group_queue *letters =
        queue_watch_letters(work->options.watch, work->options.pipeline);
    return queue_scan_visibility(letters->visible + letters->delayed);
}

static int scan_begin(struct letters_work *work)
{
    const struct queue_scan_options scan = {
        .loop = work->options.loop,
        .ops = work->options.backend->ops,
        .queue = work->letters,
        .visibility_s = visibility_of(work),
        .look = look,
        .done = on_scanned,
        .user = work,
    };
    return queue_scan_start(&scan, &work->scan);
}

/* ---- redrive ---- */

static void on_redriven(void *user)
{
    struct letters_work *work = user;
    const struct redrive_facts *redrive = redrive_facts(work->redrive);
    const struct queue_scan_facts *scan = redrive_scan_facts(work->redrive);
    work->facts.matched = redrive->matched;
    work->facts.done = redrive->sent;
    work->facts.failed = redrive->failed;
    work->facts.complete = scan->complete;
    work->facts.error = redrive->error.code ? redrive->error : scan->error;
    work->options.done(work, work->options.user);
}

/* The queues of pipelines whose dead letters are in this one. */
static int targets_find(struct letters_work *work)
{
    const struct queue_watch *watch = work->options.watch;
    const struct group_queue *letters = queue_watch_letters(watch, work->options.pipeline);
    const size_t count = queue_watch_count(watch);
    work->targets = calloc(count, sizeof *work->targets);
    if (!work->targets)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (queue_watch_letters(watch, i) == letters)
            work->targets[work->target_count++] = (struct redrive_target){
                queue_watch_name(watch, i), queue_watch_source(watch, i)->queue};
    }
    return 0;
}

static int redrive_begin(struct letters_work *work)
{
    const int code = targets_find(work);
    if (code)
        return code;
    const struct redrive_options options = {
        .loop = work->options.loop,
        .ops = work->options.backend->ops,
        .dead_letters = work->letters,
        .visibility_s = visibility_of(work),
        .filter = &work->filter,
        .origins = &work->options.origins,
        .limit = work->options.limit,
        .began_ms = work->options.now_ms,
        .targets = work->targets,
        .target_count = work->target_count,
        .done = on_redriven,
        .user = work,
    };
    return redrive_start(&options, &work->redrive);
}

/* ---- purge of everything ---- */

static void on_purged(const struct error *error, void *user)
{
    struct letters_work *work = user;
    work->facts.error = *error;
    work->facts.complete = !error->code;
    work->facts.counted = false;
    work->options.done(work, work->options.user);
}

static bool is_shared(const struct letters_options *options)
{
    const struct group_queue *letters = queue_watch_letters(options->watch, options->pipeline);
    size_t owners = 0;
    for (size_t i = 0; i < queue_watch_count(options->watch); i++)
        owners += queue_watch_letters(options->watch, i) == letters;
    return owners > 1;
}

/* ---- the work ---- */

static int begin(struct letters_work *work)
{
    const struct letters_options *options = &work->options;
    if (options->action == LETTERS_REDRIVE)
        return redrive_begin(work);
    if (options->action == LETTERS_PURGE && dead_letter_filter_is_open(&work->filter) &&
        !options->limit && options->backend->admin)
        return options->backend->admin->purge(work->letters, on_purged, work);
    return scan_begin(work);
}

int letters_work_start(const struct letters_options *options, struct letters_work **out)
{
    struct letters_work *work = calloc(1, sizeof *work);
    *out = NULL;
    if (!work)
        return ERR_MEMORY;
    work->options = *options;
    work->facts.counted = true;
    work->letters = queue_watch_letters(options->watch, options->pipeline)->queue;
    work->filter = (struct dead_letter_filter){
        .pipeline = is_shared(options) ? queue_watch_name(options->watch, options->pipeline) : NULL,
        .ids = options->ids};
    const int code = begin(work);
    if (code) {
        letters_work_free(work);
        return code;
    }
    *out = work;
    return 0;
}

void letters_work_stop(struct letters_work *work)
{
    if (work->scan)
        queue_scan_stop(work->scan);
    if (work->redrive)
        redrive_stop(work->redrive);
}

const struct letters_facts *letters_work_facts(const struct letters_work *work)
{
    return &work->facts;
}

void letters_work_free(struct letters_work *work)
{
    queue_scan_free(work->scan);
    redrive_free(work->redrive);
    free(work->targets);
    free(work);
}
