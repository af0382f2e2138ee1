// The ports of nodes that are killed and started again.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { freePort } from "../../scripts/devnode.mjs";

/** The lowest port that this system gives to connections and to who asks for any. */
const lowestGiven = async () => {
  const range = await readFile("/proc/sys/net/ipv4/ip_local_port_range", "utf8").catch(() => "32768");
  return Number(range.split(/\s/)[0]);
};

describe("the port of a node that comes back", () => {
  it("is none that a connection is given while the node is away", async () => {
    const lowest = await lowestGiven();
    for (let n = 0; n < 20; n += 1) {
      const port = await freePort();
      assert.ok(port < lowest, `${port} is one of those from ${lowest}`);
    }
  });

  it("is the one that is wanted, unless somebody listens there", async () => {
    const server = createServer();
    const wanted = await freePort();
    assert.equal(await freePort(wanted), wanted);
    await new Promise((resolve) => server.listen(wanted, "127.0.0.1", resolve));
    assert.notEqual(await freePort(wanted), wanted);
    await new Promise((resolve) => server.close(resolve));
  });
});
