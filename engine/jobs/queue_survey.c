#include "queue_survey.h"

#include "consumer.h"
#include "engine_private.h"

static void ask_on(struct queue_survey *survey);

static void on_depth(uint64_t visible, uint64_t in_flight, uint64_t delayed,
                     const struct error *error, void *user)
{
    struct queue_depth *depth = user;
    struct queue_survey *survey = &depth->consumer->engine->survey;
    depth->pending = false;
    depth->known = !error->code; /* an old number would look like a new one */
    depth->visible = visible;
    depth->in_flight = in_flight;
    depth->delayed = delayed;
    survey->pending--;
    ask_on(survey);
}

static void ask(struct queue_survey *survey, struct consumer *consumer, struct queue *queue,
                struct queue_depth *depth)
{
    const struct queue_backend_ops *ops = survey->engine->options.queues->ops;
    if (!queue || depth->pending)
        return;
    depth->consumer = consumer;
    depth->pending = ops->depth(queue, on_depth, depth) == 0;
    depth->known = depth->known && depth->pending;
    survey->pending += depth->pending;
}

/* The array of consumers may have changed since the last response: an index stays in bounds, and a
 * queue that is missed now is asked in the next survey. */
static void ask_on(struct queue_survey *survey)
{
    const struct engine *engine = survey->engine;
    while (survey->running && survey->pending < SURVEY_AT_ONCE) {
        if (survey->next >= engine->consumer_count || engine->draining) {
            survey->running = survey->pending > 0;
            return;
        }
        struct consumer *consumer = engine->consumers[survey->next++];
        if (consumer->state != CONSUMER_OPEN)
            continue;
        ask(survey, consumer, consumer->queue, &consumer->depth);
        ask(survey, consumer, consumer->dead_letters, &consumer->dead_letter_depth);
    }
}

void queue_survey_init(struct queue_survey *survey, struct engine *engine)
{
    *survey = (struct queue_survey){.engine = engine};
}

void queue_survey_look(struct queue_survey *survey)
{
    uint64_t now_ms = uv_now(survey->engine->loop);
    if (survey->running || (survey->ran && now_ms - survey->began_ms < SURVEY_EVERY_MS))
        return;
    survey->running = survey->ran = true;
    survey->began_ms = now_ms;
    survey->next = 0;
    ask_on(survey);
}

static void forget(struct queue_survey *survey, struct queue_depth *depth)
{
    survey->pending -= depth->pending;
    depth->pending = depth->known = false;
}

void queue_survey_forget(struct queue_survey *survey, struct consumer *consumer)
{
    forget(survey, &consumer->depth);
    forget(survey, &consumer->dead_letter_depth);
    ask_on(survey);
}
