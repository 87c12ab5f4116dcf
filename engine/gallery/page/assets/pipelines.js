// The view of the pipeline files: text with the problems at their lines, a trial on a photo beside the original, and saving.

import {get, post, put} from "./api.js";
import {Comparison} from "./compare.js";
import {dialog, fill, h, icon, iconButton, say, set} from "./dom.js";
import {baseName, bytes, duration, pixels, visible} from "./formats.js";
import {closeOutside} from "./menu.js";
import {announce, complain, note} from "./notes.js";

const CHECK_MS = 400;

/**
 * @typedef {{name: string, file: string, text: string, revision: string, writable: boolean}} PipelineFile
 * @typedef {{line: number, column: number, message: string, warning?: boolean}} Problem
 */

export class PipelinesView {
    /** @type {PipelineFile[]} */
    #files = [];
    /** @type {PipelineFile | null} */
    #file = null;
    /** @type {Map<string, string>} texts that have been changed and not saved, by name */
    #drafts = new Map();
    /** @type {{bucket: string, key: string, thumb: string | null, name: string} | null} */
    #photo = null;
    #timer = 0;
    #asked = 0;

    /** @param {{gallery: import("./gallery.js").Gallery, session: any}} page */
    constructor({gallery, session}) {
        this.gallery = gallery;
        this.canSave = session.features.savePipelines !== false;
        this.list = h("ul", {class: "files", role: "list"});
        this.text = h("textarea", {class: "editor-text", spellcheck: "false", autocomplete: "off", autocapitalize: "none", wrap: "off", id: "pipeline-text",
                                   "aria-label": "Pipeline file", "aria-describedby": "pipeline-problems"});
        this.lines = h("div", {class: "editor-lines", "aria-hidden": "true"});
        this.problems = h("ul", {class: "problems", role: "list", id: "pipeline-problems", "aria-live": "polite"});
        this.save = h("button", {type: "button", class: "button", onclick: () => this.#save()}, "Save");
        this.revert = h("button", {type: "button", class: "button", onclick: () => this.#revert()}, "Revert");
        this.state = h("span", {class: "quiet", role: "status"});
        this.photo = h("button", {type: "button", class: "button photo-choice", onclick: () => this.#choosePhoto()});
        this.tryIt = h("button", {type: "button", class: "button primary", onclick: () => this.#try()}, icon("play"), h("span", {}, "Try"));
        this.result = h("div", {class: "trial", "aria-live": "polite"});
        this.name = h("h2", {class: "file-name"});
        this.element = h("section", {class: "pipelines view", "aria-label": "Pipelines"}, h("h1", {}, "Pipelines"), h("div", {class: "pipelines-body"}, this.list,
            h("div", {class: "editor-side"}, h("div", {class: "editor-head"}, this.name, this.state, this.revert, this.save),
              h("div", {class: "editor"}, this.lines, this.text), this.problems),
            h("div", {class: "trial-side"}, h("div", {class: "editor-head"}, h("h2", {}, "Try it"), this.photo, this.tryIt), this.result)));
        this.element.hidden = true;
        this.#listen();
        this.#showPhoto();
    }

    #listen() {
        this.text.addEventListener("input", () => this.#edited());
        this.text.addEventListener("scroll", () => (this.lines.scrollTop = this.text.scrollTop), {passive: true});
        this.text.addEventListener("keydown", (event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                this.#try();
            } else if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                this.#save();
            }
        });
        addEventListener("beforeunload", (event) => this.#drafts.size && event.preventDefault());
    }

    /** @param {boolean} shown */
    show(shown) {
        this.element.hidden = !shown;
        if (shown) {
            this.#load();
        }
    }

    async #load() {
        try {
            this.#files = (await get("/api/pipelines")).pipelines;
        } catch (error) {
            complain(error);
            return;
        }
        const now = this.#files.find(({name}) => name === this.#file?.name) ?? this.#files[0];
        if (!now) {
            fill(this.list, h("li", {class: "quiet"}, "There are no pipeline files."));
        } else if (now.name !== this.#file?.name || !this.#drafts.has(now.name)) {
            this.#open(now);
        }
        this.#showFiles();
        if (!this.#photo) {
            this.#photo = await this.#somePhoto();
            this.#showPhoto();
        }
    }

    /** The newest photo that has a thumbnail, since others may be broken. */
    async #somePhoto() {
        const photos = await this.gallery.ready();
        if (photos.total) {
            await photos.load(0).catch(() => null);
        }
        for (let at = 0; at < Math.min(photos.total, 60); at++) {
            const photo = photos.at(at);
            if (photo?.thumb) {
                return {bucket: photo.bucket, key: photo.key, thumb: photo.thumb, name: photo.name};
            }
        }
        return null;
    }

    #showFiles() {
        fill(this.list, ...this.#files.map((file) => h("li", {}, h("button", {type: "button", class: "file", "aria-current": file.name === this.#file?.name ? "true" : null,
            onclick: () => this.#open(file)}, icon("pipelines"), h("span", {}, visible(file.name)),
            this.#drafts.has(file.name) && h("span", {class: "file-changed", title: "Not saved"}, h("span", {class: "hidden-text"}, "not saved"))))));
    }

    /** @param {PipelineFile} file */
    #open(file) {
        this.#file = file;
        this.text.value = this.#drafts.get(file.name) ?? file.text;
        set(this.text, {readonly: false});
        say(this.name, baseName(file.file || file.name));
        set(this.name, {title: file.file});
        fill(this.result);
        this.#showFiles();
        this.#changed();
        this.#check();
    }

    #edited() {
        if (!this.#file) {
            return;
        }
        const changed = this.text.value !== this.#file.text, had = this.#drafts.has(this.#file.name);
        changed ? this.#drafts.set(this.#file.name, this.text.value) : this.#drafts.delete(this.#file.name);
        if (changed !== had) {
            this.#showFiles();
        }
        this.#changed();
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#check(), CHECK_MS);
    }

    /** The buttons, and the numbers of the lines. */
    #changed() {
        const changed = this.#file !== null && this.#drafts.has(this.#file.name), writable = this.canSave && this.#file?.writable !== false;
        this.save.disabled = !changed || !writable;
        this.revert.hidden = !changed;
        say(this.state, changed ? (writable ? "Not saved" : "This file can't be written by Thumbwheel: copy the text") : "");
        this.#number([]);
    }

    /** @param {Problem[]} problems */
    #number(problems) {
        const count = this.text.value.split("\n").length, bad = new Map(problems.map(({line, warning}) => [line, warning ? "warned" : "bad"]));
        fill(this.lines, ...Array.from({length: Math.min(count, 5000)}, (_, at) => h("span", {class: bad.get(at + 1) ?? ""}, at + 1)));
        this.lines.scrollTop = this.text.scrollTop;
    }

    async #check() {
        const asked = ++this.#asked;
        try {
            const {problems} = await post("/api/pipelines/check", {text: this.text.value});
            if (asked === this.#asked) {
                this.#showProblems(problems);
            }
        } catch (error) {
            complain(error);
        }
    }

    /** @param {Problem[]} problems */
    #showProblems(problems) {
        this.#number(problems);
        fill(this.problems, ...problems.map((problem) => h("li", {class: problem.warning ? "warned" : "bad"}, h("button", {type: "button", onclick: () => this.#goTo(problem)},
            icon("warning"), h("b", {}, `Line ${problem.line}, column ${problem.column}`), " ", problem.message))));
    }

    /** @param {Problem} problem */
    #goTo({line, column}) {
        const before = this.text.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0) + Math.max(0, column - 1);
        this.text.focus();
        this.text.setSelectionRange(before, before + 1);
    }

    #revert() {
        if (this.#file) {
            this.#drafts.delete(this.#file.name);
            this.#open(this.#file);
        }
    }

    async #save() {
        const file = this.#file;
        if (!file || this.save.disabled) {
            return;
        }
        const text = this.text.value;
        this.save.disabled = true;
        try {
            const {revision} = await put(`/api/pipelines/${encodeURIComponent(file.name)}`, {text, revision: file.revision});
            Object.assign(file, {text, revision});
            this.#drafts.delete(file.name);
            note("Saved. The engine uses it for the next messages.");
        } catch (error) {
            this.#saveFailed(/** @type {any} */ (error));
        }
        this.#showFiles();
        this.#changed();
        this.#check();
    }

    /** @param {any} error */
    #saveFailed(error) {
        if (error.status === 422 && error.body?.problems) {
            this.#showProblems(error.body.problems);
            note("The file has problems; it was not saved.", {kind: "error"});
        } else if (error.status === 409) {
            note("The file was changed by somebody else meanwhile. Your text is kept here: reload the file to see the other one.", {
                kind: "error", action: "Reload", run: () => this.#reload()});
        } else {
            complain(error);
        }
    }

    /** The file as it is now; the text that was written here is put on the clipboard. */
    async #reload() {
        await navigator.clipboard?.writeText(this.text.value).then(() => note("Your text is on the clipboard."), () => {});
        if (this.#file) {
            this.#drafts.delete(this.#file.name);
        }
        this.#load();
    }

    #showPhoto() {
        const photo = this.#photo;
        fill(this.photo, photo?.thumb ? h("img", {src: photo.thumb, alt: ""}) : icon("photos"), h("span", {}, photo ? baseName(photo.name || photo.key) : "Choose a photo"));
        set(this.photo, {"aria-label": photo ? `Photo: ${baseName(photo.name || photo.key)}. Choose another` : "Choose a photo"});
        this.tryIt.disabled = !photo;
    }

    async #choosePhoto() {
        const photos = await this.gallery.ready(), list = h("ul", {class: "picker", role: "list"});
        const box = dialog("Choose a photo", {class: "box wide"}, h("header", {class: "box-head"}, h("h2", {}, "Choose a photo"),
            iconButton("close", "Close", {onclick: () => box.close()})), list, h("p", {class: "quiet"}, "These are the newest photos of the current search."));
        closeOutside(box);
        if (photos.total) {
            await photos.load(0).catch(complain);
        }
        for (let at = 0; at < Math.min(photos.total, 60); at++) {
            const photo = photos.at(at);
            if (photo) {
                const name = baseName(photo.name || photo.key);
                list.append(h("li", {}, h("button", {type: "button", "aria-label": name, title: name, onclick: () => {
                    this.#photo = {bucket: photo.bucket, key: photo.key, thumb: photo.thumb, name: photo.name};
                    box.close();
                    this.#showPhoto();
                }}, photo.thumb ? h("img", {src: photo.thumb, alt: "", loading: "lazy"}) : icon("photos"))));
            }
        }
    }

    async #try() {
        const photo = this.#photo;
        if (!photo || this.tryIt.disabled) {
            return;
        }
        this.tryIt.disabled = true;
        fill(this.result, h("p", {class: "quiet waiting-line"}, h("span", {class: "tile-spinner"}), "Rendering…"));
        try {
            const answer = await post("/api/pipelines/try", {text: this.text.value, bucket: photo.bucket, key: photo.key});
            if (answer.problems?.length && !answer.original) {
                this.#showProblems(answer.problems);
                fill(this.result, h("p", {class: "field-problem"}, "The file has problems: they are listed below the text."));
            } else {
                this.#showResult(answer);
            }
        } catch (error) {
            const {body, message} = /** @type {any} */ (error);
            if (body?.problems) {
                this.#showProblems(body.problems);
            }
            fill(this.result, h("p", {class: "field-problem"}, message));
        } finally {
            this.tryIt.disabled = false;
        }
    }

    /** @param {{original: any, renditions: any[], labels?: any[], milliseconds: number}} trial */
    #showResult({original, renditions, labels = [], milliseconds}) {
        const comparison = renditions.length ? new Comparison(original, renditions[0]) : null;
        const rows = renditions.map((one, at) => h("li", {}, h("button", {type: "button", class: "rendition-name", "aria-pressed": String(at === 0), onclick: () => {
            comparison?.show(one);
            rows.forEach((row, other) => set(/** @type {Element} */ (row.firstElementChild), {"aria-pressed": String(other === at)}));
        }}, h("strong", {}, baseName(one.key)), h("span", {class: "quiet"}, `${pixels(one.width, one.height)}, ${bytes(one.bytes)}, ${String(one.format).toUpperCase()}, `
            + `${duration(one.milliseconds ?? 0)}${original.bytes ? `, ${(one.bytes / original.bytes * 100).toFixed(one.bytes < original.bytes / 10 ? 1 : 0)}% of the original` : ""}`))));
        fill(this.result, comparison?.element, h("ul", {class: "renditions trial-list", role: "list"}, ...rows,
            h("li", {class: "trial-original"}, h("strong", {}, "Original"), " ", h("span", {class: "quiet"},
                `${pixels(original.width, original.height)}, ${bytes(original.bytes)}, ${String(original.format).toUpperCase()}`))),
             labels.length > 0 && h("ul", {class: "tags", role: "list"}, ...labels.map((label) => h("li", {class: "tag labeler"}, h("span", {class: "tag-name"},
                 typeof label === "string" ? label : `${label.name}${label.confidence ? ` ${Math.round(label.confidence)}%` : ""}`)))),
             h("p", {class: "quiet"}, `The trial took ${duration(milliseconds)}. Nothing was stored.`));
        announce(`The trial took ${duration(milliseconds)}`);
    }
}
