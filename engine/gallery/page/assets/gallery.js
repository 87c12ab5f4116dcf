// The view of the photos: search, grid, selection, deletion with undo, and the way into the viewer.

import {post} from "./api.js";
import {fill, h, icon, isTyping, say} from "./dom.js";
import {Grid} from "./grid.js";
import {announce, complain, note} from "./notes.js";
import {day, number, plural} from "./formats.js";
import {Photos, idOf} from "./photos.js";
import {clearFilters, Search} from "./search.js";
import {filterCount, filterQuery, go, route} from "./router.js";
import {Selection, selectionBar} from "./selection.js";
import {problemText} from "./tile.js";

const UNDO_MS = 10000;
const ROLL_MS = 900;

export class Gallery {
    /** @type {import("./viewer.js").Viewer | null} */
    #viewer = null;
    #fresh = new Set();

    /**
     * @param {{features: Record<string, boolean>, places: {bucket: string, prefix: string}[]}} session
     * @param {import("./events.js").LiveEvents} live @param {import("./uploads.js").Uploads} uploads @param {(folder: boolean) => void} upload
     */
    constructor(session, live, uploads, upload) {
        this.session = session;
        this.uploads = uploads;
        this.photos = new Photos();
        this.selection = new Selection();
        this.grid = new Grid(this.photos, this.selection, {preview: (id) => uploads.preview(id), retry: (id) => this.retry(new Set([id]))});
        this.search = new Search(() => this.#loadedTags());
        this.count = h("p", {class: "count", role: "status"});
        this.sort = h("select", {class: "sort", "aria-label": "Order", onchange: () => go({sort: this.sort.value})},
                      h("option", {value: ""}, "Newest first"), h("option", {value: "oldest"}, "Oldest first"), h("option", {value: "name"}, "By name"));
        this.empty = h("div", {class: "empty"});
        this.more = h("button", {type: "button", class: "arrivals", onclick: () => this.#toTop()});
        this.date = h("div", {class: "roll-date", "aria-hidden": "true"});
        this.bar = selectionBar(this.selection, {canDelete: session.features.delete !== false, remove: () => this.remove(this.selection.ids),
            retry: () => this.retry(this.selection.ids), rejected: () => this.#rejected()});
        this.upload = upload;
        this.element = h("section", {class: "gallery", "aria-label": "Photos"}, h("div", {class: "gallery-head"}, this.search.chips,
            h("div", {class: "gallery-facts"}, h("h1", {class: "hidden-text"}, "Photos"), this.count, this.sort)), this.empty, this.grid.element, this.more,
            this.date, this.bar);
        this.empty.hidden = this.more.hidden = this.sort.hidden = true;
        this.#listen(live);
    }

    /** @param {import("./events.js").LiveEvents} live */
    #listen(live) {
        const {photos, uploads} = this;
        live.addEventListener("photo", (event) => this.#photoEvent(/** @type {CustomEvent} */ (event).detail));
        live.addEventListener("removed", (event) => {
            const id = idOf(/** @type {CustomEvent} */ (event).detail);
            this.selection.remove([id]);
            photos.remove(new Set([id]));
        });
        live.addEventListener("restored", () => photos.changed());
        live.addEventListener("layout", (event) => {
            if (/** @type {CustomEvent} */ (event).detail?.revision !== photos.revision) {
                photos.changed();
            }
        });
        live.addEventListener("reset", () => photos.changed());
        live.addEventListener("online", () => photos.loaded && photos.changed());
        live.addEventListener("index", (event) => this.#indexing(/** @type {CustomEvent} */ (event).detail));
        photos.addEventListener("layout", (event) => this.#laidOut(/** @type {CustomEvent} */ (event).detail.shift));
        photos.addEventListener("failed", (event) => this.#failed(/** @type {CustomEvent} */ (event).detail));
        uploads.addEventListener("preview", () => this.grid.refresh());
        addEventListener("route", () => this.follow());
        addEventListener("scroll", () => this.#rolled(), {passive: true});
        addEventListener("keydown", (event) => this.#key(event));
        this.#longPress();
    }

    /** @param {import("./photos.js").Photo} photo */
    #photoEvent(photo) {
        const id = idOf(photo), before = this.photos.byId(id);
        this.photos.update(photo);
        if (!before) {
            this.#fresh.add(id);
            this.photos.changed();
        }
        if (photo.thumb) {
            this.uploads.forget(id);
        }
        if (photo.state === "rejected" && before?.state !== "rejected") {
            announce(`${photo.name || photo.key} was rejected: ${problemText(photo)}`);
        }
    }

    /** @param {number} shift */
    #laidOut(shift) {
        const {photos} = this, now = route();
        this.sort.value = now.sort;
        say(this.count, photos.total || filterCount(now) ? plural(photos.total, "photo") : "");
        this.sort.hidden = photos.total < 2;
        this.#showEmpty();
        for (const id of this.#fresh) {
            if (photos.indexOf(id) >= 0) {
                this.#fresh.delete(id);
                this.grid.greet(id);
            }
        }
        if (shift > 0 && scrollY > 200) {
            this.#arrived = this.more.hidden ? shift : this.#arrived + shift;
            fill(this.more, icon("up"), `${plural(this.#arrived, "new photo")}`);
            this.more.hidden = false;
        }
    }

    /** @param {any} error */
    #failed(error) {
        if (this.photos.loaded || error.status === 401) {
            complain(error);
            return;
        }
        this.empty.hidden = false;
        this.empty.dataset.shown = "failure";
        fill(this.empty, h("span", {class: "empty-picture"}, icon("warning")), h("h2", {}, "The photos could not be listed"), h("p", {role: "alert"}, error.message),
             h("button", {type: "button", class: "button", onclick: () => this.photos.reload()}, icon("retry"), "Try again"));
    }

    #arrived = 0;

    #toTop() {
        this.more.hidden = true;
        scrollTo({top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches || scrollY > 6000 ? "instant" : "smooth"});
    }

    #showEmpty() {
        const {photos} = this, filtered = filterCount(route()) > 0, shown = photos.total ? "" : filtered ? "filtered" : "empty";
        this.empty.hidden = photos.total > 0;
        if (shown === this.empty.dataset.shown) {
            return;
        }
        this.empty.dataset.shown = shown;
        if (!shown) {
            return;
        }
        if (filtered) {
            fill(this.empty, h("span", {class: "empty-picture"}, icon("search")), h("h2", {}, "No photo matches"),
                 h("p", {}, "Try fewer filters, or another word."), h("button", {type: "button", class: "button", onclick: clearFilters}, "Clear the filters"));
            return;
        }
        const canUpload = this.session.features.upload !== false;
        fill(this.empty, h("span", {class: "empty-picture"}, icon("photos")), h("h2", {}, canUpload ? "Drop your photos here" : "No photos yet"),
             h("p", {}, canUpload ? "Drop files or folders anywhere on this page, or paste a picture. Each photo goes straight to the store; "
                 + "its renditions and tags appear here as the engine makes them." : "Photos appear here as soon as they are in the store."),
             canUpload && h("div", {class: "empty-buttons"},
                            h("button", {type: "button", class: "button primary", onclick: () => this.upload(false)}, icon("upload"), "Choose photos"),
                            h("button", {type: "button", class: "button", onclick: () => this.upload(true)}, icon("folder"), "Choose a folder")),
             h("p", {class: "quiet empty-place"}, "They are stored in ", ...this.session.places.slice(0, 1).map(({bucket, prefix}) =>
                 h("code", {}, `s3://${bucket}/${prefix}`)), "."));
    }

    /** @param {{done: boolean, listed: number}} state */
    #indexing({done, listed}) {
        this.count.dataset.indexing = done ? "" : `, reading the store: ${number(listed)} found`;
        if (done) {
            delete this.count.dataset.indexing;
        }
    }

    #rollTimer = 0;

    /** The date of what is on the screen, while the user scrolls. */
    #rolled() {
        if (scrollY < 60) {
            this.more.hidden = true;
        }
        if (this.element.hidden || !this.photos.total || route().sort === "name") {
            return;
        }
        const photo = this.grid.topPhoto();
        this.date.classList.toggle("shown", Boolean(photo));
        if (photo) {
            say(this.date, day(photo.modified));
        }
        clearTimeout(this.#rollTimer);
        this.#rollTimer = setTimeout(() => this.date.classList.remove("shown"), ROLL_MS);
    }

    /** Shows what the address says. */
    follow() {
        const now = route();
        if (now.view !== "photos") {
            this.#viewer?.close();
            return;
        }
        const query = filterQuery(now);
        if (!this.photos.loaded || query !== this.photos.query) {
            this.selection.clear();
            if (this.photos.loaded) {
                scrollTo({top: 0, behavior: "instant"});
            }
            this.photos.filter(query);
        }
        this.#followPhoto(now.photo);
    }

    /** The photos, where another view needs them before they were shown. */
    async ready() {
        if (!this.photos.loaded) {
            await this.photos.filter(filterQuery(route()));
        }
        return this.photos;
    }

    /** @param {string} id */
    async #followPhoto(id) {
        if (!id) {
            this.#viewer?.close();
            return;
        }
        const {Viewer} = await import("./viewer.js");
        this.#viewer ??= new Viewer(this);
        if (route().photo === id) {
            this.#viewer.show(id);
        }
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        if (this.element.hidden || isTyping(event) || document.querySelector("dialog[open]")) {
            return;
        }
        if ((event.ctrlKey || event.metaKey) && event.key === "a") {
            event.preventDefault();
            this.#selectAll();
        } else if (event.key === "Escape" && this.selection.size) {
            this.selection.clear();
        } else if (event.key === "Delete" || (event.key === "Backspace" && this.selection.size)) {
            event.preventDefault();
            this.#deleteKey();
        } else if (["ArrowDown", "ArrowRight"].includes(event.key) && document.activeElement === document.body) {
            event.preventDefault();
            this.grid.focus(this.grid.current);
        }
    }

    #deleteKey() {
        const id = this.photos.idAt(this.grid.current), focused = this.grid.element.contains(document.activeElement);
        if (this.session.features.delete === false) {
            return;
        }
        if (this.selection.size) {
            this.remove(this.selection.ids);
        } else if (focused && id) {
            this.remove(new Set([id]));
        }
    }

    #selectAll() {
        const ids = [];
        for (let at = 0; at < Math.min(this.photos.total, 1000); at++) {
            const id = this.photos.idAt(at);
            if (id) {
                ids.push(id);
            }
        }
        this.selection.add(ids);
    }

    /** On a touch screen, a long press selects. */
    #longPress() {
        let timer = 0;
        const {element} = this.grid;
        element.addEventListener("pointerdown", (event) => {
            clearTimeout(timer);
            if (event.pointerType !== "touch") {
                return;
            }
            const tile = /** @type {Element} */ (event.target).closest(".tile");
            timer = setTimeout(() => {
                const check = /** @type {HTMLElement | null} */ (tile?.querySelector(".tile-check"));
                check?.click();
                navigator.vibrate?.(12);
                element.addEventListener("click", (click) => (click.preventDefault(), click.stopImmediatePropagation()), {once: true, capture: true});
            }, 450);
        });
        for (const type of ["pointerup", "pointercancel", "pointermove"]) {
            element.addEventListener(type, () => clearTimeout(timer), {passive: true});
        }
        element.addEventListener("contextmenu", (event) => /** @type {PointerEvent} */ (event).pointerType === "touch" && event.preventDefault());
    }

    #rejected() {
        return [...this.selection.ids].filter((id) => this.photos.byId(id)?.state === "rejected").length;
    }

    /** @param {Set<string>} ids */
    #known(ids) {
        return [...ids].map((id) => this.photos.byId(id)).filter((photo) => photo !== null);
    }

    /** Deletes photos with their renditions; there are ten seconds to undo it. @param {Set<string>} ids */
    async remove(ids) {
        const photos = this.#known(ids).map(({bucket, key}) => ({bucket, key}));
        if (!photos.length) {
            return;
        }
        this.selection.remove(ids);
        const hadFocus = this.grid.element.contains(document.activeElement);
        try {
            const {undo, at} = await post("/api/photos/delete", {photos});
            this.photos.remove(ids);
            const left = at ? Math.min(UNDO_MS, Math.max(1000, at - Date.now())) : UNDO_MS;
            note(`${plural(photos.length, "photo")} deleted`, {action: "Undo", ms: left, run: () => this.#undo(undo)});
            if (hadFocus) {
                this.grid.focus(Math.min(this.grid.current, this.photos.total - 1));
            }
        } catch (error) {
            complain(error);
        }
    }

    /** @param {string} undo */
    async #undo(undo) {
        try {
            await post("/api/photos/undo", {undo});
            announce("The photos are back");
            await this.photos.reload();
        } catch (error) {
            complain(error);
        }
    }

    /** @param {Set<string>} ids */
    async retry(ids) {
        const photos = this.#known(ids).filter(({state}) => state === "rejected" || state === "retrying");
        if (!photos.length) {
            return;
        }
        try {
            await this.photos.retry(photos);
            this.selection.remove(ids);
            photos.forEach((photo) => this.photos.update({...photo, state: "waiting", reason: null, detail: null}));
            announce(`${plural(photos.length, "photo")} sent again`);
        } catch (error) {
            complain(error);
        }
    }

    /** The tags of the photos that are loaded, the most frequent first. */
    #loadedTags() {
        /** @type {Map<string, {name: string, value: string, count: number}>} */
        const found = new Map();
        for (let at = 0; at < Math.min(this.photos.total, 500); at++) {
            for (const {name, value} of this.photos.at(at)?.tags ?? []) {
                const text = `${name}\n${value}`, known = found.get(text) ?? {name, value, count: 0};
                known.count++;
                found.set(text, known);
            }
        }
        return [...found.values()].sort((a, b) => b.count - a.count);
    }

    /** @param {boolean} shown */
    show(shown) {
        this.element.hidden = !shown;
        if (shown) {
            this.grid.arrange();
        }
    }
}
