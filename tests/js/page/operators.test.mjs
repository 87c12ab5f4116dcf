// What operators see: queues, dead letters, the last events, and pipeline files with trials.
import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { close, done, gallery, localArguments, photo, PHOTOS, tile, upload } from "./support.mjs";

let pipelines = ""; // the default ones, as files that may be written
const shared = gallery((data) => {
  pipelines = path.join(data, "pipelines");
  cpSync(process.env.PIPELINES, pipelines, { recursive: true });
  return localArguments("--pipelines", pipelines, PHOTOS)(data);
});

test("the system view shows the queues, and each event on its way through the steps", async () => {
  const page = await shared.open({ hash: "/#view=system" });
  for (const name of ["thumbnail", "web", "mobile", "tags"]) await page.locator(".queue", { hasText: name }).waitFor();
  for (const title of ["Throughput", "Waiting", "Latency", "Memory for images", "In work", "Done"]) await page.locator(".card", { hasText: title }).waitFor();
  const event = page.locator(".event[data-outcome=ack]", { hasText: "lake.jpg" }).first();
  await event.waitFor();
  assert.ok((await event.locator(".fall-step").count()) >= 3);
  assert.match(await event.locator(".fall").getAttribute("aria-label"), /\w+ing [\d.]+ m?s/);
  await upload(page, [photo("rose.jpg", "watched.jpg")]);
  await page.locator(".event", { hasText: "watched.jpg" }).first().waitFor();
  await event.locator(".event-name").click();
  await page.locator("dialog.viewer[open] .viewer-name", { hasText: "lake.jpg" }).waitFor();
  await close(page);
});

test("dead letters show why, one is redriven, and the rest is purged after a question", async () => {
  const page = await shared.open({ hash: "/#view=system" });
  for (const name of ["dead-1.jpg", "dead-2.jpg"]) await upload(page, [{ name, mimeType: "image/jpeg", buffer: Buffer.from("no photo") }]);
  const letters = page.locator(".letter"), letter = (name) => letters.filter({ hasText: name });
  for (const name of ["dead-1.jpg", "dead-2.jpg"]) await letter(name).waitFor();
  assert.match(await letter("dead-1.jpg").innerText(), /\w+ \w+ \w+/);
  await letter("dead-1.jpg").getByRole("checkbox").check();
  await page.getByRole("button", { name: "Redrive", exact: true }).click();
  await page.locator(".note", { hasText: "1 dead letter sent to the queue again" }).waitFor();
  await letter("dead-1.jpg").waitFor(); // it can't succeed, and comes back
  await page.getByRole("button", { name: "Purge all" }).click();
  await page.getByRole("button", { name: "Keep them" }).click();
  await letter("dead-1.jpg").waitFor();
  await page.getByRole("button", { name: "Purge all" }).click();
  await page.getByRole("button", { name: "Purge", exact: true }).click();
  await page.locator(".note", { hasText: "purged" }).waitFor();
  await close(page);
});

test("a pipeline file shows its errors by line and column, is tried beside the original, and saved", async () => {
  const page = await shared.open({ hash: "/#view=pipelines" });
  await page.getByRole("button", { name: "web", exact: true }).click();
  const text = page.getByLabel("Pipeline file"), before = await text.inputValue();
  assert.equal(before, readFileSync(path.join(pipelines, "web.yaml"), "utf8"));
  const line = before.split("\n").findIndex((one) => /^\s+width:/.test(one)) + 1;
  assert.ok(line > 0, before);
  await text.fill(before.replace(/^(\s+)width:/m, "$1widht:"));
  await page.locator(".problems .bad", { hasText: `Line ${line}, column` }).filter({ hasText: "width" }).waitFor();
  await page.locator(".editor-lines .bad", { hasText: String(line) }).waitFor();
  await text.fill(before.replace(/^(\s+)width:.*$/m, "$1width: 300"));
  await page.locator(".problems .bad").first().waitFor({ state: "detached" });
  await page.locator(".photo-choice").click();
  await page.locator(".picker button[aria-label='dunes.jpg']").click();
  await page.getByRole("button", { name: "Try", exact: true }).click();
  await page.locator(".trial-list", { hasText: "300 × 200" }).waitFor();
  await page.waitForFunction(() => ["before", "after"].every((side) => document.querySelector(`.compare-${side}`).naturalWidth > 0));
  assert.deepEqual(await page.locator(".compare img").evaluateAll((images) => images.map((image) => image.naturalWidth).sort()), [300, 480]);
  await page.locator(".compare-range").fill("20");
  assert.equal(await page.locator(".compare").evaluate((node) => node.style.getPropertyValue("--share")), "20%");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.locator(".note", { hasText: "Saved" }).waitFor();
  assert.match(readFileSync(path.join(pipelines, "web.yaml"), "utf8"), /width: 300/);
  await page.keyboard.press("Escape");
  await page.locator(".nav-link", { hasText: "Photos" }).click();
  await upload(page, [photo("meadow.jpg", "after-save.jpg")]);
  await done(page, "after-save.jpg");
  await tile(page, "after-save.jpg").locator(".tile-open").click();
  await page.locator(".rendition", { hasText: "Web" }).filter({ hasText: "300 × 200" }).waitFor();
  await close(page);
});
