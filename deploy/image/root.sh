#!/bin/sh
# Makes the root directory of the image: the program, the shared libraries that it loads, and a few data files.
# The Dockerfile runs it where the program was built.
set -eu
usage="usage: deploy/image/root.sh BUILD-DIRECTORY NEW-ROOT"
build=${1:?$usage}
root=${2:?$usage}
libraries=/usr/lib/$(gcc -print-multiarch)
# Of the modules of libvips only these are in the image: HEIF and AVIF, and JPEG XL. The others read PDF, what ImageMagick
# reads, and microscopes' files; none of these formats is read by default (docs/formats.md).
modules=$(ls "$libraries"/vips-modules-*/vips-heif.so "$libraries"/vips-modules-*/vips-jxl.so)

# As Debian 12 has them, so that the program interpreter's path is valid.
make_directories() {
    mkdir -p "$root/usr/lib" "$root/usr/lib64" "$root/etc/ssl/certs" "$root/var/lib/dpkg/status.d" \
        "$root/data" "$root/home/thumbwheel" "$root/tmp" "$root/proc" "$root/sys" "$root/dev"
    ln -s usr/lib "$root/lib"
    ln -s usr/lib64 "$root/lib64"
    chmod 1777 "$root/tmp"
    chown 10001:10001 "$root/data" "$root/home/thumbwheel"
    echo "root:x:0:0:root:/:/" >"$root/etc/passwd"
    echo "thumbwheel:x:10001:10001::/home/thumbwheel:/" >>"$root/etc/passwd"
    printf 'root:x:0:\nthumbwheel:x:10001:\n' >"$root/etc/group"
}

# Copies a file, following links, to the same place.
copy() {
    mkdir -p "$root$(dirname "$1")"
    cp -L "$1" "$root$1"
}

# Everything that the dynamic linker loads, the linker itself included.
closure() {
    # shellcheck disable=SC2086
    ldd "$root/usr/local/bin/thumbwheel" "$libraries/libvips.so.42" $modules |
        sed -n 's/.*[[:space:]]\(\/[^ ]*\) (0x.*/\1/p'
    echo "$libraries/libvips.so.42"
    echo "$modules"
}

# libxml2, which libvips needs for SVG, links ICU, whose data is 31 MB. It is for encodings other than UTF-8, which SVG
# drawings don't need: an empty collection, made with ICU's own tools, takes its place.
empty_icu_data() {
    for library in "$root$libraries"/libicudata.so.*; do
        version=${library##*.so.}
        work=$(mktemp -d)
        icupkg new "$work/icudt${version}l.dat"
        (cd "$work" && genccode -a gcc -e "icudt$version" "icudt${version}l.dat" >/dev/null)
        sed -i '/\.hidden/d' "$work/icudt${version}l_dat.S"
        gcc -shared -nostdlib -Wl,-soname,"${library##*/}" -o "$library" "$work/icudt${version}l_dat.S"
        rm -r "$work"
    done
}

# States which packages the files in the named list are from, where scanners for vulnerabilities look in an image without
# dpkg, and keeps their licences. dpkg knows a file by its name before or after /lib became a link to /usr/lib.
state_packages() {
    sed 'p; s,^/usr/,/,' "$1" | xargs dpkg-query -S 2>/dev/null | sed 's/:.*//' | sort -u |
        while read -r package; do
            dpkg-query -s "$package" >"$root/var/lib/dpkg/status.d/$package"
            copy "/usr/share/doc/$package/copyright"
        done
}

make_directories
cmake --install "$build" --prefix "$build/installed" --component program --strip >/dev/null
mkdir -p "$root/usr/local/bin" "$root/usr/local/share/thumbwheel"
cp "$build/installed/bin/thumbwheel" "$root/usr/local/bin"
cp -R "$build/installed/share/thumbwheel/pipelines" "$root/usr/local/share/thumbwheel"
list=$(mktemp)
# The linker's own path, /lib64, is in the program and stays valid through the link.
closure | sort -u | sed 's,^/lib,/usr/lib,' >"$list"
while read -r file; do copy "$file"; done <"$list"
# dpkg knows files, not the links to them that programs name.
xargs readlink -f <"$list" >"$list.files"
echo /usr/sbin/update-ca-certificates >>"$list.files" # of the package whose file is the next
copy /etc/ssl/certs/ca-certificates.crt
state_packages "$list.files"
rm "$list" "$list.files"
empty_icu_data
