# Unit tests of this module.
unit_test(image_metadata pipelines PkgConfig::ZLIB)
unit_test(isolation pipelines PkgConfig::VIPS Threads::Threads m)
unit_test(key_template pipelines)
unit_test(pipeline_file pipelines)
unit_test(pipeline_match pipelines)
unit_test(plan pipelines)
unit_test(render_colour pipelines PkgConfig::VIPS m)
unit_test(render_input pipelines PkgConfig::VIPS m)
unit_test(render_promise pipelines PkgConfig::VIPS m)
unit_test(render_sharing pipelines PkgConfig::VIPS Threads::Threads m)
unit_test(render_sizes pipelines PkgConfig::VIPS m)
unit_test(resample pipelines m)
unit_test(labels pipelines PkgConfig::VIPS)
unit_test(samples pipelines PkgConfig::VIPS)
unit_test(sandbox_attacks pipelines)

# The inner loops have two forms. The plain one is not compiled on x86-64, so it is tested apart.
add_executable(test_resample_plain ${PROJECT_SOURCE_DIR}/tests/unit/pipelines/resample.c
    ${PROJECT_SOURCE_DIR}/pipelines/image/resample.c ${PROJECT_SOURCE_DIR}/pipelines/image/resample_kernel.c)
target_compile_options(test_resample_plain PRIVATE -U__SSE2__)
target_include_directories(test_resample_plain PRIVATE unit)
target_link_libraries(test_resample_plain PRIVATE house_rules pipelines m ${CMOCKA_LIBRARY})
add_test(NAME resample_plain COMMAND test_resample_plain WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
