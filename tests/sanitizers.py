"""The options of the sanitizers, for every test that runs a program built with them.

intercept_tls_get_addr=0: by default AddressSanitizer guesses where the memory of a thread-local variable of a library
loaded at run time lies. A block 16 bytes after the start of a page is taken for one of glibc 2.19, whose header names its
range; with a later glibc, that header is AddressSanitizer's own. LeakSanitizer then scans a range that does not exist and
dies ("Tracer caught signal 11"), now and then, in any program that loads libvips. Nothing is lost without the
guess: what the dynamic linker has allocated always counts as reachable and is scanned. No run is repeated, since a
second run could hide a finding of the first.
"""
from pathlib import Path

SUPPRESSIONS = Path(__file__).resolve().parent / "lsan.supp"

ASAN_OPTIONS = "detect_leaks=1:intercept_tls_get_addr=0"
OPTIONS = dict(
    ASAN_OPTIONS=f"{ASAN_OPTIONS}:abort_on_error=0:exitcode=99",
    LSAN_OPTIONS=f"suppressions={SUPPRESSIONS}:print_suppressions=0",
    UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1",
    TSAN_OPTIONS="halt_on_error=1:exitcode=98",
)
