# Unit tests of this house.
