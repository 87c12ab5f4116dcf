/* The settings of connections to RabbitMQ. Strings are borrowed. */
#ifndef THUMBWHEEL_AMQP_SETTINGS_H
#define THUMBWHEEL_AMQP_SETTINGS_H

struct amqp_settings {
    const char *password_file;   /* one line, read for each connection; NULL: RabbitMQ's default */
    const char *ca_file;         /* PEM; NULL: the system's certificates */
    unsigned heartbeat_s;        /* 0: 30 */
    unsigned consumer_timeout_s; /* the broker's own setting; a delivery is returned before it; 0:
                                  * 30 minutes */
    unsigned max_receives;       /* before a message goes to the dead-letter queue; 0: 3 */
};

#endif
