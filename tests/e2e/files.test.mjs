// Files of any size through the built package, in a page: no account and no node.
import assert from "node:assert/strict";
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { sharedBrowser } from "./support/world.mjs";

const pkg = fileURLToPath(new URL("../../pkg", import.meta.url));
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm" };

describe("files that lie elsewhere", () => {
  let context, server, window;

  before(async () => {
    server = createServer((request, response) => {
      const path = normalize(new URL(request.url, "http://page").pathname);
      if (path === "/") return response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
      const file = join(pkg, path);
      if (!file.startsWith(pkg) || !existsSync(file)) return response.writeHead(404).end();
      response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
      createReadStream(file).pipe(response);
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    context = await (await sharedBrowser()).newContext();
    window = await context.newPage();
    await window.goto(`http://localhost:${server.address().port}/`);
  });
  after(async () => {
    await context?.close();
    server?.closeAllConnections();
    server?.close();
  });

  it("a file of 100 MiB is encrypted, uploaded by the app, loaded and opened", async () => {
    const seen = await window.evaluate(async () => {
      const { decryptFile, uploadFile } = await import("/index.js");
      const MIB = 1 << 20;
      const piece = crypto.getRandomValues(new Uint8Array(65_536));
      const parts = Array.from({ length: 1600 }, () => piece);
      const file = new File([new Blob(parts)], "film.mp4", { type: "video/mp4" });
      const before = performance.memory.usedJSHeapSize;
      let uploaded;
      const remote = await uploadFile(file, async (payload) => {
        uploaded = payload;
        return "https://example.com/film";
      });
      const opened = await decryptFile(uploaded, remote);
      const grown = performance.memory.usedJSHeapSize - before;
      const same = async (at) => {
        const [a, b] = await Promise.all([file, opened.content].map((blob) => blob.slice(at, at + 1024).arrayBuffer()));
        return new Uint8Array(a).every((byte, index) => byte === new Uint8Array(b)[index]);
      };
      return {
        remote: { ...remote, secret: remote.secret.length, salt: remote.salt.length, nonce: remote.nonce.length },
        name: opened.filename,
        type: [opened.mimeType, opened.content.type],
        sizes: [file.size, opened.content.size, uploaded.size],
        same: [await same(0), await same(37 * MIB + 5), await same(file.size - 1024)],
        grown,
      };
    });
    assert.match(seen.remote.contentDigest, /^[0-9a-f]{64}$/);
    assert.deepEqual([seen.remote.url, seen.remote.scheme, seen.remote.filename], ["https://example.com/film", "https://", "film.mp4"]);
    assert.deepEqual([seen.remote.secret, seen.remote.salt, seen.remote.nonce], [32, 32, 12]);
    assert.deepEqual([seen.name, ...seen.type], ["film.mp4", "video/mp4", "video/mp4"]);
    assert.equal(seen.sizes[0], 100 * (1 << 20));
    assert.equal(seen.sizes[1], seen.sizes[0]);
    assert.equal(seen.sizes[2], seen.remote.contentLength);
    assert.deepEqual(seen.same, [true, true, true]);
    assert.ok(seen.grown < 16 * (1 << 20), `the page's memory grew by ${seen.grown} bytes`);
  });

  it("a file that is not the one that was sent is refused, and so is what is no file or no address", async () => {
    const codes = await window.evaluate(async () => {
      const { decryptFile, encryptFile, uploadFile } = await import("/index.js");
      const code = async (work) => work().then(() => undefined, (error) => error.code);
      const { payload, ...rest } = await encryptFile(new Blob(["hello"], { type: "text/plain" }));
      const remote = { url: "https://example.com", scheme: "https://", ...rest };
      const bytes = new Uint8Array(await payload.arrayBuffer());
      bytes[5] ^= 1;
      const opened = await decryptFile(payload, remote);
      return [
        await opened.content.text(),
        opened.filename,
        await code(() => decryptFile(new Blob([bytes]), remote)),
        await code(() => decryptFile(payload.slice(1), remote)),
        await code(() => encryptFile("hello")),
        await code(() => decryptFile(bytes, remote)),
        await code(() => uploadFile(new Blob(["x"]), () => "http://example.com")),
        await code(() => uploadFile(new Blob(["x"]))),
      ];
    });
    const [invalid, rejected] = ["argument.invalid", "message.attachment_rejected"];
    assert.deepEqual(codes, ["hello", undefined, rejected, rejected, invalid, invalid, invalid, invalid]);
  });
});
