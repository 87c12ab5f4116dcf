// The view of the engine: numbers, queues, dead letters, and the last hundred events.

import {get} from "./api.js";
import {meter, sparkline, stepColour, waterfall} from "./chart.js";
import {DeadLetters} from "./dead_letters.js";
import {fill, h, icon} from "./dom.js";
import {baseName, bytes, clock, duration, number, plural, visible} from "./formats.js";
import {go} from "./router.js";

/** The server sends its numbers every two seconds for a minute after it was asked for them. */
const ASK_MS = 45000;
const AGAIN_MS = 3000;
const EVENTS = 100;

/**
 * @typedef {{pipeline: string, name: string, known?: boolean, visible: number, inFlight: number, delayed: number,
 *            deadLetters: {name: string, visible: number, known?: boolean} | null, error?: string}} Queue
 * @typedef {{id: string, pipeline: string, bucket: string, key: string, sent: number, received: number, ended: number, outcome: string,
 *            reason?: string, detail?: string, steps: {name: string, at: number, ms: number}[]}} Activity
 * steps: at is in ms since the message was received
 */

export class SystemView {
    #shown = false;
    #timer = 0;
    /** @type {Map<string, Activity>} */
    #activity = new Map();
    #drawn = "";

    /** @param {{live: import("./events.js").LiveEvents, session: any}} page */
    constructor({live, session}) {
        this.problem = h("p", {class: "view-problem", role: "alert"});
        this.numbers = h("div", {class: "numbers"});
        this.queues = h("ul", {class: "queues", role: "list"});
        this.letters = new DeadLetters(() => this.#refresh());
        this.events = h("ol", {class: "events", role: "list"});
        this.legend = h("p", {class: "quiet"});
        this.element = h("section", {class: "system view", "aria-label": "System"}, h("h1", {}, "System"), this.problem, h("h2", {class: "hidden-text"}, "Engine"), this.numbers,
            h("section", {}, h("h2", {}, "Queues"), this.queues), this.letters.element,
            h("section", {}, h("h2", {}, "Last events"), this.legend, this.events));
        this.problem.hidden = true;
        this.element.hidden = true;
        this.hasEngine = session.features.engine !== false;
        live.addEventListener("system", (event) => this.#shown && this.#show(/** @type {CustomEvent} */ (event).detail));
        live.addEventListener("activity", (event) => this.#event(/** @type {CustomEvent} */ (event).detail));
        live.addEventListener("reset", () => this.#activity.clear());
    }

    /** @param {boolean} shown */
    show(shown) {
        this.element.hidden = !shown;
        if (shown !== this.#shown) {
            this.#shown = shown;
            clearTimeout(this.#timer);
            if (shown) {
                this.#refresh();
                this.#loadActivity();
            }
        }
    }

    async #refresh() {
        clearTimeout(this.#timer);
        try {
            this.#show(await get("/api/system"));
            this.#complain("");
        } catch (error) {
            this.#complain(/** @type {Error} */ (error).message);
        }
        if (this.#shown) {
            clearTimeout(this.#timer);
            this.#timer = setTimeout(() => (document.hidden ? this.#later() : this.#refresh()), this.problem.hidden ? ASK_MS : AGAIN_MS);
        }
    }

    #later() {
        document.addEventListener("visibilitychange", () => this.#shown && this.#refresh(), {once: true});
    }

    async #loadActivity() {
        try {
            const {activity} = await get("/api/activity");
            activity.forEach((/** @type {Activity} */ one) => this.#activity.set(one.id, one));
        } catch {
            // the numbers say what is wrong
        }
        this.#showEvents();
    }

    /** @param {string} text */
    #complain(text) {
        this.problem.textContent = text;
        this.problem.hidden = !text;
    }

    /** @param {{queues: Queue[], engine: any, resident?: number, history: [number, number, number][]}} system */
    #show({queues, engine, resident = 0, history = []}) {
        const rates = history.map(([, perSecond]) => perSecond), waiting = history.map(([, , count]) => count);
        const depth = queues.reduce((sum, queue) => sum + queue.visible + queue.inFlight, 0);
        fill(this.numbers, ...engine ? [
            card("Throughput", `${number(round(engine.perSecond ?? 0))}`, "a second", sparkline(rates, "Throughput over time")),
            card("Waiting", number(depth), plural(queues.length, "queue"), sparkline(waiting, "Waiting messages over time", {kind: "second"})),
            card("Latency", engine.p50 ? duration(engine.p50) : "–", engine.p95 ? `95% within ${duration(engine.p95)}` : "median of a message"),
            card("Memory for images", bytes(engine.memory ?? 0), [engine.memoryLimit && `of ${bytes(engine.memoryLimit)}`, resident && `process ${bytes(resident)}`]
                .filter(Boolean).join(", "), engine.memoryLimit ? meter(engine.memory / engine.memoryLimit, "Share of the memory") : null),
            card("In work", number(engine.jobs ?? 0), `${engine.busy ?? 0} of ${plural(engine.workers ?? 0, "decoder")} busy`,
                 engine.workers ? meter((engine.busy ?? 0) / engine.workers, "Share of the decoders") : null),
            card("Done", number(engine.done ?? 0), `${number(engine.retried ?? 0)} retried, ${number(engine.rejected ?? 0)} rejected`),
        ] : [card("Waiting", number(depth), plural(queues.length, "queue"), sparkline(waiting, "Waiting messages over time", {kind: "second"})),
             h("p", {class: "card wide quiet"}, "The engine runs in another process. This page shows its queues; its metrics are in its own.")]);
        this.#showQueues(queues);
        this.letters.update(queues);
    }

    /** @param {Queue[]} queues */
    #showQueues(queues) {
        const most = Math.max(10, ...queues.map((queue) => queue.visible + queue.inFlight + queue.delayed));
        fill(this.queues, ...queues.map((queue) => h("li", {class: "queue"},
            h("div", {class: "queue-head"}, h("strong", {}, visible(queue.pipeline)), h("span", {class: "quiet", title: queue.name}, baseName(queue.name))),
            queue.error ? h("p", {class: "field-problem"}, queue.error) : queue.known === false ? h("p", {class: "quiet"}, "Asking…")
                : h("div", {class: "stack", role: "img", "aria-label": `${number(queue.visible)} waiting, ${number(queue.inFlight)} in work`},
                    h("span", {class: "stack-work", style: {width: `${queue.inFlight / most * 100}%`}}),
                    h("span", {class: "stack-wait", style: {width: `${queue.visible / most * 100}%`}})),
            !queue.error && queue.known !== false && h("p", {class: "queue-facts"}, h("span", {}, h("b", {}, number(queue.visible)), " waiting"),
                              h("span", {}, h("b", {}, number(queue.inFlight)), " in flight"),
                              queue.delayed > 0 && h("span", {}, h("b", {}, number(queue.delayed)), " delayed"),
                              queue.deadLetters && queue.deadLetters.visible > 0
                                  && h("span", {class: "bad"}, h("b", {}, number(queue.deadLetters.visible)), " dead")))),
             !queues.length && h("li", {class: "quiet"}, "No pipeline has a queue."));
    }

    /** @param {Activity} one */
    #event(one) {
        this.#activity.delete(one.id);
        this.#activity.set(one.id, one);
        while (this.#activity.size > EVENTS) {
            this.#activity.delete(/** @type {string} */ (this.#activity.keys().next().value));
        }
        if (this.#shown) {
            this.#soon ||= requestAnimationFrame(() => {
                this.#soon = 0;
                this.#showEvents();
            });
        }
    }

    #soon = 0;

    #showEvents() {
        const events = [...this.#activity.values()].sort((a, b) => b.received - a.received).slice(0, EVENTS);
        const mark = JSON.stringify(events.map(({id, ended, steps}) => [id, ended, steps.length]));
        if (mark === this.#drawn) {
            return;
        }
        this.#drawn = mark;
        const names = [...new Set(events.flatMap(({steps}) => steps.map(({name}) => name)))];
        fill(this.legend, ...events.length ? names.map((name, at) => h("span", {class: "legend"}, h("span", {class: `legend-dot ${stepColour(at)}`}), name))
            : ["Nothing has happened since the engine was started."]);
        const spans = events.map(spanOf).sort((a, b) => a - b), scale = Math.max(1, spans[Math.floor(spans.length * 0.9)] ?? 1);
        fill(this.events, ...events.map((event) => this.#row(event, names, scale)));
    }

    /** @param {Activity} event @param {string[]} names @param {number} scale ms that fill the width; a longer event fills it, too */
    #row(event, names, scale) {
        const ms = spanOf(event), steps = event.steps.map(({name, at, ms: length}) => ({name, start: Math.max(0, at), ms: length}));
        const whole = Math.max(ms, scale), name = baseName(event.key), said = steps.map((step) => `${step.name} ${duration(step.ms)}`).join(", ");
        const bars = waterfall(steps, names, whole, said || "no steps");
        return h("li", {class: "event", "data-outcome": event.outcome || "work"},
                 h("span", {class: "event-time"}, clock(event.received)),
                 h("a", {class: "event-name", href: `#photo=${encodeURIComponent(`${event.bucket}/${event.key}`)}`, title: visible(event.key),
                         onclick: (/** @type {MouseEvent} */ click) => (click.preventDefault(), go({view: "photos", photo: `${event.bucket}/${event.key}`}))}, name),
                 h("span", {class: "event-pipeline"}, event.pipeline), bars,
                 h("span", {class: "event-ms"}, event.ended ? duration(ms) : "…"),
                 h("span", {class: "event-outcome", title: event.detail || event.reason || ""}, event.outcome === "reject" && icon("warning"),
                   h("span", {}, outcomeText(event))));
    }
}

/** @param {number} value */
const round = (value) => (value < 10 ? Math.round(value * 10) / 10 : Math.round(value));

/** @param {Activity} event */
function outcomeText({outcome, reason, detail}) {
    const words = /** @type {Record<string, string>} */ ({ack: "done", retry: "retried", reject: "rejected"});
    const text = words[outcome] ?? "in work", why = detail || reason;
    return outcome !== "ack" && why ? `${text}: ${why}` : text;
}

/** @param {Activity} event */
function spanOf({received, ended, steps}) {
    return Math.max(ended ? ended - received : 0, ...steps.map(({at, ms}) => at + ms));
}

/** @param {string} title @param {string} value @param {string} more @param {Node | null} [picture] */
function card(title, value, more, picture = null) {
    return h("div", {class: "card"}, h("h3", {}, title), h("p", {class: "card-value"}, value, " ", h("span", {class: "quiet"}, more)), picture);
}
