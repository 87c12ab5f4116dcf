/* The engine's metrics, and whether it is alive and ready. Loop thread. */
#ifndef THUMBWHEEL_ENGINE_METRICS_H
#define THUMBWHEEL_ENGINE_METRICS_H

#include <stdbool.h>

#include "bytes.h"

struct engine;

/* Appends them in Prometheus' text format. Begins a survey of the queues' depth if the last one is
 * older than 30 s; its responses are in the next text. Labels are pipelines, outcomes, reasons and
 * the states of messages, never keys. */
void engine_write_metrics(struct engine *engine, struct buffer *out);

/* Every queue is open, and the engine is not draining. If not, one line for each reason is
 * appended. */
bool engine_is_ready(const struct engine *engine, struct buffer *reasons);

/* No worker has had its photo for longer than any limit allows, and the watchdog does its work. An
 * unavailable service is no reason to fail. Reasons as above. */
bool engine_is_alive(const struct engine *engine, struct buffer *reasons);

#endif
