// The incumbent, from a folder in which somebody ran `npm install @xmtp/browser-sdk@7.1.0`: served without a bundler.
import { createServer } from "node:http";
import { existsSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";

const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm" };

/** Modules by the name they are imported by, as folders and the file each begins with. */
const MODULES = {
  "@xmtp/browser-sdk": "index.js",
  "@xmtp/wasm-bindings": "bindings_wasm.js",
  "@xmtp/content-type-primitives": "index.js",
};

/** All that is used of viem where wallets are ours. */
const VIEM = `
export const toBytes = (hex) => Uint8Array.from(hex.slice(2).match(/../g) ?? [], (byte) => parseInt(byte, 16));
export const [privateKeyToAccount, generatePrivateKey] = [undefined, undefined];
`;

/** Serves it: `/@xmtp/browser-sdk/index.js` is the module. */
export async function serveIncumbent(folder) {
  const packages = join(folder, "node_modules");
  if (!existsSync(join(packages, "@xmtp/browser-sdk"))) throw new Error(`there is no @xmtp/browser-sdk in ${packages}`);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://page");
    const send = (type, body) => response.writeHead(200, { "content-type": type }).end(body);
    if (pathname === "/") return send("text/html", "<!doctype html>");
    if (pathname === "/viem.js") return send(TYPES[".js"], VIEM);
    const [, scope, name, rest] = /^\/(@xmtp)\/([\w-]+)\/([\w/.-]+)$/.exec(pathname) ?? [];
    const base = scope && join(packages, scope, name, "dist", rest);
    const file = base && [base, `${base}.js`].find((path) => extname(path) !== "" && existsSync(path));
    if (!file) return response.writeHead(404).end();
    if (extname(file) !== ".js") return send(TYPES[extname(file)] ?? "application/octet-stream", readFileSync(file));
    const code = readFileSync(file, "utf8").replace(/from"(viem|@xmtp)([^"]*)"/g, (_, scope, rest) => {
      const module = `${scope}${rest}`;
      return scope === "viem" ? 'from"/viem.js"' : `from"/${module}/${MODULES[module]}"`;
    });
    send(TYPES[".js"], code);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: server.address().port,
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    }),
  };
}
