// The picture of the viewer: fits, zooms by wheel, keys, double-click and pinch, and is moved by dragging. A swipe across shows
// a neighbour, a swipe down goes back.

import {h, say, set} from "./dom.js";

const MOST = 12;
const SWIPE_PX = 60;
const TAP_MS = 300;

export class Stage {
    #scale = 1;
    #x = 0;
    #y = 0;
    /** @type {Map<number, {x: number, y: number}>} */
    #fingers = new Map();
    #start = {x: 0, y: 0, distance: 0, scale: 1, dx: 0, dy: 0};
    #moved = false;
    #pinched = false;
    #lastTap = 0;
    #url = "";
    #small = "";
    #size = {width: 0, height: 0};
    #detailed = false;

    /** @param {{next: () => void, previous: () => void, close: () => void, original: () => string}} actions */
    constructor(actions) {
        this.actions = actions;
        this.small = h("img", {class: "stage-small", alt: "", draggable: "false"});
        this.large = h("img", {class: "stage-large", alt: "", draggable: "false", decoding: "async"});
        this.frame = h("div", {class: "stage-frame"}, this.small, this.large);
        this.text = h("p", {class: "stage-text", role: "status"});
        this.element = h("div", {class: "stage"}, this.frame, this.text);
        this.large.addEventListener("load", () => this.#loaded());
        this.large.addEventListener("error", () => this.#url && this.large.getAttribute("src") && this.message("This picture could not be loaded."));
        this.#listen();
        new ResizeObserver(() => this.#fitFrame()).observe(this.element);
    }

    get zoomed() {
        return this.#scale > 1.01;
    }

    reset() {
        this.#url = this.#small = "";
        this.#detailed = false;
        this.large.classList.remove("shown");
        this.large.removeAttribute("src");
        this.small.removeAttribute("src");
        this.message("");
        this.fit();
    }

    /** @param {{url: string, small: string, width: number, height: number, alt: string}} picture */
    show({url, small, width, height, alt}) {
        this.message("");
        set(this.large, {alt});
        this.#size = {width, height};
        if (small && small.split("?")[0] !== this.#small.split("?")[0]) {
            this.#small = small;
            this.small.src = small;
        }
        if (url && url.split("?")[0] !== this.#url.split("?")[0]) {
            this.#url = url;
            this.#detailed = false;
            this.large.src = url;
        }
        this.#fitFrame();
    }

    /** @param {string} text */
    message(text) {
        say(this.text, text);
        this.text.hidden = !text;
    }

    #loaded() {
        this.large.classList.add("shown");
        if (!this.#size.width) {
            this.#size = {width: this.large.naturalWidth, height: this.large.naturalHeight};
            this.#fitFrame();
        }
    }

    /** The frame is as large as the picture may be; small pictures are not blown up. */
    #fitFrame() {
        const {clientWidth, clientHeight} = this.element, {width, height} = this.#size;
        if (!clientWidth || !width || !height) {
            set(this.frame, {style: {width: "100%", height: "100%"}});
            return;
        }
        const factor = Math.min(clientWidth / width, clientHeight / height, Math.max(1, 480 / Math.max(width, height)));
        set(this.frame, {style: {width: `${Math.round(width * factor)}px`, height: `${Math.round(height * factor)}px`}});
        this.#apply();
    }

    fit() {
        this.#scale = 1;
        this.#x = this.#y = 0;
        this.#apply();
    }

    /** @param {number} factor @param {number} [x] @param {number} [y] the point that stays, from the middle of the stage */
    zoomBy(factor, x = 0, y = 0) {
        const scale = Math.min(MOST, Math.max(1, this.#scale * factor)), real = scale / this.#scale;
        this.#x = x - (x - this.#x) * real;
        this.#y = y - (y - this.#y) * real;
        this.#scale = scale;
        this.#apply();
        this.#showDetail();
    }

    /** @param {number} dx @param {number} dy */
    pan(dx, dy) {
        if (this.zoomed) {
            this.#x += dx;
            this.#y += dy;
            this.#apply();
        }
    }

    #apply() {
        const width = this.frame.offsetWidth * this.#scale, height = this.frame.offsetHeight * this.#scale;
        const mostX = Math.max(0, (width - this.element.clientWidth) / 2), mostY = Math.max(0, (height - this.element.clientHeight) / 2);
        if (this.#fingers.size === 0 || this.zoomed) {
            this.#x = Math.min(mostX, Math.max(-mostX, this.#x));
            this.#y = Math.min(mostY, Math.max(-mostY, this.#y));
        }
        this.frame.style.transform = `translate(${this.#x}px, ${this.#y}px) scale(${this.#scale})`;
        this.element.classList.toggle("zoomed", this.zoomed);
    }

    /** The original, once the rendition has too few pixels for what the user wants to see. */
    #showDetail() {
        const needed = this.frame.offsetWidth * this.#scale * devicePixelRatio, url = this.actions.original();
        if (this.#detailed || !url || needed <= this.large.naturalWidth * 1.1) {
            return;
        }
        this.#detailed = true;
        const image = new Image();
        image.src = url;
        image.decode().then(() => {
            if (this.#detailed) {
                this.large.src = url;
            }
        }, () => {});
    }

    #listen() {
        const {element} = this;
        element.addEventListener("wheel", (event) => {
            event.preventDefault();
            const {x, y} = this.#fromMiddle(event);
            this.zoomBy(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), x, y);
        }, {passive: false});
        element.addEventListener("pointerdown", (event) => this.#down(event));
        element.addEventListener("pointermove", (event) => this.#move(event));
        element.addEventListener("pointerup", (event) => this.#up(event));
        element.addEventListener("pointercancel", (event) => this.#up(event, true));
        element.addEventListener("dblclick", (event) => this.#double(event));
    }

    /** @param {{clientX: number, clientY: number}} event */
    #fromMiddle(event) {
        const {left, top, width, height} = this.element.getBoundingClientRect();
        return {x: event.clientX - left - width / 2, y: event.clientY - top - height / 2};
    }

    /** @param {{clientX: number, clientY: number}} event */
    #double(event) {
        const {x, y} = this.#fromMiddle(event);
        this.zoomed ? this.fit() : this.zoomBy(2.5, x, y);
    }

    /** @param {PointerEvent} event */
    #down(event) {
        if (event.button !== 0) {
            return;
        }
        this.element.setPointerCapture(event.pointerId);
        this.#fingers.set(event.pointerId, {x: event.clientX, y: event.clientY});
        this.#moved = this.#fingers.size > 1 && this.#moved;
        this.#pinched = this.#fingers.size > 1;
        this.#begin();
    }

    #begin() {
        const points = [...this.#fingers.values()], {x, y} = middle(points);
        this.#start = {x, y, distance: spread(points), scale: this.#scale, dx: this.#x, dy: this.#y};
    }

    /** @param {PointerEvent} event */
    #move(event) {
        if (!this.#fingers.has(event.pointerId)) {
            return;
        }
        this.#fingers.set(event.pointerId, {x: event.clientX, y: event.clientY});
        const points = [...this.#fingers.values()], {x, y} = middle(points), start = this.#start;
        this.#moved ||= Math.hypot(x - start.x, y - start.y) > 8 || points.length > 1;
        if (points.length > 1) {
            const scale = Math.min(MOST, Math.max(0.7, start.scale * spread(points) / (start.distance || 1)));
            const from = this.#fromMiddle({clientX: start.x, clientY: start.y}), to = this.#fromMiddle({clientX: x, clientY: y});
            this.#scale = scale;
            this.#x = to.x - (from.x - start.dx) * scale / start.scale;
            this.#y = to.y - (from.y - start.dy) * scale / start.scale;
        } else {
            this.#x = start.dx + x - start.x;
            this.#y = start.dy + y - start.y;
            if (!this.zoomed && event.pointerType === "mouse") {
                this.#x = this.#y = 0;
            }
        }
        this.element.classList.add("dragging");
        this.#apply();
    }

    /** @param {PointerEvent} event @param {boolean} [cancelled] */
    #up(event, cancelled = false) {
        if (!this.#fingers.delete(event.pointerId)) {
            return;
        }
        if (this.#fingers.size > 0) {
            this.#begin();
            return;
        }
        this.element.classList.remove("dragging");
        const dx = event.clientX - this.#start.x, dy = event.clientY - this.#start.y;
        if (this.#scale <= 1.01) {
            this.fit();
            if (!cancelled && !this.#pinched && event.pointerType !== "mouse") {
                this.#swiped(dx, dy);
            }
        } else {
            this.#apply();
            this.#showDetail();
        }
        if (!cancelled && !this.#moved && event.pointerType !== "mouse") {
            this.#tap(event);
        }
    }

    /** @param {number} dx @param {number} dy */
    #swiped(dx, dy) {
        if (Math.abs(dx) > SWIPE_PX && Math.abs(dx) > 1.3 * Math.abs(dy)) {
            dx < 0 ? this.actions.next() : this.actions.previous();
        } else if (dy > 1.5 * SWIPE_PX && dy > 1.3 * Math.abs(dx)) {
            this.actions.close();
        }
    }

    /** @param {PointerEvent} event */
    #tap(event) {
        const now = performance.now();
        if (now - this.#lastTap < TAP_MS) {
            this.#lastTap = 0;
            this.#double(event);
        } else {
            this.#lastTap = now;
        }
    }
}

/** @param {{x: number, y: number}[]} points */
function middle(points) {
    return {x: points.reduce((sum, {x}) => sum + x, 0) / points.length, y: points.reduce((sum, {y}) => sum + y, 0) / points.length};
}

/** @param {{x: number, y: number}[]} points */
const spread = (points) => (points.length > 1 ? Math.hypot(points[0].x - points[1].x, points[0].y - points[1].y) : 0);
