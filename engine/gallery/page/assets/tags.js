// The tags of a photo: the labeler's are shown, a person's can be added and removed.

import {photoPath, put} from "./api.js";
import {fill, h, icon, iconButton, say} from "./dom.js";
import {announce} from "./notes.js";
import {tagText} from "./search.js";
import {go} from "./router.js";

/** S3 allows these characters in tags. */
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const MOST = 10;

/**
 * @param {import("./photos.js").Photo} photo @param {boolean} canEdit
 * @param {(tags: import("./photos.js").Tag[]) => void} changed
 */
export function tagEditor(photo, canEdit, changed) {
    let {tags} = photo;
    const list = h("ul", {class: "tags", role: "list"}), problem = h("p", {class: "field-problem", role: "alert"});
    const input = h("input", {type: "text", class: "field", placeholder: "Add a tag, such as trip: Norway", "aria-label": "Add a tag", maxlength: "380",
                              autocomplete: "off"});
    const form = h("form", {class: "tag-form"}, input, iconButton("plus", "Add the tag", {type: "submit"}));
    const by = (/** @type {string} */ who) => tags.filter((tag) => tag.by === who);
    const show = () => fill(list, ...by("person").map((tag) => chip(tag)), ...by("labeler").map((tag) => chip(tag)),
                            !tags.length && h("li", {class: "quiet"}, photo.state === "done" ? "None" : "None yet"));
    const chip = (/** @type {import("./photos.js").Tag} */ tag) => h("li", {class: `tag ${tag.by}`},
        h("button", {type: "button", class: "tag-name", title: `${tag.by === "labeler" ? "Found by the labeler. " : ""}Show all photos with this tag`,
                     onclick: () => go({photo: "", tag: [tag.value && tagText(tag) !== tag.name ? `${tag.name}:${tag.value}` : tag.name]})},
          tag.by === "person" && icon("user"), h("bdi", {}, tagText(tag)),
          tag.by === "labeler" && h("span", {class: "hidden-text"}, " (by the labeler)")),
        canEdit && tag.by === "person" && iconButton("close", `Remove the tag ${tagText(tag)}`, {onclick: () => save(by("person").filter((one) => one !== tag))}));
    const save = async (/** @type {import("./photos.js").Tag[]} */ mine) => {
        try {
            const answer = await put(`${photoPath(photo.bucket, photo.key)}/tags`, {tags: mine.map(bare), was: by("person").map(bare)});
            tags = answer?.tags ?? [...mine, ...by("labeler")];
            input.value = "";
            say(problem, "");
            announce("Tags saved");
            changed(tags);
        } catch (error) {
            say(problem, /** @type {any} */ (error).status === 409
                ? "The tags were changed by somebody else meanwhile. They are shown again: repeat your change." : /** @type {Error} */ (error).message);
        }
        problem.hidden = !problem.textContent;
        show();
    };
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        const tag = readTag(input.value);
        const wrong = tagProblem(tag, by("person"));
        say(problem, wrong);
        problem.hidden = !wrong;
        if (!wrong && tag.name) {
            save([...by("person").filter(({name}) => name !== tag.name), {...tag, by: "person"}]).then(() => input.focus());
        }
    });
    problem.hidden = true;
    show();
    return h("div", {}, list, canEdit && form, canEdit && problem);
}

/** @param {{name: string, value: string}} tag */
const bare = ({name, value}) => ({name, value});

/** @param {string} text */
function readTag(text) {
    const at = text.indexOf(":");
    return at > 0 ? {name: text.slice(0, at).trim(), value: text.slice(at + 1).trim()} : {name: text.trim(), value: ""};
}

/** @param {{name: string, value: string}} tag @param {import("./photos.js").Tag[]} mine */
function tagProblem({name, value}, mine) {
    if (!ALLOWED.test(name) || !ALLOWED.test(value)) {
        return "A tag may have letters, digits, spaces and _ . : / = + - @";
    }
    if (name.length > 128 || value.length > 256) {
        return "A tag's name has at most 128 characters, its value 256.";
    }
    return mine.length >= MOST && !mine.some((tag) => tag.name === name) ? "An object can't have more than ten tags." : "";
}
