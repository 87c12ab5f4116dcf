// Numbers, sizes and times as text.

const LOCALE = "en-GB";
const NUMBER = new Intl.NumberFormat(LOCALE);
const DAY = new Intl.DateTimeFormat(LOCALE, {day: "numeric", month: "long", year: "numeric"});
const TIME = new Intl.DateTimeFormat(LOCALE, {dateStyle: "medium", timeStyle: "short"});
const CLOCK = new Intl.DateTimeFormat(LOCALE, {hour: "2-digit", minute: "2-digit", second: "2-digit"});

/** @param {number} value */
export const number = (value) => NUMBER.format(value);
/** @param {number} ms */
export const day = (ms) => DAY.format(ms);
/** @param {number} ms */
export const time = (ms) => TIME.format(ms);
/** @param {number} ms */
export const clock = (ms) => CLOCK.format(ms);

/** @param {number} count @param {string} one @param {string} [many] */
export function plural(count, one, many = `${one}s`) {
    return `${number(count)} ${count === 1 ? one : many}`;
}

/** Decimal units, as browsers and file managers show. @param {number} count */
export function bytes(count) {
    let unit = 0, value = count;
    for (; value >= 999.5 && unit < 4; unit++) {
        value /= 1000;
    }
    if (count === 1) {
        return "1 byte";
    }
    const digits = unit === 0 || value >= 99.5 ? 0 : 1;
    return `${value.toFixed(digits).replace(/\.0$/, "")} ${["bytes", "kB", "MB", "GB", "TB"][unit]}`;
}

/** @param {number} ms */
export function duration(ms) {
    if (ms < 1) {
        return `${ms.toFixed(1)} ms`;
    }
    if (ms < 999.5) {
        return `${ms.toFixed(0)} ms`;
    }
    const seconds = ms / 1000;
    if (seconds < 99.5) {
        return `${seconds.toFixed(seconds < 9.95 ? 1 : 0)} s`;
    }
    return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** @param {number} width @param {number} height */
export const pixels = (width, height) => (width && height ? `${number(width)} × ${number(height)}` : "unknown size");

/**
 * A name in which control characters and marks of direction are visible, so that it can't pretend to be another.
 * @param {string} name
 */
export function visible(name) {
    return name.replace(/[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, "\ufffd");
}

/** The last part of a key. @param {string} key */
export const baseName = (key) => visible(key.slice(key.lastIndexOf("/") + 1) || key);
