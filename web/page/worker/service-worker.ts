/**
 * The page without a network, and web servers in a machine at addresses of their own:
 * `vm/MACHINE/PORT/…` below the page. The page that runs the machine answers for these; it is
 * asked anew each time, as a browser may end this worker at any moment.
 */

/// <reference lib="webworker" />
export {};
declare const self: ServiceWorkerGlobalScope;

const CACHE = "sampan page";
/** Milliseconds until a page that does not answer is given up. */
const ANSWER_MS = 60_000;
const scope = self.registration.scope;
const isPage = (url: string) => url === scope || url === `${scope}index.html`;

/** A server in a machine, and what is asked of it. */
interface Target {
  readonly machine: string;
  readonly port: number;
  /** With the query. */
  readonly path: string;
}

/** What a page answers; `body` streams. */
interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: ReadableStream<Uint8Array> | null;
  readonly error?: string;
}

self.addEventListener("install", (event) => event.waitUntil(keepPage().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = request.url.split("#", 1)[0] ?? "";
  const target = find(url);
  if (target !== undefined) return event.respondWith(ask(target, request));
  // Pages of such a server may name paths from its root on.
  const from = find(request.referrer);
  if (from !== undefined && url.startsWith(`${self.location.origin}/`)) {
    const path = url.slice(self.location.origin.length);
    if (request.mode === "navigate") return event.respondWith(Response.redirect(address({ ...from, path }), 307));
    return event.respondWith(ask({ ...from, path }, request));
  }
  if (request.method !== "GET" || request.headers.has("Range")) return;
  if (isPage(url.split("?", 1)[0] ?? "")) {
    event.respondWith(
      fetch(request).then(
        (response) => {
          if (response.ok) event.waitUntil(keepPage());
          return response;
        },
        (error: unknown) => kept(scope, error),
      ),
    );
  } else if (url.startsWith(`${scope}assets/`)) {
    event.respondWith(kept(url, undefined).catch(() => fetch(request)));
  }
});

/** Keeps what the page is made of as it is on the server now, and nothing else. */
async function keepPage(): Promise<void> {
  const list = await fetch(`${scope}assets.json`, { cache: "no-cache" });
  if (!list.ok) throw new Error(`assets.json: the server says ${list.status}`);
  const wanted = ((await list.json()) as string[]).map((name) => scope + name);
  const cache = await caches.open(CACHE);
  const has = new Set((await cache.keys()).map(({ url }) => url));
  // Names of all others change with their content.
  const page = await fetch(scope, { cache: "no-cache" });
  await cache.addAll(wanted.filter((url) => !has.has(url)));
  if (page.ok) await cache.put(scope, page);
  for (const url of has) if (url !== scope && !wanted.includes(url)) await cache.delete(url);
}

async function kept(url: string, error: unknown): Promise<Response> {
  const found = await (await caches.open(CACHE)).match(url);
  if (found === undefined) throw error;
  return found;
}

/** What an address names, if it is a server's in a machine. */
function find(url: string): Target | undefined {
  if (!url.startsWith(`${scope}vm/`)) return undefined;
  const [, machine, port, path] = /^([\w-]+)\/(\d{1,5})(\/.*)$/.exec(url.slice(scope.length + 3)) ?? [];
  if (machine === undefined || path === undefined) return undefined;
  return { machine, port: Number(port), path };
}

function address({ machine, port, path }: Target): string {
  return `${scope}vm/${machine}/${port}${path}`;
}

/** Asks the page with the machine. */
async function ask(target: Target, request: Request): Promise<Response> {
  const hasBody = request.method !== "GET" && request.method !== "HEAD";
  const body = hasBody ? new Uint8Array(await request.arrayBuffer()) : undefined;
  const { method, headers } = request;
  const question = { ...target, type: "sampan fetch", method, headers: [...headers], body };
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const answer = await new Promise<Answer>((resolve) => {
    const fail = (status: number, error: string) => resolve({ status, statusText: "", headers: [], body: null, error });
    if (pages.every(({ url }) => find(url) !== undefined)) fail(503, "the page with the machine is not open");
    setTimeout(() => fail(504, "no page has this machine, or it does not answer"), ANSWER_MS);
    for (const page of pages) {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }: MessageEvent<Answer>) => resolve(data);
      page.postMessage(question, [port2]);
    }
  });
  if (answer.error !== undefined) {
    const text = `${target.machine}, port ${target.port}: ${answer.error}\n`;
    return new Response(text, { status: answer.status, headers: { "Content-Type": "text/plain; charset=utf-8", ...SAFE } });
  }
  const told = new Headers(answer.headers.map(([name, value]): [string, string] => [name, value]));
  for (const [name, value] of Object.entries(SAFE)) told.set(name, value);
  const location = told.get("Location");
  if (location !== null) told.set("Location", relocate(location, target));
  return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers: told });
}

/** Without these a page that may share memory shows nothing of it. */
const SAFE = { "Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Resource-Policy": "same-origin" };

/** Where a server sends its client, as an address of ours. */
function relocate(location: string, target: Target): string {
  const own = `http://localhost:${target.port}`;
  const url = new URL(location, own + target.path);
  return url.origin === own ? address({ ...target, path: url.pathname + url.search }) + url.hash : location;
}
