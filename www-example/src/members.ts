/** Who is in a group, with their roles, and what may be done about them. */
import { PermissionLevel, PermissionPolicy, type GroupMember, type PermissionPolicySet } from "xmtp-web";
import type { Chat, GroupConversation } from "./chat.js";
import { confirmDialog } from "./dialog.js";
import { avatar, copy, h, initials, shortAddress } from "./dom.js";
import { menuButton, type MenuItem } from "./menu.js";

const ROLES: Record<PermissionLevel, string> = {
  [PermissionLevel.Member]: "",
  [PermissionLevel.Admin]: "Admin",
  [PermissionLevel.SuperAdmin]: "Super admin",
};

/** Whether a rule lets somebody. Rules this page does not know are left to the client, which says no. */
export function lets(policy: PermissionPolicy, level: PermissionLevel): boolean {
  if (policy === PermissionPolicy.Deny) return false;
  if (policy === PermissionPolicy.Admin) return level !== PermissionLevel.Member;
  if (policy === PermissionPolicy.SuperAdmin) return level === PermissionLevel.SuperAdmin;
  return true;
}

/** Runs a change of a group and draws it anew; answers whether it was made. */
export type Act = (work: () => Promise<void>) => Promise<boolean>;

export function memberRow(chat: Chat, conversation: GroupConversation, member: GroupMember, rules: PermissionPolicySet | undefined, act: Act): HTMLElement {
  const address = member.accountIdentifiers[0]?.identifier ?? member.inboxId;
  const own = member.inboxId === chat.client.inboxId;
  const label = chat.nameOf(member.inboxId);
  const role = ROLES[member.permissionLevel];
  const copyItem = { id: "member-copy", label: "Copy address", run: () => void copy(address, "Address") };
  const items = rules && conversation.active ? actions(chat, conversation, member, rules, act) : [];
  const [danger, harmless] = [items.filter((item) => item.danger), items.filter((item) => !item.danger)];
  return h(
    "li",
    { class: "member", "data-testid": "member", "data-inbox": member.inboxId },
    avatar(member.inboxId, initials(own ? address : label), true),
    h("span", { class: "member-text" }, own && h("span", {}, "You"), h("code", {}, shortAddress(address))),
    role !== "" && h("span", { class: "role", "data-testid": "role" }, role),
    menuButton(own ? "What you can do" : `What you can do about ${label}`, "member-menu", [...harmless, copyItem, ...danger]),
  );
}

function actions(chat: Chat, conversation: GroupConversation, member: GroupMember, rules: PermissionPolicySet, act: Act): MenuItem[] {
  const { group, members } = conversation;
  const { inboxId, permissionLevel: theirs } = member;
  const own = chat.ownLevel(conversation);
  const self = inboxId === chat.client.inboxId;
  const superAdmin = own === PermissionLevel.SuperAdmin;
  const items: MenuItem[] = [];
  const offer = (when: boolean, id: string, label: string, work: () => Promise<void>): void => {
    if (when) items.push({ id, label, run: () => void act(work) });
  };
  offer(!self && theirs === PermissionLevel.Member && lets(rules.addAdminPolicy, own), "make-admin", "Make admin", () => group.addAdmin(inboxId));
  offer(!self && superAdmin && theirs !== PermissionLevel.SuperAdmin, "make-super-admin", "Make super admin", () => group.addSuperAdmin(inboxId));
  offer(theirs === PermissionLevel.Admin && lets(rules.removeAdminPolicy, own), "remove-admin", "Make a member again", () => group.removeAdmin(inboxId));
  const others = members.some((each) => each.inboxId !== inboxId && each.permissionLevel === PermissionLevel.SuperAdmin);
  offer(superAdmin && theirs === PermissionLevel.SuperAdmin && others, "remove-super-admin", self ? "Give up super admin" : "Take super admin away", () =>
    group.removeSuperAdmin(inboxId),
  );
  if (!self && theirs !== PermissionLevel.SuperAdmin && lets(rules.removeMemberPolicy, own)) {
    const name = chat.nameOf(inboxId);
    const ask = (): void =>
      confirmDialog({
        title: `Remove ${name}?`,
        text: "They read nothing that is written from now on. What they have read stays with them.",
        yes: "Remove",
        no: "Keep them",
        testId: "remove-member-dialog",
        confirmId: "confirm-remove-member",
        work: async () => void (await act(() => group.removeMembers([inboxId]))),
      });
    items.push({ id: "remove-member", label: "Remove from the group", danger: true, run: ask });
  }
  return items;
}
