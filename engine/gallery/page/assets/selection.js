// The photos that the user has selected, and the bar that says what can be done with them.

import {fill, h, icon, iconButton, say} from "./dom.js";
import {plural} from "./formats.js";

export class Selection extends EventTarget {
    /** @type {Set<string>} */
    #ids = new Set();

    get size() {
        return this.#ids.size;
    }

    get ids() {
        return new Set(this.#ids);
    }

    /** @param {string} id */
    has(id) {
        return this.#ids.has(id);
    }

    /** @param {string} id */
    toggle(id) {
        if (!this.#ids.delete(id)) {
            this.#ids.add(id);
        }
        this.#changed();
    }

    /** @param {string[]} ids */
    add(ids) {
        ids.forEach((id) => this.#ids.add(id));
        this.#changed();
    }

    /** @param {Iterable<string>} ids */
    remove(ids) {
        let changed = false;
        for (const id of ids) {
            changed = this.#ids.delete(id) || changed;
        }
        if (changed) {
            this.#changed();
        }
    }

    clear() {
        if (this.#ids.size) {
            this.#ids.clear();
            this.#changed();
        }
    }

    #changed() {
        this.dispatchEvent(new Event("change"));
    }
}

/**
 * @param {Selection} selection
 * @param {{canDelete: boolean, remove: () => void, retry: () => void, rejected: () => number}} actions
 */
export function selectionBar(selection, {canDelete, remove, retry, rejected}) {
    const count = h("span", {class: "selection-count", role: "status"});
    const again = h("button", {type: "button", class: "button", onclick: retry}, icon("retry"), h("span", {}, "Try again"));
    const bar = h("div", {class: "selection-bar", role: "toolbar", "aria-label": "Selected photos"});
    fill(bar, iconButton("close", "Clear the selection", {onclick: () => selection.clear()}), count, again,
         canDelete && h("button", {type: "button", class: "button danger", onclick: remove}, icon("trash"), h("span", {}, "Delete")));
    const update = () => {
        bar.hidden = selection.size === 0;
        again.hidden = rejected() === 0;
        document.body.classList.toggle("selecting", selection.size > 0);
        say(count, selection.size ? `${plural(selection.size, "photo")} selected` : "");
    };
    selection.addEventListener("change", update);
    update();
    return bar;
}
