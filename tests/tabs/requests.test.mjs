// What a tab asks a node for, as the node sees it: a browser may ask more than what it was told to.
import assert from "node:assert/strict";
import { createServer, request as forward } from "node:http";
import { describe, it } from "node:test";
import { stage } from "./support.mjs";

/** Passes everything on to a node, and notes the method of each request. */
async function listening(node) {
  const methods = [];
  const server = createServer((asked, answer) => {
    methods.push(asked.method);
    const { method, headers } = asked;
    const onward = forward(new URL(asked.url, node.url), { method, headers }, (response) => {
      answer.writeHead(response.statusCode, response.headers);
      answer.flushHeaders();
      response.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    asked.pipe(onward);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** What was asked since the last time. */
    methods: () => methods.splice(0),
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}

describe("requests of a tab", () => {
  const { there, somebody } = stage();

  it("are not preceded by the question whether they may be made, once that was answered", async (test) => {
    const node = await listening(there.node);
    test.after(() => node.close());
    const alice = await somebody("alice");
    alice.node = node;
    const tab = await alice.tab();
    const groupId = await tab.must("createGroup", [], "Notes");
    await tab.must("send", groupId, "the first");
    assert.ok(node.methods().includes("OPTIONS"), "the page is of another origin");
    for (const text of ["two", "three", "four"]) await tab.must("send", groupId, text);
    assert.deepEqual([...new Set(node.methods())], ["POST"]);
  });
});
