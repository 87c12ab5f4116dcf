// One photo in the grid. Tiles are used again for other photos as the user scrolls.

import {sentence} from "./api.js";
import {h, icon, say, set} from "./dom.js";
import {baseName} from "./formats.js";
import {thumbhashUrl} from "./thumbhash.js";

const STAGES = /** @type {Record<string, string>} */ ({
    match: "Starting", matching: "Starting", fetch: "Fetching", fetching: "Fetching", render: "Rendering", rendering: "Rendering",
    order: "Waiting for its turn", ordering: "Waiting for its turn", store: "Storing", storing: "Storing", label: "Labelling", labelling: "Labelling",
    tag: "Tagging", tagging: "Tagging", notify: "Notifying", notifying: "Notifying",
});

/** What is happening to a photo, in words; "" if nothing is. @param {import("./photos.js").Photo} photo */
export function progressText(photo) {
    switch (photo.state) {
    case "waiting":
        return "Waiting";
    case "working":
        return STAGES[photo.stage ?? ""] ?? (photo.stage ? photo.stage[0].toUpperCase() + photo.stage.slice(1) : "Working");
    case "retrying":
        return "Trying again soon";
    case "rejected":
        return "Rejected";
    default:
        return "";
    }
}

/** Why a photo was not processed, in the words of the engine. @param {import("./photos.js").Photo} photo */
export const problemText = (photo) => sentence(photo.detail || photo.reason || "the engine gave no reason");

export class Tile {
    index = -1;
    /** @type {string | null} */
    id = null;
    #shownUrl = "";
    #mark = "";

    /** @param {(tile: Tile) => void} retry */
    constructor(retry) {
        this.image = h("img", {alt: "", decoding: "async", draggable: "false"});
        this.image.addEventListener("load", () => this.image.classList.add("shown"));
        this.image.addEventListener("error", () => (this.#shownUrl = ""));
        this.caption = h("span", {class: "tile-name"});
        this.state = h("span", {class: "tile-state"});
        this.stateText = h("span");
        this.reason = h("span", {class: "tile-reason"});
        this.open = h("a", {class: "tile-open", tabindex: "-1"}, this.image, h("span", {class: "tile-shade"}), this.caption, this.state);
        this.check = h("button", {type: "button", role: "checkbox", class: "tile-check", tabindex: "-1", "aria-checked": "false"}, icon("check"));
        this.retry = h("button", {type: "button", class: "tile-retry", onclick: () => retry(this)}, icon("retry"), "Try again");
        this.retry.hidden = true;
        this.element = h("li", {class: "tile"}, this.open, this.check, this.retry);
    }

    /** @param {{index: number, x: number, y: number, width: number, height: number}} place @returns {boolean} whether it was elsewhere */
    move({index, x, y, width, height}) {
        const other = index !== this.index;
        this.index = index;
        const mark = `${x} ${y} ${width} ${height}`;
        if (mark !== this.#mark) {
            this.#mark = mark;
            set(this.element, {style: {transform: `translate(${x}px, ${y}px)`, width: `${width}px`, height: `${height}px`}});
        }
        return other;
    }

    /**
     * @param {import("./photos.js").Photo | null} photo null: not loaded yet
     * @param {{id: string | null, href: string, preview: string | null, total: number, selected: boolean, current: boolean, quick: boolean}} facts
     * quick: the user scrolls too fast to see pictures
     */
    show(photo, {id, href, preview, total, selected, current, quick}) {
        if (id !== this.id) {
            this.#clear(id);
        }
        set(this.element, {"aria-posinset": this.index + 1, "aria-setsize": total});
        this.element.classList.toggle("selected", selected);
        set(this.open, {tabindex: current ? "0" : "-1"});
        set(this.check, {tabindex: current ? "0" : "-1", "aria-checked": String(selected)});
        if (!photo) {
            set(this.open, {"aria-label": "Loading", href: null, role: "link", "aria-disabled": "true"});
            set(this.check, {"aria-label": "Select"});
            return;
        }
        const name = baseName(photo.name || photo.key);
        set(this.open, {"aria-label": null, href, role: null, "aria-disabled": null, title: name});
        set(this.check, {"aria-label": `Select ${name}`});
        say(this.caption, name);
        this.#placeholder(photo);
        this.#picture(photo.thumb ?? preview, quick);
        this.#progress(photo);
    }

    /** @param {string | null} id */
    #clear(id) {
        this.id = id;
        this.#shownUrl = "";
        this.image.classList.remove("shown");
        this.image.removeAttribute("src");
        this.element.classList.remove("fresh", "rejected", "busy");
        this.element.style.removeProperty("background-color");
        this.element.style.removeProperty("background-image");
        this.caption.textContent = "";
        this.state.replaceChildren();
        this.retry.hidden = true;
    }

    /** @param {import("./photos.js").Photo} photo */
    #placeholder(photo) {
        if (photo.colour && /^#[0-9a-f]{6}$/i.test(photo.colour)) {
            this.element.style.backgroundColor = photo.colour;
        }
        if (photo.thumbhash && !this.image.classList.contains("shown") && !this.element.style.backgroundImage) {
            const url = thumbhashUrl(photo.thumbhash);
            this.element.style.backgroundImage = url && `url(${url})`;
        }
    }

    /** @param {string | null} url @param {boolean} quick */
    #picture(url, quick) {
        if (!url || quick || samePicture(url, this.#shownUrl)) {
            return;
        }
        const replaces = this.image.classList.contains("shown");
        this.#shownUrl = url;
        if (!replaces) {
            this.image.src = url;
            return;
        }
        const next = new Image();
        next.src = url;
        next.decode().then(() => {
            if (this.#shownUrl === url) {
                this.image.src = url;
            }
        }, () => {});
    }

    /** @param {import("./photos.js").Photo} photo */
    #progress(photo) {
        const text = progressText(photo), rejected = photo.state === "rejected";
        this.element.classList.toggle("rejected", rejected);
        this.element.classList.toggle("busy", Boolean(text) && !rejected);
        this.retry.hidden = !rejected;
        if (!text) {
            this.state.replaceChildren();
            return;
        }
        if (!this.state.firstChild) {
            this.state.append(h("span", {class: "tile-spinner"}), icon("warning"), this.stateText, this.reason);
        }
        const done = photo.renditions?.length ?? 0, expected = photo.expected ?? 0;
        say(this.stateText, photo.state === "working" && expected > 0 && done > 0 ? `${text} (${done} of ${expected})` : text);
        say(this.reason, rejected ? problemText(photo) : "");
    }
}

/** A URL that is signed again still shows the same picture. @param {string} one @param {string} other */
function samePicture(one, other) {
    return one === other || (one.startsWith("http") && one.split("?")[0] === other.split("?")[0]);
}
