/*
 * The sequencer in an event of Ceph's RGW. No I/O; any thread.
 *
 * RGW writes the bytes of a time, 32-bit seconds and nanoseconds, in the byte order of its machine
 * (ceph/ceph src/rgw/rgw_notify.cc, object_sequencer). On little-endian machines such texts cannot
 * be compared like S3's, of which the larger number is the newer one.
 */
#ifndef THUMBWHEEL_CEPH_SEQUENCER_H
#define THUMBWHEEL_CEPH_SEQUENCER_H

#include <stdint.h>

/* Reverses the bytes of both numbers, in place, if the seconds then agree with the time of the event
 * (Unix milliseconds). Leaves any other text as it is. text may be NULL. */
void ceph_sequencer_order(char *text, int64_t event_ms);

#endif
