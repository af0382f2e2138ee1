/** What is decided about a group: how long messages stay, who may do what, and the oldest app that may take part. */
import { MetadataField, PermissionPolicy, PermissionUpdateType, type PermissionPolicySet } from "xmtp-web";
import type { Chat, Conversation, GroupConversation } from "./chat.js";
import { duration } from "./describe.js";
import { h } from "./dom.js";
import { explain } from "./explain.js";
import { lets } from "./members.js";

interface Rule {
  id: string;
  label: string;
  policy: keyof PermissionPolicySet;
  type: PermissionUpdateType;
  /** Each has a rule of its own. */
  fields?: MetadataField[];
  /** Admins are not named by everybody. */
  ofAdmins?: boolean;
}

const RULES: readonly Rule[] = [
  { id: "add", label: "Add people", policy: "addMemberPolicy", type: PermissionUpdateType.AddMember },
  { id: "remove", label: "Remove people", policy: "removeMemberPolicy", type: PermissionUpdateType.RemoveMember },
  { id: "rename", label: "Change the name", policy: "updateGroupNamePolicy", type: PermissionUpdateType.UpdateMetadata, fields: [MetadataField.GroupName] },
  { id: "describe", label: "Change the description", policy: "updateGroupDescriptionPolicy", type: PermissionUpdateType.UpdateMetadata, fields: [MetadataField.Description] },
  { id: "disappearing", label: "Let messages disappear", policy: "updateMessageDisappearingPolicy", type: PermissionUpdateType.UpdateMetadata, fields: [MetadataField.MessageExpirationFromNs, MetadataField.MessageExpirationInNs] },
  { id: "admins", label: "Name admins", policy: "addAdminPolicy", type: PermissionUpdateType.AddAdmin, ofAdmins: true },
  { id: "unadmin", label: "Take admin away", policy: "removeAdminPolicy", type: PermissionUpdateType.RemoveAdmin, ofAdmins: true },
];

const WHO: readonly [PermissionPolicy, string][] = [
  [PermissionPolicy.Allow, "Everybody"],
  [PermissionPolicy.Admin, "Admins"],
  [PermissionPolicy.SuperAdmin, "Super admins"],
  [PermissionPolicy.Deny, "Nobody"],
];

const SECOND = 1_000_000_000n;
/** After how long messages can disappear, nanoseconds; 0n: they stay. */
const TIMES: readonly bigint[] = [0n, 60n * SECOND, 3_600n * SECOND, 86_400n * SECOND, 604_800n * SECOND, 2_419_200n * SECOND];

/** Runs a change behind a control, and shows the reason when it fails. */
export type Change = (control: HTMLButtonElement | HTMLSelectElement, work: () => Promise<void>) => Promise<boolean>;

/** Filled once the group's rules are read. */
export function settings(chat: Chat, conversation: GroupConversation, change: Change): HTMLElement {
  const section = h("section", { class: "settings", "aria-label": "Group settings", "data-testid": "settings" });
  void fill(section, chat, conversation, change).catch((error: unknown) => {
    section.replaceChildren(h("p", { class: "problem" }, explain(error)));
  });
  return section;
}

async function fill(section: HTMLElement, chat: Chat, conversation: GroupConversation, change: Change): Promise<void> {
  const { group } = conversation;
  const { policySet } = await group.permissions();
  const minimum = await group.minimumSupportedProtocolVersion();
  const mayChange = conversation.active && group.superAdmins.includes(chat.client.inboxId);
  const mayTime = conversation.active && lets(policySet.updateMessageDisappearingPolicy, chat.ownLevel(conversation));
  section.replaceChildren(
    h("h3", {}, "Disappearing messages"),
    timeRow(mayTime, conversation, change),
    h("h3", {}, "Who may"),
    !mayChange ? h("p", { class: "note" }, "Super admins of the group decide about this.") : "",
    ...RULES.map((rule) => ruleRow(rule, policySet[rule.policy], mayChange, conversation, change)),
    h("h3", {}, "Oldest app"),
    versionRow(minimum, mayChange, chat, conversation, change),
  );
}

function ruleRow(rule: Rule, now: PermissionPolicy, mayChange: boolean, { group }: GroupConversation, change: Change): HTMLElement {
  const id = `rule-${rule.id}`;
  const choices = WHO.filter(([policy]) => !(rule.ofAdmins && policy === PermissionPolicy.Allow));
  const known = choices.some(([policy]) => policy === now);
  const select = h(
    "select",
    { id, "data-testid": id, disabled: !mayChange },
    !known && h("option", { value: String(now), selected: true }, "A rule of its own"),
    ...choices.map(([policy, label]) => h("option", { value: String(policy), selected: policy === now }, label)),
  );
  let last = String(now);
  select.addEventListener("change", () => {
    const work = async (): Promise<void> => {
      for (const field of rule.fields ?? [undefined]) await group.updatePermission(rule.type, Number(select.value), field);
    };
    void change(select, work).then((done) => {
      if (done) last = select.value;
      else select.value = last;
    });
  });
  return h("div", { class: "setting" }, h("label", { for: id }, rule.label), select);
}

/** How long messages stay, with a choice. */
export function timeRow(mayChange: boolean, conversation: Conversation, change: Change): HTMLElement {
  const { group, disappearsAfterNs: now } = conversation;
  const choices = TIMES.includes(now) ? TIMES : [now, ...TIMES];
  const select = h(
    "select",
    { id: "disappearing", "data-testid": "disappearing", disabled: !mayChange },
    ...choices.map((ns) => h("option", { value: String(ns), selected: ns === now }, ns === 0n ? "Never" : `After ${duration(ns)}`)),
  );
  let last = String(now);
  select.addEventListener("change", () => {
    const ns = BigInt(select.value);
    const work = (): Promise<void> =>
      ns === 0n ? group.removeMessageDisappearingSettings() : group.updateMessageDisappearingSettings(BigInt(Date.now()) * 1_000_000n, ns);
    void change(select, work).then((done) => {
      if (done) last = select.value;
      else select.value = last;
    });
  });
  return h(
    "div",
    {},
    h("div", { class: "setting" }, h("label", { for: "disappearing" }, "Messages go"), select),
    h("p", { class: "note" }, "Counts for what is written from now on, and for the apps of all members that know how."),
  );
}

function versionRow(minimum: string | undefined, mayChange: boolean, chat: Chat, { group }: GroupConversation, change: Change): HTMLElement {
  const own = chat.client.libxmtpVersion;
  const input = h("input", { id: "minimum-version", type: "text", value: minimum ?? "", placeholder: own, autocomplete: "off", spellcheck: "false", "data-testid": "minimum-version", disabled: !mayChange });
  const save = h("button", { class: "button", type: "submit", "data-testid": "minimum-version-save" }, "Require");
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    void change(save, () => group.setMinimumSupportedProtocolVersion(input.value.trim() || own));
  };
  return h(
    "form",
    { class: "inline-form", onsubmit: submit },
    h("label", { for: "minimum-version" }, "Protocol version everybody needs"),
    mayChange ? h("div", { class: "inline" }, input, save) : input,
    h("p", { class: "note" }, `Who has an older app stops here until they update. It cannot be lowered again. Yours is ${own}.`),
  );
}
