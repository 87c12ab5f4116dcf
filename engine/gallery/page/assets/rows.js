// The justified layout: rows of one width. Pure arithmetic; 100,000 photos take a few milliseconds.

/** The server sends the aspect (width / height) as a byte: round(64 · log2(aspect) / 3) + 128. */
const ASPECTS = Float32Array.from({length: 256}, (_, byte) => Math.min(3.2, Math.max(0.45, 2 ** ((byte - 128) * 3 / 64))));

/** @param {number} byte */
export const aspectOf = (byte) => ASPECTS[byte];

/** Base64 to bytes. @param {string} text */
export function decodeAspects(text) {
    const binary = atob(text), found = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at++) {
        found[at] = binary.charCodeAt(at);
    }
    return found;
}

export class Rows {
    /**
     * @param {Uint8Array} aspects @param {number} width px @param {number} target height of a row, px @param {number} gap px
     */
    constructor(aspects, width, target, gap) {
        this.aspects = aspects;
        this.width = width;
        this.gap = gap;
        /** @type {number[]} first photo of each row, and the number of photos */
        this.starts = [0];
        /** @type {number[]} */
        this.tops = [];
        /** @type {number[]} */
        this.heights = [];
        this.height = 0;
        this.#fill(target);
    }

    /** @param {number} target */
    #fill(target) {
        const {aspects, width, gap} = this;
        let start = 0, sum = 0;
        for (let at = 0; at < aspects.length; at++) {
            const aspect = ASPECTS[aspects[at]], more = sum + aspect, space = width - gap * (at - start);
            if (more * target < space) {
                sum = more;
                continue;
            }
            // The row is full: with this photo, or without it, whichever is nearer to the wanted height.
            const withIt = space / more, without = at > start ? (space + gap) / sum : Infinity;
            if (without - target < target - withIt) {
                this.#row(at, without);
                start = at;
                sum = aspect;
                if (aspect * target >= width) {
                    this.#row(at + 1, width / aspect);
                    start = at + 1;
                    sum = 0;
                }
            } else {
                this.#row(at + 1, withIt);
                start = at + 1;
                sum = 0;
            }
        }
        if (start < aspects.length) {
            this.#row(aspects.length, Math.min(target, (width - gap * (aspects.length - start - 1)) / sum));
        }
        this.height = Math.max(0, this.height - gap);
    }

    /** @param {number} end @param {number} height */
    #row(end, height) {
        const whole = Math.round(height);
        this.starts.push(end);
        this.tops.push(this.height);
        this.heights.push(whole);
        this.height += whole + this.gap;
    }

    /** The row at a height. @param {number} y px */
    rowAt(y) {
        let low = 0, high = this.tops.length - 1;
        while (low < high) {
            const middle = (low + high + 1) >> 1;
            if (this.tops[middle] <= y) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    /** The row of a photo. @param {number} index */
    rowOf(index) {
        let low = 0, high = this.tops.length - 1;
        while (low < high) {
            const middle = (low + high + 1) >> 1;
            if (this.starts[middle] <= index) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    /** The places of a row's photos. @param {number} row @returns {{index: number, x: number, y: number, width: number, height: number}[]} */
    places(row) {
        const found = [], height = this.heights[row], first = this.starts[row], end = this.starts[row + 1];
        let sum = 0;
        for (let at = first; at < end; at++) {
            sum += ASPECTS[this.aspects[at]];
        }
        const space = this.width - this.gap * (end - first - 1);
        const full = end < this.aspects.length || sum * height > space - 2;
        const scale = full ? space / sum : height;
        let x = 0, done = 0;
        for (let at = first; at < end; at++) {
            done += ASPECTS[this.aspects[at]];
            const right = Math.round(done * scale) + this.gap * (at - first);
            found.push({index: at, x, y: this.tops[row], width: right - x, height});
            x = right + this.gap;
        }
        return found;
    }
}
