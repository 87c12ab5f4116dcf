# Unit tests of this house.
unit_test(uri backend_sigv4)
unit_test(sigv4 backend_sigv4 PkgConfig::JANSSON)
