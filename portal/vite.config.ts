import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../src/tidegate/hub/portal/static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the page's policy lets scripts come from files alone
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: { proxy: { "/api": process.env["TIDEGATE_HUB"] ?? "http://127.0.0.1:8080" } },
});
