/* Reporting how the records of a message ended: the log line, the observer, the times. Loop
 * thread. */
#ifndef THUMBWHEEL_DELIVERY_REPORT_H
#define THUMBWHEEL_DELIVERY_REPORT_H

struct delivery;

/* Of a delivery whose outcome is decided: one report for each job, or one for the message if it
 * failed before it had records. */
void delivery_report(const struct delivery *delivery);

#endif
