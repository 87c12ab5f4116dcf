/* What the text of an SVG drawing says, without a parser of XML. Pure functions; any thread. */
#ifndef THUMBWHEEL_SVG_TEXT_H
#define THUMBWHEEL_SVG_TEXT_H

#include <stdbool.h>

#include "bytes.h"

/* Whether the first element is <svg>, with any prefix; only the first SVG_PROLOGUE_MAX bytes may
 * precede it. In UTF-8 or another extension of ASCII, not compressed. */
enum { SVG_PROLOGUE_MAX = 16 * 1024 };
bool svg_is(struct slice file);

/* The first reference to something outside the file that would be drawn or inserted: the name of its
 * element or declaration, such as "image" or "ENTITY"; empty: there is none. References within the
 * file (#id) and data: URLs are not meant, nor are links. */
struct slice svg_outside(struct slice svg);

/* Whether its width or height is in a physical unit such as mm, pt or in. */
bool svg_is_physical(struct slice svg);

/* Whether it has an element for text. */
bool svg_has_text(struct slice svg);

#endif
