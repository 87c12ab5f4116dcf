// The grid of photos: only the rows near the screen exist, as tiles that are used again.

import {h, isTyping} from "./dom.js";
import {Rows} from "./rows.js";
import {address, go} from "./router.js";
import {Tile} from "./tile.js";

const MORE = 0.75; // of the screen's height, above and below it
const QUICK_PX_PER_MS = 6;
const SETTLED_MS = 90;
const FRESH_MS = 2500;

export class Grid extends EventTarget {
    current = 0;
    /** @type {Map<number, Tile>} */
    #tiles = new Map();
    /** @type {Tile[]} */
    #spare = [];
    #rows = new Rows(new Uint8Array(), 1, 200, 4);
    #frame = 0;
    #lastY = 0;
    #lastTime = 0;
    #quick = false;
    #settle = 0;
    #top = 0;
    #anchor = 0;

    /**
     * @param {import("./photos.js").Photos} photos @param {import("./selection.js").Selection} selection
     * @param {{preview: (id: string) => string | null, retry: (id: string) => void}} hooks
     */
    constructor(photos, selection, {preview, retry}) {
        super();
        this.photos = photos;
        this.selection = selection;
        this.preview = preview;
        this.retry = retry;
        this.element = h("ul", {class: "grid", role: "list", "aria-label": "Photos"});
        this.element.addEventListener("click", (event) => this.#click(event));
        this.element.addEventListener("keydown", (event) => this.#key(event));
        this.element.addEventListener("focusin", (event) => this.#focused(event));
        photos.addEventListener("layout", (event) => this.#changed(/** @type {CustomEvent} */ (event).detail.shift));
        photos.addEventListener("page", () => this.refresh());
        photos.addEventListener("photo", (event) => this.#updated(/** @type {CustomEvent} */ (event).detail));
        selection.addEventListener("change", () => this.refresh());
        addEventListener("scroll", () => this.#scrolled(), {passive: true});
        new ResizeObserver(() => this.arrange()).observe(this.element);
    }

    get #connected() {
        return this.element.isConnected && !this.element.closest("[hidden]"); // asked in every frame: must not compute the layout
    }

    /** Computes the rows again: other photos, or another width. */
    arrange() {
        if (!this.#connected) {
            return;
        }
        const width = this.element.clientWidth, phone = width < 560;
        const target = phone ? 128 : Math.min(264, Math.max(180, innerHeight * 0.26)), gap = phone ? 3 : 6;
        const keep = this.#topPhoto();
        const changed = width !== this.#rows.width;
        this.#rows = new Rows(this.photos.aspects, width, target, gap);
        this.element.style.height = `${this.#rows.height}px`;
        this.#top = this.element.getBoundingClientRect().top + scrollY;
        if (changed && keep) {
            this.#scrollTo(keep.index, keep.offset);
        }
        this.refresh();
    }

    /** @param {number} shift how far the photo at the top of the screen has moved in the listing */
    #changed(shift) {
        const keep = this.#topPhoto();
        this.current = Math.max(0, Math.min(this.current + shift, this.photos.total - 1));
        this.arrange();
        if (keep && shift) {
            this.#scrollTo(keep.index + shift, keep.offset);
            this.refresh();
        }
    }

    /** The first photo on the screen, if the user is not at the top of the page. */
    #topPhoto() {
        const y = scrollY - this.#top;
        if (y < 8 || !this.#rows.tops.length) {
            return null;
        }
        const row = this.#rows.rowAt(y);
        return {index: this.#rows.starts[row], offset: y - this.#rows.tops[row]};
    }

    /** @param {number} index @param {number} offset px below the row's upper edge */
    #scrollTo(index, offset) {
        const row = this.#rows.rowOf(Math.max(0, Math.min(index, this.photos.total - 1)));
        scrollTo({top: this.#top + (this.#rows.tops[row] ?? 0) + offset, behavior: "instant"});
    }

    #scrolled() {
        if (!this.#connected) {
            return;
        }
        const now = performance.now(), speed = Math.abs(scrollY - this.#lastY) / Math.max(1, now - this.#lastTime);
        this.#lastY = scrollY;
        this.#lastTime = now;
        this.#quick = speed > QUICK_PX_PER_MS;
        this.element.classList.add("moving");
        clearTimeout(this.#settle);
        this.#settle = setTimeout(() => this.#settled(), SETTLED_MS);
        this.refresh(false);
    }

    #settled() {
        this.element.classList.remove("moving");
        if (this.#quick) {
            this.#quick = false;
            this.refresh();
        }
    }

    #everything = false;

    /** Shows what is there, in the next frame. @param {boolean} [everything] not only what scrolls into view */
    refresh(everything = true) {
        this.#everything ||= everything;
        this.#frame ||= requestAnimationFrame(() => {
            this.#frame = 0;
            if (this.#connected) {
                this.#draw();
            }
        });
    }

    #draw() {
        const rows = this.#rows, needed = new Map();
        if (rows.tops.length) {
            const y = scrollY - this.#top, more = innerHeight * MORE;
            const first = rows.rowAt(Math.max(0, y - more)), last = rows.rowAt(y + innerHeight + more);
            for (let row = first; row <= last; row++) {
                rows.places(row).forEach((place) => needed.set(place.index, place));
            }
            this.#keepFocused(needed);
            const seen = {first: rows.starts[rows.rowAt(Math.max(0, y))], last: rows.starts[rows.rowAt(y + innerHeight) + 1] - 1};
            if (!needed.has(this.current)) {
                this.current = seen.first; // where the keys go on: the user has scrolled away
                this.#everything = true;
            }
            if (!this.#quick) {
                this.photos.view(seen.first, Math.max(seen.first, seen.last));
            }
        }
        for (const [index, tile] of this.#tiles) {
            if (!needed.has(index)) {
                this.#tiles.delete(index);
                this.#spare.push(tile);
            }
        }
        const everything = this.#everything;
        this.#everything = false;
        for (const place of needed.values()) {
            this.#place(place, everything);
        }
        this.#spare.splice(40).forEach((tile) => tile.element.remove());
        this.#spare.forEach((tile) => (tile.element.hidden = true));
        this.dispatchEvent(new Event("drawn"));
    }

    /** The tile with the focus stays, wherever the user scrolls. @param {Map<number, any>} needed */
    #keepFocused(needed) {
        const focused = this.element.contains(document.activeElement);
        if (focused && this.current < this.photos.total && !needed.has(this.current)) {
            const place = this.#rows.places(this.#rows.rowOf(this.current)).find(({index}) => index === this.current);
            needed.set(this.current, place);
        }
    }

    /** @param {{index: number, x: number, y: number, width: number, height: number}} place @param {boolean} always even if it is there */
    #place(place, always) {
        let tile = this.#tiles.get(place.index);
        if (!tile) {
            const id = this.photos.idAt(place.index), same = this.#spare.findIndex((spare) => spare.id === id && id !== null);
            tile = (same >= 0 ? this.#spare.splice(same, 1)[0] : this.#spare.pop()) ?? new Tile((one) => one.id && this.retry(one.id));
            tile.element.hidden = false;
            this.#tiles.set(place.index, tile);
            if (!tile.element.parentNode) {
                this.element.append(tile.element);
            }
        }
        const moved = tile.move(place);
        if (always || moved || tile.id === null) {
            this.#show(tile);
        }
    }

    /** @param {Tile} tile */
    #show(tile) {
        const photo = this.photos.at(tile.index), id = this.photos.idAt(tile.index);
        tile.show(photo, {
            id, total: this.photos.total, href: id ? address({photo: id}) : "", preview: id && photo && !photo.thumb ? this.preview(id) : null,
            selected: id !== null && this.selection.has(id), current: tile.index === this.current, quick: this.#quick,
        });
    }

    /** @param {{id: string, isNew: boolean}} change */
    #updated({id}) {
        for (const tile of this.#tiles.values()) {
            if (tile.id === id) {
                this.#show(tile);
            }
        }
    }

    /** Marks a photo that has just arrived. @param {string} id */
    greet(id) {
        requestAnimationFrame(() => {
            const tile = [...this.#tiles.values()].find((one) => one.id === id);
            tile?.element.classList.add("fresh");
            setTimeout(() => tile?.id === id && tile.element.classList.remove("fresh"), FRESH_MS);
        });
    }

    /** @param {MouseEvent} event */
    #click(event) {
        const target = /** @type {Element} */ (event.target), element = target.closest(".tile");
        const tile = [...this.#tiles.values()].find((one) => one.element === element);
        if (!tile?.id) {
            return;
        }
        const wantsCheck = target.closest(".tile-check") || event.shiftKey || event.ctrlKey || event.metaKey;
        if (wantsCheck || (this.selection.size > 0 && target.closest(".tile-open"))) {
            event.preventDefault();
            this.current = tile.index;
            this.select(tile.index, event.shiftKey);
        } else if (target.closest(".tile-open")) {
            event.preventDefault();
            this.current = tile.index;
            go({photo: tile.id});
        }
    }

    /** @param {number} index @param {boolean} range from the last one that was selected */
    select(index, range) {
        const ids = [];
        if (range) {
            for (let at = Math.min(this.#anchor, index); at <= Math.max(this.#anchor, index); at++) {
                ids.push(this.photos.idAt(at));
            }
            this.selection.add(ids.filter((id) => id !== null));
        } else {
            this.#anchor = index;
            const id = this.photos.idAt(index);
            if (id) {
                this.selection.toggle(id);
            }
        }
    }

    /** @param {FocusEvent} event */
    #focused(event) {
        const element = /** @type {Element} */ (event.target).closest(".tile");
        const tile = [...this.#tiles.values()].find((one) => one.element === element);
        if (tile && tile.index !== this.current) {
            this.current = tile.index;
            this.refresh();
        }
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) {
            return;
        }
        const to = this.#target(event.key);
        if (to !== null) {
            event.preventDefault();
            if (event.shiftKey) {
                this.select(to, true);
            }
            this.focus(to);
        } else if (event.key === " " || event.key === "x") {
            if (/** @type {Element} */ (event.target).closest(".tile-open") || event.key === "x") {
                event.preventDefault();
                this.select(this.current, false);
            }
        }
    }

    /** The photo that a key leads to; null if it is another key. @param {string} key */
    #target(key) {
        const last = this.photos.total - 1, rowsOnScreen = Math.max(1, Math.round(innerHeight / 240));
        switch (key) {
        case "ArrowRight":
            return Math.min(last, this.current + 1);
        case "ArrowLeft":
            return Math.max(0, this.current - 1);
        case "ArrowDown":
            return this.#below(1);
        case "ArrowUp":
            return this.#below(-1);
        case "PageDown":
            return this.#below(rowsOnScreen);
        case "PageUp":
            return this.#below(-rowsOnScreen);
        case "Home":
            return 0;
        case "End":
            return last;
        default:
            return null;
        }
    }

    /** The nearest photo some rows below. @param {number} count */
    #below(count) {
        const rows = this.#rows, row = rows.rowOf(this.current);
        const here = rows.places(row).find(({index}) => index === this.current);
        const wanted = Math.max(0, Math.min(row + count, rows.tops.length - 1));
        if (!here || wanted === row) {
            return this.current;
        }
        const middle = here.x + here.width / 2;
        return rows.places(wanted).reduce((best, place) =>
            Math.abs(place.x + place.width / 2 - middle) < Math.abs(best.x + best.width / 2 - middle) ? place : best).index;
    }

    /** Gives a photo the focus, and brings it onto the screen. @param {number} index */
    focus(index) {
        if (index < 0 || index >= this.photos.total) {
            return;
        }
        this.current = index;
        this.reveal(index);
        this.#everything = true;
        this.#draw();
        this.#tiles.get(index)?.open.focus({preventScroll: true});
    }

    /** @param {number} index */
    reveal(index) {
        const row = this.#rows.rowOf(index), top = this.#top + this.#rows.tops[row], bottom = top + this.#rows.heights[row];
        const header = 120, footer = 96;
        if (top < scrollY + header) {
            scrollTo({top: Math.max(0, top - header), behavior: "instant"});
        } else if (bottom > scrollY + innerHeight - footer) {
            scrollTo({top: bottom - innerHeight + footer, behavior: "instant"});
        }
    }

    /** The tile of a photo, for the transition to the viewer. @param {string} id */
    tileOf(id) {
        return [...this.#tiles.values()].find((tile) => tile.id === id) ?? null;
    }

    /** The photo at the top of the screen. */
    topPhoto() {
        const keep = this.#topPhoto();
        return keep ? this.photos.at(keep.index) : null;
    }
}
