# Unit tests of this house.
unit_test(storage backend_local PkgConfig::SQLITE)
