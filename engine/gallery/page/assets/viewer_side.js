// The panel of the viewer: renditions, the original, tags, EXIF, and where the photo is.

import {fill, h, icon, iconButton} from "./dom.js";
import {readExif} from "./exif.js";
import {baseName, bytes, pixels, time, visible} from "./formats.js";
import {idOf} from "./photos.js";
import {tagEditor} from "./tags.js";
import {problemText} from "./tile.js";

/**
 * @typedef {{choose: (url: string) => void, share: (place: {bucket: string, key: string}) => void,
 *            download: (place: {bucket: string, key: string}) => void, canEdit: boolean,
 *            changed: (photo: import("./photos.js").Photo) => void, retry: () => void}} SideActions
 */

export class Side {
    #id = "";
    #exifOf = "";

    /** @param {SideActions} actions */
    constructor(actions) {
        this.actions = actions;
        this.problem = h("div");
        this.renditions = h("div", {class: "side-part"});
        this.tags = h("div", {class: "side-part"});
        this.exif = h("div", {class: "side-part"});
        this.facts = h("div", {class: "side-part"});
        this.element = h("aside", {class: "side", "aria-label": "Information", tabindex: "0"}, this.problem, this.renditions, this.tags, this.exif, this.facts);
    }

    clear() {
        this.#id = this.#exifOf = "";
        for (const part of [this.problem, this.renditions, this.tags, this.exif, this.facts]) {
            fill(part);
        }
    }

    /** @param {import("./photos.js").Photo} photo with its renditions */
    show(photo) {
        const other = idOf(photo) !== this.#id;
        this.#id = idOf(photo);
        this.#showProblem(photo);
        this.#showRenditions(photo);
        this.#showFacts(photo);
        if (other || !this.tags.contains(document.activeElement)) {
            fill(this.tags, h("h3", {}, "Tags"), tagEditor(photo, this.actions.canEdit, (tags) => this.actions.changed({...photo, tags})));
        }
        if (photo.original && this.#exifOf !== this.#id) {
            this.#exifOf = this.#id;
            this.#showExif(photo);
        }
    }

    /** @param {import("./photos.js").Photo} photo */
    #showProblem(photo) {
        if (photo.state !== "rejected" && photo.state !== "retrying") {
            fill(this.problem);
            return;
        }
        const rejected = photo.state === "rejected";
        fill(this.problem, h("div", {class: `problem ${rejected ? "bad" : ""}`}, icon("warning"), h("div", {},
            h("strong", {}, rejected ? "Rejected" : "Trying again soon"), h("p", {}, problemText(photo)),
            rejected && h("button", {type: "button", class: "button small", onclick: this.actions.retry}, icon("retry"), "Try again"))));
    }

    /** @param {import("./photos.js").Photo} photo */
    #showRenditions(photo) {
        const renditions = [...photo.renditions ?? []].sort((a, b) => b.width * b.height - a.width * a.height);
        const missing = Math.max(0, (photo.expected ?? 0) - renditions.length);
        const original = {pipeline: "Original", bucket: photo.bucket, key: photo.key, width: photo.width, height: photo.height, bytes: photo.size,
                          format: photo.key.slice(photo.key.lastIndexOf(".") + 1).toLowerCase(), url: photo.original ?? ""};
        fill(this.renditions, h("h3", {}, "Renditions"), h("ul", {class: "renditions", role: "list"}, ...[original, ...renditions].map((one) => this.#row(one))),
             missing > 0 && photo.state !== "rejected" && h("p", {class: "quiet waiting-line"}, h("span", {class: "tile-spinner"}),
                                                            `${missing} more ${missing === 1 ? "is" : "are"} expected`));
    }

    /** @param {{pipeline: string, bucket: string, key: string, width: number, height: number, bytes: number, format: string, url: string}} one */
    #row(one) {
        const name = one.pipeline === "Original" ? one.pipeline : one.pipeline[0].toUpperCase() + one.pipeline.slice(1), place = {bucket: one.bucket, key: one.key};
        const shown = /^(jpe?g|png|webp|avif|gif)$/i.test(one.format) && one.url;
        return h("li", {class: "rendition"}, h("button", {type: "button", class: "rendition-name", disabled: !shown, title: `Show ${visible(one.key)}`,
            onclick: () => this.actions.choose(one.url)}, h("strong", {}, name),
            h("span", {class: "quiet"}, `${pixels(one.width, one.height)}, ${bytes(one.bytes)}, ${one.format.toUpperCase()}`)),
        iconButton("link", `Copy a link to ${name}`, {onclick: () => this.actions.share(place)}),
        iconButton("download", `Download ${name}`, {onclick: () => this.actions.download(place)}));
    }

    /** @param {import("./photos.js").Photo} photo */
    async #showExif(photo) {
        const id = this.#id;
        fill(this.exif);
        const facts = await readExif(photo.original ?? "");
        if (id === this.#id && facts.length) {
            fill(this.exif, h("h3", {}, "Camera"), list(facts));
        }
    }

    /** @param {import("./photos.js").Photo} photo */
    #showFacts(photo) {
        fill(this.facts, h("h3", {}, "Object"), list([["Name", baseName(photo.key)], ["Bucket", photo.bucket], ["Key", visible(photo.key)],
                                                      ["Stored", time(photo.modified)], ["Size", bytes(photo.size)]]));
    }
}

/** @param {[string, string][]} rows */
function list(rows) {
    return h("dl", {class: "facts"}, ...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, h("bdi", {}, value)))));
}
