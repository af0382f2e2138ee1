// Files, and messages that cannot be sent.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { picture } from "./support/picture.mjs";
import { world } from "./support/world.mjs";

describe("what is sent", () => {
  const here = world();

  const send = async ({ window }, name, mimeType, buffer) => {
    await window.getByTestId("file-input").setInputFiles({ name, mimeType, buffer });
    await window.getByTestId("attached").filter({ hasText: name }).waitFor();
    await window.getByTestId("send").click();
  };
  const saved = async ({ window }, link) => {
    const [download] = await Promise.all([window.waitForEvent("download"), link.click()]);
    return { name: download.suggestedFilename(), content: await readFile(await download.path()) };
  };

  it("a picture is shown once its sender was let in, and any other file is saved as it was sent", async () => {
    const { alice, bob } = await here.twoInAGroup();
    const png = picture(40, 30);
    await send(alice, "menu.png", "image/png", png);
    await bob.window.getByTestId("file").filter({ hasText: "menu.png" }).waitFor();
    assert.equal(await bob.window.getByTestId("picture").count(), 0, "a stranger's picture is not shown");
    await bob.window.getByTestId("allow").click();
    const shown = bob.window.getByTestId("picture");
    await shown.waitFor();
    assert.equal(await shown.locator("img").evaluate((image) => image.decode().then(() => image.naturalWidth)), 40);
    assert.deepEqual(await saved(bob, shown), { name: "menu.png", content: png });

    const page = Buffer.from("<script>document.title = 'run'</script>");
    await send(bob, "page.html", "text/html", page);
    const link = alice.window.getByTestId("file").filter({ hasText: "page.html" });
    assert.deepEqual(await saved(alice, link), { name: "page.html", content: page });
    await alice.window.getByTestId("conversation-last").filter({ hasText: "File: page.html" }).waitFor();

    await alice.window.getByTestId("file-input").setInputFiles({ name: "film.mp4", mimeType: "video/mp4", buffer: Buffer.alloc(600_000) });
    await alice.window.getByTestId("toast").filter({ hasText: "sends files up to 500 kB" }).waitFor();
  });

  it("a large file is encrypted, put where the page was told, and fetched only when asked for", async () => {
    const stored = new Map();
    const { alice, bob } = await here.twoInAGroup();
    for (const { context } of [alice, bob]) {
      await context.route("https://files.example/**", async (route) => {
        const request = route.request();
        const headers = { "access-control-allow-origin": "*", "access-control-allow-methods": "PUT" };
        if (request.method() === "PUT") stored.set(request.url(), request.postDataBuffer());
        const body = request.method() === "GET" ? stored.get(request.url()) : undefined;
        await route.fulfill({ status: 200, headers, body });
      });
    }
    await alice.window.goto(`${alice.address}&files=${encodeURIComponent("https://files.example/put/")}`);
    await alice.openGroup("Lunch");
    const film = Buffer.alloc(700_000, "frame");
    await send(alice, "film.mp4", "video/mp4", film);
    const fetching = bob.window.getByTestId("fetch-file").filter({ hasText: "film.mp4" });
    await fetching.filter({ hasText: "files.example" }).waitFor();
    assert.equal([...stored.values()].some((bytes) => bytes.includes("frameframe")), false, "the place sees nothing");
    await fetching.click();
    const link = bob.window.getByTestId("file").filter({ hasText: "film.mp4" });
    assert.deepEqual(await saved(bob, link), { name: "film.mp4", content: film });
  });

  it("a message that is refused is tried again, sent when the person says so, or discarded", async () => {
    const { alice, bob } = await here.twoInAGroup();
    await here.node.break({ method: "SendGroupMessages", fault: { kind: "error", code: 3, message: "no" } });
    const message = (text) => alice.window.getByTestId("message").filter({ hasText: text });
    for (const text of ["at last", "never mind"]) {
      await alice.write(text);
      // The third refusal is the last: from then on it can be discarded.
      for (let n = 0; n < 2; n += 1) await message(text).getByTestId("retry").click();
      await message(text).getByTestId("discard").waitFor();
    }
    await message("never mind").getByTestId("discard").click();
    await message("never mind").waitFor({ state: "detached" });
    await here.node.heal();
    await message("at last").getByTestId("retry").click();
    await alice.seesStatus("at last", "sent");
    await bob.sees("at last");
    assert.deepEqual(await bob.messages(), ["at last"]);
  });
});
