#include "label_pace.h"

#include <math.h>

#include "container_of.h"

enum { MS_PER_S = 1000, BURSTS_PER_S = 10 };

static void on_timer(uv_timer_t *timer);

void label_pace_init(struct label_pace *pace, uv_loop_t *loop)
{
    *pace = (struct label_pace){0};
    list_init(&pace->waiting);
    uv_timer_init(loop, &pace->timer);
}

void label_pace_close(struct label_pace *pace, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&pace->timer, closed);
}

static double burst_of(double rate)
{
    return fmax(1, rate / BURSTS_PER_S);
}

static void tokens_fill(struct label_pace *pace, double rate)
{
    uint64_t now = uv_now(pace->timer.loop);
    double earned = (double)(now - pace->filled_ms) * rate / MS_PER_S;
    pace->tokens = pace->filled_ms ? fmin(burst_of(rate), pace->tokens + earned) : burst_of(rate);
    pace->filled_ms = now;
}

static bool is_full(const struct label_pace *pace, const struct labeler_settings *settings)
{
    return settings->concurrency && pace->active >= settings->concurrency;
}

/* Milliseconds until there is a token; 0: there is one. */
static uint64_t token_wait_ms(struct label_pace *pace, double rate)
{
    /* Sums of fractions of a token are not exact. */
    static const double whole = 1 - 1e-6;
    if (rate <= 0)
        return 0;
    tokens_fill(pace, rate);
    return pace->tokens >= whole ? 0 : (uint64_t)ceil((1 - pace->tokens) * MS_PER_S / rate);
}

static void grant(struct label_pace *pace, struct label_turn *turn)
{
    if (turn->settings->rate > 0)
        pace->tokens -= 1;
    pace->active++;
    turn->state = TURN_GRANTED;
}

/* The end of a turn makes room for the first one that waits; otherwise time does. */
static void timer_arm(struct label_pace *pace)
{
    if (list_empty(&pace->waiting) || uv_is_closing((uv_handle_t *)&pace->timer))
        return;
    const struct label_turn *first = container_of(pace->waiting.next, struct label_turn, link);
    if (!is_full(pace, first->settings))
        uv_timer_start(&pace->timer, on_timer, token_wait_ms(pace, first->settings->rate), 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct label_pace *pace = container_of(timer, struct label_pace, timer);
    while (!list_empty(&pace->waiting)) {
        struct label_turn *first = container_of(pace->waiting.next, struct label_turn, link);
        if (is_full(pace, first->settings) || token_wait_ms(pace, first->settings->rate))
            break;
        list_remove(&first->link);
        grant(pace, first);
        first->granted(first);
    }
    timer_arm(pace);
}

void label_turn_take(struct label_pace *pace, struct label_turn *turn,
                     const struct labeler_settings *settings)
{
    turn->pace = pace;
    turn->settings = settings;
    if (list_empty(&pace->waiting) && !is_full(pace, settings) &&
        !token_wait_ms(pace, settings->rate)) {
        grant(pace, turn);
        return;
    }
    turn->state = TURN_WAITING;
    list_push(&pace->waiting, &turn->link);
    timer_arm(pace);
}

void label_turn_end(struct label_turn *turn)
{
    if (turn->state == TURN_NONE)
        return;
    if (turn->state == TURN_WAITING)
        list_remove(&turn->link);
    else
        turn->pace->active--;
    turn->state = TURN_NONE;
    timer_arm(turn->pace);
}

bool label_turn_waits(const struct label_turn *turn)
{
    return turn->state == TURN_WAITING;
}
