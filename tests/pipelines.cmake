# Unit tests of this house.
unit_test(key_template pipelines)
unit_test(pipeline_file pipelines)
unit_test(pipeline_match pipelines)
unit_test(plan pipelines)
unit_test(render_sizes pipelines PkgConfig::VIPS m)
unit_test(resample pipelines m)
unit_test(labels pipelines PkgConfig::VIPS)
unit_test(samples pipelines PkgConfig::VIPS)
