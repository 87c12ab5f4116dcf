/*
 * The modules of libvips, each loaded when it is needed.
 *
 * vips_init would load all that are installed, with their libraries: code that most processes never
 * need, and that a hostile image could use. In a sandbox nothing can be loaded, so a decoder process
 * is told at its start what it will need (decoder_wire.h).
 */
#ifndef THUMBWHEEL_VIPS_MODULES_H
#define THUMBWHEEL_VIPS_MODULES_H

#include <stdbool.h>

/* vips_init, without modules. Main thread, before others read the environment. 0: done. */
int vips_init_bare(const char *program);
/* Loads modules (a set of enum image_module) that are not loaded; those that are not installed are
 * left out, and ImageMagick's. Any thread. */
void vips_modules_load(unsigned modules);
/* Loads ImageMagick with its coders of BMP and ICO. For a process that is confined next: it could
 * load its other coders otherwise. */
void vips_magick_load(void);
/* Before the process is confined: reads the configuration of fonts, and looks for the formats of
 * pictures that may be in a drawing. */
void vips_drawings_prepare(void);
/* From now on, drawings (SVG, PDF) can be opened: this process can read fonts, and nothing else. */
void vips_drawings_allow(void);
bool vips_drawings_allowed(void);
/* Whether texts can be drawn. */
bool vips_fonts_exist(void);

#endif
