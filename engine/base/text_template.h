/*
 * Texts with placeholders from a fixed list of names: "{name} is ready: {link}". A brace itself is
 * written twice. Any thread.
 */
#ifndef THUMBWHEEL_TEXT_TEMPLATE_H
#define THUMBWHEEL_TEXT_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "error.h"

/* ERR_INVALID: an unmatched brace, or an unknown placeholder; the text names the nearest known one.
 */
int text_template_check(const char *text, const char *const *names, size_t count,
                        struct error *error);
/* Whether a valid template contains this placeholder. */
bool text_template_uses(const char *text, const char *name);
/* Appends a valid template with its placeholders replaced; values[i] is the value of names[i]. */
int text_template_expand(const char *text, const char *const *names, const char *const *values,
                         size_t count, struct buffer *out);

#endif
