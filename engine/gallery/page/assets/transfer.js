// Sends one file to the store: a presigned PUT, or a multipart upload of presigned parts. The engine never sees the bytes.

import {ApiError, post} from "./api.js";

const TRIES = 4;
const PARTS_AT_ONCE = 3;
const PARTS_SIGNED = 20;

/** The store's answer is not what was hoped for. */
export class StoreError extends Error {
    /** @param {number} status @param {string} message */
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}

/** @param {number} ms @param {AbortSignal} signal */
export function pause(ms, signal) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, ms, undefined);
        signal.addEventListener("abort", () => {
            clearTimeout(timer);
            reject(signal.reason);
        }, {once: true});
    });
}

/**
 * XMLHttpRequest, since fetch can't report the progress of an upload.
 * @param {string} url @param {Blob} body @param {Record<string, string>} headers @param {(loaded: number) => void} progress
 * @param {AbortSignal} signal @returns {Promise<XMLHttpRequest>} the response
 */
function send(url, body, headers, progress, signal) {
    return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        const stop = () => request.abort();
        request.open("PUT", url);
        Object.entries(headers).forEach(([name, value]) => request.setRequestHeader(name, value));
        request.upload.onprogress = (event) => progress(event.loaded);
        request.onload = () => {
            if (request.status >= 200 && request.status < 300) {
                resolve(request);
            } else {
                reject(new StoreError(request.status, storeMessage(request)));
            }
        };
        request.onerror = () => reject(new StoreError(0, "The store could not be reached. Check the connection, and that the bucket's CORS rules allow this page."));
        request.onabort = () => reject(signal.reason ?? new DOMException("cancelled", "AbortError"));
        request.onloadend = () => signal.removeEventListener("abort", stop);
        signal.addEventListener("abort", stop, {once: true});
        signal.throwIfAborted();
        request.send(body);
    });
}

/** What CompleteMultipartUpload needs of each part. @param {XMLHttpRequest} response */
function etagOf(response) {
    const etag = response.getResponseHeader("ETag");
    if (!etag) {
        throw new StoreError(response.status, "The bucket's CORS rules must expose the header ETag to this page, for files in parts.");
    }
    return etag;
}

/** @param {XMLHttpRequest} request */
function storeMessage(request) {
    const found = /<Message>([^<]{1,300})<\/Message>/.exec(request.responseText);
    return found ? `The store refused the file: ${found[1]}` : `The store answered with the status ${request.status}.`;
}

/** Whether a failure may pass by itself. @param {any} error */
const passes = (error) => error instanceof StoreError && (error.status === 0 || error.status === 408 || error.status === 429 || error.status >= 500);

/** Tries again after failures that pass. @template T @param {() => Promise<T>} work @param {AbortSignal} signal @returns {Promise<T>} */
async function persist(work, signal) {
    for (let tries = 1; ; tries++) {
        try {
            return await work();
        } catch (error) {
            if (!passes(error) || tries === TRIES) {
                throw error;
            }
            await pause(2 ** tries * 250 * (0.5 + Math.random()), signal);
        }
    }
}

/**
 * @param {File} file
 * @param {{url?: string, headers?: Record<string, string>, bucket: string, key: string,
 *          multipart?: {upload: string, partBytes: number, parts: number}}} target
 * @param {(loaded: number) => void} progress bytes that have been sent @param {AbortSignal} signal
 */
export async function transfer(file, target, progress, signal) {
    if (target.multipart) {
        await sendParts(file, {...target, multipart: target.multipart}, progress, signal);
    } else {
        await persist(() => send(target.url ?? "", file, target.headers ?? {}, progress, signal), signal);
    }
}

/**
 * @param {File} file
 * @param {{bucket: string, key: string, multipart: {upload: string, partBytes: number, parts: number}}} target
 * @param {(loaded: number) => void} progress @param {AbortSignal} signal
 */
async function sendParts(file, {bucket, key, multipart: {upload, partBytes, parts}}, progress, signal) {
    const place = {bucket, key, upload};
    try {
        const sent = new Array(parts).fill(0), etags = new Array(parts).fill("");
        const urls = signedParts(place, parts);
        let next = 0;
        const worker = async () => {
            while (next < parts) {
                const part = next++, body = file.slice(part * partBytes, Math.min(file.size, (part + 1) * partBytes));
                etags[part] = await persist(async () => {
                    const {url, headers} = await urls(part);
                    return etagOf(await send(url, body, headers, (loaded) => {
                        sent[part] = Math.min(loaded, body.size);
                        progress(sent.reduce((sum, count) => sum + count, 0));
                    }, signal));
                }, signal);
            }
        };
        await Promise.all(Array.from({length: Math.min(PARTS_AT_ONCE, parts)}, worker));
        await post("/api/uploads/complete", {...place, etags});
    } catch (error) {
        if (!(error instanceof ApiError && error.status === 401)) {
            post("/api/uploads/abort", place).catch(() => {});
        }
        throw error;
    }
}

/** Signs parts a few at a time, when they are needed. @param {{bucket: string, key: string, upload: string}} place @param {number} parts */
function signedParts(place, parts) {
    /** @type {Map<number, Promise<{urls: string[], headers?: Record<string, string>}>>} */
    const batches = new Map();
    return async (/** @type {number} */ part) => {
        const from = part - part % PARTS_SIGNED;
        if (!batches.has(from)) {
            batches.set(from, post("/api/uploads/parts", {...place, from: from + 1, count: Math.min(PARTS_SIGNED, parts - from)}));
        }
        const answer = await /** @type {Promise<any>} */ (batches.get(from)).catch((error) => (batches.delete(from), Promise.reject(error)));
        return {url: answer.urls[part - from], headers: answer.headers ?? {}};
    };
}
