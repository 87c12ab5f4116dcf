"""The other tests rely on this: the sanitizers do not fail themselves, and no thread runs when the process exits."""
import os
import re
import subprocess

import pytest

from harness import assert_healthy, clean_environment, jpeg, thumbwheel

LIBRARY = """
static __thread void *kept, *other, *more;
void **touch(void *value)
{
    kept = value;
    other = more = 0;
    return &kept;
}
"""

# Blocks of one size follow one another, so a thread can tell when the next one is at the start of a page, behind
# AddressSanitizer's header of 16 bytes. Most threads get theirs where they want it.
PROGRAM = """
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 64, BLOCKS = 600, BLOCK = 24, STRIDE = 48, PAGE = 4096, HEADER = 16 };
static void **(*touch)(void *);
static pthread_barrier_t barrier;
static _Atomic int at_start;
static char *blocks[THREADS][BLOCKS];

static void *run(void *mine)
{
    char **block = mine;
    int i = 0;
    do
        block[i] = malloc(BLOCK);
    while (((uintptr_t)block[i] + STRIDE) % PAGE != HEADER && ++i < BLOCKS);
    void **variable = touch(malloc(100)); /* a leak, unless thread-local variables are scanned */
    at_start += (uintptr_t)variable % PAGE == HEADER;
    pthread_barrier_wait(&barrier); /* all are there; nobody ends before the process */
    pthread_barrier_wait(&barrier);
    return NULL;
}

int main(int count, char **arguments)
{
    void *library = count > 1 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    touch = library ? (void **(*)(void *))dlsym(library, "touch") : NULL;
    if (!touch)
        return 2;
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, blocks[i]))
            return 3;
    }
    pthread_barrier_wait(&barrier);
    printf("%d at the start of a page\\n", at_start);
    return 0;
}
"""


def compiled(source, out, *options):
    source_file = out.with_suffix(".c")
    source_file.write_text(source)
    subprocess.run(["cc", "-g", *options, "-o", out, source_file], check=True, timeout=60)
    return out


def test_the_leak_check_survives_thread_local_variables_at_the_start_of_a_page(tmp_path):
    """With AddressSanitizer's guess at where they lie, it crashed; and without, they must be found."""
    library = compiled(LIBRARY, tmp_path / "library.so", "-shared", "-fPIC")
    program = compiled(PROGRAM, tmp_path / "program", "-fsanitize=address", "-pthread")
    done = subprocess.run([program, library], env=clean_environment(), capture_output=True, text=True, timeout=60)
    assert_healthy(done.stdout + done.stderr)
    assert done.returncode == 0
    assert int(re.match(r"(\d+) at the start", done.stdout).group(1)) > 0


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_process_has_ended_its_threads_before_it_exits(tmp_path, isolation):
    """Pool threads outlived main(), while the exit handlers of eighty libraries ran."""
    (tmp_path / "photo.jpg").write_bytes(jpeg())
    environment = clean_environment(LSAN_OPTIONS=f"{os.environ['LSAN_OPTIONS']}:log_threads=1")
    done = thumbwheel("process", "--isolation", isolation, "--out", tmp_path / "out", tmp_path / "photo.jpg", environment=environment)
    threads = re.findall(r"^==\d+==Processing thread \d+", done.stderr, re.MULTILINE)
    if not threads:
        pytest.skip("this build has no LeakSanitizer")
    assert done.returncode == 0 and len(threads) == 1, done.stderr
