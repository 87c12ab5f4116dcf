// Uploads as a person makes them: dropped, pasted, chosen; cancelled, tried again; large ones in parts.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import test from "node:test";
import { ask, close, done, gallery, photo, tile, upload } from "./support.mjs";

const shared = gallery();

const row = (page, name) => page.locator(".upload", { hasText: name });

/** Gives files to the page as the browser does when somebody drops or pastes them. */
async function give(page, type, files) {
  const data = await page.evaluateHandle((list) => {
    const transfer = new DataTransfer();
    for (const { name, mimeType, content } of list) transfer.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name, { type: mimeType }));
    return transfer;
  }, files.map(({ buffer, ...rest }) => ({ ...rest, content: buffer.toString("base64") })));
  if (type === "paste") await page.evaluate((clipboardData) => dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true })), data);
  else {
    for (const one of ["dragenter", "dragover"]) await page.dispatchEvent("body", one, { dataTransfer: data });
    await page.locator(".drop-veil").waitFor();
    await page.dispatchEvent("body", "drop", { dataTransfer: data });
  }
}

test("dropped and pasted files go straight to the store, and what is no photo is left out with a reason", async () => {
  const page = await shared.open(), sent = [];
  page.on("request", (request) => request.method() === "PUT" && sent.push(new URL(request.url()).origin));
  await give(page, "drop", [photo("lake.jpg", "dropped.jpg"), { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no photo") }]);
  await page.getByText("1 file left out").click();
  await page.getByText("notes.txt: no pipeline accepts").waitFor();
  await done(page, "dropped.jpg");
  await give(page, "paste", [photo("rose.jpg", "image.jpg")]);
  await page.locator(".tile-name", { hasText: /^Pasted \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.jpg$/ }).waitFor({ state: "attached" });
  assert.equal(sent.length, 2);
  assert.ok(sent.every((origin) => origin !== shared.server.origin), sent.join());
  await close(page);
});

test("a folder keeps its subfolders, and a name that is taken gets a number", async () => {
  const page = await shared.open(), folder = mkdtempSync(path.join(tmpdir(), "holiday-"));
  mkdirSync(path.join(folder, "day 1"));
  writeFileSync(path.join(folder, "day 1", "dunes.jpg"), photo("dunes.jpg").buffer);
  writeFileSync(path.join(folder, ".hidden.jpg"), "not to be uploaded");
  await ask(page, "POST", "/api/links", {});
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.evaluate(async () => {
    const { chooseFiles } = await import("/assets/drop.js");
    chooseFiles({ folder: true, accept: [] }, (files) => (window.chosen = files.map((file) => file.path)));
  })]);
  await chooser.setFiles(folder);
  await page.waitForFunction(() => window.chosen);
  assert.deepEqual((await page.evaluate(() => window.chosen)).sort(), [`${path.basename(folder)}/.hidden.jpg`, `${path.basename(folder)}/day 1/dunes.jpg`]);
  for (const expected of ["twice.jpg", "twice-2.jpg"]) {
    await upload(page, [photo("dunes.jpg", "twice.jpg")]);
    await done(page, expected);
  }
  rmSync(folder, { recursive: true });
  await close(page);
});

test("a folder that is dropped is uploaded with its subfolders", async () => {
  const page = await shared.open(), folder = mkdtempSync(path.join(tmpdir(), "journey-")), name = path.basename(folder);
  mkdirSync(path.join(folder, "day 1", "evening"), { recursive: true });
  writeFileSync(path.join(folder, "morning.jpg"), photo("lake.jpg").buffer);
  writeFileSync(path.join(folder, "day 1", "evening", "late.jpg"), photo("rose.jpg").buffer);
  const browser = await page.context().newCDPSession(page);
  const data = { items: [], files: [folder], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) await browser.send("Input.dispatchDragEvent", { type, x: 400, y: 400, data });
  for (const photo of ["morning.jpg", "late.jpg"]) await done(page, photo);
  const { body: { photos } } = await ask(page, "GET", "/api/photos?first=0&count=200");
  const keys = photos.map((photo) => photo.key).filter((key) => key.includes(name)).sort();
  assert.deepEqual(keys, [`ingest/${name}/day 1/evening/late.jpg`, `ingest/${name}/morning.jpg`]);
  rmSync(folder, { recursive: true });
  await close(page);
});

test("an upload shows its progress, can be cancelled, and tried again", async () => {
  const page = await shared.open();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await page.route(/X-Amz-Signature/, async (route) => (route.request().method() === "PUT" ? (await held, route.continue().catch(() => {})) : route.continue()));
  await upload(page, [photo("beach.jpg", "slow.jpg")]);
  await row(page, "slow.jpg").and(page.locator("[data-state=sending]")).waitFor();
  assert.match(await page.locator(".uploads-title").textContent(), /Uploading 1 of 1/);
  await row(page, "slow.jpg").getByRole("button", { name: "Cancel slow.jpg" }).click();
  await row(page, "slow.jpg").and(page.locator("[data-state=cancelled]")).waitFor();
  release();
  await page.unroute(/X-Amz-Signature/);
  await row(page, "slow.jpg").getByRole("button", { name: "Try slow.jpg again" }).click();
  await row(page, "slow.jpg").and(page.locator("[data-state=done]")).waitFor();
  await done(page, "slow.jpg");
  await close(page);
});

test("a failed upload says why, and succeeds when it is tried again", async () => {
  const page = await shared.open();
  await page.route(/X-Amz-Signature/, (route) => (route.request().method() === "PUT" ? route.fulfill({
    status: 403, headers: { "Access-Control-Allow-Origin": "*" }, body: "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>" }) : route.continue()));
  await upload(page, [photo("tower.jpg", "refused.jpg")]);
  await row(page, "refused.jpg").getByText("The store refused the file: Access Denied").waitFor();
  await page.unroute(/X-Amz-Signature/);
  await page.getByRole("button", { name: "Try all again" }).click();
  await done(page, "refused.jpg");
  await close(page);
});

test("a large file is sent in parts", async () => {
  const page = await shared.open(), parts = [];
  page.on("request", (request) => request.method() === "PUT" && parts.push(request.url()));
  const small = photo("lake.jpg").buffer, large = Buffer.concat([small, Buffer.alloc(17_000_000 - small.length)]);
  await upload(page, [{ name: "large.jpg", mimeType: "image/jpeg", buffer: large }]);
  await row(page, "large.jpg").and(page.locator("[data-state=done]")).waitFor();
  assert.ok(parts.length >= 2 && parts.every((url) => /partNumber=\d+/.test(url)), parts.join("\n"));
  await done(page, "large.jpg");
  await page.locator(".uploads").getByRole("button", { name: "Close the list of uploads" }).click();
  await page.locator(".uploads").waitFor({ state: "hidden" });
  await tile(page, "large.jpg").waitFor();
  await close(page);
});

test("hundreds of files are a bounded list, and each of them is sent", async () => {
  const page = await shared.open();
  let sent = 0, most = 0;
  await page.route(/X-Amz-Signature/, (route) => {
    sent += route.request().method() === "PUT";
    return route.request().method() === "PUT" ? route.fulfill({ status: 200, headers: { "Access-Control-Allow-Origin": "*" } }) : route.continue();
  });
  await page.evaluate(() => {
    const data = new DataTransfer();
    for (let at = 0; at < 500; at++) data.items.add(new File(["a photo"], `many-${at}.jpg`, { type: "image/jpeg" }));
    dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
  });
  await page.locator(".uploads-title", { hasText: "Uploading" }).waitFor();
  for (let text = "Uploading"; text.startsWith("Uploading"); text = await page.locator(".uploads-title").textContent()) most = Math.max(most, await page.locator(".upload").count());
  assert.ok(most > 0 && most < 60, `${most} rows`);
  assert.equal(sent, 500);
  await close(page);
});
