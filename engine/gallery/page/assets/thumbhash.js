// Decodes a ThumbHash (https://evanw.github.io/thumbhash/) to pixels: a blurred picture of about 25 bytes.

/** @type {Map<string, string>} */
const made = new Map();
const KEPT = 2000;

/** A data: URL of the blurred picture, or "" if the hash is not one. @param {string} text base64 */
export function thumbhashUrl(text) {
    let url = made.get(text);
    if (url === undefined) {
        try {
            url = toUrl(decode(Uint8Array.from(atob(text), (c) => c.charCodeAt(0))));
        } catch {
            url = "";
        }
        if (made.size >= KEPT) {
            made.clear();
        }
        made.set(text, url);
    }
    return url;
}

/** @param {{width: number, height: number, pixels: Uint8ClampedArray<ArrayBuffer>}} image */
function toUrl({width, height, pixels}) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    canvas.getContext("2d")?.putImageData(new ImageData(pixels, width, height), 0, 0);
    return canvas.toDataURL();
}

/** @param {Uint8Array} hash */
export function decode(hash) {
    if (hash.length < 5) {
        throw new RangeError("too short");
    }
    const head = hash[0] | hash[1] << 8 | hash[2] << 16, more = hash[3] | hash[4] << 8;
    const hasAlpha = head >> 23, landscape = more >> 15;
    const lx = Math.max(3, landscape ? (hasAlpha ? 5 : 7) : more & 7), ly = Math.max(3, landscape ? more & 7 : (hasAlpha ? 5 : 7));
    const start = hasAlpha ? 6 : 5;
    let nibble = 0;
    const channel = (/** @type {number} */ nx, /** @type {number} */ ny, /** @type {number} */ scale) => {
        const terms = [];
        for (let cy = 0; cy < ny; cy++) {
            for (let cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx++) {
                const byte = hash[start + (nibble >> 1)];
                terms.push(((byte >> ((nibble & 1) << 2) & 15) / 7.5 - 1) * scale);
                nibble++;
            }
        }
        return terms;
    };
    const l = {dc: (head & 63) / 63, ac: channel(lx, ly, (head >> 18 & 31) / 31), nx: lx, ny: ly};
    const p = {dc: (head >> 6 & 63) / 31.5 - 1, ac: channel(3, 3, (more >> 3 & 63) / 63 * 1.25), nx: 3, ny: 3};
    const q = {dc: (head >> 12 & 63) / 31.5 - 1, ac: channel(3, 3, (more >> 9 & 63) / 63 * 1.25), nx: 3, ny: 3};
    const a = hasAlpha ? {dc: (hash[5] & 15) / 15, ac: channel(5, 5, (hash[5] >> 4) / 15), nx: 5, ny: 5} : null;
    const ratio = lx / ly, width = Math.round(ratio > 1 ? 32 : 32 * ratio), height = Math.round(ratio > 1 ? 32 / ratio : 32);
    const pixels = new Uint8ClampedArray(width * height * 4);
    for (let y = 0, at = 0; y < height; y++) {
        for (let x = 0; x < width; x++, at += 4) {
            const fx = Math.PI / width * (x + 0.5), fy = Math.PI / height * (y + 0.5);
            const vl = value(l, fx, fy), vp = value(p, fx, fy), vq = value(q, fx, fy);
            const blue = vl - 2 / 3 * vp, red = (3 * vl - blue + vq) / 2;
            pixels.set([red * 255, (red - vq) * 255, blue * 255, a ? value(a, fx, fy) * 255 : 255], at);
        }
    }
    return {width, height, pixels};
}

/** One channel at one place. @param {{dc: number, ac: number[], nx: number, ny: number}} channel @param {number} fx @param {number} fy */
function value({dc, ac, nx, ny}, fx, fy) {
    let sum = dc;
    for (let cy = 0, at = 0; cy < ny; cy++) {
        const vertical = Math.cos(fy * cy) * 2;
        for (let cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx++, at++) {
            sum += ac[at] * Math.cos(fx * cx) * vertical;
        }
    }
    return sum;
}
