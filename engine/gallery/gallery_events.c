#include "gallery_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_write.h"

enum { BEAT_MS = 1000 };

struct events_reader { /* a stream, or a poll that waits */
    struct list link;
    struct hub_reader hub;
    struct gallery_events *events;
    struct gallery_call *call;
    bool poll;
    bool writing;       /* a piece is on its way */
    uint64_t active_ms; /* uv_now: the last piece was written, or the poll began */
};

/* ---- publishing ---- */

size_t gallery_watchers(const struct gallery *gallery)
{
    return gallery->events ? gallery->events->hub.reader_count : 0;
}

uint64_t gallery_followers(const struct gallery *gallery)
{
    return gallery->events ? gallery->events->hub.joins : 0;
}

void gallery_publish(struct gallery *gallery, const char *type, json_t *data)
{
    struct buffer text;
    struct bytes bytes = {0};
    buffer_init(&text, EVENTS_EVENT_MAX);
    if (gallery->events) {
        if (data && !json_write(data, &text))
            bytes = buffer_take(&text);
        event_hub_publish(&gallery->events->hub, type, &bytes);
    }
    buffer_free(&text);
    json_decref(data);
}

void gallery_events_reset(struct gallery *gallery)
{
    if (gallery->events)
        event_hub_reset(&gallery->events->hub);
}

/* ---- readers ---- */

static void reader_free(struct events_reader *reader)
{
    reader->call->ended = NULL;
    event_hub_leave(&reader->events->hub, &reader->hub);
    list_remove(&reader->link);
    free(reader);
}

static void on_call_ended(struct gallery_call *call, bool completed)
{
    (void)completed;
    reader_free(call->state);
}

static void on_turn(uv_timer_t *turn);

static void on_wake(struct hub_reader *hub)
{
    struct gallery_events *events = container_of(hub, struct events_reader, hub)->events;
    if (!uv_is_active((uv_handle_t *)&events->turn))
        uv_timer_start(&events->turn, on_turn, 0, 0);
}

static struct events_reader *reader_new(struct gallery_call *call, bool poll, const char *last)
{
    struct gallery_events *events = call->gallery->events;
    struct events_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    *reader = (struct events_reader){
        .events = events, .call = call, .poll = poll, .active_ms = uv_now(events->gallery->loop)};
    reader->hub.wake = on_wake;
    event_hub_join(&events->hub, &reader->hub, last);
    list_push(&events->readers, &reader->link);
    call->state = reader;
    call->ended = on_call_ended;
    return reader;
}

/* ---- streams ---- */

static void stream_go_on(struct events_reader *reader);

static void on_drained(struct http_call *http, int code, void *user)
{
    struct events_reader *reader = user;
    (void)http;
    if (code)
        return; /* the call's end follows */
    reader->writing = false;
    stream_go_on(reader);
}

/* Takes the text. */
static void stream_write(struct events_reader *reader, struct buffer *text)
{
    struct bytes piece = buffer_take(text);
    reader->writing = true;
    reader->active_ms = uv_now(reader->events->gallery->loop);
    http_call_write(reader->call->http, &piece, on_drained, reader);
}

static void stream_go_on(struct events_reader *reader)
{
    struct event_hub *hub = &reader->events->hub;
    struct hub_event event;
    struct buffer text;
    int code = 0;
    if (reader->writing || !event_hub_has(hub, &reader->hub))
        return;
    buffer_init(&text, EVENTS_PIECE_MAX + 2 * EVENTS_EVENT_MAX);
    while (!code && text.size < EVENTS_PIECE_MAX && event_hub_next(hub, &reader->hub, &event))
        code = event_hub_write(hub, &event, &text);
    if (code)
        http_call_abort(reader->call->http); /* the page comes again with its last id */
    else
        stream_write(reader, &text);
    buffer_free(&text);
}

static void stream_comment(struct events_reader *reader)
{
    struct buffer text;
    buffer_init(&text, 16);
    if (!buffer_text(&text, ":\n\n"))
        stream_write(reader, &text);
    buffer_free(&text);
}

/* Tells the page that nothing holds the stream back, and where it stands. */
static int stream_greet(struct events_reader *reader)
{
    struct buffer text;
    char id[EVENT_ID_SIZE];
    buffer_init(&text, 256);
    event_hub_id(&reader->events->hub, reader->hub.next - 1, id);
    const int code = buffer_format(&text, "retry: 1000\n%s%s\nevent: hello\ndata: {}\n\n",
                                   reader->hub.reset ? "" : "id: ", reader->hub.reset ? "" : id);
    if (!code)
        stream_write(reader, &text);
    buffer_free(&text);
    return code;
}

static void stream_begin(struct gallery_call *call, const char *last)
{
    struct events_reader *reader = reader_new(call, false, last);
    if (!reader) {
        gallery_refuse_for(call, 503, "out_of_memory", 1, "there is not enough memory; try again");
        return;
    }
    http_call_wait(call->http);
    gallery_stream_begin(call, "text/event-stream");
    if (stream_greet(reader))
        http_call_abort(call->http);
}

/* ---- polls ---- */

static json_t *event_json(const struct event_hub *hub, const struct hub_event *event)
{
    char id[EVENT_ID_SIZE];
    event_hub_id(hub, event->number, id);
    json_t *data = event->data.size
                       ? json_loadb(event->data.data, event->data.size, JSON_DECODE_ANY, NULL)
                       : json_null();
    return json_pack("{s:s, s:s, s:o}", "id", id, "type", event->type, "data",
                     data ? data : json_null());
}

static void poll_respond(struct events_reader *reader)
{
    struct event_hub *hub = &reader->events->hub;
    struct gallery_call *call = reader->call;
    struct hub_event event;
    json_t *events = json_array();
    char last[EVENT_ID_SIZE];
    for (size_t i = 0; i < EVENTS_POLL_MAX && event_hub_next(hub, &reader->hub, &event); i++)
        json_array_append_new(events, event_json(hub, &event));
    event_hub_id(hub, reader->hub.next - 1, last);
    reader_free(reader);
    gallery_respond_json(call, 200, json_pack("{s:o, s:s}", "events", events, "last", last));
}

static void poll_begin(struct gallery_call *call, const char *last)
{
    struct events_reader *reader = reader_new(call, true, last);
    if (!reader)
        gallery_refuse_for(call, 503, "out_of_memory", 1, "there is not enough memory; try again");
    else if (event_hub_has(&reader->events->hub, &reader->hub) || !last || !*last)
        poll_respond(reader); /* a first poll learns where it stands */
    else
        http_call_wait(call->http);
}

/* ---- time ---- */

static void reader_go_on(struct events_reader *reader)
{
    if (!event_hub_has(&reader->events->hub, &reader->hub))
        return;
    if (reader->poll)
        poll_respond(reader);
    else
        stream_go_on(reader);
}

static void reader_beat(struct events_reader *reader)
{
    const uint64_t quiet_ms = uv_now(reader->events->gallery->loop) - reader->active_ms;
    if (reader->poll && quiet_ms >= EVENTS_POLL_MS)
        poll_respond(reader);
    else if (!reader->poll && !reader->writing && quiet_ms >= EVENTS_COMMENT_MS)
        stream_comment(reader);
}

static void each_reader(struct gallery_events *events, void (*act)(struct events_reader *reader))
{
    struct list *next;
    for (struct list *link = events->readers.next; link != &events->readers; link = next) {
        next = link->next;
        act(container_of(link, struct events_reader, link));
    }
}

static void on_turn(uv_timer_t *turn)
{
    each_reader(container_of(turn, struct gallery_events, turn), reader_go_on);
}

static void on_beat(uv_timer_t *beat)
{
    each_reader(container_of(beat, struct gallery_events, beat), reader_beat);
}

/* ---- the request ---- */

void gallery_events_follow(struct gallery_call *call)
{
    const struct gallery_events *events = call->gallery->events;
    const char *last = gallery_query(call, "last");
    const char *poll = gallery_query(call, "poll");
    char header[EVENT_ID_SIZE];
    const struct slice sent = http_call_header(call->http, "Last-Event-ID");
    if (sent.size) {
        snprintf(header, sizeof header, "%.*s", (int)sent.size, sent.data);
        last = sent.size < sizeof header ? header : "none of these"; /* the page starts anew */
    }
    if (events->hub.reader_count >= EVENTS_READERS_MAX)
        gallery_refuse_for(call, 503, "busy", 5, "too many pages are open; close some of them");
    else if (poll && strcmp(poll, "1") == 0)
        poll_begin(call, last);
    else
        stream_begin(call, last);
}

/* ---- the part ---- */

int gallery_events_open(struct gallery *gallery, struct error *error)
{
    uint64_t epoch;
    struct gallery_events *events = calloc(1, sizeof *events);
    if (!events)
        return error_set(error, ERR_MEMORY, "out of memory");
    if (uv_random(NULL, NULL, &epoch, sizeof epoch, 0, NULL)) {
        free(events);
        return error_set(error, ERR_IO, "no random bytes");
    }
    events->gallery = gallery;
    event_hub_init(&events->hub, epoch);
    list_init(&events->readers);
    uv_timer_init(gallery->loop, &events->turn);
    uv_timer_init(gallery->loop, &events->beat);
    uv_timer_start(&events->beat, on_beat, BEAT_MS, BEAT_MS);
    events->open = 2;
    gallery->events = events;
    return 0;
}

static void reader_end(struct events_reader *reader)
{
    if (reader->poll) {
        poll_respond(reader);
        return;
    }
    struct http_call *http = reader->call->http;
    reader_free(reader);
    http_call_end(http);
}

void gallery_events_drain(struct gallery *gallery)
{
    each_reader(gallery->events, reader_end);
}

static void on_closed(uv_handle_t *handle)
{
    struct gallery_events *events = handle->data;
    struct gallery *gallery = events->gallery;
    if (--events->open)
        return;
    event_hub_clear(&events->hub);
    free(events);
    gallery_part_closed(gallery);
}

void gallery_events_close(struct gallery *gallery)
{
    struct gallery_events *events = gallery->events;
    gallery->events = NULL;
    events->turn.data = events->beat.data = events;
    uv_close((uv_handle_t *)&events->turn, on_closed);
    uv_close((uv_handle_t *)&events->beat, on_closed);
}
