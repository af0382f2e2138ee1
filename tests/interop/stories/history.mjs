// 13. What was said before an installation came, asked of an installation on the other kind of client.
import assert from "node:assert/strict";
import { eventually } from "../support/person.mjs";
import { DIRECTIONS, assertSameTalk, story, syncAll } from "../support/stage.mjs";

/** 5.5 has no calls for it. */
const WITH_ARCHIVES = ["peer-6.0", "peer-6.1"];

async function catchUp(devices) {
  for (const device of devices) {
    await device.syncAll();
    await device.syncPreferences();
  }
}

story(13, "history asked of an installation of the other kind", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following, historyUrl }) => {
  const { phone, bob } = await cast({ phone: acting, bob: following });
  const group = await phone.createGroup([bob], { groupName: "Lunch" });
  await syncAll(group, [bob]);
  await phone.sayMany(group, Array.from({ length: 12 }, (_, number) => `soup ${number}`));
  await bob.say(group, "noodles");
  await syncAll(group, [phone]);

  const { laptop } = await cast({ laptop: [following, phone.wallet] });
  await eventually("the laptop is in the group, and both in one group of their own", async () => {
    await catchUp([phone, laptop]);
    return (await laptop.groups()).includes(group);
  });
  assert.deepEqual(await laptop.texts(group), [], "nobody asked");
  await laptop.askForHistory(historyUrl);
  await eventually("what was said before appears", async () => {
    await catchUp([phone, laptop]);
    return (await laptop.said(group)).length === 13;
  }, 60_000);
  await assertSameTalk(group, [phone, laptop]);

  await bob.say(group, "dessert?");
  await syncAll(group, [phone]);
  await phone.offerHistory("sunday", historyUrl);
  await eventually("the offer is heard of", async () => (await laptop.offeredHistory()).includes("sunday"));
  await laptop.takeHistory("sunday");
  assert.equal((await laptop.said(group)).length, 14);
}, { peers: WITH_ARCHIVES });
