/** Puts the page together: static files that work in any folder of any web server. */

import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  resolve: { alias: { "@sampan/linux": fileURLToPath(new URL("../dist/index.js", import.meta.url)) } },
  build: { outDir: "dist", emptyOutDir: true, target: "es2022" },
  worker: { format: "es" },
});
