// The tabs' state machine (docs/TABS.md) without a browser: a model of locks, channels and one database, in which tabs
// are opened, closed, frozen and killed at random.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { DEADLINE_MS, TabMachine } from "../../pkg/tabs/machine.js";
import { isHallMessage, isMailMessage, isNewer, isRekeyed, isRepeatable, mayRepeat, newMessageKey, VERSION, withKey } from "../../pkg/tabs/protocol.js";

/** A repeatable stream of numbers in [0, 1): mulberry32. */
function chance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What the browser, the database and the pages are to the machines. */
class World {
  now = 1_000_000;
  tabs = new Map();
  /** Messages under way, by sender, receiver and channel: in order on one channel from one tab to another, in any order otherwise. */
  lines = new Map();
  /** Ids of tabs; the first has the lock. */
  queue = [];
  /** Who has the database open. */
  owner = undefined;
  /** How often each message or change is in the database. */
  database = new Map();
  /** What each page asked, and the answers. */
  asked = new Map();
  #numbers = 0;

  constructor(seed) {
    this.chance = chance(seed);
  }

  pick(list) {
    return list[Math.floor(this.chance() * list.length)];
  }

  open(version = VERSION) {
    const id = `tab-${(this.#numbers += 1)}`;
    const machine = new TabMachine(id, version, () => this.now, () => `key-${(this.#numbers += 1)}`);
    const tab = { id, machine, version, lines: new Map(), runs: [], opening: false, closing: false, frozen: false, fatal: undefined, watched: new Set(), streams: new Set() };
    this.tabs.set(id, tab);
    this.ask(tab, "client.open", {});
    return tab;
  }

  ask(tab, method, args) {
    const id = (this.#numbers += 1);
    const entry = { tab, id, method, args, answers: [], askedAt: this.now };
    this.asked.set(id, entry);
    this.feed(tab, tab.machine.request({ id, method, args }));
    return entry;
  }

  /** Its page is told that it goes out of use; then the browser stops it, at once or a little later. */
  rest(tab) {
    this.feed(tab, tab.machine.rest());
    tab.isResting = true;
    tab.frozen = tab.machine.phase === "away";
  }

  resume(tab) {
    tab.frozen = tab.isResting = false;
    if (tab.machine.phase === "away") {
      this.vanish(tab);
      tab.id = `tab-${(this.#numbers += 1)}`;
      this.tabs.set(tab.id, tab);
    }
    this.feed(tab, tab.machine.resume(tab.id));
  }

  kill(tab) {
    tab.isKilled = true;
    this.vanish(tab);
  }

  vanish(tab) {
    this.tabs.delete(tab.id);
    this.queue = this.queue.filter((id) => id !== tab.id);
    if (this.owner === tab.id) this.owner = undefined;
    // What it has sent may arrive or not.
    for (const [line, messages] of this.lines) {
      if (line.startsWith(`${tab.id}>`)) messages.length = Math.floor(this.chance() * (messages.length + 1));
      if (line.includes(`>${tab.id}:`)) this.lines.delete(line);
    }
    for (const other of this.tabs.values()) {
      // One that is stopped hears of it when it goes on.
      if (other.watched.delete(tab.id)) (other.lost ??= []).push(tab.id);
    }
  }

  post(from, to, kind, message) {
    const line = `${from}>${to}:${kind}`;
    if (!this.lines.has(line)) this.lines.set(line, []);
    this.lines.get(line).push({ to, kind, message: structuredClone(message) });
  }

  feed(tab, effects) {
    for (const effect of effects) {
      switch (effect.do) {
        case "answer": {
          const entry = this.asked.get(effect.id);
          assert.equal(entry.tab, tab, "an answer goes to whoever asked");
          entry.answers.push(effect.outcome);
          assert.equal(entry.answers.length, 1, `${entry.method} was answered twice`);
          break;
        }
        case "event":
          if (effect.event.event === "end") tab.streams.delete(effect.event.streamId);
          break;
        case "fatal":
          tab.fatal = effect.error;
          break;
        case "hall":
          for (const other of this.tabs.values()) if (other !== tab) this.post(tab.id, other.id, "hall", effect.message);
          break;
        case "mail":
          if (this.tabs.has(effect.to)) this.post(tab.id, effect.to, "mail", effect.message);
          break;
        case "lock":
          assert.ok(!this.queue.includes(tab.id), "a tab stands in the queue once");
          this.queue.push(tab.id);
          tab.hasLock = false;
          break;
        case "unlock":
          assert.notEqual(this.owner, tab.id, "the lock is given up after the database");
          this.queue = this.queue.filter((id) => id !== tab.id);
          tab.hasLock = false;
          break;
        case "open":
          tab.opening = true;
          break;
        case "close":
          tab.closing = true;
          break;
        case "run":
          assert.equal(this.owner, tab.id, "only the owner of the database runs anything");
          tab.runs.push({ ...effect, isApplied: false });
          break;
        case "watch":
          if (this.tabs.has(effect.tab)) tab.watched.add(effect.tab);
          else (tab.lost ??= []).push(effect.tab);
          break;
        case "forget":
          tab.watched.delete(effect.tab);
          break;
        case "network":
          break;
        default:
          assert.fail(`no such effect: ${effect.do}`);
      }
    }
  }

  /** One thing that may happen next, of the kinds that are wanted; false when nothing is under way. */
  step(isWanted = () => true) {
    const all = [];
    const can = { push: (act, kind) => isWanted(kind) && all.push(act) };
    for (const [line, messages] of this.lines) {
      const to = this.tabs.get(messages[0]?.to);
      if (to !== undefined && !to.frozen) can.push(() => this.deliver(line), "line");
    }
    const first = this.tabs.get(this.queue[0]);
    if (first !== undefined && !first.hasLock && !first.frozen) {
      can.push(() => {
        first.hasLock = true;
        this.feed(first, first.machine.locked(`term-${(this.#numbers += 1)}`));
      });
    }
    for (const tab of this.tabs.values()) {
      // Nothing happens in a tab that is stopped, not even what it had begun.
      if (tab.frozen) continue;
      if (tab.opening) can.push(() => this.opened(tab));
      if (tab.closing) can.push(() => this.closed(tab));
      for (const run of tab.runs) can.push(() => this.run(tab, run), "run");
      if (tab.lost?.length > 0) can.push(() => this.feed(tab, tab.machine.gone(tab.lost.shift())));
    }
    if (all.length === 0) return false;
    this.pick(all)();
    return true;
  }

  deliver(line) {
    const { to, kind, message } = this.lines.get(line).shift();
    if (this.lines.get(line).length === 0) this.lines.delete(line);
    const tab = this.tabs.get(to);
    this.feed(tab, tab.machine[kind](message));
  }

  opened(tab) {
    tab.opening = false;
    assert.equal(this.owner, undefined, "the database is opened by one tab at a time");
    if (this.isDeleted) return this.feed(tab, tab.machine.opened({ code: "storage.deleted", message: "", retryable: false }));
    this.owner = tab.id;
    this.feed(tab, tab.machine.opened());
    assert.ok(tab.machine.phase !== "leading" || !tab.isResting, "a page that is out of use does not lead");
  }

  closed(tab) {
    tab.closing = false;
    tab.runs.length = 0;
    this.owner = undefined;
    this.feed(tab, tab.machine.closed());
  }

  /** A request is carried out in two steps, between which its tab can die. */
  run(tab, run) {
    const { call } = run;
    if (!run.isApplied) {
      run.isApplied = true;
      const key = call.method === "group.send" ? call.args.options.idempotencyKey : call.args.change;
      if (key === undefined) return;
      const isThere = this.database.has(key);
      // A message of a known key is found, anything else is done again.
      if (!isThere || call.method !== "group.send") this.database.set(key, (this.database.get(key) ?? 0) + 1);
      run.key = key;
      return;
    }
    tab.runs.splice(tab.runs.indexOf(run), 1);
    this.feed(tab, tab.machine.ran(run.term, run.tab, call.id, { ok: true, result: run.key }));
    if (call.method === "client.deleteDatabase") {
      this.isDeleted = true;
      this.feed(tab, tab.machine.deleted());
    }
  }

  pass(ms) {
    this.now += ms;
    for (const tab of this.tabs.values()) if (!tab.frozen && tab.machine.needsTicks) this.feed(tab, tab.machine.tick());
  }

  /** Lets so much time pass, in which everything happens that can. */
  wait(ms) {
    this.settle();
    for (const until = this.now + ms; this.now < until; ) {
      this.pass(1_000);
      this.settle();
    }
  }

  settle() {
    for (let n = 0; n < 100_000; n += 1) {
      if (!this.step()) return;
    }
    assert.fail("the tabs never come to rest");
  }
}

function trouble(seed, steps) {
  const world = new World(seed);
  world.open();
  const useful = () => [...world.tabs.values()].filter(({ machine, fatal }) => machine.phase !== "over" && fatal === undefined);
  for (let n = 0; n < steps; n += 1) {
    const dice = world.chance();
    const tab = world.pick(useful());
    if (tab === undefined || (dice < 0.03 && world.tabs.size < 6)) world.open();
    else if (dice < 0.05) world.kill(tab);
    else if (dice < 0.06) world.ask(tab, "client.close");
    else if (dice < 0.075 && !tab.frozen) world.rest(tab);
    // Stopped without a word, whatever it was doing: with what it has accepted, with the lock, while it opens the database.
    else if (dice < 0.08) tab.frozen = true;
    else if (dice < 0.1) {
      for (const other of [...world.tabs.values()]) {
        if (other.frozen || other.isResting) world.resume(other);
      }
    } else if (dice < 0.2) world.ask(tab, "group.send", { options: {} });
    else if (dice < 0.25) world.ask(tab, "group.update", { change: `change-${n}` });
    else if (dice < 0.28) world.ask(tab, "group.messages", {});
    else if (dice < 0.3) world.pass(1_000);
    else world.step();
  }
  // Some stay stopped, the one that leads perhaps: nobody waits for them for ever.
  world.wait(2 * DEADLINE_MS);
  for (const { tab, id, method, answers } of world.asked.values()) {
    if (!tab.isKilled && !tab.frozen && !tab.isResting) assert.equal(answers.length, 1, `seed ${seed}: ${method} ${id} of ${tab.id} waits for ever`);
  }
  for (const tab of [...world.tabs.values()]) world.resume(tab);
  world.open();
  world.wait(2 * DEADLINE_MS);
  return world;
}

describe("tabs that come and go at random", () => {
  it("answer every call of a living page once, send nothing twice, and never have two owners", () => {
    let [answered, unknown] = [0, 0];
    for (let seed = 1; seed <= 200; seed += 1) {
      const world = trouble(seed, 400);
      for (const { tab, id, method, answers } of world.asked.values()) {
        const isOver = tab.isKilled || tab.fatal !== undefined || tab.machine.phase === "over";
        if (!isOver) assert.equal(answers.length, 1, `seed ${seed}: ${method} ${id} of ${tab.id} has no answer`);
        const [outcome] = answers;
        if (outcome === undefined) continue;
        answered += 1;
        if (!outcome.ok) {
          const expected = ["tabs.outcome_unknown", "tabs.no_leader", "client.closed"];
          assert.ok(expected.includes(outcome.error.code), `seed ${seed}: ${outcome.error.code}`);
          if (outcome.error.code === "tabs.outcome_unknown") unknown += 1;
        } else if (method === "group.send") assert.equal(world.database.get(outcome.result), 1, `seed ${seed}: sent once`);
      }
      for (const [key, times] of world.database) assert.equal(times, 1, `seed ${seed}: ${key} happened ${times} times`);
      const leaders = [...world.tabs.values()].filter(({ machine }) => machine.phase === "leading");
      assert.equal(leaders.length, 1, `seed ${seed}: somebody leads in the end: ${[...world.tabs.values()].map(({ id, machine, hasLock, opening, closing }) => [id, machine.phase, hasLock, opening, closing])} queue ${world.queue} owner ${world.owner}`);
    }
    assert.ok(answered > 5_000 && unknown > 50, `the runs are worth something: ${answered} answers, ${unknown} unknown`);
  });
});

describe("one tab", () => {
  const alone = () => {
    const world = new World(7);
    const tab = world.open();
    world.settle();
    return { world, tab };
  };

  it("that follows tells a call that waits too long, and the call is not made later", () => {
    const { world, tab } = alone();
    const other = world.open();
    world.settle();
    assert.equal(other.machine.phase, "following");
    tab.frozen = true;
    const read = world.ask(other, "group.messages", {});
    const change = world.ask(other, "group.update", { change: "late" });
    for (let n = 0; n < 40; n += 1) {
      world.pass(1_000);
      world.settle();
    }
    assert.equal(read.answers[0].error.code, "tabs.no_leader");
    assert.equal(read.answers[0].error.retryable, true);
    assert.equal(change.answers[0].error.code, "tabs.outcome_unknown");
    tab.frozen = false;
    world.settle();
    assert.equal(world.database.size, 0);
  });

  it("that leads and is stopped with what it has accepted keeps nobody waiting for ever", () => {
    const { world, tab } = alone();
    const other = world.open();
    world.settle();
    const calls = {
      read: world.ask(other, "group.messages", {}),
      change: world.ask(other, "group.update", { change: "begun" }),
      sent: world.ask(other, "group.send", { options: {} }),
    };
    while (tab.runs.length < 3 || world.lines.size > 0) world.step((what) => what !== "run");
    tab.frozen = true;
    world.wait(DEADLINE_MS - 2_000);
    assert.deepEqual(Object.values(calls).map(({ answers }) => answers.length), [0, 0, 0]);
    world.wait(10_000);
    const codes = Object.values(calls).map(({ answers: [{ error }] }) => [error.code, error.retryable]);
    assert.deepEqual(codes, [["tabs.no_leader", true], ["tabs.outcome_unknown", false], ["tabs.outcome_unknown", false]]);
    tab.frozen = false;
    const late = world.ask(other, "group.messages", {});
    world.settle();
    assert.equal(late.answers[0].ok, true);
    assert.deepEqual([...world.database.values()], [1, 1], "what was begun is done once, and nobody is answered twice");
  });

  it("that leads may take as long as it likes over what it has accepted, as long as it is there", () => {
    const { world, tab } = alone();
    const other = world.open();
    world.settle();
    const long = world.ask(other, "client.importArchive", { bytes: new Uint8Array(100) });
    while (tab.runs.length === 0 || world.lines.size > 0) world.step((what) => what !== "run");
    let size = 0;
    for (let n = 0; n < 300; n += 1) {
      world.pass(1_000);
      for (const messages of world.lines.values()) size += JSON.stringify(messages).length;
      while (world.lines.size > 0) world.step((what) => what === "line");
    }
    assert.equal(long.answers.length, 0);
    assert.ok(size < 300 * 200, `asking costs little: ${size} characters in five minutes`);
    world.settle();
    assert.equal(long.answers[0].ok, true);
    assert.equal(tab.machine.phase, "leading");
  });

  it("that sleeps with its machine and wakes does not take its own sleep for the leader's silence", () => {
    const { world, tab } = alone();
    const other = world.open();
    world.settle();
    const read = world.ask(other, "group.messages", {});
    while (tab.runs.length === 0 || world.lines.size > 0) world.step((what) => what !== "run");
    world.now += 8 * 3_600_000;
    world.pass(1_000);
    assert.equal(read.answers.length, 0);
    world.settle();
    assert.equal(read.answers[0].ok, true);
  });

  it("whose page rests, comes back and rests again while the database is opened does not lead", () => {
    const world = new World(7);
    const tab = world.open();
    world.step();
    assert.equal(tab.machine.phase, "opening");
    for (const event of ["rest", "resume", "rest", "rest"]) {
      if (event === "resume") world.resume(tab);
      else world.rest(tab);
    }
    const other = world.open();
    world.settle();
    assert.equal(tab.machine.phase, "away");
    assert.equal(other.machine.phase, "leading");
    world.resume(tab);
    world.settle();
    assert.equal(tab.machine.phase, "following");
    assert.deepEqual([...world.asked.values()].map(({ answers }) => answers[0]?.ok), [true, true]);
  });

  it("whose page rests before anything is asked of it seeks nothing until it is back", () => {
    const world = new World(7);
    const machine = new TabMachine("a", VERSION, () => world.now, () => "key");
    assert.deepEqual(machine.rest(), []);
    assert.deepEqual(machine.request({ id: 1, method: "client.open", args: {} }), []);
    assert.equal(machine.phase, "away");
    assert.deepEqual(machine.resume("b").map((effect) => effect.do), ["lock", "hall"]);
    machine.locked("term");
    assert.deepEqual(machine.opened().filter((effect) => effect.do === "run").map(({ call }) => call.id), [1]);
  });

  it("that is closed while its database cannot be opened is answered", () => {
    const machine = new TabMachine("a", VERSION, () => 0, () => "key");
    machine.request({ id: 1, method: "client.open", args: {} });
    machine.locked("term");
    assert.deepEqual(machine.request({ id: 2, method: "client.close" }), []);
    const effects = machine.opened({ code: "storage.corrupt", message: "", retryable: false });
    assert.deepEqual(effects.filter((effect) => effect.do === "answer").map(({ id, outcome }) => [id, outcome.ok]), [[1, false], [2, true]]);
    assert.equal(machine.phase, "over");
  });

  it("that is older steps aside for a newer one, whoever came first", () => {
    const { world, tab } = alone();
    const follower = world.open();
    world.settle();
    const newer = world.open({ ...VERSION, schema: VERSION.schema + 1 });
    world.settle();
    for (const old of [tab, follower]) assert.equal(old.fatal.code, "tabs.newer_version");
    assert.equal(newer.machine.phase, "leading");
    const late = world.open();
    world.settle();
    assert.equal([...world.asked.values()].at(-1).answers[0].error.code, "tabs.newer_version");
    assert.equal(late.machine.phase, "over");
  });

  it("that deletes the database for another one answers it, is over, and nobody makes a new one", () => {
    let overtaken = 0;
    for (let seed = 1; seed <= 200; seed += 1) {
      const world = new World(seed);
      const tab = world.open();
      world.settle();
      const [asking, third] = [world.open(), world.open()];
      world.settle();
      const deleted = world.ask(asking, "client.deleteDatabase", {});
      while (asking.fatal === undefined) assert.ok(world.step());
      if (world.lines.get(`${tab.id}>${asking.id}:mail`)?.some(({ message }) => message.type === "answer")) overtaken += 1;
      world.settle();
      assert.deepEqual(deleted.answers, [{ ok: true, result: undefined }], `seed ${seed}`);
      for (const each of [tab, asking, third]) {
        assert.equal(each.machine.phase, "over");
        assert.equal(each.fatal.code, "storage.deleted");
      }
      assert.deepEqual([world.owner, world.queue], [undefined, []]);
    }
    assert.ok(overtaken > 5, `the lock comes before the answer in some: ${overtaken}`);
  });

  it("that has closed the database is believed all the same, if its answer comes before there is another leader", () => {
    const { world, tab } = alone();
    const other = world.open();
    world.settle();
    const change = world.ask(other, "group.update", { change: "just in time" });
    while (tab.runs.length === 0) assert.ok(world.step());
    const isAnswer = ([line, [{ message }]]) => line === `${tab.id}>${other.id}:mail` && message.type === "answer";
    while (![...world.lines].some(isAnswer)) assert.ok(world.step());
    world.ask(tab, "client.close");
    while (other.machine.phase !== "opening") assert.ok(world.step((what) => what !== "line"));
    world.settle();
    assert.deepEqual(change.answers, [{ ok: true, result: "just in time" }]);
    assert.equal(other.machine.phase, "leading");
    assert.equal(world.database.get("just in time"), 1);
  });

  it("that leads lets a request of another tab finish before it closes", () => {
    const { world, tab } = alone();
    const other = world.open();
    world.settle();
    const change = world.ask(other, "group.update", { change: "just in time" });
    while (tab.runs.length === 0) world.step();
    world.ask(tab, "client.close");
    world.settle();
    assert.deepEqual(change.answers, [{ ok: true, result: "just in time" }]);
    assert.equal(other.machine.phase, "leading");
  });
});

describe("requests", () => {
  it("to send get a key, unless the app gave one, and may then be repeated", () => {
    const call = { id: 1, method: "group.sendContent", args: { groupId: "a", options: {} } };
    assert.equal(mayRepeat(call), false);
    const keyed = withKey(call, () => "k");
    assert.deepEqual([keyed.args.options, mayRepeat(keyed)], [{ idempotencyKey: "k" }, true]);
    assert.deepEqual(call.args.options, {});
    const own = { ...call, args: { options: { idempotencyKey: "mine" } } };
    assert.equal(withKey(own, () => "k"), own);
  });

  it("that others could have answered meanwhile are not repeated", () => {
    for (const method of ["group.addMembers", "group.update", "conversations.createGroup", "group.updateConsentState", "what.nobody.knows"]) {
      assert.equal(mayRepeat({ id: 1, method, args: {} }), false, method);
    }
  });

  it("are each safe to repeat, or so by their key, or known to change what others may have changed meanwhile", () => {
    const changes = new Set([
      "client.clearCallCounts", "client.applySignatureRequest", "client.rekey", "client.deleteDatabase", "client.close",
      "client.sendSyncRequest", "client.sendSyncArchive",
      "conversations.createGroup", "conversations.createGroupWithAddresses", "conversations.createGroupOptimistic",
      "group.removeMessage", "group.requestRemoval", "group.resend", "group.discard", "group.addMembers", "group.addMembersByAddress",
      "group.removeMembers", "group.removeMembersByAddress", "group.update", "group.updatePermission", "group.updateDisappearing",
      "group.setMinimumVersion", "group.changeRole", "group.updateConsentState",
      "preferences.setConsentStates", "preferences.importConsent", "preferences.publishConsentList", "preferences.setIdentityKey",
      // Of one page and its own worker.
      "client.network", "tabs.rest", "tabs.resume",
    ]);
    const rpc = readFileSync(new URL("../../pkg-template/src/rpc.ts", import.meta.url), "utf8");
    const [, requests] = /export interface Requests \{\n([^]*?)\n\}/.exec(rpc);
    const methods = [...requests.matchAll(/^  "([a-z]+\.\w+)":/gm)].map(([, method]) => method);
    assert.ok(methods.length > 90, "the requests are not found any more");
    // Never another tab's: no client is asked, or none that is open.
    const shared = methods.filter((method) => !/^(tools|directory|opfs)\./.test(method));
    for (const method of shared) {
      const isKeyed = mayRepeat({ id: 1, method, args: { options: { idempotencyKey: "k" } } }) && !mayRepeat({ id: 1, method, args: { options: {} } });
      const classes = [isRepeatable({ id: 1, method, args: {} }), isKeyed, changes.has(method)];
      assert.equal(classes.filter(Boolean).length, 1, `${method} belongs to one of REPEATABLE and KEYED (pkg-template/src/tabs/protocol.ts) or to the changes here`);
    }
    for (const method of changes) assert.ok(shared.includes(method), `there is no "${method}" any more`);
  });

  it("have keys that never come twice", () => {
    const keys = Array.from({ length: 2_000 }, newMessageKey);
    assert.equal(new Set(keys).size, keys.length);
    for (const key of keys) assert.match(key, /^\d{19}$/);
  });
});

describe("what other tabs say", () => {
  const good = [
    [isHallMessage, { type: "here", from: "a", version: VERSION }],
    [isHallMessage, { type: "leader", from: "a", term: "t", version: VERSION }],
    [isHallMessage, { type: "resigned", from: "a", term: "t" }],
    [isMailMessage, { type: "request", from: "a", term: "t", call: { id: 1, method: "x", args: undefined }, expiresAt: 1 }],
    [isMailMessage, { type: "answer", term: "t", id: 1, outcome: { ok: true, result: undefined } }],
    [isMailMessage, { type: "ack", from: "a", term: "t", id: 1 }],
    [isMailMessage, { type: "leave", from: "a", term: "t" }],
  ];

  it("is taken in the forms of this version and in no other", () => {
    for (const [check, message] of good) {
      assert.ok(check(message), JSON.stringify(message));
      for (const field of Object.keys(message)) {
        const { [field]: _, ...rest } = message;
        assert.ok(!check(rest), `${message.type} without ${field}`);
        assert.ok(!check({ ...message, [field]: null }), `${message.type} with no ${field}`);
      }
      for (const nothing of [undefined, null, 1, "here", [], {}]) assert.ok(!check(nothing));
    }
  });

  it("is a new key of 32 bytes, or that there is none of the app's own any more", () => {
    assert.ok(isRekeyed({ type: "rekeyed", dbEncryptionKey: new Uint8Array(32) }));
    assert.ok(isRekeyed({ type: "rekeyed", dbEncryptionKey: undefined }));
    const wrong = [undefined, null, "rekeyed", {}, { type: "here" }, { type: "rekeyed", dbEncryptionKey: new Uint8Array(31) }, { type: "rekeyed", dbEncryptionKey: "key" }];
    for (const message of wrong) assert.ok(!isRekeyed(message));
  });
});

describe("versions", () => {
  it("are those of the newest migration", () => {
    const files = readdirSync(new URL("../../src/storage/schema/", import.meta.url));
    const numbers = files.flatMap((file) => (/^V(\d+)__/.exec(file) ? [Number(/^V(\d+)__/.exec(file)[1])] : []));
    assert.equal(VERSION.schema, Math.max(...numbers), "a migration was added: set schema in pkg-template/src/tabs/protocol.ts");
  });

  it("compare by schema first", () => {
    assert.ok(isNewer({ schema: 2, protocol: 1 }, { schema: 1, protocol: 9 }));
    assert.ok(isNewer({ schema: 2, protocol: 2 }, { schema: 2, protocol: 1 }));
    assert.ok(!isNewer(VERSION, VERSION));
  });
});
