// The local node behind ports of Node.js: what arrives is handed to the wasm module, which answers piece by piece.
import { readFile } from "node:fs/promises";
import { createServer as createHttp } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import init, { Node } from "./xmtp_devnode.js";

/** The largest request taken, bytes: a message as large as public nodes take, and its frame. */
const LARGEST_REQUEST = 52_428_800 + 5;
/** How often a free port is looked for that is free on both loopback addresses. */
const PORT_ATTEMPTS = 20;
/** gRPC's RESOURCE_EXHAUSTED. */
const RESOURCE_EXHAUSTED = "8";

/** The bytes of a request; undefined when there are too many. */
async function bodyOf(request) {
  const pieces = [];
  let length = 0;
  for await (const piece of request) {
    length += piece.length;
    if (length > LARGEST_REQUEST) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** Headers as pairs, without those that only HTTP/2 has. */
function pairsOf(headers) {
  return Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith(":") || value === undefined ? [] : [value].flat().map((one) => [name, String(one)]),
  );
}

/** Pairs as an object; a name that comes twice has a list. */
function objectOf(pairs) {
  const headers = {};
  for (const [name, value] of pairs) headers[name] = name in headers ? [headers[name], value].flat() : value;
  return headers;
}

/** gRPC-web over HTTP/1.1. */
function answerWeb(node) {
  return async (request, response) => {
    let call;
    try {
      const body = await bodyOf(request);
      if (body === undefined) return void response.writeHead(413).end();
      response.on("close", () => call?.cancel());
      const sink = {
        head: (status, headers) => {
          response.writeHead(status, objectOf(headers));
          // a stream says that it stands before its first item
          response.flushHeaders();
        },
        data: (piece) => void response.write(piece),
        trailers: () => undefined,
        end: () => void response.end(),
        broken: () => request.socket.destroy(),
      };
      call = node.call(true, request.method, request.url, pairsOf(request.headers), body, sink);
      if (response.destroyed) call.cancel();
    } catch {
      request.socket.destroy();
    }
  };
}

/** gRPC over HTTP/2 without TLS. */
function answerGrpc(node) {
  return async (stream, headers) => {
    let call;
    let trailers = [];
    stream.on("error", () => undefined);
    stream.on("close", () => call?.cancel());
    stream.on("wantTrailers", () => stream.sendTrailers(objectOf(trailers)));
    try {
      const body = await bodyOf(stream);
      if (body === undefined) {
        const head = { ":status": 200, "content-type": "application/grpc", "grpc-status": RESOURCE_EXHAUSTED };
        return void stream.respond(head, { endStream: true });
      }
      const sink = {
        head: (status, pairs) => {
          const only = pairs.some(([name]) => name === "grpc-status");
          stream.respond({ ":status": status, ...objectOf(pairs) }, only ? { endStream: true } : { waitForTrailers: true });
        },
        data: (piece) => void stream.write(piece),
        trailers: (pairs) => void (trailers = pairs),
        end: () => void (stream.writableEnded || stream.end()),
        broken: () => stream.destroy(),
      };
      call = node.call(false, headers[":method"], headers[":path"], pairsOf(headers), body, sink);
      if (stream.destroyed) call.cancel();
    } catch {
      stream.destroy();
    }
  };
}

function listen(server, port, host) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve(server.address().port);
    });
  });
}

/** Opens one port on 127.0.0.1 and, where there is IPv6, on ::1. */
async function open(make, port) {
  for (let attempts = PORT_ATTEMPTS; ; attempts -= 1) {
    const servers = [make(), make()];
    const bound = await listen(servers[0], port, "127.0.0.1");
    try {
      await listen(servers[1], bound, "::1");
      return { port: bound, servers };
    } catch (error) {
      // no IPv6 on this machine
      if (error.code !== "EADDRINUSE") return { port: bound, servers: servers.slice(0, 1) };
      servers[0].close();
      if (port !== 0 || attempts === 0) throw error;
    }
  }
}

export async function startDevnode(options = {}) {
  const { grpcPort = 5556, grpcWebPort = 5557, faults = false, v2Closed = false, contractWallets = [] } = options;
  await init({ module_or_path: await readFile(new URL("./xmtp_devnode_bg.wasm", import.meta.url)) });
  const node = new Node(faults, v2Closed, contractWallets);
  const sessions = new Set();
  const grpc = await open(() => {
    const server = createHttp2();
    server.on("stream", answerGrpc(node));
    server.on("session", (session) => {
      sessions.add(session);
      session.on("close", () => sessions.delete(session));
      session.on("error", () => undefined);
    });
    return server;
  }, grpcPort);
  const web = await open(() => createHttp(answerWeb(node)), grpcWebPort).catch((error) => {
    for (const server of grpc.servers) server.close();
    throw error;
  });
  return {
    grpcUrl: `http://localhost:${grpc.port}`,
    grpcWebUrl: `http://localhost:${web.port}`,
    async close() {
      // Streams end with UNAVAILABLE, which is on its way when the connections are closed.
      node.free();
      await new Promise((resolve) => setImmediate(resolve));
      const closed = [...grpc.servers, ...web.servers].map((server) => new Promise((resolve) => server.close(resolve)));
      for (const session of sessions) session.close();
      for (const server of web.servers) server.closeIdleConnections();
      const late = setTimeout(() => {
        for (const session of sessions) session.destroy();
        for (const server of web.servers) server.closeAllConnections();
      }, 1_000);
      await Promise.all(closed);
      clearTimeout(late);
    },
  };
}
