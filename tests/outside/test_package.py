"""The Debian package: what is in it, what lintian says of it, and its life in a bare root."""
import re
import shutil
import subprocess

import pytest

import bare_root
import harness
from harness import ROOT

BUILDS = [ROOT / "build/dev", ROOT / "build/release"]  # a program with sanitizers is not packaged
FILES = {
    "usr/bin/thumbwheel", "etc/default/thumbwheel", "usr/lib/systemd/system/thumbwheel.service",
    "usr/share/man/man1/thumbwheel.1.gz", "usr/share/bash-completion/completions/thumbwheel",
    "usr/share/zsh/vendor-completions/_thumbwheel", "usr/share/fish/vendor_completions.d/thumbwheel.fish",
    "usr/share/doc/thumbwheel/copyright", "usr/share/doc/thumbwheel/changelog.gz"}
# Above the root, /given has the package and a photo. The lists are of what exists before and after.
LIFE = """
set -e
exist() { find / -xdev -path /var/lib/dpkg -prune -o -path /var/cache -prune -o -path /var/log -prune -o -path /tmp -prune -o \
          -print | sort; }
exist >/tmp/before
dpkg -i /given/thumbwheel.deb
cd /tmp
thumbwheel --help >help
thumbwheel check
thumbwheel process --out out /given/photo.jpg
test -s out/thumbnail/Thumbnail-photo.jpg
systemd=/lib/systemd/system/thumbwheel.service
test -e $systemd && ! test -e /etc/systemd/system/multi-user.target.wants/thumbwheel.service
echo '# mine' >>/etc/default/thumbwheel
dpkg -i /given/thumbwheel.deb
grep '# mine' /etc/default/thumbwheel
dpkg --remove thumbwheel
! test -e /usr/bin/thumbwheel && test -e /etc/default/thumbwheel
dpkg --purge thumbwheel
exist >/tmp/after
diff /tmp/before /tmp/after
echo nothing is left
"""


def run(*command):
    done = subprocess.run([*map(str, command)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    build = next((build for build in BUILDS if (build / "deploy/debian/changelog.gz").exists()), None)
    if not build or not shutil.which("dpkg-shlibdeps"):
        pytest.skip("needs dpkg-dev, and build/dev or build/release: ./dev test builds one")
    folder = tmp_path_factory.mktemp("package")
    run("cpack", "--config", build / "CPackConfig.cmake", "-B", folder)
    return next(folder.glob("thumbwheel_*.deb"))


def field(package, name):
    return run("dpkg-deb", "--field", package, name).strip()


def test_the_package_has_everything(package):
    listed = run("dpkg-deb", "--contents", package).splitlines()
    files = {line.split(maxsplit=5)[5].removeprefix("./") for line in listed if not line.startswith("d")}
    pipelines = [path for path in (ROOT / "pipelines").rglob("*") if path.suffix == ".yaml" or path.name == "label_server.py"]
    expected = FILES | {f"usr/share/thumbwheel/{path.relative_to(ROOT)}" for path in pipelines} \
        | {f"usr/share/doc/thumbwheel/docs/{path.name}" for path in (ROOT / "docs").iterdir() if path.suffix in (".md", ".svg", ".webp")}
    assert files == expected
    assert all(re.match(r"[d-]rw[x-]r-[x-]r-[x-] root/root ", line) for line in listed)


def test_its_version_is_the_programs_and_the_changelogs(package):
    version = field(package, "Version")
    assert harness.thumbwheel("--version").stdout == f"thumbwheel {version}\n"
    changelog = (ROOT / "deploy/debian/changelog").read_text()
    latest, maintainer, date = (run("dpkg-parsechangelog", "-l", ROOT / "deploy/debian/changelog", "-S", name).strip()
                                for name in ("Version", "Maintainer", "Date"))
    assert latest == version and changelog.startswith("thumbwheel (") and maintainer == field(package, "Maintainer")
    released = run("date", "--utc", "--date", date, "+%Y-%m-%d").strip()
    assert f'.TH THUMBWHEEL 1 {released} "thumbwheel {version}"' in harness.thumbwheel("man").stdout


def test_lintian_finds_nothing(package):
    if not shutil.which("lintian"):
        pytest.skip("lintian is not installed")
    assert run("lintian", "--allow-root", "--fail-on", "error,warning", package) == ""


def test_it_is_installed_removed_and_purged_in_a_bare_root(package, tmp_path):
    needed = sorted({dependency.split()[0] for dependency in field(package, "Depends").split(", ")})
    root = bare_root.root_with("package", needed)
    shutil.copy(package, tmp_path / "thumbwheel.deb")
    (tmp_path / "photo.jpg").write_bytes(harness.jpeg(64, 48))
    done = bare_root.try_in(root, LIFE, tmp_path)
    assert done.returncode == 0 and done.stdout.endswith("nothing is left\n"), done.stdout
