// 10. A minimum version pauses who is below it, before the change and with everything kept; an update goes on.
import assert from "node:assert/strict";
import { assertSameGroup, assertSameTalk, DIRECTIONS, story, syncAll } from "../support/stage.mjs";

/** A version that pauses a release, and the release that it goes on with, where one has been published. */
const ABOVE = {
  "peer-5.5": { version: "1.10.1", next: "peer-6.1" },
  "peer-6.0": { version: "1.10.1", next: "peer-6.1" },
  "peer-6.1": { version: "1.11.0" },
};
/** What our package says of itself when it is told to be a later release. */
const LATER = "1.12.0";

const assertPaused = async (person, group, version, epoch) => {
  const who = `${person.name} (${person.side})`;
  assert.equal(await person.pausedFor(group), version, who);
  assert.equal(await person.epoch(group), epoch, `${who} stays before the change`);
  await assert.rejects(person.say(group, "may I?"), `${who} may not write`);
  await assert.rejects(person.rename(group, "may I?"), `${who} may change nothing`);
  assert.deepEqual(await person.texts(group), ["before it"], `${who} keeps what there was`);
};

story(10, "paused for a version, and going on after an update", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following, peer }) => {
  const { alice, bob, mallory } = await cast({ alice: acting, bob: following, mallory: "forger" });
  const { version, next } = ABOVE[peer.alias];
  const group = await alice.createGroup([bob, mallory], { groupName: "Slow" });
  const elsewhere = await bob.createGroup([alice]);
  await syncAll(group, [bob, mallory]);
  await alice.addSuperAdmin(group, mallory);
  await alice.say(group, "before it");
  await syncAll(group, [bob, mallory]);
  // One that everybody has: nothing happens.
  const field = "minimum_supported_protocol_version";
  await mallory.change(group, { what: "field", field, value: "1.9.0" });
  await syncAll(group, [alice, bob]);
  for (const person of [alice, bob]) assert.equal(await person.pausedFor(group), null, `${person.name} (${person.side})`);
  const epoch = await alice.epoch(group);
  assert.equal(await bob.epoch(group), epoch);

  await mallory.change(group, { what: "field", field, value: version });
  await mallory.say(group, "only for new releases");
  await syncAll(group, [alice, bob]);
  for (const person of [alice, bob]) await assertPaused(person, group, version, epoch);
  // What is paused is this conversation and no other.
  await alice.sync();
  await alice.say(elsewhere, "here we go on");
  await syncAll(elsewhere, [bob]);
  assert.deepEqual(await bob.texts(elsewhere), ["here we go on"]);

  const updated = [];
  for (const person of [alice, bob]) {
    const release = person.side === "xmtp-web" ? LATER : next;
    if (!release) continue;
    await person.goAway();
    await person.comeBack(release);
    await person.syncAll();
    await syncAll(group, [person]);
    assert.equal(await person.pausedFor(group), null, `${person.name} (${person.side}, ${release}) goes on`);
    assert.deepEqual((await person.texts(group)).slice(0, 2), ["before it", "only for new releases"]);
    updated.push(person);
  }
  assert.ok(updated.length > 0, "somebody has an update");
  for (const person of updated) {
    await person.say(group, `${person.name} is up to date`);
    await syncAll(group, updated);
  }
  await assertSameTalk(group, updated);
  await assertSameGroup(group, updated);
});

/** Whom our own version is above. */
const BELOW_OURS = ["peer-5.5"];

story(10, "our own version asked of all", [DIRECTIONS.weAct], async ({ cast }) => {
  const { ours, theirs, second } = await cast({ ours: "ours", theirs: "peer", second: "ours" });
  const group = await ours.createGroup([theirs, second]);
  await ours.say(group, "before it");
  await syncAll(group, [theirs, second]);
  const epoch = await theirs.epoch(group);
  await assert.rejects(second.requireVersion(group), "a plain member asks nothing of others");
  await ours.requireVersion(group);
  await syncAll(group, [ours, theirs, second]);
  for (const person of [ours, second]) assert.equal(await person.pausedFor(group), null, person.name);
  if (BELOW_OURS.includes(theirs.peer.alias)) {
    await assertPaused(theirs, group, ours.version, epoch);
  } else {
    assert.equal(await theirs.pausedFor(group), null);
    await theirs.say(group, "I have it");
    await syncAll(group, [ours, second]);
    await assertSameGroup(group, [ours, theirs, second]);
  }
  await second.say(group, "so do I");
  await syncAll(group, [ours]);
  assert.equal((await ours.texts(group)).at(-1), "so do I");
});

story(10, "a version that a release asks of all", [DIRECTIONS.peerActs], async ({ cast }) => {
  const { theirs, ours } = await cast({ theirs: "peer", ours: "ours" });
  const group = await theirs.createGroup([ours]);
  await theirs.say(group, "before it");
  await syncAll(group, [ours]);
  const epoch = await ours.epoch(group);
  // It asks for its own version before it finds that not everybody can take the next step.
  await assert.rejects(theirs.enableProposals(group));
  await theirs.syncGroup(group);
  await theirs.say(group, "after it");
  await syncAll(group, [ours]);
  await assertPaused(ours, group, theirs.version, epoch);
  await ours.goAway();
  await ours.comeBack(ours.side === "xmtp-web" ? LATER : theirs.peer.alias);
  await ours.syncAll();
  await syncAll(group, [ours]);
  assert.equal(await ours.pausedFor(group), null);
  assert.deepEqual(await ours.texts(group), ["before it", "after it"]);
  await ours.say(group, "there you are");
  await syncAll(group, [theirs]);
  await assertSameTalk(group, [theirs, ours]);
  await assertSameGroup(group, [theirs, ours]);
}, { peers: ["peer-6.1"] });
