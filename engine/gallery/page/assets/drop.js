// Files and folders that the user drops, pastes or chooses.

import {h, icon, isTyping} from "./dom.js";

/**
 * @param {(files: {file: File, path: string}[]) => void} take
 * @param {() => boolean} allowed whether files can be taken now
 */
export function acceptDrops(take, allowed) {
    const veil = h("div", {class: "drop-veil"}, h("div", {class: "drop-frame"}, icon("upload"), h("strong", {}, "Drop photos or folders here"),
                                                   h("span", {}, "They go straight to the store.")));
    veil.hidden = true;
    document.body.append(veil);
    const hasFiles = (/** @type {DragEvent} */ event) => allowed() && Boolean(event.dataTransfer?.types.includes("Files"));
    let depth = 0;
    const end = () => {
        depth = 0;
        veil.hidden = true;
    };
    addEventListener("dragenter", (event) => {
        if (hasFiles(event)) {
            depth++;
            veil.hidden = false;
        }
    });
    addEventListener("dragleave", (event) => hasFiles(event) && --depth <= 0 && end());
    addEventListener("dragover", (event) => {
        if (event.dataTransfer?.types.includes("Files")) {
            event.preventDefault();
            event.dataTransfer.dropEffect = allowed() ? "copy" : "none";
        }
    });
    addEventListener("drop", async (event) => {
        if (!event.dataTransfer?.types.includes("Files")) {
            return;
        }
        event.preventDefault();
        end();
        if (allowed()) {
            take(await dropped(event.dataTransfer));
        }
    });
    addEventListener("paste", (event) => {
        const files = [...event.clipboardData?.files ?? []];
        if (files.length && allowed() && !isTyping(event)) {
            event.preventDefault();
            take(files.map((file) => ({file, path: pastedName(file)})));
        }
    });
}

/** A picture from the clipboard is always called image.png: the time tells it from others. @param {File} file */
function pastedName(file) {
    const now = new Date().toISOString().slice(0, 19).replaceAll(":", "-").replace("T", " ");
    return /^image\.\w+$/.test(file.name) ? `Pasted ${now}${file.name.slice(5)}` : file.name;
}

/** @param {DataTransfer} data */
async function dropped(data) {
    const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry !== null && entry !== undefined);
    if (!entries.length) {
        return [...data.files].map((file) => ({file, path: file.name}));
    }
    /** @type {{file: File, path: string}[]} */
    const found = [];
    for (const entry of entries) {
        await walk(entry, "", found);
    }
    return found;
}

/** @param {FileSystemEntry} entry @param {string} folder @param {{file: File, path: string}[]} found */
async function walk(entry, folder, found) {
    if (entry.isFile) {
        /** @type {File | null} */
        const file = await new Promise((resolve) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, () => resolve(null)));
        if (file) {
            found.push({file, path: folder + entry.name});
        }
        return;
    }
    const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
    for (;;) { // a reader gives at most a hundred entries at a time
        /** @type {FileSystemEntry[]} */
        const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
        if (!some.length) {
            return;
        }
        for (const inside of some) {
            await walk(inside, `${folder}${entry.name}/`, found);
        }
    }
}

/** Asks for files, or for a folder. @param {{folder: boolean, accept: string[]}} options @param {(files: {file: File, path: string}[]) => void} take */
export function chooseFiles({folder, accept}, take) {
    const input = h("input", {type: "file", multiple: true, accept: folder ? null : accept.join(","), webkitdirectory: folder, class: "hidden-text",
                              tabindex: "-1", "aria-hidden": "true"});
    const done = () => input.remove();
    input.addEventListener("cancel", done);
    input.addEventListener("change", () => {
        take([...input.files ?? []].map((file) => ({file, path: file.webkitRelativePath || file.name})));
        done();
    });
    document.body.append(input);
    input.click();
}
