/* What the queues of pipelines need in RabbitMQ: an implementation of provision_broker.h. */
#ifndef THUMBWHEEL_BROKER_PLAN_H
#define THUMBWHEEL_BROKER_PLAN_H

#include "provision_broker.h"

extern const struct provision_broker rabbitmq_broker;

#endif
