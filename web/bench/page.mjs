// What a visitor of the page meets, measured in Chromium and told as JSON: time and bytes until a
// prompt, how soon a key is shown, memory, and programs of the Debian in the image.
//   node web/bench/page.mjs ROUNDS IMAGE CHUNKS TEXT PROGRAMS
// PROGRAMS is a list of `[name, command]` in JSON, each command a list of words.

import { openBrowser, rendererMemory, sent, shows, site, type } from "../test/support/browser.mjs";
import { serveFiles } from "../test/support/server.mjs";

const [rounds, image, chunks, text, programs] = process.argv.slice(2);
const PROMPT = /root@sampan:[^\n]*#$/;
const MORE = { "/data/text": text, "/empty.html": Buffer.from("<!doctype html><title>A program</title>") };
const browser = await openBrowser();

/** A visitor of a server of its own. */
async function visit(path) {
  const server = await serveFiles(site(image, MORE, chunks));
  const context = await browser.newContext({ viewport: { width: 1000, height: 640 } });
  const page = await context.newPage();
  const close = async () => {
    await context.close();
    await server.close();
  };
  const open = async (load) => {
    const [start, before] = [performance.now(), { page: sent(server), image: sent(server, /image/) }];
    await load(server.url + path);
    await shows(page, PROMPT, "#console", 60);
    const milliseconds = performance.now() - start;
    const ofImage = sent(server, /image/) - before.image;
    return { milliseconds, image: ofImage, page: sent(server) - before.page - ofImage };
  };
  return { page, open, close };
}

/** The first visit and the second. */
async function starts(path) {
  const all = { cold: [], warm: [] };
  for (let round = 0; round < Number(rounds); round++) {
    const { page, open, close } = await visit(path);
    all.cold.push(await open((url) => page.goto(url)));
    await page.evaluate(() => navigator.serviceWorker.ready);
    // What was fetched is put away a moment later.
    await page.waitForTimeout(1500);
    all.warm.push(await open(() => page.reload()));
    await close();
  }
  return all;
}

/** Milliseconds from a key until what it writes is there. */
async function latencies(page, keys) {
  await page.evaluate(() => {
    const told = (window.latencies = []);
    let pressed;
    addEventListener("keydown", ({ timeStamp }) => (pressed = timeStamp), true);
    new MutationObserver(() => {
      if (pressed !== undefined) told.push(performance.now() - pressed);
      pressed = undefined;
    }).observe(document.querySelector("#console .xterm-rows"), { childList: true, subtree: true, characterData: true });
  });
  await page.locator("#console textarea").focus();
  for (let key = 0; key < keys; key++) {
    await page.keyboard.press("x");
    await page.waitForTimeout(120);
  }
  return page.evaluate(() => window.latencies);
}

async function use() {
  const { page, open, close } = await visit("?image=image/");
  await page.goto("about:blank");
  const empty = await rendererMemory(browser);
  await open((url) => page.goto(url));
  await page.waitForTimeout(1000);
  const used = (await rendererMemory(browser)) - empty;
  const idle = await latencies(page, 20);
  await page.keyboard.press("Control+c");
  await type(page, "while :; do :; done &");
  await page.waitForTimeout(500);
  const busy = await latencies(page, 20);
  await close();
  return { memory: used, idle, busy };
}

/** Each program's seconds, in a machine that is used for nothing else, run after run. */
async function runAll() {
  const server = await serveFiles(site(image, MORE, chunks));
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${server.url}empty.html`);
  const all = {};
  for (const [name, command] of JSON.parse(programs)) {
    all[name] = await page.evaluate(async ({ command, rounds }) => {
      const { ChunkDevice, Linux, WebDevice } = await import("/dist/index.js");
      const linux = await Linux.create({
        mounts: [
          { type: "ext2", dev: await ChunkDevice.create("/image/"), path: "/" },
          { type: "dir", dev: await WebDevice.create("/data"), path: "/data" },
          { type: "devs", path: "/dev" },
          { type: "proc", path: "/proc" },
        ],
      });
      linux.setCustomConsole(() => {}, 80, 24);
      const env = ["PATH=/usr/bin:/bin", "HOME=/root", "LC_ALL=C"];
      const script = `${command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ")} > /dev/null < /dev/null`;
      // What the first run alone would have to fetch is not the programs' time.
      await linux.run("/bin/bash", ["-c", "cat /data/text $(type -P \"$0\") > /dev/null", command[0]], { env });
      const seconds = [];
      for (let round = 0; round < rounds; round++) {
        const start = performance.now();
        const status = await linux.run("/bin/bash", ["-c", `exec ${script}`], { env });
        if (status !== 0) throw new Error(`${command[0]} ended with ${status}`);
        seconds.push((performance.now() - start) / 1000);
      }
      await linux.delete();
      return seconds;
    }, { command, rounds: 3 });
    console.error(`${name}: ${all[name].map((time) => time.toFixed(2)).join(", ")} s`);
  }
  await context.close();
  await server.close();
  return all;
}

try {
  const chunked = await starts("?image=image/");
  const ranges = await starts("");
  console.error("starts measured");
  const told = { starts: { chunks: chunked, ranges }, ...(await use()), programs: await runAll() };
  process.stdout.write(JSON.stringify(told));
} finally {
  await browser.close();
}
