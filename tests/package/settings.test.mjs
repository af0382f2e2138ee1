// What the page side decides about settings of groups by itself, on the built package: no worker, no node.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as api from "../../pkg/index.js";
import { checkNewPermissions, checkPermissionUpdate } from "../../pkg/permissions.js";
import { checkDisappearing } from "../../pkg/settings.js";

const { GroupPermissionsOptions, MetadataField, PermissionPolicy, PermissionUpdateType } = api;
const code = (expected) => (error) => error instanceof api.XmtpError && error.code === expected;

const POLICIES = {
  addMemberPolicy: PermissionPolicy.Allow,
  removeMemberPolicy: PermissionPolicy.Admin,
  addAdminPolicy: PermissionPolicy.SuperAdmin,
  removeAdminPolicy: PermissionPolicy.SuperAdmin,
  updateGroupNamePolicy: PermissionPolicy.Allow,
  updateGroupDescriptionPolicy: PermissionPolicy.Deny,
  updateGroupImageUrlSquarePolicy: PermissionPolicy.Admin,
  updateMessageDisappearingPolicy: PermissionPolicy.Admin,
  updateAppDataPolicy: PermissionPolicy.Allow,
};

describe("permissions", () => {
  it("have the numbers of the package this one follows", () => {
    const names = (of) => Object.keys(of).filter((name) => Number.isNaN(Number(name)));
    assert.deepEqual(names(PermissionUpdateType), ["AddMember", "RemoveMember", "AddAdmin", "RemoveAdmin", "UpdateMetadata"]);
    assert.deepEqual(names(PermissionPolicy), ["Allow", "Deny", "Admin", "SuperAdmin", "DoesNotExist", "Other"]);
    assert.deepEqual(names(MetadataField), [
      "AppData", "Description", "GroupName", "GroupImageUrlSquare", "MessageExpirationFromNs", "MessageExpirationInNs",
    ]);
    for (const of of [PermissionUpdateType, PermissionPolicy, MetadataField]) {
      assert.deepEqual(names(of).map((name) => of[name]), names(of).map((_, index) => index));
    }
  });

  it("name metadata fields as the network does", async () => {
    const fields = [0, 1, 2, 3, 4, 5];
    assert.deepEqual(await Promise.all(fields.map(api.metadataFieldName)), [
      "app_data", "description", "group_name", "group_image_url_square", "message_disappear_from_ns",
      "message_disappear_in_ns",
    ]);
    await assert.rejects(api.metadataFieldName(6), code("argument.unsupported"));
  });

  it("change by a type, a policy and, for metadata alone, a field", () => {
    const { AddAdmin, AddMember, RemoveAdmin, UpdateMetadata } = PermissionUpdateType;
    checkPermissionUpdate(AddMember, PermissionPolicy.Allow, undefined);
    checkPermissionUpdate(UpdateMetadata, PermissionPolicy.Deny, MetadataField.GroupName);
    const invalid = [
      [UpdateMetadata, PermissionPolicy.Deny, undefined],
      [AddMember, PermissionPolicy.Deny, MetadataField.GroupName],
      ["AddMember", PermissionPolicy.Deny, undefined],
      [AddMember, "Deny", undefined],
    ];
    for (const change of invalid) assert.throws(() => checkPermissionUpdate(...change), code("argument.invalid"), String(change));
    const unsupported = [
      [5, PermissionPolicy.Deny, undefined],
      [AddMember, PermissionPolicy.DoesNotExist, undefined],
      [AddMember, PermissionPolicy.Other, undefined],
      [AddMember, 0.5, undefined],
      [UpdateMetadata, PermissionPolicy.Deny, 6],
      [AddAdmin, PermissionPolicy.Allow, undefined],
      [RemoveAdmin, PermissionPolicy.Allow, undefined],
    ];
    for (const change of unsupported) {
      assert.throws(() => checkPermissionUpdate(...change), code("argument.unsupported"), String(change));
    }
  });

  it("of a new group are a preset, or a whole set that can be kept", () => {
    const { AdminOnly, CustomPolicy, Default } = GroupPermissionsOptions;
    checkNewPermissions({});
    checkNewPermissions({ permissions: AdminOnly });
    checkNewPermissions({ permissions: CustomPolicy, customPermissionPolicySet: POLICIES });
    const invalid = [
      { permissions: CustomPolicy },
      { permissions: Default, customPermissionPolicySet: POLICIES },
      { customPermissionPolicySet: POLICIES },
      { permissions: CustomPolicy, customPermissionPolicySet: { ...POLICIES, addMemberPolicy: undefined } },
      { permissions: CustomPolicy, customPermissionPolicySet: "all" },
    ];
    for (const options of invalid) assert.throws(() => checkNewPermissions(options), code("argument.invalid"));
    const unsupported = [
      { ...POLICIES, addAdminPolicy: PermissionPolicy.Allow },
      { ...POLICIES, updateAppDataPolicy: PermissionPolicy.DoesNotExist },
      { ...POLICIES, updateColourPolicy: PermissionPolicy.Allow },
    ];
    for (const customPermissionPolicySet of unsupported) {
      const options = { permissions: CustomPolicy, customPermissionPolicySet };
      assert.throws(() => checkNewPermissions(options), code("argument.unsupported"));
    }
  });
});

describe("disappearing messages", () => {
  it("take nanoseconds as bigints of at least 0", () => {
    checkDisappearing(undefined);
    checkDisappearing({ fromNs: 0n, inNs: (1n << 63n) - 1n });
    const invalid = [{ fromNs: 1, inNs: 1n }, { fromNs: 1n }, { fromNs: -1n, inNs: 1n }, { fromNs: 1n, inNs: 1n << 63n }, 5];
    for (const settings of invalid) assert.throws(() => checkDisappearing(settings), code("argument.invalid"));
    assert.throws(() => checkDisappearing({ fromNs: 1n, inNs: 1n, forNs: 1n }), code("argument.unsupported"));
  });
});
