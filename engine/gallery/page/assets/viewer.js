// One photo over the whole window: the picture, its neighbours by key and swipe, and the panel with everything about it.

import {get, photoPath, post} from "./api.js";
import {h, iconButton, isTyping, say, set} from "./dom.js";
import {baseName, number} from "./formats.js";
import {announce, complain, copy} from "./notes.js";
import {idOf} from "./photos.js";
import {problemText, progressText} from "./tile.js";
import {go} from "./router.js";
import {Side} from "./viewer_side.js";
import {Stage} from "./stage.js";

const WIDE = matchMedia("(min-width: 900px)");

/** What a browser can display. */
const SHOWN = /** @type {Set<string>} */ (new Set(["jpeg", "jpg", "png", "webp", "avif", "gif"]));

/** @param {string} name */
const endingOf = (name) => name.slice(name.lastIndexOf(".") + 1).toLowerCase();

export class Viewer {
    id = "";
    index = -1;
    #asked = 0;
    #opener = "";
    /** @type {import("./photos.js").Photo | null} */
    #photo = null;
    /** @type {string} the URL of what the user has chosen to see, "" for the best rendition */
    #chosen = "";
    #timer = 0;

    /** @param {import("./gallery.js").Gallery} gallery */
    constructor(gallery) {
        this.gallery = gallery;
        this.stage = new Stage({next: () => this.#step(1), previous: () => this.#step(-1), close: () => this.#leave(), original: () => this.#originalUrl()});
        this.side = new Side({
            choose: (url) => this.#choose(url), share: (place) => this.#share(place), download: (place) => this.#download(place),
            canEdit: gallery.session.features.edit !== false, changed: (photo) => this.#changed(photo), retry: () => gallery.retry(new Set([this.id])),
        });
        this.title = h("h2", {class: "viewer-name", id: "viewer-name"});
        this.place = h("span", {class: "viewer-place"});
        this.info = iconButton("info", "Information (I)", {"aria-pressed": "true", onclick: () => this.#toggleSide()});
        this.trash = iconButton("trash", "Delete (Del)", {onclick: () => this.#remove()});
        this.trash.hidden = gallery.session.features.delete === false;
        this.previous = iconButton("left", "Previous photo", {class: "icon-button viewer-arrow left", onclick: () => this.#step(-1)});
        this.next = iconButton("right", "Next photo", {class: "icon-button viewer-arrow right", onclick: () => this.#step(1)});
        this.element = h("dialog", {class: "viewer", "aria-labelledby": "viewer-name"},
            h("div", {class: "viewer-main"}, this.stage.element, h("header", {class: "viewer-top"},
                iconButton("left", "Back to the photos (Esc)", {onclick: () => this.#leave()}), h("div", {class: "viewer-heading"}, this.title, this.place),
                iconButton("link", "Copy a link (C)", {onclick: () => this.#share(this.#photo)}),
                iconButton("download", "Download (D)", {onclick: () => this.#download(this.#photo)}), this.trash, this.info),
              this.previous, this.next),
            this.side.element);
        document.body.append(this.element);
        this.#showSide(WIDE.matches && localStorage.getItem("thumbwheel-side") !== "closed");
        this.#listen();
    }

    #listen() {
        this.element.addEventListener("cancel", (event) => {
            event.preventDefault();
            this.#leave();
        });
        this.element.addEventListener("keydown", (event) => this.#key(event));
        this.gallery.photos.addEventListener("photo", (event) => {
            if (/** @type {CustomEvent} */ (event).detail.id === this.id && this.element.open) {
                this.#refreshSoon();
            }
        });
        this.gallery.photos.addEventListener("layout", () => this.element.open && this.#relocate());
    }

    /** @param {string} id */
    show(id) {
        if (this.element.open && id === this.id) {
            return;
        }
        this.id = id;
        this.index = this.gallery.photos.indexOf(id);
        this.#chosen = "";
        if (!this.element.open) {
            this.#opener = id;
            this.element.showModal();
            document.body.classList.add("viewing");
        }
        const known = this.gallery.photos.byId(id);
        this.#photo = known;
        this.stage.reset();
        if (known) {
            this.#display(known);
        } else {
            say(this.title, baseName(id));
        }
        this.#arrows();
        this.#load(id);
    }

    /** @param {string} id */
    async #load(id) {
        const asked = ++this.#asked, [bucket, ...key] = id.split("/");
        try {
            const photo = await this.gallery.photos.details({bucket, key: key.join("/")});
            if (asked === this.#asked) {
                this.#photo = photo;
                this.#display(photo);
                this.side.show(photo);
                this.#preload();
            }
        } catch (error) {
            if (asked === this.#asked) {
                this.#failed(/** @type {any} */ (error));
            }
        }
    }

    /** @param {any} error */
    #failed(error) {
        if (error.status === 404) {
            this.stage.message("This photo does not exist any more.");
            this.side.clear();
        } else {
            complain(error);
        }
    }

    /** @param {import("./photos.js").Photo} photo */
    #display(photo) {
        const name = baseName(photo.name || photo.key), {total} = this.gallery.photos;
        say(this.title, name);
        this.#showPlace(photo);
        const best = this.#chosen || bestUrl(photo), {width, height} = shape(photo);
        const tile = this.gallery.grid.tileOf(idOf(photo));
        const small = photo.thumb ?? this.gallery.uploads.preview(idOf(photo)) ?? tile?.image.currentSrc ?? "";
        this.stage.show({url: best, small, width, height, alt: name});
        if (!best && !small) {
            this.stage.message(photo.state === "rejected" ? problemText(photo) : "There is no rendition yet that a browser can show.");
        }
        announce(`${name}${this.index >= 0 ? `, ${this.index + 1} of ${total}` : ""}`);
    }

    /** The neighbours, so that the next key shows them at once. */
    #preload() {
        for (const at of [this.index + 1, this.index - 1]) {
            const photo = this.index >= 0 && at >= 0 ? this.gallery.photos.at(at) : null;
            if (photo?.thumb) {
                new Image().src = photo.thumb;
            }
        }
    }

    #refreshSoon() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.element.open && this.#load(this.id), 250);
    }

    /** The listing has changed: this photo may be elsewhere, or gone. */
    #relocate() {
        this.index = this.gallery.photos.indexOf(this.id);
        this.#arrows();
        if (this.#photo) {
            this.#showPlace(this.#photo);
        }
    }

    /** @param {import("./photos.js").Photo} photo */
    #showPlace(photo) {
        const place = this.index >= 0 ? `${number(this.index + 1)} of ${number(this.gallery.photos.total)}` : "";
        say(this.place, [place, progressText(photo).toLowerCase()].filter(Boolean).join(", "));
        this.place.dataset.state = photo.state;
    }

    #arrows() {
        this.previous.hidden = this.index <= 0;
        this.next.hidden = this.index < 0 || this.index >= this.gallery.photos.total - 1;
    }

    /** @param {number} by */
    async #step(by) {
        const to = this.index + by;
        if (this.index < 0 || to < 0 || to >= this.gallery.photos.total) {
            return;
        }
        const photo = await this.gallery.photos.load(to).catch(complain);
        if (photo) {
            this.index = to;
            this.gallery.grid.current = to;
            this.gallery.grid.reveal(to);
            go({photo: idOf(photo)}, {replace: true});
        }
    }

    /** Goes back to the grid; close() follows from the address. */
    #leave() {
        go({photo: ""});
    }

    close() {
        if (!this.element.open) {
            return;
        }
        this.#asked++;
        this.element.close();
        document.body.classList.remove("viewing");
        this.stage.reset();
        this.side.clear();
        const at = this.gallery.photos.indexOf(this.id || this.#opener);
        if (at >= 0) {
            this.gallery.grid.focus(at);
        }
        this.id = "";
    }

    /** @param {string} url */
    #choose(url) {
        this.#chosen = url;
        if (this.#photo) {
            this.#display(this.#photo);
        }
    }

    #originalUrl() {
        const photo = this.#photo;
        return photo?.original && SHOWN.has(endingOf(photo.key)) ? photo.original : "";
    }

    /** @param {import("./photos.js").Photo} photo */
    #changed(photo) {
        this.#photo = photo;
        this.gallery.photos.update(photo);
    }

    /** @param {{bucket: string, key: string} | null} place */
    async #share(place) {
        if (!place) {
            return;
        }
        try {
            const {url, expires} = await post("/api/share", {bucket: place.bucket, key: place.key});
            const hours = Math.round((expires - Date.now()) / 3600000);
            await copy(url, `Link copied. It works for ${hours === 1 ? "an hour" : `${hours} hours`}.`);
        } catch (error) {
            complain(error);
        }
    }

    /** @param {{bucket: string, key: string} | null} place */
    async #download(place) {
        if (!place) {
            return;
        }
        try {
            const {url} = await get(`${photoPath(place.bucket, place.key)}?download=1`);
            const link = h("a", {href: url, download: baseName(place.key), rel: "noreferrer"});
            link.click();
        } catch (error) {
            complain(error);
        }
    }

    async #remove() {
        const id = this.id, {photos} = this.gallery, next = photos.idAt(this.index + 1) ?? photos.idAt(this.index - 1);
        if (this.index >= 0 && next && next !== id) {
            this.index = -1;
            go({photo: next}, {replace: true});
        } else {
            go({photo: ""});
        }
        await this.gallery.remove(new Set([id]));
        this.#relocate();
    }

    #toggleSide() {
        const open = this.side.element.hidden;
        this.#showSide(open);
        if (WIDE.matches) {
            localStorage.setItem("thumbwheel-side", open ? "open" : "closed");
        }
    }

    /** @param {boolean} open */
    #showSide(open) {
        this.side.element.hidden = !open;
        this.element.classList.toggle("with-side", open);
        set(this.info, {"aria-pressed": String(open)});
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) {
            return;
        }
        const zoomed = this.stage.zoomed;
        const run = /** @type {Record<string, () => void>} */ ({
            ArrowRight: () => (zoomed ? this.stage.pan(-80, 0) : this.#step(1)), ArrowLeft: () => (zoomed ? this.stage.pan(80, 0) : this.#step(-1)),
            ArrowUp: () => this.stage.pan(0, 80), ArrowDown: () => this.stage.pan(0, -80),
            "+": () => this.stage.zoomBy(1.5), "=": () => this.stage.zoomBy(1.5), "-": () => this.stage.zoomBy(1 / 1.5), 0: () => this.stage.fit(),
            i: () => this.#toggleSide(), c: () => this.#share(this.#photo), d: () => this.#download(this.#photo),
            Delete: () => !this.trash.hidden && this.#remove(),
        })[event.key];
        if (run && !(event.key.startsWith("Arrow") && this.side.element.contains(/** @type {Node} */ (event.target)) && event.key.match(/Up|Down/))) {
            event.preventDefault();
            event.stopPropagation();
            run();
        }
    }
}

/** The largest rendition that a browser can display; the original, if there is none yet. @param {import("./photos.js").Photo} photo */
function bestUrl(photo) {
    const shown = (photo.renditions ?? []).filter(({url, format, key}) => url && SHOWN.has((format || endingOf(key)).toLowerCase()));
    const best = shown.sort((a, b) => b.width * b.height - a.width * a.height)[0];
    return best?.url ?? (photo.original && SHOWN.has(endingOf(photo.key)) && photo.state !== "rejected" ? photo.original : "");
}

/** @param {import("./photos.js").Photo} photo */
function shape(photo) {
    if (photo.width && photo.height) {
        return {width: photo.width, height: photo.height};
    }
    const some = photo.renditions?.find(({width, height}) => width && height);
    return {width: some?.width ?? 0, height: some?.height ?? 0};
}
