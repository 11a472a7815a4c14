// SPDX-License-Identifier: GPL-2.0-or-later
// Opens a page in Chromium, carries out steps, and prints what they gave as JSON:
//
//     node browser.mjs NODE_MODULES CHROMIUM PROFILE_FOLDER < request
//
// request: {page, scheme, width, steps}. The answer: {results, errors, requests, opened}. errors has all that the page
// complained about, dialogs included; requests the addresses other than the page's own that it asked for.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, executablePath, profileFolder] = process.argv.slice(2);
const { chromium } = createRequire(path.join(modules, "any.js"))("playwright-core");
const request = JSON.parse(readFileSync(0, "utf-8"));
const errors = [];
const requests = [];

const STEPS = {
  click: (page, selector, options) => page.click(selector, { timeout: 20000, ...options }),
  fill: (page, selector, text) => page.fill(selector, text, { timeout: 20000 }),
  upload: (page, selector, file) => page.setInputFiles(selector, file, { timeout: 20000 }),
  focus: (page, selector) => page.focus(selector, { timeout: 20000 }),
  press: (page, key) => page.keyboard.press(key),
  // Waits until a text is in an element.
  wait: (page, selector, text) => page.waitForFunction(([where, what]) => {
    const found = document.querySelector(where);
    return found && found.textContent.includes(what);
  }, [selector, text], { timeout: 20000 }).then(() => null),
  text: (page, selector) => page.innerText(selector, { timeout: 20000 }),
  texts: (page, selector) => page.locator(selector).allInnerTexts(),
  attributes: (page, selector, name) => page.locator(selector).evaluateAll((found, key) => found.map((each) => each.getAttribute(key)), name),
  count: (page, selector) => page.locator(selector).count(),
  evaluate: (page, script) => page.evaluate(script),
  screenshot: (page, file) => page.screenshot({ path: file, fullPage: true }).then(() => null),
  async axe(page) {
    await page.evaluate(readFileSync(path.join(modules, "axe-core", "axe.min.js"), "utf-8"));
    const found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})");
    return found.violations.map((rule) => `${rule.id}: ${rule.help}: ${rule.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 200)} ${node.failureSummary}`).join(" | ")}`);
  },
};

const context = await chromium.launchPersistentContext(profileFolder, {
  executablePath, headless: true, colorScheme: request.scheme, viewport: { width: request.width, height: 900 },
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
try {
  const page = await context.newPage();
  const address = pathToFileURL(request.page).href;
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => errors.push(`script: ${error.message}`));
  page.on("dialog", (dialog) => {
    errors.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (asked) => asked.url() !== address && requests.push(asked.url()));
  const start = Date.now();
  await page.goto(address);
  const opened = (Date.now() - start) / 1000;
  const results = [];
  for (const [step, ...words] of request.steps) results.push(await STEPS[step](page, ...words));
  console.log(JSON.stringify({ results, errors, requests, opened }));
} finally {
  await context.close();
}
