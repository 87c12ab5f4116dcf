// Small charts as SVG: a line with its area, and bars of time.

import {h, s} from "./dom.js";

/**
 * @param {number[]} values @param {string} label what a screen reader says @param {{height?: number, kind?: string}} [options]
 */
export function sparkline(values, label, {height = 48, kind = ""} = {}) {
    const width = 240, most = Math.max(...values, 1e-9), step = values.length > 1 ? width / (values.length - 1) : width;
    const points = values.map((value, at) => `${(at * step).toFixed(1)},${(height - 2 - value / most * (height - 6)).toFixed(1)}`);
    const line = points.length > 1 ? points.join(" ") : `0,${height - 2} ${width},${height - 2}`;
    return s("svg", {class: `spark ${kind}`, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label},
             s("polygon", {points: `0,${height} ${line} ${width},${height}`, class: "spark-area"}),
             s("polyline", {points: line, class: "spark-line", "vector-effect": "non-scaling-stroke"}));
}

/** @param {number} share 0 to 1 @param {string} label @param {string} [kind] */
export function meter(share, label, kind = "") {
    return h("div", {class: `meter ${kind}`, role: "img", "aria-label": label}, h("span", {style: {width: `${Math.max(0, Math.min(1, share)) * 100}%`}}));
}

/** The class with the colour of a kind of step; there are ten. @param {number} kind */
export const stepColour = (kind) => `step-${kind % 10}`;

/**
 * The steps of an event on a common scale of time.
 * @param {{name: string, start: number, ms: number}[]} steps start: ms after the beginning @param {string[]} names of all kinds of steps
 * @param {number} whole ms @param {string} label
 */
export function waterfall(steps, names, whole, label) {
    return h("div", {class: "fall", role: "img", "aria-label": label}, ...steps.map(({name, start, ms}) =>
        h("span", {class: `fall-step ${stepColour(names.indexOf(name))}`, title: `${name}: ${ms.toFixed(ms < 10 ? 1 : 0)} ms`,
                   style: {left: `${start / whole * 100}%`, width: `${Math.max(ms / whole * 100, 0.4)}%`}})));
}
