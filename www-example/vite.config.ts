import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  // The package as it was just built; an app of its own would install it from npm instead.
  resolve: { alias: { "xmtp-web": fileURLToPath(new URL("../pkg/index.js", import.meta.url)) } },
  server: {
    host: "127.0.0.1",
    port: 5173,
    fs: { allow: [fileURLToPath(new URL("..", import.meta.url))] },
    watch: { ignored: ["**/target/**", "**/.data/**"] },
  },
  preview: { host: "127.0.0.1", port: 4173 },
  build: { target: "es2022", emptyOutDir: true },
});
