// The photos of the current filter: their number and shapes at once, the rest in pages as they come into view.
//
// An index is a place in the listing; an id is "bucket/key". After a change, the shapes and the pages in view are fetched
// together and take effect at once, so that nothing on the screen jumps or blinks.

import {get, post} from "./api.js";
import {decodeAspects} from "./rows.js";

export const PAGE = 100;
const AT_ONCE = 3;
const RELOAD_MS = 1000;
const TRIES = 3;
const KEPT = 6000; // photos in memory

/**
 * @typedef {{name: string, value: string, by: "labeler" | "person"}} Tag
 * @typedef {{pipeline: string, bucket: string, key: string, width: number, height: number, bytes: number, format: string,
 *            modified: number, url: string}} Rendition
 * @typedef {{bucket: string, key: string, name: string, size: number, modified: number, width: number, height: number,
 *            state: "waiting" | "working" | "done" | "rejected" | "retrying", stage?: string | null, reason?: string | null,
 *            detail?: string | null,
 *            thumb: string | null, colour?: string, thumbhash?: string, tags: Tag[], original?: string,
 *            renditions?: Rendition[], expected?: number}} Photo
 */

/** @param {{bucket: string, key: string}} photo */
export const idOf = (photo) => `${photo.bucket}/${photo.key}`;

/** Events: "layout" (shift), "photo" (id), "page", "failed" (error), "loading". */
export class Photos extends EventTarget {
    query = "";
    /** @type {string | number} */
    revision = "";
    aspects = new Uint8Array();
    loaded = false;
    /** @type {Map<number, string>} index → id */
    #slots = new Map();
    /** @type {Map<string, Photo>} */
    #known = new Map();
    /** @type {Map<number, Promise<void>>} */
    #fetching = new Map();
    /** @type {number[]} pages to fetch, the most recent first */
    #wanted = [];
    #inView = {first: 0, last: 40};
    #reloading = false;
    #dirty = false;
    #timer = 0;
    #reloaded = 0;
    #generation = 0;

    get total() {
        return this.aspects.length;
    }

    /** @param {number} index */
    at(index) {
        const id = this.#slots.get(index);
        return id === undefined ? null : this.#known.get(id) ?? null;
    }

    /** @param {number} index */
    idAt(index) {
        return this.#slots.get(index) ?? null;
    }

    /** @param {string} id */
    byId(id) {
        return this.#known.get(id) ?? null;
    }

    /** The index of a photo that has been loaded; -1 if it has not. @param {string} id */
    indexOf(id) {
        for (const [index, found] of this.#slots) {
            if (found === id) {
                return index;
            }
        }
        return -1;
    }

    /** @param {string} query */
    async filter(query) {
        if (this.loaded && query === this.query) {
            return;
        }
        this.query = query;
        this.#inView = {first: 0, last: 40};
        this.#generation++;
        this.#reloading = false;
        await this.reload();
    }

    /** What the user sees, and what is fetched first. @param {number} first @param {number} last */
    view(first, last) {
        this.#inView = {first, last};
        const pages = [];
        for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page++) {
            if (!this.#has(page) && !this.#fetching.has(page)) {
                pages.push(page);
            }
        }
        this.#wanted = pages;
        this.#pump();
    }

    /** Fetches what is at an index, if it is not there. @param {number} index */
    async load(index) {
        const page = Math.floor(index / PAGE);
        if (!this.#has(page)) {
            await (this.#fetching.get(page) ?? this.#fetchPage(page));
        }
        return this.at(index);
    }

    /** @param {number} page */
    #has(page) {
        const first = page * PAGE, last = Math.min(first + PAGE, this.total) - 1;
        return first > last || (this.#slots.has(first) && this.#slots.has(last) && this.at(first) !== null && this.at(last) !== null);
    }

    #pump() {
        while (this.#fetching.size < AT_ONCE && this.#wanted.length) {
            this.#fetchPage(/** @type {number} */ (this.#wanted.shift())).catch(() => {});
        }
    }

    /** @param {number} page */
    #fetchPage(page) {
        const generation = this.#generation;
        const work = (async () => {
            try {
                const answer = await get(this.#url(page * PAGE, PAGE));
                if (generation === this.#generation) {
                    this.#place(this.#slots, page * PAGE, answer.photos);
                    this.dispatchEvent(new CustomEvent("page", {detail: {first: page * PAGE, count: answer.photos.length}}));
                    if (answer.revision !== this.revision) {
                        this.changed();
                    }
                }
            } catch (error) {
                this.dispatchEvent(new CustomEvent("failed", {detail: error}));
                throw error;
            } finally {
                this.#fetching.delete(page);
                this.#pump();
            }
        })();
        this.#fetching.set(page, work);
        return work;
    }

    /** @param {number} first @param {number} count */
    #url(first, count) {
        return `/api/photos?${this.query}${this.query && "&"}first=${first}&count=${count}`;
    }

    /** @param {Map<number, string>} slots @param {number} first @param {Photo[]} photos */
    #place(slots, first, photos) {
        photos.forEach((photo, at) => {
            const id = idOf(photo);
            this.#known.set(id, {...this.#known.get(id), ...photo});
            slots.set(first + at, id);
        });
        this.#trim();
    }

    /** Forgets the photos that are far from what the user sees. */
    #trim() {
        if (this.#known.size <= KEPT) {
            return;
        }
        const kept = new Set(), middle = (this.#inView.first + this.#inView.last) / 2;
        for (const [index, id] of this.#slots) {
            if (Math.abs(index - middle) < KEPT / 3) {
                kept.add(id);
            } else {
                this.#slots.delete(index);
            }
        }
        for (const id of this.#known.keys()) {
            if (!kept.has(id)) {
                this.#known.delete(id);
            }
        }
    }

    /** The server has other photos now: fetches them soon, at most once a second. */
    changed() {
        const wait = Math.max(0, this.#reloaded + RELOAD_MS + this.total / 50 - performance.now());
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.reload(), wait);
    }

    async reload() {
        if (this.#reloading) {
            this.#dirty = true;
            return;
        }
        const generation = this.#generation;
        this.#reloading = true;
        this.dispatchEvent(new Event("loading"));
        try {
            const {layout, aspects, shift, slots, same} = await this.#fetchView();
            if (generation !== this.#generation) {
                return;
            }
            this.#dirty ||= !same;
            const before = this.#inView.first, anchor = this.#slots.get(before);
            const moved = anchor === undefined ? shift : this.#movedTo(slots, anchor, before, shift);
            this.aspects = aspects;
            this.revision = layout.revision;
            this.#slots = slots;
            this.loaded = true;
            this.dispatchEvent(new CustomEvent("layout", {detail: {shift: moved}}));
        } catch (error) {
            if (generation === this.#generation) {
                this.dispatchEvent(new CustomEvent("failed", {detail: error}));
            }
        } finally {
            if (generation === this.#generation) {
                this.#reloading = false;
                this.#reloaded = performance.now();
                if (this.#dirty) {
                    this.#dirty = false;
                    this.changed();
                }
            }
        }
    }

    /** The shapes, and the pages in view, of one revision if the server stays at one for long enough. */
    async #fetchView() {
        for (let tries = 1; ; tries++) {
            const first = this.loaded ? null : get(this.#url(0, PAGE));
            first?.catch(() => {});
            const layout = await get(`/api/layout?${this.query}`);
            const aspects = decodeAspects(layout.aspects);
            const shift = this.loaded && this.#newestFirst() ? this.#shiftTo(aspects.length) : 0;
            const {slots, revisions} = await this.#pagesInView(shift, aspects.length, first);
            const same = revisions.every((revision) => revision === layout.revision);
            if (same || tries === TRIES) {
                return {layout, aspects, shift, slots, same};
            }
        }
    }

    #newestFirst() {
        return !/(^|&)sort=(oldest|name)/.test(this.query);
    }

    /** New photos come first: everything else moves by their number, unless the user is at the top. @param {number} total */
    #shiftTo(total) {
        return this.#inView.first > 0 ? Math.max(0, total - this.total) : 0;
    }

    /** @param {number} shift @param {number} total @param {Promise<any> | null} firstPage it has been asked for already */
    async #pagesInView(shift, total, firstPage) {
        const first = Math.floor((this.#inView.first + shift) / PAGE), last = Math.floor(Math.min(this.#inView.last + shift, total - 1) / PAGE);
        /** @type {Map<number, string>} */
        const slots = new Map();
        /** @type {Promise<any>[]} */
        const pages = [];
        for (let page = Math.max(first, 0); page <= Math.max(last, 0) && page * PAGE < total; page++) {
            pages.push((page === 0 && firstPage || get(this.#url(page * PAGE, PAGE))).then((answer) => {
                this.#place(slots, page * PAGE, answer.photos);
                return answer.revision;
            }));
        }
        return {slots, revisions: await Promise.all(pages)};
    }

    /** @param {Map<number, string>} slots @param {string} anchor @param {number} before @param {number} shift */
    #movedTo(slots, anchor, before, shift) {
        for (const [index, id] of slots) {
            if (id === anchor) {
                return index - before;
            }
        }
        return shift;
    }

    /** A photo of an event. @param {Photo} photo */
    update(photo) {
        const id = idOf(photo);
        const isNew = !this.#known.has(id);
        this.#known.set(id, {...this.#known.get(id), ...photo});
        this.dispatchEvent(new CustomEvent("photo", {detail: {id, isNew}}));
        this.#trim();
    }

    /** Takes photos out of the view, before the server has done it. @param {Set<string>} ids */
    remove(ids) {
        const gone = new Set();
        for (const [index, id] of this.#slots) {
            if (ids.has(id)) {
                gone.add(index);
            }
        }
        if (!gone.size) {
            return;
        }
        const sorted = [...gone].sort((a, b) => a - b);
        this.aspects = this.aspects.filter((_, index) => !gone.has(index));
        /** @type {Map<number, string>} */
        const slots = new Map();
        for (const [index, id] of this.#slots) {
            if (!gone.has(index)) {
                slots.set(index - countBelow(sorted, index), id);
            }
        }
        this.#slots = slots;
        this.dispatchEvent(new CustomEvent("layout", {detail: {shift: -countBelow(sorted, this.#inView.first)}}));
    }

    /** Everything about one photo. @param {{bucket: string, key: string}} photo @returns {Promise<Photo>} */
    async details({bucket, key}) {
        const photo = await get(`/api/photos/${encodeURIComponent(bucket)}/${encodeURIComponent(key)}`);
        this.#known.set(idOf(photo), photo);
        return photo;
    }

    /** @param {{bucket: string, key: string}[]} photos */
    async retry(photos) {
        await post("/api/photos/retry", {photos: photos.map(({bucket, key}) => ({bucket, key}))});
    }
}

/** @param {number[]} sorted @param {number} value */
function countBelow(sorted, value) {
    let low = 0, high = sorted.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (sorted[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}
