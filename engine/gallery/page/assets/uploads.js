// The queue of files to upload: a few at a time, each with progress, cancel and retry. URLs are signed just before their use.

import {ApiError, post, sentence, session} from "./api.js";
import {StoreError, transfer} from "./transfer.js";

const AT_ONCE = 4;
const SIGNED_AT_ONCE = 40;
const ATTEMPTS = 50; // names that are tried, if they are taken
const PREVIEW_PX = 320;
const PREVIEWS = 400;

/**
 * @typedef {{number: number, file: File, path: string, state: "waiting" | "sending" | "done" | "failed" | "cancelled",
 *            loaded: number, error: string, attempt: number, bucket: string, key: string, control: AbortController | null,
 *            target: any, signedAt: number}} Upload
 */

/** A signed URL is valid for longer; one that has waited is signed again. */
const SIGNED_MS = 240000;

/** Event "change". */
export class Uploads extends EventTarget {
    /** @type {Upload[]} */
    items = [];
    /** @type {{path: string, reason: string}[]} files that can't be uploaded */
    refused = [];
    #sending = 0;
    #signing = false;
    #paused = false;
    #frame = 0;
    #began = 0;
    /** @type {Map<string, File>} id → the file, until its thumbnail is there */
    #files = new Map();
    /** @type {Map<string, string>} id → URL of the preview; "" while it is made */
    #previews = new Map();

    /** @param {{accept: string[], maxBytes: number}} limits */
    constructor({accept, maxBytes}) {
        super();
        this.accept = accept.map((ending) => ending.toLowerCase());
        this.maxBytes = maxBytes;
        session.addEventListener("login", () => (this.#paused = true));
        addEventListener("beforeunload", (event) => this.active && event.preventDefault());
    }

    get active() {
        return this.items.some(({state}) => state === "waiting" || state === "sending");
    }

    /** @param {Upload["state"]} state */
    count(state) {
        return this.items.reduce((sum, item) => sum + Number(item.state === state), 0);
    }

    /** Bytes of all files, bytes that have been sent, and bytes for each second. */
    get totals() {
        let size = 0, loaded = 0;
        for (const item of this.items) {
            if (item.state !== "cancelled" && item.state !== "failed") {
                size += item.file.size;
                loaded += item.state === "done" ? item.file.size : Math.min(item.loaded, item.file.size);
            }
        }
        const seconds = (performance.now() - this.#began) / 1000;
        return {size, loaded, speed: seconds > 1 ? loaded / seconds : 0};
    }

    /** @param {{file: File, path: string}[]} files @returns {number} how many were accepted */
    add(files) {
        let accepted = 0;
        if (!this.active) {
            this.items = this.items.filter(({state}) => state === "failed");
            this.refused = [];
            this.#began = performance.now();
        }
        for (const {file, path} of files) {
            if (/(^|\/)(\.|Thumbs\.db$|desktop\.ini$)/.test(path)) {
                continue;
            }
            const reason = this.#refusal(file, path);
            if (reason) {
                this.refused.push({path, reason});
                continue;
            }
            this.items.push({number: ++Uploads.#numbers, file, path, state: "waiting", loaded: 0, error: "", attempt: 1, bucket: "", key: "",
                             control: null, target: null, signedAt: 0});
            accepted++;
        }
        this.#changed();
        this.#pump();
        return accepted;
    }

    static #numbers = 0;

    /** Why a file can't be uploaded; "" if it can. @param {File} file @param {string} path */
    #refusal(file, path) {
        const name = path.toLowerCase();
        if (this.accept.length && !this.accept.some((ending) => name.endsWith(ending))) {
            return "no pipeline accepts this type of file";
        }
        if (file.size === 0) {
            return "the file is empty";
        }
        return this.maxBytes && file.size > this.maxBytes ? "the file is larger than the engine accepts" : "";
    }

    /** @param {Upload} item */
    cancel(item) {
        if (item.state === "waiting" || item.state === "sending") {
            item.state = "cancelled";
            item.control?.abort(new DOMException("cancelled", "AbortError"));
            this.#changed();
        }
    }

    cancelAll() {
        this.items.forEach((item) => this.cancel(item));
    }

    /** @param {Upload} item */
    retry(item) {
        if (item.state === "failed" || item.state === "cancelled") {
            Object.assign(item, {state: "waiting", loaded: 0, error: "", target: null});
            this.#changed();
            this.#pump();
        }
    }

    /** After the user has logged in again. */
    resume() {
        this.#paused = false;
        this.#pump();
    }

    clear() {
        this.items = this.items.filter(({state}) => state === "waiting" || state === "sending");
        this.refused = [];
        this.#changed();
    }

    #changed() {
        this.#frame ||= requestAnimationFrame(() => {
            this.#frame = 0;
            this.dispatchEvent(new Event("change"));
        });
    }

    #pump() {
        if (this.#paused) {
            return;
        }
        while (this.#sending < AT_ONCE) {
            const item = this.items.find(({state, target}) => state === "waiting" && target);
            if (!item) {
                break;
            }
            this.#send(item);
        }
        this.#sign();
    }

    async #sign() {
        const unsigned = this.items.filter(({state, target}) => state === "waiting" && !target);
        if (this.#signing || !unsigned.length || this.items.filter(({state, target}) => state === "waiting" && target).length >= AT_ONCE) {
            return;
        }
        const batch = unsigned.slice(0, SIGNED_AT_ONCE);
        this.#signing = true;
        try {
            const files = batch.map(({file, path, attempt}) => ({path, size: file.size, type: file.type, ...(attempt > 1 && {attempt})}));
            const {uploads} = await post("/api/uploads", {files});
            batch.forEach((item, at) => this.#signed(item, uploads[at]));
        } catch (error) {
            this.#signFailed(batch, /** @type {ApiError} */ (error));
        } finally {
            this.#signing = false;
            this.#changed();
            this.#pump();
        }
    }

    /** @param {Upload} item @param {any} target */
    #signed(item, target) {
        if (item.state !== "waiting") {
            return;
        }
        if (!target || target.error) {
            this.#fail(item, sentence(target?.error?.message ?? "the server did not answer for this file"));
            return;
        }
        Object.assign(item, {target, bucket: target.bucket, key: target.key, signedAt: performance.now()});
    }

    /** @param {Upload[]} batch @param {ApiError} error */
    #signFailed(batch, error) {
        if (error.status === 401) {
            this.#paused = true;
            return;
        }
        batch.filter(({state}) => state === "waiting").forEach((item) => this.#fail(item, error.message));
    }

    /** @param {Upload} item @param {string} error */
    #fail(item, error) {
        Object.assign(item, {state: "failed", error, target: null});
    }

    /** @param {Upload} item */
    async #send(item) {
        if (performance.now() - item.signedAt > SIGNED_MS && !item.target.multipart) {
            item.target = null;
            return;
        }
        const control = new AbortController();
        Object.assign(item, {state: "sending", control});
        this.#sending++;
        this.#remember(item);
        this.#changed();
        try {
            await transfer(item.file, item.target, (loaded) => {
                item.loaded = loaded;
                this.#changed();
            }, control.signal);
            item.state = "done";
            this.dispatchEvent(new CustomEvent("stored", {detail: item}));
        } catch (error) {
            this.#sendFailed(item, /** @type {any} */ (error));
        } finally {
            this.#sending--;
            item.control = null;
            this.#changed();
            this.#pump();
        }
    }

    /** @param {Upload} item @param {any} error */
    #sendFailed(item, error) {
        this.#files.delete(`${item.bucket}/${item.key}`);
        if (item.state === "cancelled") {
            return;
        }
        item.loaded = 0;
        const taken = (error instanceof StoreError || error instanceof ApiError) && error.status === 412;
        if (taken && item.attempt < ATTEMPTS) {
            Object.assign(item, {state: "waiting", target: null, attempt: item.attempt + 1});
        } else if (error instanceof ApiError && error.status === 401) {
            Object.assign(item, {state: "waiting", target: null});
            this.#paused = true;
        } else {
            this.#fail(item, error.message);
        }
    }

    /** @param {Upload} item */
    #remember(item) {
        this.#files.set(`${item.bucket}/${item.key}`, item.file);
        for (const id of this.#files.keys()) {
            if (this.#files.size <= PREVIEWS) {
                break;
            }
            this.forget(id);
        }
    }

    /** A picture of a file that this page has just uploaded; it is made when it is asked for. @param {string} id */
    preview(id) {
        const file = this.#files.get(id), url = this.#previews.get(id);
        if (file && url === undefined) {
            this.#previews.set(id, "");
            this.#draw(id, file).catch(() => this.#files.delete(id));
        }
        return url || null;
    }

    /** @param {string} id @param {File} file */
    async #draw(id, file) {
        const image = await createImageBitmap(file, {resizeHeight: PREVIEW_PX, resizeQuality: "medium"});
        const canvas = new OffscreenCanvas(image.width, image.height);
        canvas.getContext("2d")?.drawImage(image, 0, 0);
        image.close();
        const url = URL.createObjectURL(await canvas.convertToBlob({type: "image/jpeg", quality: 0.8}));
        this.#previews.set(id, url);
        this.dispatchEvent(new CustomEvent("preview", {detail: id}));
    }

    /** The thumbnail is there. @param {string} id */
    forget(id) {
        const url = this.#previews.get(id);
        this.#files.delete(id);
        this.#previews.delete(id);
        if (url) {
            setTimeout(() => URL.revokeObjectURL(url), 10000);
        }
    }
}
