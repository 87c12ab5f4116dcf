# Memory runs out at one place after the other: see unit/failing_allocations.h.
function(allocation_test name)
    unit_test(${name} ${ARGN} engine PkgConfig::JANSSON PkgConfig::EXPAT)
    target_sources(test_${name} PRIVATE unit/failing_allocations.c)
    foreach(function malloc calloc realloc strdup strndup asprintf vasprintf
            XML_ParserCreateNS)
        target_link_options(test_${name} PRIVATE -Wl,--wrap=${function})
    endforeach()
endfunction()

allocation_test(allocations backend_aws backend_local backend_sigv4 pipelines llhttp)

allocation_test(job_allocations engine_fixtures virtual_clock)
target_sources(test_job_allocations PRIVATE unit/reliable_services.c)
allocation_test(publish_allocations local_fixtures)
