// Requests to the server. A session that has ended is announced once, as the event "login" of `session`.

export class ApiError extends Error {
    /** @param {number} status 0: no response @param {string} code @param {string} message @param {any} [body] @param {number} [retryAfter] s */
    constructor(status, code, message, body = null, retryAfter = 0) {
        super(message);
        this.status = status;
        this.code = code;
        this.body = body;
        this.retryAfter = retryAfter;
    }
}

export const session = new EventTarget();

/** A path segment of a key. @param {string} bucket @param {string} key */
export const photoPath = (bucket, key) => `/api/photos/${encodeURIComponent(bucket)}/${encodeURIComponent(key)}`;

/**
 * @param {string} method @param {string} path @param {any} [body] @param {{signal?: AbortSignal, quiet?: boolean}} [options]
 * quiet: a 401 is not announced
 * @returns {Promise<any>}
 */
export async function api(method, path, body, {signal, quiet = false} = {}) {
    let response;
    try {
        response = await (method === "GET" && takeEarly(path)) || await fetch(path, {
            method, signal, credentials: "same-origin", cache: "no-store",
            headers: method === "GET" ? {} : {"Content-Type": "application/json"},
            body: method === "GET" ? undefined : JSON.stringify(body ?? {}),
        });
    } catch (error) {
        if (/** @type {Error} */ (error).name === "AbortError") {
            throw error;
        }
        throw new ApiError(0, "Offline", "Thumbwheel does not answer. Is it running?");
    }
    if (response.ok) {
        return response.status === 204 ? null : response.json();
    }
    if (response.status === 401 && !quiet) {
        session.dispatchEvent(new Event("login"));
    }
    throw await failure(response);
}

/** The messages of the program begin with a small letter and end without a full stop. @param {string} text */
export function sentence(text) {
    const begun = text.charAt(0).toUpperCase() + text.slice(1);
    return !begun || /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** The response that early.js has asked for; it is used once, and not later than the page needs it. @param {string} path */
function takeEarly(path) {
    const response = window.early?.get(path);
    window.early?.delete(path);
    return response;
}

/** @param {Response} response */
async function failure(response) {
    const body = await response.json().catch(() => null);
    const retryAfter = Number(response.headers.get("Retry-After")) || 0;
    const message = body?.error?.message ?? `the server answered with the status ${response.status}`;
    return new ApiError(response.status, body?.error?.code ?? "Unknown", sentence(message), body, retryAfter);
}

/** @param {string} path @param {AbortSignal} [signal] */
export const get = (path, signal) => api("GET", path, undefined, {signal});
/** @param {string} path @param {any} [body] */
export const post = (path, body) => api("POST", path, body);
/** @param {string} path @param {any} body */
export const put = (path, body) => api("PUT", path, body);
