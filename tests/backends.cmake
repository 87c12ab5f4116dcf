# Unit tests of this module.
unit_test(sigv4 backend_sigv4 engine PkgConfig::JANSSON)

# Clients of the AWS protocols; those that send get a scripted HTTP client in place of the engine's.
test_fixtures(plain_pipelines SOURCES plain_pipelines.c LINKS engine_seams engine_base)
test_fixtures(aws_fixtures SOURCES scripted_http.c LINKS backend_aws backend_sigv4 PkgConfig::JANSSON)
unit_test(aws_ini backend_aws)
unit_test(aws_endpoint backend_aws)
unit_test(aws_validity backend_aws PkgConfig::JANSSON)
foreach(name aws_request aws_queue credential_renewal aws_store aws_settings aws_notify aws_operators aws_provision aws_rekognition)
    unit_test(${name} aws_fixtures virtual_clock)
endforeach()
unit_test(aws_push aws_fixtures plain_pipelines virtual_clock)

unit_test(amqp_topology rabbitmq_topology engine_base)
unit_test(management_address rabbitmq_management engine_base)
unit_test(broker_plan rabbitmq_provision plain_pipelines engine PkgConfig::JANSSON)
unit_test(broker_provision rabbitmq_provision plain_pipelines aws_fixtures virtual_clock PkgConfig::JANSSON)

# From the wire to a message's end: the engine over its real clients, against a service on loopback.
unit_test(outcomes engine_fixtures virtual_clock backend_aws backend_sigv4 PkgConfig::JANSSON PkgConfig::CURL)

# The queues over RabbitMQ.
unit_test(amqp_address rabbitmq_connection engine_seams engine_base)
# They replace the functions that would send something.
foreach(name rabbit_consumer rabbit_publisher rabbit_message)
    unit_test(${name} rabbitmq_queues rabbitmq_topology rabbitmq_connection engine_seams engine_base PkgConfig::RABBITMQ PkgConfig::UV)
endforeach()
unit_test(rabbit_queue virtual_clock rabbitmq_queues rabbitmq_topology rabbitmq_connection engine_seams engine_base PkgConfig::RABBITMQ PkgConfig::UV)
unit_test(amqp_connection rabbitmq_connection engine_seams engine_base PkgConfig::RABBITMQ PkgConfig::UV)
