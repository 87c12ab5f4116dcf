# Unit tests of this house.
unit_test(storage backend_local PkgConfig::SQLITE)
unit_test(s3_parts backend_local PkgConfig::JANSSON PkgConfig::SQLITE)
unit_test(aws_chunked backend_local)
unit_test(objects backend_local PkgConfig::SQLITE)
unit_test(auth backend_local backend_sigv4)
unit_test(delivery backend_local PkgConfig::SQLITE PkgConfig::JANSSON)
unit_test(queues backend_local PkgConfig::SQLITE PkgConfig::JANSSON)
