// Logging in and out, and a server that goes away while the page is open.
import assert from "node:assert/strict";
import { scryptSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { close, done, gallery, localArguments, open, photo, photoNames, PHOTOS, Server, upload } from "./support.mjs";

const one = path.join(PHOTOS, photoNames()[0] ?? "");
const shared = gallery(localArguments(one));

/** As in a file of users, with a cost that lets a test try many passwords. */
function cheapHash(password) {
  const salt = Buffer.from("sixteen bytes..."), bare = (bytes) => bytes.toString("base64").replaceAll("=", "");
  return `$scrypt$ln=10,r=8,p=1$${bare(salt)}$${bare(scryptSync(password, salt, 32, { N: 2 ** 10, r: 8, p: 1 }))}`;
}

test("the link logs in once, and its token stays neither in the address nor in the history", async () => {
  assert.equal(new URL(shared.first.url()).hash, "");
  const page = await open(shared.browser);
  await page.goto(shared.server.link);
  await page.getByText("This link was used already").waitFor();
  assert.equal(new URL(page.url()).hash, "");
  await page.getByLabel("Link").fill("nonsense");
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await page.getByText("This is not a link of Thumbwheel").waitFor();
  await close(page);
});

test("a link for another device logs in another browser, and logging out ends the session there only", async () => {
  await shared.first.getByRole("button", { name: "Menu" }).click();
  await shared.first.getByRole("button", { name: "Open on another device" }).click();
  const link = await shared.first.getByLabel("Link", { exact: true }).inputValue();
  await shared.first.keyboard.press("Escape");
  const page = await open(shared.browser);
  await page.goto(link);
  await page.locator(".page").waitFor();
  await page.getByRole("button", { name: "Menu" }).click();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.locator("#login-user").waitFor();
  await page.reload();
  await page.locator("#login-user").waitFor();
  await shared.first.reload();
  await shared.first.locator(".page").waitFor();
  await close(page);
});

test("the theme is kept, and follows the system again", async () => {
  const page = await shared.open();
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.keyboard.press("t");
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.reload();
  await page.locator(".page").waitFor();
  assert.equal(await ground(), dark);
  await page.getByRole("button", { name: "Menu" }).click();
  await page.getByLabel("As the system").check();
  assert.equal(await ground(), light);
  await close(page);
});

test("a page that is open when the server is started again reconnects, and catches up", async () => {
  const page = await shared.open(), port = new URL(shared.server.origin).port;
  const endpoint = (await shared.server.line(/^Endpoint: +(\S+)/))[1];
  await done(page, path.basename(one));
  await page.evaluate(() => (window.same = true));
  await shared.server.stop();
  await page.getByText("Connecting again").waitFor();
  shared.server.args[shared.server.args.indexOf("127.0.0.1:0")] = `127.0.0.1:${port}`;
  shared.server.args[shared.server.args.indexOf("--port") + 1] = new URL(endpoint).port; // the page may reach this store only
  await shared.server.start();
  await shared.server.line(/Serving/);
  const other = await open(shared.browser, { state: shared.state });
  await other.goto(shared.server.origin);
  await upload(other, [photo("night.jpg", "while-away.jpg")]);
  await done(page, "while-away.jpg");
  await page.getByText("Connecting again").waitFor({ state: "hidden" });
  assert.ok(await page.evaluate(() => window.same), "the page was reloaded");
  await close(page);
  await close(other);
});

test("a user logs in with a password, a wrong one is refused, and too many attempts have to wait", async (t) => {
  const server = new Server((data) => ["gallery", "--listen", "127.0.0.1:0", "--users", path.join(data, "users"), "--gallery-data", path.join(data, "gallery"),
    "--photos", "s3://photos/ingest/"]);
  const users = server.args[server.args.indexOf("--users") + 1];
  const [, key, secret] = /id = (\S+)\s+aws_secret_access_key = (\S+)/.exec(readFileSync(path.join(shared.server.data, "cloud", "credentials"), "utf8"));
  const endpoint = (await shared.server.line(/^Endpoint: +(\S+)/))[1];
  Object.assign(process.env, { AWS_REGION: "us-east-1", AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret });
  writeFileSync(users, JSON.stringify({ users: [{ name: "anna", password: cheapHash("correct horse battery") }] }));
  await server.start();
  t.after(() => server.stop());
  const page = await open(shared.browser);
  await page.goto(server.origin);
  await page.getByLabel("User name").fill("anna");
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.getByText("Enter your user name and your password").waitFor();
  await page.getByLabel("Password").fill("correct horse");
  await page.keyboard.press("Enter");
  await page.getByText("The name or the password is wrong").waitFor();
  await page.locator(".login-form .primary:enabled").waitFor();
  await page.getByLabel("Password").fill("correct horse battery");
  await page.keyboard.press("Enter");
  await page.locator(".page").waitFor();
  await page.getByRole("button", { name: "Menu" }).click();
  await page.getByText("Logged in as anna").waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByLabel("User name").fill("anna");
  for (let tries = 0; !(await page.getByText(/Too many attempts. Try again in \d+ seconds/).isVisible()); tries++) {
    assert.ok(tries < 20, "no limit");
    const response = page.waitForResponse("**/api/login");
    await page.getByLabel("Password").fill("wrong");
    await page.keyboard.press("Enter");
    await response;
    await page.locator(".login-form .primary:enabled").waitFor();
  }
  await close(page);
});
