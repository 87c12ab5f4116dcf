// The dead letters of each pipeline: the reason, redrive and purge, of some or of all.

import {get, post, sentence} from "./api.js";
import {dialog, fill, h, icon, say} from "./dom.js";
import {baseName, number, plural, time, visible} from "./formats.js";
import {closeOutside} from "./menu.js";
import {complain, note} from "./notes.js";

/** @typedef {{id: string, pipeline: string, reason: string, detail: string, bucket: string | null, key: string | null, sent: number, receives: number}} Letter */

export class DeadLetters {
    #pipeline = "";
    #count = -1;
    /** @type {Letter[]} */
    #letters = [];
    /** @type {Set<string>} */
    #chosen = new Set();
    #complete = true;
    #error = "";
    #busy = false;

    /** @param {() => void} changed */
    constructor(changed) {
        this.changed = changed;
        this.tabs = h("div", {class: "tabs", role: "group", "aria-label": "Pipeline"});
        this.list = h("ul", {class: "letters", role: "list"});
        this.some = h("span", {class: "quiet", role: "status"});
        this.redrive = h("button", {type: "button", class: "button small", onclick: () => this.#run("redrive")}, icon("retry"), h("span", {}, "Redrive all"));
        this.purge = h("button", {type: "button", class: "button small danger", onclick: () => this.#askPurge()}, icon("trash"), h("span", {}, "Purge all"));
        this.actions = h("div", {class: "letter-actions"}, this.some, this.redrive, this.purge);
        this.none = h("p", {class: "quiet"}, "There are none: every message was done or is still being tried.");
        this.element = h("section", {class: "dead"}, h("h2", {}, "Dead letters"), this.none, this.tabs, this.actions, this.list);
        this.actions.hidden = this.list.hidden = true;
    }

    /** @param {import("./system.js").Queue[]} queues */
    update(queues) {
        const full = queues.filter(({deadLetters}) => deadLetters && deadLetters.visible > 0);
        const chosen = full.find(({pipeline}) => pipeline === this.#pipeline) ?? full[0];
        this.none.hidden = full.length > 0;
        this.tabs.hidden = this.actions.hidden = this.list.hidden = full.length === 0;
        const mark = full.map(({pipeline, deadLetters}) => `${pipeline} ${deadLetters?.visible}`).join("\n") + chosen?.pipeline;
        if (mark !== this.tabs.dataset.mark) {
            this.tabs.dataset.mark = mark;
            fill(this.tabs, ...full.map(({pipeline, deadLetters}) => h("button", {type: "button", class: "chip", "aria-pressed": String(pipeline === chosen?.pipeline),
                onclick: () => this.#choose(pipeline)}, `${visible(pipeline)} `, h("b", {}, number(deadLetters?.visible ?? 0)))));
        }
        if (!chosen) {
            this.#pipeline = "";
            this.#letters = [];
            this.#count = -1;
        } else if (chosen.pipeline !== this.#pipeline || chosen.deadLetters?.visible !== this.#count) {
            this.#count = chosen.deadLetters?.visible ?? 0;
            this.#choose(chosen.pipeline);
        }
    }

    /** @param {string} pipeline */
    async #choose(pipeline) {
        if (pipeline !== this.#pipeline) {
            this.#chosen.clear();
            this.#pipeline = pipeline;
            for (const tab of this.tabs.children) {
                tab.setAttribute("aria-pressed", String(tab.textContent?.startsWith(`${visible(pipeline)} `)));
            }
        }
        if (this.#busy) {
            return;
        }
        this.#busy = true;
        try {
            const answer = await get(`/api/deadletters?pipeline=${encodeURIComponent(pipeline)}`);
            if (pipeline === this.#pipeline) {
                this.#letters = answer.letters;
                this.#complete = answer.complete !== false;
                this.#error = answer.error ?? "";
                const known = new Set(this.#letters.map(({id}) => id));
                this.#chosen.forEach((id) => known.has(id) || this.#chosen.delete(id));
                this.#show();
            }
        } catch (error) {
            complain(error);
        } finally {
            this.#busy = false;
            if (pipeline !== this.#pipeline && this.#pipeline) {
                this.#choose(this.#pipeline);
            }
        }
    }

    #show() {
        fill(this.list, ...this.#letters.map((letter) => {
            const name = letter.key ? baseName(letter.key) : "A message without a photo";
            const box = h("input", {type: "checkbox", "aria-label": `Select ${name}`, onchange: () => this.#toggle(letter.id, box.checked)});
            box.checked = this.#chosen.has(letter.id);
            return h("li", {class: "letter"}, h("label", {class: "letter-check"}, box), h("div", {class: "letter-text"},
                h("strong", {}, h("bdi", {}, name)), h("p", {}, sentence(letter.detail || letter.reason || "it was received too often; no reason was given")),
                h("p", {class: "quiet"}, [letter.detail && letter.reason ? letter.reason : "", letter.sent ? `sent ${time(letter.sent)}` : "",
                                          letter.receives ? plural(letter.receives, "receive") : ""].filter(Boolean).join(", "))));
        }), this.#error ? h("li", {class: "letter field-problem"}, this.#error)
            : !this.#complete && h("li", {class: "quiet letter"}, "There are more than these."));
        this.#showActions();
    }

    /** @param {string} id @param {boolean} on */
    #toggle(id, on) {
        on ? this.#chosen.add(id) : this.#chosen.delete(id);
        this.#showActions();
    }

    #showActions() {
        const some = this.#chosen.size;
        say(this.some, some ? `${number(some)} selected` : "");
        say(/** @type {Element} */ (this.redrive.lastElementChild), some ? "Redrive" : "Redrive all");
        say(/** @type {Element} */ (this.purge.lastElementChild), some ? "Purge" : "Purge all");
    }

    #askPurge() {
        const some = this.#chosen.size, what = some ? plural(some, "dead letter") : `all dead letters of ${this.#pipeline}`;
        const box = dialog("Purge", {class: "box", role: "alertdialog"}, h("h2", {}, `Purge ${what}?`),
            h("p", {}, "The messages are deleted, and the photos are not processed by this pipeline. The photos themselves stay. This can't be undone."),
            h("div", {class: "box-buttons"}, h("button", {type: "button", class: "button", onclick: () => box.close()}, "Keep them"),
              h("button", {type: "button", class: "button danger solid", onclick: () => (box.close(), this.#run("purge"))}, "Purge")));
        closeOutside(box);
    }

    /** @param {"redrive" | "purge"} what */
    async #run(what) {
        const ids = this.#chosen.size ? [...this.#chosen] : null;
        this.redrive.disabled = this.purge.disabled = true;
        try {
            const {done, failed = 0, error = ""} = await post(`/api/deadletters/${what}`, {pipeline: this.#pipeline, ids});
            const count = done === null || done === undefined ? "All dead letters" : plural(done, "dead letter");
            const text = `${count} ${what === "redrive" ? "sent to the queue again" : "purged"}`;
            note(failed || error ? `${text}, ${number(failed)} failed. ${error ?? ""}` : text, {kind: failed || error ? "error" : ""});
            this.#chosen.clear();
        } catch (error) {
            complain(error);
        } finally {
            this.redrive.disabled = this.purge.disabled = false;
            this.#count = -1;
            this.changed();
        }
    }
}
