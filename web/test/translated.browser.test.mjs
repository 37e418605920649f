// Translated code in Chromium: the same as on this machine.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./support/browser.mjs";
import { buildHot, native } from "./support/hot.mjs";
import { runInPage } from "./support/in-page.mjs";

let browser, hot;
before(async () => {
  hot = await buildHot();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await hot?.remove();
});

for (const what of ["compute", "rewrite", "spin", "grow"]) {
  test(`${what}: the same as on this machine`, { timeout: 60_000 }, async () => {
    const expected = native(hot.path, [what]);
    for (const mode of ["auto", "eager"]) {
      const run = await runInPage(browser, { mode, path: hot.path, args: [what] });
      assert.deepEqual({ status: run.status, stdout: run.stdout }, expected, mode);
      assert.ok(run.translated.entered > 0, `${mode}: translated code was entered`);
    }
  });
}
