/** Puts the page together: static files that work in any folder of any web server. */

import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

/** Tells the service worker what there is. */
const assets: Plugin = {
  name: "assets",
  generateBundle(_, bundle) {
    const names = Object.keys(bundle).filter((name) => name.startsWith("assets/"));
    this.emitFile({ type: "asset", fileName: "assets.json", source: JSON.stringify(names.sort()) });
  },
};

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  base: "./",
  resolve: { alias: { "@sampan/linux": fileURLToPath(new URL("../dist/index.js", import.meta.url)) } },
  plugins: [assets],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    rollupOptions: {
      input: [here("index.html"), here("worker/service-worker.ts")],
      output: {
        // Its address must stay as it is, and above all that it serves.
        entryFileNames: ({ name }) => (name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js"),
      },
    },
  },
  worker: { format: "es" },
});
