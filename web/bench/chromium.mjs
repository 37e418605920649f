// Runs a static program in a machine in Chromium and prints what it prints:
//   node web/bench/chromium.mjs MODE PROGRAM [ARGUMENT…]
// With SAMPAN_REPORT, what has been translated comes to stderr.

import { openBrowser } from "../test/support/browser.mjs";
import { runInPage } from "../test/support/in-page.mjs";

const [mode, path, ...args] = process.argv.slice(2);
const browser = await openBrowser();
try {
  const { status, stdout, translated } = await runInPage(browser, { mode, path, args });
  process.stdout.write(stdout);
  if (process.env.SAMPAN_REPORT) console.error(translated);
  process.exitCode = status;
} finally {
  await browser.close();
}
