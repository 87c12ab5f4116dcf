"""The libraries of the source tree: one for each folder, and each depends only on what its CMakeLists.txt declares."""
import collections
import functools
import os
import re
import subprocess
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import harness

MODULES = ("engine", "backends", "pipelines")
# What a module may depend on besides itself.
ALLOWED = {"engine": {"engine"}, "backends": {"backends", "engine"}, "pipelines": {"pipelines", "engine"}}
# Each is code of its own: two of them share nothing but what is below backends/.
BACKENDS = ("aws", "local", "rabbitmq")
BUILD = Path(os.environ["THUMBWHEEL"]).resolve().parent


class Library:
    def __init__(self, folder, text):
        lists = {"NAME": []}
        into = "NAME"
        for word in text.split():
            if word in ("SOURCES", "DEPENDS", "LINKS"):
                into = word
            lists.setdefault(into, []).append(word)
        self.folder = folder
        self.name = lists["NAME"][0]
        self.declared = set(lists.get("DEPENDS", [])[1:])
        self.sources = lists.get("SOURCES", [])[1:]
        self.module = folder.relative_to(harness.ROOT).parts[0]


@functools.cache
def libraries():
    found = {}
    for module in MODULES:
        for path in (harness.ROOT / module).rglob("CMakeLists.txt"):
            for text in re.findall(r"^thumbwheel_library\((.*?)\)$", path.read_text(), re.S | re.M):
                library = Library(path.parent, re.sub(r"#.*", "", text))
                found[library.name] = library
    return found


@functools.cache
def symbols_of_files(library):
    """Of each file of the library: what its object file defines and what it needs, as nm(1) says."""
    folder = BUILD / library.folder.relative_to(harness.ROOT) / "CMakeFiles" / f"{library.name}.dir"
    found = {source: (set(), set()) for source in library.sources}
    objects = {f"{folder / source}.o:": source for source in library.sources}
    defined, needed = found[library.sources[0]]
    for line in subprocess.run(["nm", "-P", *(name[:-1] for name in objects)], check=True, capture_output=True,
                               text=True).stdout.splitlines():
        words = line.split()
        if line in objects:
            defined, needed = found[objects[line]]
        elif len(words) > 1 and len(words[1]) == 1:
            (needed if words[1] == "U" else defined if words[1].isupper() else set()).add(words[0])
    return found


def symbols(library):
    """What the library defines and what it needs."""
    found = symbols_of_files(library).values()
    return set().union(*(defined for defined, _ in found)), set().union(*(needed for _, needed in found))


def headers_of(library, by_header):
    """The libraries whose headers are read when this one is compiled."""
    used, seen = set(), set()
    todo = [*library.folder.glob("*.h"), *(library.folder / source for source in library.sources)]
    while todo:
        for name in re.findall(r'#include "([^"]+)"', todo.pop().read_text()):
            if name in by_header and name not in seen:
                seen.add(name)
                owner, path = by_header[name]
                used.add(owner)
                todo.append(path)
    return used - {library.name}


def dependencies():
    """Of each library: what it calls and what it reads."""
    all_of = libraries()
    owners, needs = {}, {}
    for library in all_of.values():
        defined, needs[library.name] = symbols(library)
        owners.update({symbol: library.name for symbol in defined})
    by_header = {path.name: (library.name, path) for library in all_of.values()
                 for path in library.folder.glob("*.h")}
    used = collections.defaultdict(set)
    for library in all_of.values():
        used[library.name] = {owners[symbol] for symbol in needs[library.name] if symbol in owners} - {library.name}
        used[library.name] |= headers_of(library, by_header)
    return all_of, used


def test_no_library_depends_on_what_it_does_not_declare():
    all_of, used = dependencies()
    assert len(all_of) > 25
    for name, library in all_of.items():
        assert used[name] - library.declared == set(), f"{name} uses these without declaring them"
        assert library.declared - used[name] == set(), f"{name} declares these and does not use them"


def test_no_symbol_is_defined_twice():
    """If two libraries define one name, the linker silently takes either."""
    owners = collections.defaultdict(set)
    for library in libraries().values():
        for symbol in symbols(library)[0]:
            owners[symbol].add(library.name)
    assert {symbol: names for symbol, names in owners.items()
            if len(names) > 1 and not symbol.startswith("__odr_asan")} == {}


def test_the_libraries_form_no_cycle():
    _, used = dependencies()
    try:
        TopologicalSorter(used).prepare()
    except CycleError as cycle:
        raise AssertionError(f"libraries that depend on each other: {' → '.join(cycle.args[1])}") from None


def calls_between_files(library):
    """Of each file of the library: the other files of it whose symbols it uses."""
    found = symbols_of_files(library)
    owners = {symbol: source for source, (defined, _) in found.items() for symbol in defined}
    return {source: {owners[symbol] for symbol in needed if symbol in owners} - {source}
            for source, (_, needed) in found.items()}


def reachable(graph, start):
    seen, todo = set(), [start]
    while todo:
        for file in graph[todo.pop()] - seen:
            seen.add(file)
            todo.append(file)
    return seen


def largest_cycle(graph):
    """The largest set of files each of which reaches all others, or nothing."""
    reach = {file: reachable(graph, file) for file in graph}
    return max(({other for other in reach[file] if file in reach[other]} for file in graph), key=len, default=set())


# How many files of one library may use each other in a circle. Both numbers may only decrease.
FILES_IN_A_CYCLE = 14
FILES_IN_A_CYCLE_OF = {"engine_cli": 2, "engine_jobs": 0}


def test_files_of_a_library_form_no_cycle():
    """A file can be read, changed and tested with what is below it."""
    for name, library in libraries().items():
        cycle = largest_cycle(calls_between_files(library))
        assert len(cycle) <= FILES_IN_A_CYCLE_OF.get(name, FILES_IN_A_CYCLE), \
            f"{name}: {sorted(cycle)} use each other in a circle"


def test_modules_depend_only_on_the_engine():
    all_of, used = dependencies()
    for name, library in all_of.items():
        for other in used[name]:
            assert all_of[other].module in ALLOWED[library.module], f"{name} depends on {other}"
            pair = {all_of[x].folder.relative_to(harness.ROOT).parts[1] for x in (name, other)}
            assert len(pair & set(BACKENDS)) < 2, f"{name} depends on {other}"


CRYPTOGRAPHY = re.compile(r"(mbedtls|EVP|X509|PEM|BIO|RSA|OPENSSL|ERR|SSL|HMAC|RAND|BN)_\w+|(MD5|SHA\d+)(_\w+)?$")


def test_one_library_sees_the_cryptography():
    """engine/crypto/CMakeLists.txt says what mbedTLS does and what libcrypto does: no file needs both."""
    used = collections.defaultdict(set)
    for library in libraries().values():
        for source, (_, needed) in symbols_of_files(library).items():
            for symbol in filter(CRYPTOGRAPHY.match, needed):
                used[library.name, source].add("mbedTLS" if symbol.startswith("mbedtls_") else "libcrypto")
    assert {library for library, _ in used} == {"engine_crypto"}
    assert {source: names for (_, source), names in used.items()} == {
        "certificate.c": {"mbedTLS"}, "tls.c": {"mbedTLS"},
        "base64.c": {"libcrypto"}, "ca_file.c": {"libcrypto"}, "hash.c": {"libcrypto"}, "password.c": {"libcrypto"}, "rsa_key.c": {"libcrypto"}}


def test_every_header_name_is_unique():
    """An include names its file alone, so that two files of one name could be taken for each other."""
    seen = collections.Counter(path.name for module in MODULES for path in (harness.ROOT / module).rglob("*.h"))
    assert [name for name, count in seen.items() if count > 1] == []


def tag_definitions(texts):
    """By tag of a struct, an enum or a union: the files that define it."""
    found = collections.defaultdict(set)
    for name, text in texts:
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
        for tag in re.findall(r"\b(?:struct|enum|union)\s+(\w+)\s*\{", code):
            found[tag].add(name)
    return found


def test_every_tag_is_unique():
    """A reader who searches for a struct finds one definition."""
    folders = [harness.ROOT / folder for folder in (*MODULES, "bench")]
    paths = sorted(path for folder in folders for path in folder.rglob("*.[ch]") if "node_modules" not in path.parts)
    found = tag_definitions((str(path.relative_to(harness.ROOT)), path.read_text()) for path in paths)
    assert len(found) > 500
    assert {tag: sorted(files) for tag, files in found.items() if len(files) > 1} == {}


def test_every_source_file_is_built_by_the_library_of_its_folder():
    all_of = libraries()
    built = {library.folder / source for library in all_of.values() for source in library.sources}
    built.add(harness.ROOT / "engine/cli/main.c")
    found = {path for module in MODULES for path in (harness.ROOT / module).rglob("*.c")}
    assert found - built == set()


def test_only_the_program_sees_more_than_one_module():
    """main.c alone is compiled with the headers of all modules; it is linked from named libraries."""
    text = (harness.ROOT / "CMakeLists.txt").read_text()
    block = re.search(r"target_link_libraries\(thumbwheel PRIVATE house_rules\n(.*?)\)", text, re.S).group(1)
    assert set(block.split()) <= set(libraries())


# The one library that may call another project's library, by the prefix of its functions: whoever
# needs it uses our interface.
OWNERS = {"sqlite3_": "engine_sql", "XML_": "engine_xml"}


def test_only_its_owner_calls_a_library_of_others():
    """SQL has one binder, engine/sql/statement.h, and XML one reader, engine/xml/xml_reader.h."""
    for prefix, owner in OWNERS.items():
        callers = {name for name, library in libraries().items()
                   if any(symbol.startswith(prefix) for symbol in symbols(library)[1])}
        assert callers == {owner}, f"{prefix}* is called outside {owner}"


def test_only_the_backend_of_rabbitmq_sees_librabbitmq():
    """Its functions have the prefix of ours, so its headers tell."""
    folders = {path.parent.relative_to(harness.ROOT).as_posix() for module in MODULES
               for path in (harness.ROOT / module).rglob("*.[ch]") if re.search(r"#include <amqp\w*\.h>", path.read_text())}
    assert folders == {"backends/rabbitmq/connection"}


def functions_defined(text):
    """The names of the functions whose bodies stand in a C text."""
    code = re.sub(r"/\*.*?\*/|//[^\n]*|^#[^\n]*", "", text.replace("\\\n", " "), flags=re.S | re.M)
    return re.findall(r"^\w[^;{}=#]*?(\w+)\([^;{}]*\)\s*\{", code, re.M)


def test_no_header_of_the_tests_defines_a_function():
    """What tests share is compiled once, in a library of its own, and not in each program that includes the header."""
    assert functions_defined("static inline int f(int x)\n{\n}\n#define g(x) \\\n{ }\nint h(void);\n") == ["f"]
    headers = sorted((harness.ROOT / "tests").rglob("*.h"))
    headers = [path for path in headers if "node_modules" not in path.parts]
    assert len(headers) > 10
    assert {path.name: found for path in headers if (found := functions_defined(path.read_text()))} == {}


def bodies(text):
    """Of each function of a C text, laid out by clang-format: its name and body, without comments and strings."""
    code = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', "", text, flags=re.S)
    return re.findall(r"^\w[^;{}=#]*?(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", code, re.M | re.S)


def ladders(text):
    """The functions that go on after a failed step: two statements of the form `if (!code) code = …`."""
    step = re.compile(r"(?<!else )\bif \(!(code|error|status|result|parsed|failed)(?: && [^;{}]*)?\)\s*\{?\s*\1 = ")
    return [name for name, body in bodies(text)
            if max(collections.Counter(step.findall(body)).values(), default=0) > 1]


def misnamed_codes(text):
    """Integers with another name for an error code, or a status that is not HTTP's."""
    return (re.findall(r"\bint \*?(?:rc|rv|ret|err)\b", text) +
            re.findall(r"\bint status = [^;]*\berror\)", text) +
            re.findall(r"\(struct \w*task \*\w+, int (?!code\b)\w+\)|\(uv_work_t \*\w+, int (?!code\b)\w+\)", text))


def c_files():
    folders = [harness.ROOT / folder for folder in (*MODULES, "bench", "tests")]
    return sorted(path for folder in folders for path in folder.rglob("*.[ch]") if "node_modules" not in path.parts)


def test_a_failed_step_ends_its_function():
    """No ladder of `if (!code)`, whose later steps may use what an earlier one never set."""
    body = "int f(void)\n{\n    int code = a();\n    if (!code)\n        code = b();\n    if (!code && c)\n        code = d();\n}\n"
    assert ladders(body) == ["f"]
    assert ladders(body.replace("    if (!code && c)", "    if (c)")) == []
    assert {str(path.relative_to(harness.ROOT)): found for path in c_files() if (found := ladders(path.read_text()))} == {}


def test_an_error_code_is_named_code():
    """A status is HTTP's, or a process's."""
    assert misnamed_codes("int rc = 0;") and misnamed_codes("int status = open(file, error);")
    assert not misnamed_codes("int status = judge(call); void f(struct http_call *call, int status);")
    found = {str(path.relative_to(harness.ROOT)): names for path in c_files() if (names := misnamed_codes(path.read_text()))}
    assert found == {}
