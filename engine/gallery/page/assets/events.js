// What the server announces: server-sent events, or polling where something on the way blocks them.
//
// The stream begins with an event "hello". If it does not arrive in time, or the stream fails twice before it, a proxy
// holds it back: the page polls instead, and tries the stream again later. After a loss, both resume at the last id.

import {get} from "./api.js";

const HELLO_MS = 6000;
const STREAM_AGAIN_MS = 300000;
const PAUSES_MS = [500, 1000, 2000, 4000, 8000];
const TYPES = ["hello", "photo", "removed", "restored", "layout", "index", "system", "activity", "reset"];

/** Events by type, with the data as `detail`; also "online" and "offline". */
export class LiveEvents extends EventTarget {
    last = "";
    online = false;
    /** @type {"stream" | "polling"} */
    way = "stream";
    #running = 0;
    #failures = 0;
    /** @type {EventSource | null} */
    #source = null;
    /** @type {AbortController | null} */
    #poll = null;
    #timer = 0;

    start() {
        this.stop();
        this.#open(++this.#running);
    }

    stop() {
        this.#running++;
        clearTimeout(this.#timer);
        this.#source?.close();
        this.#poll?.abort();
        this.#source = this.#poll = null;
    }

    /** @param {number} run */
    #open(run) {
        if (this.way === "polling" || typeof EventSource !== "function") {
            this.way = "polling";
            this.#pollLoop(run);
            return;
        }
        const source = new EventSource(this.last ? `/api/events?last=${encodeURIComponent(this.last)}` : "/api/events");
        let greeted = false;
        this.#source = source;
        const lost = () => {
            if (run !== this.#running) {
                return;
            }
            source.close();
            clearTimeout(this.#timer);
            this.#offline();
            this.#failures++;
            if (!greeted && this.#failures >= 2) {
                this.#probe(run);
            } else {
                this.#again(run);
            }
        };
        this.#timer = setTimeout(() => (this.#failures++, lost()), HELLO_MS);
        source.onerror = lost;
        for (const type of TYPES) {
            source.addEventListener(type, (event) => {
                if (run !== this.#running) {
                    return;
                }
                if (!greeted) {
                    greeted = true;
                    clearTimeout(this.#timer);
                    this.#greeted();
                }
                this.#emit(event.lastEventId, type, event.data);
            });
        }
    }

    /** Tells a server that is away, or a session that has ended, from a stream that is blocked. @param {number} run */
    async #probe(run) {
        try {
            const answer = await get(this.#pollUrl());
            if (run === this.#running) {
                this.way = "polling";
                setTimeout(() => (this.way = "stream"), STREAM_AGAIN_MS);
                this.#take(answer);
                this.#pollLoop(run);
            }
        } catch (error) {
            if (/** @type {any} */ (error).status !== 401) {
                this.#again(run);
            }
        }
    }

    #pollUrl() {
        return `/api/events?poll=1&last=${encodeURIComponent(this.last)}`;
    }

    /** @param {number} run */
    async #pollLoop(run) {
        const control = (this.#poll = new AbortController());
        while (run === this.#running && this.way === "polling") {
            try {
                const answer = await get(this.#pollUrl(), control.signal);
                if (run !== this.#running) {
                    return;
                }
                this.#take(answer);
            } catch (error) {
                if (run === this.#running && /** @type {any} */ (error).status !== 401) {
                    this.#offline();
                    this.#failures++;
                    this.#again(run);
                }
                return;
            }
        }
        if (run === this.#running) {
            this.#open(run);
        }
    }

    /** @param {{events: {id: string, type: string, data: any}[], last: string}} answer */
    #take(answer) {
        this.#greeted();
        for (const {id, type, data} of answer.events) {
            this.#emit(id, type, data);
        }
        this.last = answer.last;
    }

    /** @param {number} run */
    #again(run) {
        const pause = PAUSES_MS[Math.min(this.#failures, PAUSES_MS.length) - 1] ?? PAUSES_MS[0];
        this.#timer = setTimeout(() => run === this.#running && this.#open(run), pause * (0.75 + Math.random() / 2));
    }

    #greeted() {
        this.#failures = 0;
        if (!this.online) {
            this.online = true;
            this.dispatchEvent(new Event("online"));
        }
    }

    #offline() {
        if (this.online) {
            this.online = false;
            this.dispatchEvent(new Event("offline"));
        }
    }

    /** @param {string} id @param {string} type @param {any} data */
    #emit(id, type, data) {
        if (id) {
            this.last = id;
        }
        let detail = data;
        if (typeof data === "string") {
            try {
                detail = data ? JSON.parse(data) : null;
            } catch {
                return;
            }
        }
        this.dispatchEvent(new CustomEvent(type, {detail}));
    }
}
