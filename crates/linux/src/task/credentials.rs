//! Users, groups and capabilities of a thread (`credentials(7)`).

use alloc::vec::Vec;

/// All capabilities that there are: 41.
pub const ALL_CAPABILITIES: u64 = (1 << 41) - 1;

/// Who a thread acts as.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Credentials {
    pub uid: u32,
    pub euid: u32,
    pub suid: u32,
    pub fsuid: u32,
    pub gid: u32,
    pub egid: u32,
    pub sgid: u32,
    pub fsgid: u32,
    pub groups: Vec<u32>,
    pub effective: u64,
    pub permitted: u64,
    pub inheritable: u64,
}

impl Credentials {
    /// Those of a user; root has all capabilities.
    pub fn new(uid: u32, gid: u32) -> Credentials {
        let all = if uid == 0 { ALL_CAPABILITIES } else { 0 };
        Credentials {
            uid,
            euid: uid,
            suid: uid,
            fsuid: uid,
            gid,
            egid: gid,
            sgid: gid,
            fsgid: gid,
            groups: Vec::new(),
            effective: all,
            permitted: all,
            inheritable: 0,
        }
    }

    /// Whether permissions do not bind: the effective user is root.
    pub fn is_root(&self) -> bool {
        self.euid == 0
    }

    /// Whether a group's permissions hold.
    pub fn in_group(&self, gid: u32) -> bool {
        self.fsgid == gid || self.groups.contains(&gid)
    }
}
