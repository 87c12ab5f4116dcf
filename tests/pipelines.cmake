# What the tests of the pipelines share.
test_fixtures(pipeline_fixtures SOURCES pipeline_support.c image_support.c isolation_world.c
    LINKS pipelines PkgConfig::VIPS m)

# Unit tests of this module.
unit_test(image_metadata pipelines PkgConfig::ZLIB)
unit_test(isolation pipeline_fixtures Threads::Threads)
unit_test(isolation_results pipeline_fixtures)
unit_test(jpeg_frame pipeline_fixtures)
unit_test(svg_text pipeline_fixtures)
unit_test(key_template pipeline_fixtures)
unit_test(pipeline_file pipeline_fixtures)
unit_test(pipeline_match pipeline_fixtures)
unit_test(plan pipeline_fixtures)
unit_test(render_colour pipeline_fixtures)
unit_test(render_input pipeline_fixtures)
unit_test(render_pages pipeline_fixtures)
unit_test(render_promise pipeline_fixtures)
unit_test(render_quality pipeline_fixtures)
unit_test(render_sharing pipeline_fixtures Threads::Threads)
unit_test(render_sizes pipeline_fixtures)
unit_test(render_truncated pipeline_fixtures)
unit_test(resample pipeline_fixtures)
unit_test(labels pipelines PkgConfig::VIPS)
unit_test(turn pipeline_fixtures)
unit_test(samples pipelines PkgConfig::VIPS)
unit_test(sandbox_attacks pipelines)

# The inner loops have two forms. The plain one is not compiled on x86-64, so it is tested apart.
add_executable(test_resample_plain ${PROJECT_SOURCE_DIR}/tests/unit/pipelines/resample.c
    ${PROJECT_SOURCE_DIR}/pipelines/image/resample.c ${PROJECT_SOURCE_DIR}/pipelines/image/resample_kernel.c)
target_compile_options(test_resample_plain PRIVATE -U__SSE2__)
target_include_directories(test_resample_plain PRIVATE unit)
target_link_libraries(test_resample_plain PRIVATE house_rules pipeline_fixtures ${CMOCKA_LIBRARY})
add_test(NAME resample_plain COMMAND test_resample_plain WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
