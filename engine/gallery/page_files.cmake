# Writes the C file with the page's files: cmake -D PAGE=folder -D OUT=file.c -P page_files.cmake
# Each file as it is and compressed by gzip, whose output depends on nothing but the content (-n).
set(types
    "html=text/html" "css=text/css" "js=text/javascript" "svg=image/svg+xml" "png=image/png" "webp=image/webp"
    "ico=image/x-icon" "webmanifest=application/manifest+json")

function(array_of file name out)
    file(READ "${file}" hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "((0x..,){24})" "\\1\n" bytes "${bytes}") # no endless line
    set(${out} "static const unsigned char ${name}[] = {${bytes}};\n" PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE files RELATIVE "${PAGE}" "${PAGE}/*")
list(SORT files)
set(arrays "")
set(rows "")
set(number 0)
foreach(name IN LISTS files)
    string(REGEX MATCH "[^.]*$" extension "${name}")
    set(type "")
    foreach(pair IN LISTS types)
        if(pair MATCHES "^${extension}=(.*)$")
            set(type "${CMAKE_MATCH_1}")
            if(type MATCHES "^text/")
                string(APPEND type "; charset=utf-8")
            endif()
        endif()
    endforeach()
    if(type STREQUAL "")
        message(FATAL_ERROR "${PAGE}/${name}: page_files.cmake has no media type for .${extension}")
    endif()
    file(SHA256 "${PAGE}/${name}" hash)
    string(SUBSTRING "${hash}" 0 32 hash)
    execute_process(COMMAND gzip -9 -n -c "${PAGE}/${name}" OUTPUT_FILE "${OUT}.gz" COMMAND_ERROR_IS_FATAL ANY)
    array_of("${PAGE}/${name}" plain_${number} plain)
    array_of("${OUT}.gz" compressed_${number} compressed)
    string(APPEND arrays "${plain}${compressed}")
    string(APPEND rows "    {\"/${name}\", \"${type}\", \"\\\"${hash}\\\"\", plain_${number}, compressed_${number}, "
        "sizeof plain_${number}, sizeof compressed_${number}},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(REMOVE "${OUT}.gz")
file(WRITE "${OUT}" "#include \"gallery_page.h\"\n\n${arrays}\nconst struct page_file page_files[] = {\n${rows}};\n"
    "const size_t page_file_count = sizeof page_files / sizeof *page_files;\n")
