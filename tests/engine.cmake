# Unit tests of this house.
unit_test(http_server engine)
unit_test(http_server_flow engine)
unit_test(http_client engine)
target_sources(test_http_client PRIVATE unit/scripted_server.c)

unit_test(engine engine)
target_sources(test_engine PRIVATE unit/fake_services.c)
unit_test(bytes engine)
unit_test(error engine)
unit_test(log engine PkgConfig::JANSSON)
unit_test(config engine)
unit_test(report engine)
unit_test(feeder engine)
