# Unit tests of this house.
unit_test(key_template pipelines)
unit_test(pipeline_file pipelines)
unit_test(pipeline_match pipelines)
unit_test(plan pipelines)
unit_test(labels pipelines PkgConfig::VIPS)
