import { defineConfig, type Plugin } from "vite";

/** The map is a chunk of its own; without this the browser would ask for it only once the entry has run. */
function preloadMap(): Plugin {
  return {
    name: "preload-map",
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle }) {
        const chunks = Object.values(bundle ?? {}).filter((c) => c.type === "chunk");
        const map = chunks.find((c) => c.name === "city");
        if (!map) return [];
        const files = [map.fileName, ...map.imports.filter((f) => chunks.some((c) => c.fileName === f && !c.isEntry))];
        return [...new Set(files)].map((file) => ({
          tag: "link",
          attrs: { rel: "modulepreload", href: `/${file}` },
          injectTo: "head" as const,
        }));
      },
    },
  };
}

export default defineConfig({
  plugins: [preloadMap()],
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/ogc": "http://127.0.0.1:8080" } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1400,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
