/*
 * libvips, loaded before the first image is decoded or created in this process.
 *
 * libvips and its eighty dependencies cost 25 MB and most of the startup time of a process. A
 * process that only runs the embedded cloud, or an engine with separate decoder processes, never
 * needs it. vips_functions.txt lists the functions of libvips and GLib that this module calls;
 * CMake generates vips_table.h from it: a table of pointers and, for each function, a macro of the
 * same name that calls through the table. A function that is missing in the list causes a linker
 * error.
 */
#ifndef THUMBWHEEL_VIPS_API_H
#define THUMBWHEEL_VIPS_API_H

#include <gmodule.h>
#include <vips/vips.h>

#include <vips/vector.h> /* requires the previous one */

#include "error.h"
#include "vips_table.h"

/* Call it before any libvips function. Main thread. ERR_UNSUPPORTED: libvips cannot be loaded. */
int vips_api_load(struct error *error);

#endif
