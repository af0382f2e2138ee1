//! Rules that can be left out, one at a time, to prove that tests notice. Only with the feature `broken-rules`, which
//! no build that is used has: without it every rule is kept, and none of this is in the module.

/// A rule as `docs/VALIDATION.md` numbers it; the parts of rule 12 by what they forbid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// 2, of the context after a commit.
    Extensions,
    /// 3.
    Lengths,
    /// 7.
    SequenceIds,
    /// 8.
    InstallationsAdded,
    /// 9.
    InstallationsRemoved,
    /// 10: that it takes a super admin.
    AddingAgain,
    /// 11, of installations.
    Subjects,
    /// 12.
    AddMembers,
    /// 12.
    RemoveMembers,
    /// 12.
    Fields,
    /// 12.
    AddAdmins,
    /// 12.
    RemoveAdmins,
    /// Fixed: super admins are made and unmade by super admins.
    SuperAdmins,
    /// Fixed: one super admin remains.
    LastSuperAdmin,
    /// Fixed: no super admin is removed from the group.
    SuperAdminsStay,
    /// Fixed: permissions are changed by super admins.
    Permissions,
    /// 13, of what is no version.
    Version,
}

#[cfg(feature = "broken-rules")]
mod switch {
    use std::cell::Cell;

    use super::Rule;

    thread_local! {
        static LEFT_OUT: Cell<Option<Rule>> = const { Cell::new(None) };
    }

    /// Leaves a rule out in this thread, or none.
    pub fn leave_out(rule: Option<Rule>) {
        LEFT_OUT.set(rule);
    }

    pub(in super::super) fn is_kept(rule: Rule) -> bool {
        LEFT_OUT.get() != Some(rule)
    }
}

#[cfg(not(feature = "broken-rules"))]
mod switch {
    pub(in super::super) const fn is_kept(_: super::Rule) -> bool {
        true
    }
}

pub(super) use switch::is_kept;
#[cfg(feature = "broken-rules")]
pub use switch::leave_out;
