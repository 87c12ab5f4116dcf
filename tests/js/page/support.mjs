// A gallery of its own for each file of tests, a browser, and what a person does with both.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

const PATIENCE_MS = Number(process.env.PATIENCE_MS ?? 60_000);
export const PHOTOS = process.env.PHOTOS ?? "", FORMATS = process.env.FORMATS ?? "";
export const SHEETS = process.env.SHEETS ?? "";
export const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** @param {string} name of a photo that the caller has painted */
export function photo(name, as = name, folder = PHOTOS) {
  const type = name.endsWith(".png") ? "image/png" : name.endsWith(".webp") ? "image/webp" : "image/jpeg";
  return { name: as, mimeType: type, buffer: readFileSync(path.join(folder, name)) };
}

export const photoNames = () => (PHOTOS ? readdirSync(PHOTOS).sort() : []);

/** The program, serving a gallery; its output is read as it arrives. */
export class Server {
  lines = [];
  #waiting = [];

  constructor(args, { data } = {}) {
    this.data = data ?? mkdtempSync(path.join(tmpdir(), "gallery-"));
    this.args = args(this.data);
  }

  async start() {
    this.lines = [];
    this.process = spawn(process.env.THUMBWHEEL, this.args, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        this.lines.push(line);
        this.#waiting.forEach((look) => look());
      });
    }
    this.ended = once(this.process, "close");
    this.link = (await this.line(/^Gallery: +(\S+)/))[1];
    this.origin = new URL(this.link).origin;
    return this;
  }

  /** The first line that matches, past or future. */
  line(pattern) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.lines.map((line) => pattern.exec(line)).find(Boolean);
        if (found) {
          this.#waiting = this.#waiting.filter((other) => other !== look);
          clearTimeout(timer);
          resolve(found);
        }
      };
      const timer = setTimeout(() => reject(new Error(`no line matches ${pattern}:\n${this.lines.join("\n")}`)), PATIENCE_MS);
      this.#waiting.push(look);
      look();
    });
  }

  /** Ends it, and fails if a sanitizer has found something. */
  async stop() {
    if (this.process.exitCode === null) this.process.kill("SIGTERM");
    await this.ended;
    const output = this.lines.join("\n");
    assert.ok(!/Sanitizer|runtime error:/.test(output), output);
  }
}

/** `thumbwheel local` with the photos given, all of them done. */
export const localArguments = (...more) => (data) => ["local", "--data", path.join(data, "cloud"), "--out", path.join(data, "out"),
  "--port", "0", "--gallery", "127.0.0.1:0", ...more];

/** For the tests of a file: a server, a browser, and a page that is logged in. */
export function gallery(args = localArguments(PHOTOS), { wait = "Serving" } = {}) {
  const shared = {};
  before(async () => {
    const server = new Server(args);
    [shared.server, shared.browser] = await Promise.all([server.start(), launch()]);
    if (wait) await server.line(new RegExp(wait));
    shared.first = await open(shared.browser);
    await shared.first.goto(server.link);
    await shared.first.locator(".page").waitFor();
    shared.state = await shared.first.context().storageState();
  });
  after(async () => {
    await shared.browser?.close();
    await shared.server?.stop();
    rmSync(shared.server.data, { recursive: true, force: true });
  });
  /** Another browser of the same user. */
  shared.open = async (options = {}) => {
    const page = await open(shared.browser, { state: shared.state, ...options });
    await page.goto(shared.server.origin + (options.hash ?? "/"));
    await page.locator(options.hash?.includes("view=") ? ".view" : ".page").first().waitFor();
    return page;
  };
  return shared;
}

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });

/** A window of a new browser profile. A script error, or something that the policy of the page forbids, fails the test that closes it. */
export async function open(browser, { state, theme = "light", size = [1440, 900], touch = false, setup } = {}) {
  const context = await browser.newContext({
    storageState: state, colorScheme: theme, viewport: { width: size[0], height: size[1] }, hasTouch: touch, isMobile: touch,
    reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(String(error)));
  page.on("console", (message) => /Content Security Policy|Refused to|Trusted/.test(message.text()) && page.problems.push(message.text()));
  await setup?.(page);
  return page;
}

export async function close(page) {
  assert.deepEqual(page.problems, []);
  await page.context().close();
}

/** The tile of a photo. */
export const tile = (page, name) => page.locator(".tile:not([hidden])").filter({ has: page.getByText(name, { exact: true }) });

/** Waits until a photo is done: it has a thumbnail and no state. */
export async function done(page, name) {
  await tile(page, name).locator("img.shown").waitFor();
  await page.waitForFunction((wanted) => [...document.querySelectorAll(".tile:not([hidden])")].some((one) =>
    one.querySelector(".tile-name").textContent === wanted && !one.matches(".busy, .rejected")), name);
}

/** Chooses files as with the button. */
export async function upload(page, files) {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.locator(".upload-button").click()]);
  await chooser.setFiles(files);
}

export async function openViewer(page, name) {
  await tile(page, name).locator(".tile-open").click();
  await page.locator("dialog.viewer[open]").waitFor();
  await page.locator(".rendition").first().waitFor({ state: "attached" });
}

/** What axe-core finds, in words; with rules: these alone. */
export async function findings(page, rules) {
  await page.evaluate(AXE);
  return page.evaluate(async (runOnly) => (await axe.run(document, { resultTypes: ["violations"], ...(runOnly && { runOnly }) })).violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary.slice(0, 200)}`)), rules);
}

/** A picture of the page for whoever wants to look at it, in the build directory. */
export async function picture(page, name) {
  if (SHEETS) {
    mkdirSync(SHEETS, { recursive: true });
    await page.screenshot({ path: path.join(SHEETS, `${name}.png`) });
  }
}

/** Sends a request as the page would. */
export const ask = (page, method, url, body) => page.evaluate(async ([how, where, what]) => {
  const response = await fetch(where, { method: how, headers: how === "GET" ? {} : { "Content-Type": "application/json" }, body: what ? JSON.stringify(what) : undefined });
  return { status: response.status, body: response.status === 204 ? null : await response.json() };
}, [method, url, body]);
