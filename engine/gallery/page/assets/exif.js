// Reads EXIF from the beginning of an original: JPEG, PNG, WebP and TIFF, and HEIC where the block is near the beginning.
// What is read is not trusted: every offset is checked, and texts are shown as text.

const READ_BYTES = 262144;
const ENTRIES = 512;
const TEXT = 100;

const TAGS = /** @type {Record<number, string>} */ ({0x010f: "make", 0x0110: "model", 0x9003: "taken", 0x829a: "exposure", 0x829d: "aperture", 0x8827: "iso",
    0x920a: "focal", 0xa405: "focal35", 0xa434: "lens", 0x0131: "software", 0x013b: "artist", 0x8298: "copyright", 0x010e: "description", 0x8769: "exif", 0x8825: "gps",
    0x9204: "bias", 0x9209: "flash"});
const GPS = /** @type {Record<number, string>} */ ({1: "latitudeRef", 2: "latitude", 3: "longitudeRef", 4: "longitude"});
const SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];

/** The facts to show; none if there are none, or if they can't be read. @param {string} url @returns {Promise<[string, string][]>} */
export async function readExif(url) {
    try {
        const response = await fetch(url, {headers: {Range: `bytes=0-${READ_BYTES - 1}`}, credentials: "omit"});
        if (!response.ok || !response.body) {
            return [];
        }
        return factsOf(exifFacts(await firstBytes(response.body)));
    } catch {
        return [];
    }
}

/** A server may answer with the whole file: the rest of it is not read. @param {ReadableStream<Uint8Array>} body */
async function firstBytes(body) {
    const reader = body.getReader(), found = new Uint8Array(READ_BYTES);
    let length = 0;
    while (length < READ_BYTES) {
        const {done, value} = await reader.read();
        if (done) {
            break;
        }
        const part = value.subarray(0, READ_BYTES - length);
        found.set(part, length);
        length += part.length;
    }
    reader.cancel().catch(() => {});
    return found.subarray(0, length);
}

/** @param {Uint8Array} file @returns {Record<string, any>} */
export function exifFacts(file) {
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const start = tiffStart(file, view);
    if (start < 0 || start + 8 > file.length) {
        return {};
    }
    const order = view.getUint16(start), little = order === 0x4949;
    if (!little && order !== 0x4d4d) {
        return {};
    }
    const tiff = new DataView(file.buffer, file.byteOffset + start, file.byteLength - start);
    const facts = readDirectory(tiff, tiff.getUint32(4, little), little, TAGS);
    const exif = typeof facts.exif === "number" ? readDirectory(tiff, facts.exif, little, TAGS) : {};
    const gps = typeof facts.gps === "number" ? readDirectory(tiff, facts.gps, little, GPS) : {};
    return {...facts, ...exif, ...gps};
}

/** Where the TIFF header of the EXIF block is; -1 if there is none. @param {Uint8Array} file @param {DataView} view */
function tiffStart(file, view) {
    if (file.length < 12) {
        return -1;
    }
    const first = view.getUint32(0);
    if (first === 0x49492a00 || first === 0x4d4d002a) {
        return 0;
    }
    if (view.getUint16(0) === 0xffd8) {
        return jpegExif(view);
    }
    if (first === 0x89504e47) {
        return chunk(view, 8, false, "eXIf", 4);
    }
    if (first === 0x52494646) {
        const at = chunk(view, 12, true, "EXIF", 0);
        return at >= 0 && at + 10 < file.length && view.getUint32(at) === 0x45786966 ? at + 6 : at;
    }
    return view.getUint32(4) === 0x66747970 ? heicExif(file) : -1;
}

/** @param {DataView} view */
function jpegExif(view) {
    for (let at = 2; at + 10 < view.byteLength;) {
        const marker = view.getUint16(at), length = view.getUint16(at + 2);
        if (marker >> 8 !== 0xff || marker === 0xffda || length < 2) {
            return -1;
        }
        if (marker === 0xffe1 && view.getUint32(at + 4) === 0x45786966) {
            return at + 10;
        }
        at += 2 + length;
    }
    return -1;
}

/** The content of a chunk of a PNG (length, name, content, checksum) or a RIFF file (name, length, content).
 * @param {DataView} view @param {number} at @param {boolean} riff @param {string} wanted @param {number} after bytes of the checksum */
function chunk(view, at, riff, wanted, after) {
    while (at + 8 <= view.byteLength) {
        const length = riff ? view.getUint32(at + 4, true) : view.getUint32(at), name = text(view, at + (riff ? 0 : 4), 4);
        if (name === wanted) {
            return at + 8;
        }
        at += 8 + length + after + (riff ? length & 1 : 0);
    }
    return -1;
}

/** @param {Uint8Array} file */
function heicExif(file) {
    const mark = [0x45, 0x78, 0x69, 0x66, 0, 0];
    for (let at = 0; at + 14 < file.length; at++) {
        if (mark.every((byte, offset) => file[at + offset] === byte) && (file[at + 6] === 0x49 || file[at + 6] === 0x4d)) {
            return at + 6;
        }
    }
    return -1;
}

/** @param {DataView} tiff @param {number} at @param {boolean} little @param {Record<number, string>} names */
function readDirectory(tiff, at, little, names) {
    /** @type {Record<string, any>} */
    const found = {};
    if (at + 2 > tiff.byteLength) {
        return found;
    }
    const count = Math.min(tiff.getUint16(at, little), ENTRIES);
    for (let entry = 0; entry < count; entry++) {
        const place = at + 2 + 12 * entry;
        if (place + 12 > tiff.byteLength) {
            break;
        }
        const name = names[tiff.getUint16(place, little)];
        if (name) {
            found[name] = readValue(tiff, place, little);
        }
    }
    return found;
}

/** @param {DataView} tiff @param {number} place @param {boolean} little */
function readValue(tiff, place, little) {
    const type = tiff.getUint16(place + 2, little), count = tiff.getUint32(place + 4, little), size = (SIZES[type] ?? 0) * count;
    const at = size <= 4 ? place + 8 : tiff.getUint32(place + 8, little);
    if (!size || count > 65536 || at + size > tiff.byteLength) {
        return undefined;
    }
    switch (type) {
    case 2:
        return text(tiff, at, Math.min(count, TEXT)).replace(/\0[^]*$/, "").trim();
    case 3:
        return tiff.getUint16(at, little);
    case 4:
        return tiff.getUint32(at, little);
    case 5:
    case 10:
        return Array.from({length: Math.min(count, 3)}, (_, number) => fraction(tiff, at + 8 * number, little, type === 10));
    default:
        return undefined;
    }
}

/** @param {DataView} tiff @param {number} at @param {boolean} little @param {boolean} signed */
function fraction(tiff, at, little, signed) {
    const above = signed ? tiff.getInt32(at, little) : tiff.getUint32(at, little);
    const below = signed ? tiff.getInt32(at + 4, little) : tiff.getUint32(at + 4, little);
    return below ? above / below : NaN;
}

/** @param {DataView} view @param {number} at @param {number} length */
function text(view, at, length) {
    return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at, length));
}

/** @param {Record<string, any>} exif @returns {[string, string][]} */
function factsOf(exif) {
    const {make = "", model = "", taken = "", exposure, aperture, iso, focal, focal35, lens, artist, copyright, description} = exif;
    const round = (/** @type {number} */ value, digits = 1) => String(Number(value.toFixed(digits)));
    /** @type {[string, string | false | undefined][]} */
    const rows = [
        ["Camera", model.startsWith(make) ? model : `${make} ${model}`.trim()],
        ["Lens", lens],
        ["Taken", taken.replace(/^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d).*/, "$1-$2-$3 $4")],
        ["Exposure", exposure?.[0] > 0 && (exposure[0] < 0.3 ? `1/${Math.round(1 / exposure[0])} s` : `${round(exposure[0])} s`)],
        ["Aperture", aperture?.[0] > 0 && `f/${round(aperture[0])}`],
        ["ISO", iso > 0 && String(iso)],
        ["Focal length", focal?.[0] > 0 && `${round(focal[0])} mm${focal35 > 0 ? ` (35 mm: ${focal35} mm)` : ""}`],
        ["Place", placeOf(exif)],
        ["Description", description], ["Artist", artist], ["Copyright", copyright],
    ];
    return rows.filter(([, value]) => typeof value === "string" && value !== "").map(([name, value]) => [name, String(value)]);
}

/** @param {Record<string, any>} exif */
function placeOf({latitude, latitudeRef, longitude, longitudeRef}) {
    const degrees = (/** @type {number[]} */ [d, m = 0, s = 0]) => d + m / 60 + s / 3600;
    if (!Array.isArray(latitude) || !Array.isArray(longitude)) {
        return "";
    }
    const north = degrees(/** @type {any} */ (latitude)), east = degrees(/** @type {any} */ (longitude));
    return Number.isFinite(north) && Number.isFinite(east) ? `${north.toFixed(4)}° ${latitudeRef === "S" ? "S" : "N"}, ${east.toFixed(4)}° ${longitudeRef === "W" ? "W" : "E"}` : "";
}
