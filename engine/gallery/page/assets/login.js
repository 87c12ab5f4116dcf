// Logging in: by the link that the terminal shows, or with a name and a password.

import {api} from "./api.js";
import {h, icon, say} from "./dom.js";

/** On the machine itself, the link in the terminal is the usual way. */
const HERE = /^(localhost|127\.[\d.]+|\[::1\])$/;

/** The token of a link like http://127.0.0.1:4567/#token=…, or of its fragment; "" if there is none. @param {string} text */
export const tokenOf = (text) => /[#&]token=([\w-]+)/.exec(text)?.[1] ?? (/^[\w-]{32,}$/.test(text.trim()) ? text.trim() : "");

/** Uses the token of the address, and takes it out of the address and the history. @returns {Promise<string>} what went wrong, or "" */
export async function useToken() {
    const token = tokenOf(location.hash);
    if (!token) {
        return "";
    }
    history.replaceState(null, "", location.pathname);
    try {
        await api("POST", "/api/login", {token}, {quiet: true});
        return "";
    } catch (error) {
        return /** @type {Error} */ (error).message;
    }
}

/** @param {string} problem @param {() => void} done */
export function loginView(problem, done) {
    const message = h("p", {class: "login-problem", role: "alert"}, problem);
    const user = field("text", "login-user", "username"), password = field("password", "login-password", "current-password");
    const button = h("button", {type: "submit", class: "button primary wide"}, "Log in");
    const form = h("form", {class: "login-form", novalidate: true}, labelled("User name", user), labelled("Password", password), button);
    const link = h("input", {type: "text", id: "login-link", class: "field", autocomplete: "off", spellcheck: "false", placeholder: "http://…/#token=…"});
    const linkForm = h("form", {class: "login-link"}, labelled("Link", link), h("button", {type: "submit", class: "button"}, "Open"));
    const problemOf = (/** @type {string} */ text) => {
        say(message, text);
        message.hidden = !text;
    };
    const attempt = async (/** @type {any} */ body) => {
        button.disabled = true;
        try {
            await api("POST", "/api/login", body, {quiet: true});
            problemOf("");
            done();
        } catch (error) {
            problemOf(problemText(/** @type {any} */ (error)));
        } finally {
            button.disabled = false;
        }
    };
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        if (!user.value || !password.value) {
            problemOf("Enter your user name and your password.");
            (user.value ? password : user).focus();
            return;
        }
        attempt({user: user.value, password: password.value}).then(() => password.isConnected && (password.select(), password.focus()));
    });
    linkForm.addEventListener("submit", (event) => {
        event.preventDefault();
        const token = tokenOf(link.value);
        token ? attempt({token}) : problemOf("This is not a link of Thumbwheel: it has no token.");
    });
    problemOf(problem);
    return h("main", {class: "login", id: "main"}, h("div", {class: "login-card"},
        h("img", {src: "assets/logo.svg", alt: "", class: "login-logo", width: "56", height: "56"}), h("h1", {}, "Thumbwheel"),
        h("p", {class: "quiet"}, "Log in to see the photos."), message, form,
        h("details", {class: "login-other", open: HERE.test(location.hostname)}, h("summary", {}, icon("link"), "Log in with a link"),
          h("p", {class: "quiet"}, "Where Thumbwheel was started, the terminal shows a link after “Gallery:”. It logs in once."), linkForm)));
}

/** @param {any} error */
function problemText(error) {
    if (error.status === 429) {
        const seconds = error.retryAfter;
        return `Too many attempts. Try again ${seconds ? `in ${seconds} seconds` : "later"}.`;
    }
    return error.message;
}

/** @param {string} type @param {string} id @param {string} autocomplete */
function field(type, id, autocomplete) {
    return h("input", {type, id, class: "field", autocomplete, name: autocomplete, spellcheck: "false", autocapitalize: "none"});
}

/** @param {string} text @param {HTMLInputElement} input */
const labelled = (text, input) => h("div", {class: "labelled"}, h("label", {for: input.id}, text), input);
