/*
 * libvips, loaded when the first image is to be decoded or made in this process.
 *
 * It and the eighty libraries under it cost 25 MB and most of the start of a process, which an
 * embedded cloud alone, or an engine whose decoders are processes of their own, never needs.
 * vips_functions.txt lists the functions of libvips and GLib that this module calls; CMake makes
 * vips_table.h of it: a table of pointers, and for each function a macro of its name that calls
 * through the table. A function that is missing in the list is an undefined reference for the
 * linker.
 */
#ifndef THUMBWHEEL_VIPS_API_H
#define THUMBWHEEL_VIPS_API_H

#include <vips/vips.h>

#include <vips/vector.h> /* needs the one above */

#include "error.h"
#include "vips_table.h"

/* Before the first call of any. Main thread. ERR_UNSUPPORTED: libvips cannot be loaded. */
int vips_api_load(struct error *error);

#endif
