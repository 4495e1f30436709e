import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const gateway = process.env["LEARNDA_URL"] ?? "http://127.0.0.1:8000";
const served = ["/api", "/docs", "/redoc", "/openapi.json", "/healthz", "/readyz", "/metrics"];

export default defineConfig({
  plugins: [svelte({ configFile: false, compilerOptions: { runes: true } })],
  build: { target: "es2022", assetsInlineLimit: 0 },
  worker: { format: "es" },
  // the published numbers are those of learnda/accuracy
  server: {
    fs: { allow: [".", "../learnda/accuracy"] },
    proxy: Object.fromEntries(served.map((path) => [path, gateway])),
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
