// Short messages at the edge of the screen, with an action such as "Undo", and what a screen reader is told.

import {h, iconButton} from "./dom.js";

const SHOWN_MS = 6000;
const AT_ONCE = 4;

/** @param {string} text */
export function announce(text) {
    const place = document.getElementById("announcements");
    if (place) {
        place.textContent = text;
    }
}

/**
 * @param {string} text
 * @param {{kind?: "error" | "", action?: string, run?: () => void, ms?: number}} [options] ms: how long it is shown
 */
export function note(text, {kind = "", action = "", run = () => {}, ms = kind ? 2 * SHOWN_MS : SHOWN_MS} = {}) {
    const place = document.getElementById("notes");
    const close = () => {
        clearTimeout(timer);
        node.remove();
    };
    const node = h("div", {class: `note ${kind}`, role: kind ? "alert" : "status"},
                   h("span", {class: "note-text"}, text),
                   action && h("button", {type: "button", class: "note-action", onclick: () => (close(), run())}, action),
                   iconButton("close", "Dismiss", {onclick: close}),
                   action && h("span", {class: "note-time", style: {"animation-duration": `${ms}ms`}}));
    const timer = setTimeout(close, ms);
    place?.append(node);
    while (place && place.children.length > AT_ONCE) {
        place.firstElementChild?.remove();
    }
    return close;
}

/** What went wrong, in the words of the server. @param {unknown} error */
export function complain(error) {
    if (/** @type {any} */ (error)?.name !== "AbortError" && /** @type {any} */ (error)?.status !== 401) {
        note(/** @type {Error} */ (error).message, {kind: "error"});
    }
}

/** Copies a text, or shows it where the browser does not allow that. @param {string} text @param {string} done */
export async function copy(text, done) {
    try {
        await navigator.clipboard.writeText(text);
        note(done);
    } catch {
        const field = h("input", {type: "text", readonly: true, value: text, "aria-label": "Text to copy"});
        const box = h("dialog", {class: "box", "aria-label": "Copy"}, h("h2", {}, "Copy this"), field,
                      h("form", {method: "dialog", class: "box-buttons"}, h("button", {class: "button primary"}, "Close")));
        document.body.append(box);
        box.addEventListener("close", () => box.remove());
        box.showModal();
        field.select();
    }
}
