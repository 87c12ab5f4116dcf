# Unit tests of this house.
unit_test(http_server engine)
